//! A plugin that was built against the draft of 0.2.0, as the rehearsal has it: a field is a record of another shape.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `paint` | a word | null |
//! | `colour` | | the word, or null |
//! | `paint-first` | a word | null, after giving it to the field of the plugin `first` |
//! | `colour-of-first` | | the field of the plugin `first`, with all that the record says |
//! | `paint-mixed` | a word | what the host says to a name that has the plugin in it |
//!
//! The route `page` and `paint` and `colour`, which is what this plugin's field has, are those of all three. How the component
//! that tests use was built is said in `tests/rehearsal/README.md`.

#[path = "../../first/src/common.rs"]
mod common;

wit_bindgen::generate!({
    path: ["../../wit-0.2.0-draft", "wit"],
    world: "guest:draft/draft",
    generate_all,
});

use common::{FIELD, ID, TYPE};
use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::health;
use exports::goatherd::plugin::route_handler::{self, Request, Response};
use goatherd::plugin::custom_field_types::Field;
use goatherd::plugin::types::Error;
use goatherd::plugin::{custom_fields_read, custom_fields_write};

/// The plugin whose field it uses too.
const OTHER: &str = "first";

struct Draft;

export!(Draft);

impl Guest for Draft {
    fn register() -> Registration {
        common::registration("draft")
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let paint = |plugin: Option<&str>, name: String| {
            let field = Field {
                plugin: plugin.map(Into::into),
                name,
                value: common::word(&args),
            };
            custom_fields_write::set(TYPE, ID, &[field]).map(|()| "null".into())
        };
        match function.as_str() {
            "paint" => paint(None, FIELD.into()),
            "paint-first" => paint(Some(OTHER), FIELD.into()),
            "paint-mixed" => paint(None, format!("{OTHER}:{FIELD}")),
            "colour" => Ok(common::shown(get(FIELD.into())?.value)),
            "colour-of-first" => {
                let field = get(format!("{OTHER}:{FIELD}"))?;
                let plugin = field.plugin.unwrap_or_default();
                Ok(format!(
                    "{{\"plugin\": \"{plugin}\", \"name\": \"{}\", \"value\": {}}}",
                    field.name,
                    common::shown(field.value)
                ))
            }
            _ => Err(common::unknown(&function)),
        }
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl route_handler::Guest for Draft {
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        Ok(common::answer("draft", &handler, &request))
    }
}

impl health::Guest for Draft {
    fn report() -> Result<String, Error> {
        Err(Error::Unavailable("a draft is never well".into()))
    }
}

fn get(name: String) -> Result<Field, Error> {
    let mut fields = custom_fields_read::get(TYPE, ID, &[name])?;
    let field = fields.pop();
    field.ok_or_else(|| Error::NotFound("no field was given".into()))
}

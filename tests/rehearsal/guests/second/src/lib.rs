//! A plugin that was built against 0.1.1, as the rehearsal has it: it uses what 0.1.0 has not.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `paint` | a word | null |
//! | `colour` | | the word, or null |
//! | `callers` | | what `context.callers` says, as a list |
//!
//! The route `page` and `paint` and `colour`, which is what this plugin's field has, are those of all three. How the component
//! that tests use was built is said in `tests/rehearsal/README.md`.

#[path = "../../first/src/common.rs"]
mod common;

wit_bindgen::generate!({
    path: ["../../wit-0.1.1", "wit"],
    world: "guest:second/second",
    generate_all,
});

use common::{FIELD, ID, TYPE};
use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::health;
use exports::goatherd::plugin::route_handler::{self, Request, Response};
use goatherd::plugin::custom_field_types::{Field, FieldValue};
use goatherd::plugin::types::Error;
use goatherd::plugin::{context, custom_fields_read, custom_fields_write};

struct Second;

export!(Second);

impl Guest for Second {
    fn register() -> Registration {
        common::registration("second")
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        Ok(match function.as_str() {
            "paint" => {
                custom_fields_write::set(TYPE, ID, &[field(common::word(&args))])?;
                "null".into()
            }
            "colour" => {
                let mut fields = custom_fields_read::get(TYPE, ID, &[FIELD.into()])?;
                common::shown(fields.pop().and_then(|field| field.value))
            }
            "callers" => format!("{:?}", context::callers()),
            _ => return Err(common::unknown(&function)),
        })
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl route_handler::Guest for Second {
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        Ok(common::answer("second", &handler, &request))
    }
}

impl health::Guest for Second {
    fn report() -> Result<String, Error> {
        Ok(format!("well, in {}", context::language()))
    }
}

fn field(value: Option<FieldValue>) -> Field {
    Field {
        name: FIELD.into(),
        value,
    }
}

//! A plugin that was built against 0.1.0.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `paint` | a word | null |
//! | `colour` | | the word, or null |
//!
//! The route `page` and `paint` and `colour`, which is what this plugin's field has, are those of all three. How the component
//! that tests use was built is said in `tests/rehearsal/README.md`.

mod common;

wit_bindgen::generate!({
    path: ["../../../../wit", "wit"],
    world: "guest:first/first",
    generate_all,
});

use common::{FIELD, ID, TYPE};
use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::route_handler::{self, Request, Response};
use goatherd::plugin::custom_field_types::{Field, FieldValue};
use goatherd::plugin::types::Error;
use goatherd::plugin::{custom_fields_read, custom_fields_write};

struct First;

export!(First);

impl Guest for First {
    fn register() -> Registration {
        common::registration("first")
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
            _ => return Err(common::unknown(&function)),
        })
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl route_handler::Guest for First {
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        Ok(common::answer("first", &handler, &request))
    }
}

fn field(value: Option<FieldValue>) -> Field {
    Field {
        name: FIELD.into(),
        value,
    }
}

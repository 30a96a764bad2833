//! A plugin with custom fields of every type, whose `call` with the name of a host function calls that function and
//! returns what it returned. Errors of the host pass through unchanged.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `get` | `{"type", "id", "fields": [name]}` | `{name: value}` in order |
//! | `query` | `{"type", "filters": [[field, condition, argument]]}` | `[id]` |
//! | `set` | `{"type", "id", "values": [[name, value]]}` | `null` |
//! | `apply` | `{"type", "id", "changes": [[field, operation, argument]]}` | `{name: value}` |
//!
//! A value is null or an object with the name of its type: `{"text": "a"}`, `{"choices": ["a"]}`, `{"point": [48.2, 16.4]}`,
//! `{"polygon": [[0, 0], [0, 1], [1, 0]]}`, `{"address": {"city": "Wien", "location": [48.2, 16.4]}}`. A degree can also be
//! `"NaN"`, `"inf"` or `"-inf"`. `near` takes `[latitude, longitude, radius or null]`.
//!
//! Right behind the text `GOATHERD-FIELDS:` stand twelve chars that a test can change: the plugin's name, filled up with
//! blanks, and behind a `;` how it registers: `a` as ever, `b` with the field `number` as a text, `c` with an expression
//! that is too large, `d` with no field at all.

mod change;
#[allow(dead_code, reason = "it serves other guests too")]
#[path = "../../probe/src/json.rs"]
mod json;
mod query;
mod register;
mod value;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-fields/probe-fields",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::custom_field_types::Field;
use goatherd::plugin::types::Error;
use goatherd::plugin::{custom_fields_read, custom_fields_write};
use serde_json::{Map, Value};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        register::registration()
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let entity_type = json::text(&args, "type")?;
        let id = args["id"].as_i64().unwrap_or_default();
        let result = match function.as_str() {
            "get" => {
                let names = json::list(&args, "fields")?.iter();
                let names: Vec<String> = names
                    .map(|name| name.as_str().unwrap_or_default().to_owned())
                    .collect();
                fields(custom_fields_read::get(entity_type, id, &names)?)
            }
            "query" => {
                let filters = json::list(&args, "filters")?.iter().map(query::filter);
                let filters: Vec<_> = filters.collect::<Result<_, _>>()?;
                custom_fields_read::query(entity_type, &filters)?.into()
            }
            "set" => {
                let values = json::list(&args, "values")?.iter().map(field);
                let values: Vec<_> = values.collect::<Result<_, _>>()?;
                custom_fields_write::set(entity_type, id, &values)?;
                Value::Null
            }
            "apply" => {
                let changes = json::list(&args, "changes")?.iter().map(change::change);
                let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
                fields(custom_fields_write::apply(entity_type, id, &changes)?)
            }
            _ => {
                return Err(Error::NotFound(format!(
                    "probe-fields has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn field(pair: &Value) -> Result<Field, Error> {
    Ok(Field {
        name: pair[0].as_str().unwrap_or_default().to_owned(),
        value: value::optional(&pair[1])?,
    })
}

fn fields(fields: Vec<Field>) -> Value {
    let pairs = fields.into_iter().map(|field| {
        let value = field.value.map_or(Value::Null, value::to_json);
        (field.name, value)
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}

export!(Probe);

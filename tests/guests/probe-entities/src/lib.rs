//! A plugin that deletes and restores what its caller names, and takes part in no deletion. Errors of the host pass
//! through unchanged.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `recycle-bin` | `{"type"}` | a list of `{"type", "id", "deleted_at_ms", "deleted_by", "reason", "expires_at_ms"}` |
//! | `soft-delete` | `{"type", "id", "reason"}`; the reason is text or `{"bytes": N}` for N letters | `null` |
//! | `restore` | `{"type", "id"}` | `null` |
//! | `hard-delete` | as `soft-delete` | `null` |

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-entities/probe-entities",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::Error;
use goatherd::plugin::{entities_purge, entities_read, entities_write};
use serde_json::{Value, json};

use crate::json::{number, text, wrong};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-entities".into(),
            version: "0.1.0".into(),
            description: Some("Deletes and restores what its caller names".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let of = text(&args, "type")?;
        let result = match function.as_str() {
            "recycle-bin" => entities_read::recycle_bin(of)?
                .into_iter()
                .map(|entity| {
                    json!({
                        "type": entity.entity_type,
                        "id": entity.id,
                        "deleted_at_ms": entity.deleted_at_ms,
                        "deleted_by": entity.deleted_by,
                        "reason": entity.reason,
                        "expires_at_ms": entity.expires_at_ms,
                    })
                })
                .collect(),
            "soft-delete" => {
                entities_write::soft_delete(of, id(&args)?, &reason(&args)?)?;
                Value::Null
            }
            "restore" => {
                entities_write::restore(of, id(&args)?)?;
                Value::Null
            }
            "hard-delete" => {
                entities_purge::hard_delete(of, id(&args)?, &reason(&args)?)?;
                Value::Null
            }
            _ => {
                return Err(Error::NotFound(format!(
                    "probe-entities has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn id(args: &Value) -> Result<i64, Error> {
    args["id"]
        .as_i64()
        .ok_or_else(|| wrong("id must be a whole number"))
}

fn reason(args: &Value) -> Result<String, Error> {
    Ok(match &args["reason"] {
        Value::String(text) => text.clone(),
        letters => "r".repeat(usize::try_from(number(letters, "bytes")?).unwrap_or(usize::MAX)),
    })
}

export!(Probe);

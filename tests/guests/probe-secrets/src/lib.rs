//! A plugin that reads and sets its secrets as its caller says. Errors of the host pass through unchanged.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `get` | `{"key"}` | `{"value"}`: null or text |
//! | `set` | `{"key", "value"}` | `null` |
//! | `delete` | `{"key"}` | `null` |

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-secrets/probe-secrets",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{
    PermissionAccess, PermissionKind, PermissionRequest, ResourceRequest,
};
use goatherd::plugin::types::Error;
use goatherd::plugin::{secure_config_read, secure_config_write};
use serde_json::Value;

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-secrets".into(),
            version: "0.1.0".into(),
            description: Some("Reads and sets the secrets that its caller names".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: Some(ResourceRequest {
                limits: Vec::new(),
                permissions: vec![PermissionRequest {
                    kind: PermissionKind::SecureConfig,
                    access: Some(PermissionAccess::Readwrite),
                    scope: Vec::new(),
                }],
            }),
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let key = json::text(&args, "key")?;
        let result = match function.as_str() {
            "get" => serde_json::json!({ "value": secure_config_read::get(key)? }),
            "set" => {
                secure_config_write::set(key, json::text(&args, "value")?)?;
                Value::Null
            }
            "delete" => {
                secure_config_write::delete(key)?;
                Value::Null
            }
            _ => {
                return Err(Error::NotFound(format!(
                    "probe-secrets has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Probe);

//! A plugin that does with its files what its caller says. `run` takes `{"steps": […]}`, does them in order in one
//! instance, and answers a list of `{"ok": …}` and `{"error": "insufficient-space"}`. What was opened is closed at the end.
//!
//! A descriptor is called by the name that `as` gave it; `data` is the folder that the host opened. Paths are below `at`,
//! which is `data` where it is absent.
//!
//! | step | fields | what is ok |
//! |---|---|---|
//! | `preopens` | | their names |
//! | `open` | `path`, `as`, `create`, `exclusive`, `truncate`, `directory`, `write`, `no-follow` | |
//! | `close` | `fd` | |
//! | `write` | `fd`, `offset`, `text` or `bytes` | how many bytes |
//! | `set-size` | `fd`, `bytes` | |
//! | `stream` | `fd`, `offset` (at the end where it is absent), `text` or `bytes`, `zeroes` | |
//! | `splice` | `from`, `fd`, `bytes`: from the beginning to the end | how many bytes |
//! | `start` | `fd`, `offset`, `bytes`: begins a write and lets go of the stream | |
//! | `hold` | `fd`, `as`: a stream that reads the file and is not used | |
//! | `read` | `fd`, `offset`, `bytes` | the text |
//! | `read-stream` | `fd`, `offset`, `bytes` | the text |
//! | `list` | `fd` | names, sorted |
//! | `stat` | `path`, `no-follow` | `{"size", "links", "type"}` |
//! | `mkdir`, `rmdir`, `unlink`, `readlink` | `path` | |
//! | `rename`, `link` | `from`, `path` | |
//! | `symlink` | `target`, `path` | |

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;
mod steps;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-files/probe-files",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{PermissionKind, PermissionRequest, ResourceRequest};
use goatherd::plugin::types::Error;
use serde_json::{Value, json};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-files".into(),
            version: "0.1.0".into(),
            description: Some("Does with its files what its caller says".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: Some(ResourceRequest {
                limits: Vec::new(),
                permissions: vec![PermissionRequest {
                    kind: PermissionKind::Files,
                    access: None,
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
        if function != "run" {
            return Err(Error::NotFound(format!(
                "probe-files has no function {function:?}"
            )));
        }
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let mut work = steps::Work::begin();
        let mut answers = Vec::new();
        for step in json::list(&args, "steps")? {
            answers.push(match work.step(step) {
                Ok(Ok(value)) => json!({ "ok": value }),
                Ok(Err(code)) => json!({ "error": code }),
                // A step before it did not open what this one is about.
                Err(Error::NotFound(_)) => json!({ "error": "not-open" }),
                Err(error) => return Err(error),
            });
        }
        Ok(Value::Array(answers).to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Probe);

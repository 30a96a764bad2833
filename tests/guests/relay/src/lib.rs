//! A plugin that calls others, and can be loaded under several names.
//!
//! The component holds the text `GOATHERD-NAME:relay-a` exactly once; its last byte is the last letter of the plugin's
//! name. A test changes it, which needs no rebuilding.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `call` | `{"plugin", "function", "args"}`: text for `args` is passed on as it is | what that function returns |
//! | `relay` | `{"path": ["relay-b", …], "then"}` | calls `relay` of the first with the rest; at the end of the path returns what the function `then` does, `context` by default |
//! | `gather` | `{"path", "width"}` | `relay` along the path so many times, one after the other; the number of answers |
//! | `context` | | `{"plugin", "org_id", "user", "request_id", "language", "deadline_ms", "caller"}` |
//! | `echo` | any JSON | the same |
//! | `spin` | `{"ms"}` | `{"ms"}`, after being busy for so long |
//! | `fail` | `{"error"}`: the name of a case of `error` | that error |
//! | `trap` | | does not return |
//! | `not-json` | | a text that is no JSON |

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;
#[path = "../../probe/src/self_made.rs"]
#[allow(dead_code)]
mod self_made;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:relay/relay",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::Error;
use goatherd::plugin::{context, plugins};
use serde_json::{Value, json};

use crate::json::{list, text, wrong};

static NAME: [u8; 21] = *b"GOATHERD-NAME:relay-a";

/// The name as it is in the component, whatever the compiler saw.
fn name() -> String {
    // SAFETY: the pointer comes from a reference to a static of this length.
    let all = unsafe { std::ptr::read_volatile(&NAME) };
    String::from_utf8_lossy(&all[14..]).into_owned()
}

struct Relay;

impl Guest for Relay {
    fn register() -> Registration {
        Registration {
            name: name(),
            version: "0.1.0".into(),
            description: Some("Calls other plugins".into()),
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
        if function == "not-json" {
            return Ok("not json".into());
        }
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let result = match function.as_str() {
            "call" => return call(&args),
            "relay" => return relay(&args),
            "gather" => gather(&args)?,
            "context" => seen(),
            "echo" => args,
            "spin" => self_made::spin(&args)?,
            "fail" => return Err(self_made::error(&args)?),
            "trap" => panic!("as asked"),
            _ => {
                return Err(Error::NotFound(format!(
                    "relay has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn call(args: &Value) -> Result<String, Error> {
    let passed = match &args["args"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    plugins::call(text(args, "plugin")?, text(args, "function")?, &passed)
}

fn relay(args: &Value) -> Result<String, Error> {
    let path = list(args, "path")?;
    let Some((next, rest)) = path.split_first() else {
        let then = args["then"].as_str().unwrap_or("context");
        return Relay::call(then.into(), args["with"].to_string());
    };
    let next = next.as_str().ok_or_else(|| wrong("path must hold names"))?;
    let args = json!({ "path": rest, "then": args["then"], "with": args["with"] });
    plugins::call(next, "relay", &args.to_string())
}

fn gather(args: &Value) -> Result<Value, Error> {
    let width = json::number(args, "width")?;
    for _ in 0..width {
        relay(args)?;
    }
    Ok(json!({ "answers": width }))
}

fn seen() -> Value {
    json!({
        "plugin": name(),
        "org_id": context::org_id(),
        "user": context::user().map(|user| user.id),
        "request_id": context::request_id(),
        "language": context::language(),
        "deadline_ms": context::deadline_ms(),
        "caller": context::caller(),
    })
}

export!(Relay);

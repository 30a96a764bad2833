//! A plugin that is built against `guest` and WASI's drafts alone, in every version of them that the host serves.
//!
//! Functions of the cache take the `"draft"` (`draft` or `draft2`) and the `"bucket"`, which is opened for the call; values
//! are text.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `get`, `exists`, `delete` | `{"key"}` | the value or `null`; whether it is there; `null` |
//! | `set` | `{"key", "value"}`, or `"bytes"` for as many zero bytes | `null` |
//! | `list` | `{"cursor"}`, absent for the first page | `{"keys", "cursor"}`, the cursor as text |
//! | `increment` | `{"key", "delta"}` | the sum |
//! | `get-many`, `delete-many` | `{"keys"}` | a list of `[key, value]`; `null` |
//! | `set-many` | `{"entries"}`, a list of `[key, value]` | `null` |
//! | `swap` | `{"key", "value", "meanwhile", "look"}` | see below; of `draft2` only |
//! | `hold` | `{"buckets", "swaps"}`: how many | `{"held"}`: how many there could be, and its error where there is one |
//! | `settings` | `{"interface"}`, and the `"key"` for one | its value, or a list of `[key, value]` |
//! | `log` | `{"level", "context", "message", "versioned"}` | `null` |
//!
//! A swap begins with `new`, then `meanwhile`, where there is one, is set as if by somebody else, then `current` is called if
//! `look`, and then comes the swap. It answers `{"swapped"}`; where it failed, with what the new handle says is there, and
//! whether a swap by that handle succeeds.
//!
//! Errors of WASI are `other`, with the name of the case as the code. `register` writes to the log. Behind
//! `GOATHERD-STANDARD:` tests change what else it does, by a letter, `n` for nothing and `k` for opening a bucket, and behind
//! that the name of the plugin, up to the end of the line.

mod draft;
mod draft2;
#[path = "../../probe/src/json.rs"]
mod json;
mod settings;

wit_bindgen::generate!({
    path: [
        "../../../wit",
        "../../../host/wit/keyvalue-draft",
        "../../../host/wit/keyvalue-draft2",
        "../../../host/wit/config",
        "../../../host/wit/logging",
        "wit",
    ],
    world: "guest:probe-standard/probe-standard",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::{Error, ErrorDetail};
use serde_json::{Value, json};

use crate::json::{number, text, wrong};
use crate::wasi::logging as logging_unversioned;
use crate::wasi::logging0_1_0_draft as logging_draft;

static CHOICE: [u8; 35] = *b"GOATHERD-STANDARD:n:probe-standard\n";

/// What is chosen as it is in the component, whatever the compiler saw.
fn choice() -> [u8; 35] {
    // SAFETY: the pointer comes from a reference.
    unsafe { std::ptr::read_volatile(&CHOICE) }
}

fn name() -> String {
    let name = choice().into_iter().skip(20);
    name.take_while(|byte| *byte != b'\n')
        .map(char::from)
        .collect()
}

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        logging_unversioned::logging::log(
            logging_unversioned::logging::Level::Info,
            "register",
            "registering",
        );
        if choice()[18] == b'k' {
            drop(crate::wasi::keyvalue0_2_0_draft2::store::open(""));
        }
        Registration {
            name: name(),
            version: "0.1.0".into(),
            description: Some("Uses what other hosts have as well".into()),
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
        let args: Value =
            serde_json::from_str(&args).map_err(|error| wrong(&format!("args: {error}")))?;
        match function.as_str() {
            "settings" => settings::read(&args),
            "log" => log(&args),
            _ => match text(&args, "draft")? {
                "draft" => draft::call(&function, &args),
                "draft2" => draft2::call(&function, &args),
                other => Err(wrong(&format!("there is no draft {other}"))),
            },
        }
        .map(|result| result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn log(args: &Value) -> Result<Value, Error> {
    let (level, context, message) = (
        text(args, "level")?,
        text(args, "context")?,
        text(args, "message")?,
    );
    macro_rules! log {
        ($logging:ident) => {{
            use $logging::logging::{Level, log};
            let level = match level {
                "trace" => Level::Trace,
                "debug" => Level::Debug,
                "info" => Level::Info,
                "warn" => Level::Warn,
                "error" => Level::Error,
                "critical" => Level::Critical,
                other => return Err(wrong(&format!("there is no level {other}"))),
            };
            log(level, context, message);
        }};
    }
    if args["versioned"] == true {
        log!(logging_draft);
    } else {
        log!(logging_unversioned);
    }
    Ok(Value::Null)
}

/// An error of one of WASI's interfaces.
fn failed(case: &str, message: String) -> Error {
    Error::Other(ErrorDetail {
        code: case.into(),
        message,
    })
}

/// A value to set.
fn value(args: &Value) -> Result<Vec<u8>, Error> {
    match args["bytes"] {
        Value::Null => Ok(text(args, "value")?.into()),
        _ => Ok(vec![0; number(args, "bytes")? as usize]),
    }
}

/// A value that was got.
fn shown(value: Option<Vec<u8>>) -> Value {
    value.map_or(Value::Null, |bytes| match String::from_utf8(bytes) {
        Ok(text) if text.len() <= 4_096 => json!(text),
        Ok(text) => json!({ "bytes": text.len() }),
        Err(error) => json!({ "bytes": error.as_bytes().len() }),
    })
}

fn keys(args: &Value) -> Result<Vec<String>, Error> {
    let keys = json::list(args, "keys")?.iter();
    let keys = keys.map(|key| key.as_str().map(str::to_owned));
    keys.collect::<Option<_>>()
        .ok_or_else(|| wrong("keys must be strings"))
}

fn entries(args: &Value) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let entries = json::pairs(args, "entries")?.into_iter();
    Ok(entries.map(|(key, value)| (key, value.into())).collect())
}

export!(Probe);

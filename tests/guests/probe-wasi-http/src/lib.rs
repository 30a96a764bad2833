//! A plugin that sends the request that its caller says, through `wasi:http/outgoing-handler`.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `request` | see below | `{"status", "headers", "body"}`; a body is text, or `{"bytes": N}` beyond 4,096 bytes |
//! | `hold` | the same | `null`, once the response's head is there; its body is kept unread |
//! | `resume` | | `{"bytes"}`: what could still be read of all bodies that were kept; its error where there is one |
//! | `abandon` | the same, with a body | `null`, having dropped the request's body before its end |
//! | `many` | the same, `"times"` | `{"sent"}`: how many could be open at a time |
//! | `long` | | `{"method", "authority", "path"}`: whether each was accepted with 100,000 bytes |
//! | `hoard` | `{"headers"}`: how many | `null`, holding as many resources with headers of 60,000 bytes |
//!
//! A request is `{"method", "scheme", "authority", "path", "headers", "body"}`, of which all but the authority may be
//! absent, and `{"first_byte_ms", "between_bytes_ms"}`. A body is text, or `{"bytes": N}` for N zero bytes. Errors of WASI
//! are `other` with the code `wasi` and the error's debug text.

mod exchange;
#[path = "../../probe/src/json.rs"]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-wasi-http/probe-wasi-http",
    generate_all,
});

use std::cell::RefCell;

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::{Error, ErrorDetail};
use serde_json::{Value, json};
use wasi::http::types::{Fields, IncomingBody, Method, OutgoingRequest};

use crate::json::{number, wrong};

struct Probe;

thread_local! {
    static KEPT: RefCell<Vec<IncomingBody>> = const { RefCell::new(Vec::new()) };
}

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-wasi-http".into(),
            version: "0.1.0".into(),
            description: Some("Sends the request that its caller says, through WASI".into()),
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
            "request" => exchange::whole(&args),
            "hold" => {
                let body = exchange::unread(&args)?;
                KEPT.with_borrow_mut(|kept| kept.push(body));
                Ok(Value::Null)
            }
            "resume" => KEPT
                .take()
                .iter()
                .try_fold(json!({ "bytes": 0 }), |sum, body| {
                    let bytes = exchange::read(body)?.len() as u64;
                    Ok(json!({ "bytes": sum["bytes"].as_u64().unwrap_or(0) + bytes }))
                }),
            "abandon" => exchange::abandon(&args),
            "many" => many(&args),
            "long" => Ok(long()),
            "hoard" => hoard(&args),
            _ => Err(Error::NotFound(function)),
        }
        .map(|result| result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn many(args: &Value) -> Result<Value, Error> {
    let mut open = Vec::new();
    for _ in 0..number(args, "times")? {
        match exchange::unread(args) {
            Ok(body) => open.push(body),
            Err(_) => break,
        }
    }
    Ok(json!({ "sent": open.len() }))
}

fn long() -> Value {
    let text = "x".repeat(100_000);
    let request = OutgoingRequest::new(Fields::from_list(&[]).expect("no headers are fine"));
    json!({
        "method": request.set_method(&Method::Other(text.clone())).is_ok(),
        "authority": request.set_authority(Some(&text)).is_ok(),
        "path": request.set_path_with_query(Some(&format!("/{text}"))).is_ok(),
    })
}

fn hoard(args: &Value) -> Result<Value, Error> {
    let value = vec![b'x'; 60_000];
    let mut hoard = Vec::new();
    for _ in 0..number(args, "headers")? {
        let fields = Fields::from_list(&[("x".into(), value.clone())]);
        hoard.push(fields.map_err(|error| failed(&error))?);
    }
    Ok(Value::Null)
}

fn failed(what: &dyn std::fmt::Debug) -> Error {
    Error::Other(ErrorDetail {
        code: "wasi".into(),
        message: format!("{what:?}"),
    })
}

export!(Probe);

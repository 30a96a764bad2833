//! A plugin that sends the request that its caller says. Errors of the host pass through unchanged.
//!
//! `request` takes `{"method", "url", "headers": [[name, value]], "body"}`, where a body is text, `{"bytes": N}` for N
//! zero bytes, or absent; it returns `{"status", "headers", "body"}`, where a body is text, or `{"bytes": N}` if it is
//! longer than 4,096 bytes or no text. `timeout_ms` and `redirects` become options of the request, and `options` adds `[name,
//! value]` as options that this version does not know. `quick` is `request` a number of `"times"`, for its error.

#[path = "../../probe/src/json.rs"]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-http/probe-http",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::http_client::{self, HttpRequest, RequestOption};
use goatherd::plugin::registration::{PermissionKind, PermissionRequest, ResourceRequest};
use goatherd::plugin::types::{Error, Method};
use serde_json::{Value, json};

use crate::json::{number, pairs, text, wrong};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-http".into(),
            version: "0.1.0".into(),
            description: Some("Sends the request that its caller says".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: Some(ResourceRequest {
                limits: Vec::new(),
                permissions: vec![PermissionRequest {
                    kind: PermissionKind::Http,
                    access: None,
                    scope: vec!["*".into()],
                }],
            }),
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
            "request" => request(&args),
            "quick" => {
                for _ in 1..number(&args, "times")? {
                    let _ = request(&args);
                }
                request(&args)
            }
            _ => Err(Error::NotFound(function)),
        }
        .map(|result| result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn request(args: &Value) -> Result<Value, Error> {
    let response = http_client::request(&HttpRequest {
        method: method(args["method"].as_str().unwrap_or("GET")),
        url: text(args, "url")?.into(),
        headers: pairs(args, "headers")?,
        body: match &args["body"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            zeros => Some(vec![0; number(zeros, "bytes")? as usize]),
        },
        options: options(args)?,
    })?;
    let length = response.body.len();
    let body = match String::from_utf8(response.body) {
        Ok(text) if length <= 4_096 => text.into(),
        _ => json!({ "bytes": length }),
    };
    Ok(json!({ "status": response.status, "headers": response.headers, "body": body }))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.into()),
    }
}

fn options(args: &Value) -> Result<Vec<RequestOption>, Error> {
    let mut options = Vec::new();
    for (name, option) in [
        (
            "timeout_ms",
            RequestOption::TimeoutMs as fn(u32) -> RequestOption,
        ),
        ("redirects", RequestOption::Redirects),
    ] {
        if !args[name].is_null() {
            options.push(option(number(args, name)? as u32));
        }
    }
    options.extend(
        pairs(args, "options")?
            .into_iter()
            .map(RequestOption::Other),
    );
    Ok(options)
}

export!(Probe);

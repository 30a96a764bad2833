//! A plugin that sends what its caller says. Errors of the host pass through unchanged.
//!
//! `send` takes `{"to", "cc", "bcc", "reply_to", "subject", "text"}`: lists of addresses, of which all may be absent, and
//! `html` in place of `text`. A body is a text, or `{"repeat", "times"}`.

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-email/probe-email",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::email::{self, Body, Message};
use goatherd::plugin::types::Error;
use serde_json::Value;

use crate::json::{list, number, text, wrong};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-email".into(),
            version: "0.1.0".into(),
            description: "Sends what its caller says".into(),
            author: String::new(),
            license: String::new(),
            homepage: String::new(),
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        if function != "send" {
            return Err(Error::NotFound(format!(
                "probe-email has no function {function:?}"
            )));
        }
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        email::send(&message(&args)?)?;
        Ok("null".into())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn message(args: &Value) -> Result<Message, Error> {
    Ok(Message {
        to: addresses(args, "to")?,
        cc: addresses(args, "cc")?,
        bcc: addresses(args, "bcc")?,
        reply_to: args["reply_to"].as_str().map(str::to_owned),
        subject: text(args, "subject")?.to_owned(),
        body: match &args["html"] {
            Value::Null => Body::Text(content(&args["text"])?),
            html => Body::Html(content(html)?),
        },
    })
}

fn addresses(args: &Value, name: &str) -> Result<Vec<String>, Error> {
    list(args, name)?
        .iter()
        .map(|address| match address.as_str() {
            Some(address) => Ok(address.to_owned()),
            None => Err(wrong("an address must be a string")),
        })
        .collect()
}

fn content(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    let times =
        usize::try_from(number(value, "times")?).map_err(|_| wrong("times are too many"))?;
    Ok(text(value, "repeat")?.repeat(times))
}

export!(Probe);

//! A plugin that sends what its caller says. Errors of the host pass through unchanged.
//!
//! `send` takes `{"to", "cc", "bcc", "reply_to", "retry_key", "subject", "text"}`: lists of addresses, of which all may be
//! absent, and `html` in place of `text`. A body is a text, or `{"repeat", "times"}`. `options` adds `[name, value]` as
//! options that this version does not know.

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-email/probe-email",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::email::{self, Body, Message, MessageOption};
use goatherd::plugin::types::Error;
use serde_json::Value;

use crate::json::{list, number, pairs, text, wrong};

struct Probe;

impl Guest for Probe {
    fn register() -> Registration {
        Registration {
            name: "probe-email".into(),
            version: "0.1.0".into(),
            description: Some("Sends what its caller says".into()),
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
        subject: text(args, "subject")?.to_owned(),
        body: match &args["html"] {
            Value::Null => Body::Text(content(&args["text"])?),
            html => Body::Html(content(html)?),
        },
        options: options(args)?,
    })
}

fn options(args: &Value) -> Result<Vec<MessageOption>, Error> {
    let named = |name: &str| args[name].as_str().map(str::to_owned);
    let many = |name: &str| addresses(args, name).map(|all| (!all.is_empty()).then_some(all));
    let known = [
        many("cc")?.map(MessageOption::Cc),
        many("bcc")?.map(MessageOption::Bcc),
        named("reply_to").map(MessageOption::ReplyTo),
        named("retry_key").map(MessageOption::RetryKey),
    ];
    let unknown = pairs(args, "options")?.into_iter();
    let unknown = unknown.map(MessageOption::Other);
    Ok(known.into_iter().flatten().chain(unknown).collect())
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

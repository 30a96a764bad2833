//! The cache, the configuration, and what is always linked.

use serde_json::{Value, json};

use crate::goatherd::plugin::cache_write::Swap;
use crate::goatherd::plugin::log::Level;
use crate::goatherd::plugin::types::Error;
use crate::goatherd::plugin::{cache_read, cache_write, config, i18n, log};
use crate::json::{number, pairs, text, wrong};

pub fn cache_get(args: &Value) -> Result<Value, Error> {
    let value = match cache_read::get(text(args, "key")?)? {
        None => Value::Null,
        Some(bytes) => {
            let empty = bytes.is_empty();
            let length = bytes.len();
            let zeros = bytes.iter().all(|byte| *byte == 0);
            match String::from_utf8(bytes) {
                Ok(text) if empty || !zeros => text.into(),
                _ => json!({ "bytes": length }),
            }
        }
    };
    Ok(json!({ "value": value }))
}

pub fn cache_set(args: &Value) -> Result<Value, Error> {
    cache_write::set(text(args, "key")?, &bytes(&args["value"])?, ttl(args)?)?;
    Ok(Value::Null)
}

pub fn cache_increment(args: &Value) -> Result<Value, Error> {
    let by = args["by"]
        .as_i64()
        .ok_or_else(|| wrong("by must be a whole number"))?;
    let sum = cache_write::increment(text(args, "key")?, by, ttl(args)?)?;
    Ok(json!({ "value": sum }))
}

pub fn cache_compare_and_set(args: &Value) -> Result<Value, Error> {
    let optional = |name: &str| match &args[name] {
        Value::Null => Ok(None),
        value => bytes(value).map(Some),
    };
    let change = Swap {
        expected: optional("expected")?,
        new: optional("new")?,
    };
    let done = cache_write::compare_and_set(text(args, "key")?, &change, ttl(args)?)?;
    Ok(json!({ "done": done }))
}

/// A text, or so many zero bytes.
fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::String(text) => Ok(text.clone().into_bytes()),
        zeros => {
            let length = number(zeros, "bytes")?;
            let length = usize::try_from(length).map_err(|_| wrong("bytes are too many"))?;
            Ok(vec![0; length])
        }
    }
}

fn ttl(args: &Value) -> Result<Option<u32>, Error> {
    match &args["ttl"] {
        Value::Null => Ok(None),
        _ => match u32::try_from(number(args, "ttl")?) {
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => Err(wrong("ttl is too long")),
        },
    }
}

pub fn cache_delete(args: &Value) -> Result<Value, Error> {
    cache_write::delete(text(args, "key")?)?;
    Ok(Value::Null)
}

pub fn config_get(args: &Value) -> Result<Value, Error> {
    Ok(json!({ "value": config::get(text(args, "key")?)? }))
}

pub fn log(args: &Value) -> Result<Value, Error> {
    let level = match text(args, "level")? {
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => return Err(wrong("level must be debug, info, warn or error")),
    };
    log::log(level, text(args, "message")?, &pairs(args, "fields")?);
    Ok(Value::Null)
}

pub fn translate(args: &Value) -> Result<Value, Error> {
    Ok(json!({ "text": i18n::translate(text(args, "key")?, &pairs(args, "args")?) }))
}

pub fn context() -> Value {
    use crate::goatherd::plugin::context::{self, UserRole, UserTrait};

    let user = context::user().map(|user| {
        let mut shown = json!({ "id": user.id, "name": user.name, "groups": user.groups });
        for known in user.traits {
            let (name, value) = match known {
                UserTrait::Role(UserRole::Administrator) => ("role".into(), "administrator".into()),
                UserTrait::Role(UserRole::Agent) => ("role".into(), "agent".into()),
                UserTrait::Role(UserRole::Customer) => ("role".into(), "customer".into()),
                UserTrait::Role(UserRole::Other(role)) => ("role".into(), role),
                UserTrait::Email(address) => ("email".into(), address),
                UserTrait::Other(named) => named,
            };
            shown[name] = value.into();
        }
        shown
    });
    json!({
        "org_id": context::org_id(),
        "user": user,
        "language": context::language(),
        "request_id": context::request_id(),
        "deadline_ms": context::deadline_ms(),
        "caller": context::caller(),
    })
}

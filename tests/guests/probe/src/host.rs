//! The cache, the configuration, and what is always linked.

use serde_json::{Value, json};

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
    let value = match &args["value"] {
        Value::String(text) => text.clone().into_bytes(),
        zeros => {
            let length = number(zeros, "bytes")?;
            vec![0; usize::try_from(length).map_err(|_| wrong("bytes are too many"))?]
        }
    };
    let ttl = match &args["ttl"] {
        Value::Null => 0,
        _ => u32::try_from(number(args, "ttl")?).map_err(|_| wrong("ttl is too long"))?,
    };
    cache_write::set(text(args, "key")?, &value, ttl)?;
    Ok(Value::Null)
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
    use crate::goatherd::plugin::context;

    let user = context::user()
        .map(|user| json!({ "id": user.id, "name": user.name, "groups": user.groups }));
    json!({
        "org_id": context::org_id(),
        "user": user,
        "language": context::language(),
        "request_id": context::request_id(),
        "deadline_ms": context::deadline_ms(),
    })
}

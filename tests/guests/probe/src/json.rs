//! Taking arguments apart. What is missing or of the wrong type is `invalid-argument` by name.

use serde_json::Value;

use crate::goatherd::plugin::types::Error;

pub fn text<'a>(args: &'a Value, name: &str) -> Result<&'a str, Error> {
    args[name]
        .as_str()
        .ok_or_else(|| wrong(&format!("{name} must be a string")))
}

pub fn number(args: &Value, name: &str) -> Result<u64, Error> {
    args[name]
        .as_u64()
        .ok_or_else(|| wrong(&format!("{name} must be a whole number")))
}

/// The items of a list; none where it is absent.
pub fn list<'a>(args: &'a Value, name: &str) -> Result<&'a [Value], Error> {
    match &args[name] {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(wrong(&format!("{name} must be a list"))),
    }
}

/// A list of `[name, value]`; none where it is absent.
pub fn pairs(args: &Value, name: &str) -> Result<Vec<(String, String)>, Error> {
    list(args, name)?
        .iter()
        .map(|pair| match (pair[0].as_str(), pair[1].as_str()) {
            (Some(key), Some(value)) => Ok((key.into(), value.into())),
            _ => Err(wrong(&format!("{name} must hold pairs of strings"))),
        })
        .collect()
}

pub fn wrong(what: &str) -> Error {
    Error::InvalidArgument(format!("probe: {what}"))
}

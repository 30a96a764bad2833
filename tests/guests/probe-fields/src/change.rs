//! Changes in JSON.

use serde_json::Value;

use crate::goatherd::plugin::custom_fields_write::{Change, CompareAndSet, Increment, Operation};
use crate::goatherd::plugin::types::Error;
use crate::value::optional;

pub fn change(change: &Value) -> Result<Change, Error> {
    let argument = &change[2];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operation = match change[1].as_str().unwrap_or_default() {
        "increment" => Operation::Increment(Increment {
            by: text(&argument["by"]).unwrap_or_default(),
            floor: text(&argument["floor"]),
            ceiling: text(&argument["ceiling"]),
        }),
        "append" => Operation::Append(text(argument).unwrap_or_default()),
        "remove" => Operation::Remove(text(argument).unwrap_or_default()),
        "toggle" => Operation::Toggle,
        "compare-and-set" => Operation::CompareAndSet(CompareAndSet {
            expected: optional(&argument["expected"])?,
            new: optional(&argument["new"])?,
        }),
        other => Operation::Other((other.to_owned(), argument.to_string())),
    };
    Ok(Change {
        field: change[0].as_str().unwrap_or_default().to_owned(),
        operation,
    })
}

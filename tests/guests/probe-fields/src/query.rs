//! Filters in JSON.

use serde_json::Value;

use crate::goatherd::plugin::custom_fields_read::{Circle, Condition, Filter};
use crate::goatherd::plugin::types::Error;
use crate::json::wrong;
use crate::value::{degrees, from_json, point};

pub fn filter(filter: &Value) -> Result<Filter, Error> {
    let field = filter[0].as_str().unwrap_or_default().to_owned();
    let argument = &filter[2];
    let one = || from_json(argument);
    let condition = match filter[1].as_str().unwrap_or_default() {
        "eq" => Condition::Eq(one()?),
        "neq" => Condition::Neq(one()?),
        "gt" => Condition::Gt(one()?),
        "lt" => Condition::Lt(one()?),
        "gte" => Condition::Gte(one()?),
        "lte" => Condition::Lte(one()?),
        "like" => Condition::Like(argument.as_str().unwrap_or_default().to_owned()),
        "in" => {
            let values = argument
                .as_array()
                .ok_or_else(|| wrong("in takes a list"))?;
            Condition::In(values.iter().map(from_json).collect::<Result<_, _>>()?)
        }
        "between" => Condition::Between((from_json(&argument[0])?, from_json(&argument[1])?)),
        "near" => Condition::Near(Circle {
            center: point(argument)?,
            radius_km: match &argument[2] {
                Value::Null => None,
                radius => Some(degrees(radius)?),
            },
        }),
        other => Condition::Other((other.to_owned(), argument.to_string())),
    };
    Ok(Filter { field, condition })
}

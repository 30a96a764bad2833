//! Values in JSON.

use serde_json::{Value, json};

use crate::goatherd::plugin::custom_field_types::{Address, FieldValue, Point};
use crate::goatherd::plugin::types::Error;
use crate::json::{list, text, wrong};

pub fn optional(value: &Value) -> Result<Option<FieldValue>, Error> {
    match value {
        Value::Null => Ok(None),
        value => from_json(value).map(Some),
    }
}

pub fn from_json(value: &Value) -> Result<FieldValue, Error> {
    let mut pairs = value.as_object().into_iter().flatten();
    let Some((kind, given)) = pairs.next() else {
        return Err(wrong("a value must be an object with the name of its type"));
    };
    let string = || text(value, kind).map(str::to_owned);
    Ok(match kind.as_str() {
        "text" => match given["bytes"].as_u64() {
            Some(bytes) => FieldValue::Text("x".repeat(bytes as usize)),
            None => FieldValue::Text(string()?),
        },
        "choices" => FieldValue::Choices(
            list(value, kind)?
                .iter()
                .map(|choice| choice.as_str().unwrap_or_default().to_owned())
                .collect(),
        ),
        "integer" => FieldValue::Integer(
            given
                .as_i64()
                .ok_or_else(|| wrong("an integer must be one"))?,
        ),
        "decimal" => FieldValue::Decimal(string()?),
        "boolean" => FieldValue::Boolean(given.as_bool().unwrap_or_default()),
        "date" => FieldValue::Date(string()?),
        "datetime" => FieldValue::Datetime(string()?),
        "point" => FieldValue::Point(point(given)?),
        "polygon" => FieldValue::Polygon(
            list(value, kind)?
                .iter()
                .map(point)
                .collect::<Result<_, _>>()?,
        ),
        "address" => {
            let part = |name: &str| given[name].as_str().map(str::to_owned);
            FieldValue::Address(Address {
                street: part("street"),
                postal_code: part("postal_code"),
                city: part("city"),
                region: part("region"),
                country: part("country"),
                location: match &given["location"] {
                    Value::Null => None,
                    place => Some(point(place)?),
                },
            })
        }
        other => FieldValue::Other((other.to_owned(), given.to_string())),
    })
}

pub fn point(place: &Value) -> Result<Point, Error> {
    Ok(Point {
        latitude: degrees(&place[0])?,
        longitude: degrees(&place[1])?,
    })
}

pub fn degrees(value: &Value) -> Result<f64, Error> {
    // JSON has no word for these.
    match value {
        Value::String(text) => text.parse().map_err(|_| wrong("a degree must be a number")),
        value => value
            .as_f64()
            .ok_or_else(|| wrong("a degree must be a number")),
    }
}

pub fn to_json(value: FieldValue) -> Value {
    let place = |point: Point| json!([point.latitude, point.longitude]);
    match value {
        FieldValue::Text(text) => json!({ "text": text }),
        FieldValue::Choices(choices) => json!({ "choices": choices }),
        FieldValue::Integer(integer) => json!({ "integer": integer }),
        FieldValue::Decimal(text) => json!({ "decimal": text }),
        FieldValue::Boolean(flag) => json!({ "boolean": flag }),
        FieldValue::Date(text) => json!({ "date": text }),
        FieldValue::Datetime(text) => json!({ "datetime": text }),
        FieldValue::Point(point) => json!({ "point": place(point) }),
        FieldValue::Polygon(corners) => {
            let corners: Vec<_> = corners.into_iter().map(place).collect();
            json!({ "polygon": corners })
        }
        FieldValue::Address(address) => json!({ "address": {
            "street": address.street,
            "postal_code": address.postal_code,
            "city": address.city,
            "region": address.region,
            "country": address.country,
            "location": address.location.map(place),
        }}),
        FieldValue::Other((kind, value)) => json!({ kind: value }),
    }
}

//! Between what plugins give and get, and what it means.

use crate::contract::wire::custom_fields as wire;

use super::change::GivenChange;
use super::condition::{Comparison, GivenCondition};
use super::value::{Address, Given, Point, Value};

impl From<wire::FieldValue> for Given {
    fn from(value: wire::FieldValue) -> Self {
        let degrees = |point: wire::Point| (point.latitude, point.longitude);
        match value {
            wire::FieldValue::Text(text) => Self::Text(text),
            wire::FieldValue::Choices(choices) => Self::Choices(choices),
            wire::FieldValue::Integer(integer) => Self::Integer(integer),
            wire::FieldValue::Decimal(text) => Self::Decimal(text),
            wire::FieldValue::Boolean(flag) => Self::Boolean(flag),
            wire::FieldValue::Date(text) => Self::Date(text),
            wire::FieldValue::Datetime(text) => Self::Datetime(text),
            wire::FieldValue::Point(point) => Self::Point(point.latitude, point.longitude),
            wire::FieldValue::Polygon(corners) => {
                Self::Polygon(corners.into_iter().map(degrees).collect())
            }
            wire::FieldValue::Address(address) => Self::Address {
                parts: Address {
                    street: address.street.unwrap_or_default(),
                    postal_code: address.postal_code.unwrap_or_default(),
                    city: address.city.unwrap_or_default(),
                    region: address.region.unwrap_or_default(),
                    country: address.country.unwrap_or_default(),
                    location: None,
                },
                location: address.location.map(degrees),
            },
            wire::FieldValue::Other((kind, _)) => Self::Other(kind),
        }
    }
}

impl From<Value> for wire::FieldValue {
    fn from(value: Value) -> Self {
        let point = |point: Point| wire::Point {
            latitude: point.latitude(),
            longitude: point.longitude(),
        };
        let part = |text: String| Some(text).filter(|text| !text.is_empty());
        match value {
            Value::Text(text) => Self::Text(text.into_string()),
            Value::Choices(choices) => Self::Choices(choices),
            Value::Integer(integer) => Self::Integer(integer),
            Value::Decimal(decimal) => Self::Decimal(decimal.to_string()),
            Value::Boolean(flag) => Self::Boolean(flag),
            Value::Date(date) => Self::Date(date.to_string()),
            Value::Datetime(moment) => Self::Datetime(moment.to_string()),
            Value::Point(at) => Self::Point(point(at)),
            Value::Polygon(corners) => Self::Polygon(corners.into_iter().map(point).collect()),
            Value::Address(address) => Self::Address(wire::Address {
                street: part(address.street),
                postal_code: part(address.postal_code),
                city: part(address.city),
                region: part(address.region),
                country: part(address.country),
                location: address.location.map(point),
            }),
        }
    }
}

impl From<wire::Condition> for GivenCondition {
    fn from(condition: wire::Condition) -> Self {
        match condition {
            wire::Condition::Eq(value) => Self::Eq(value.into()),
            wire::Condition::Neq(value) => Self::Neq(value.into()),
            wire::Condition::Gt(value) => Self::Compare(Comparison::Gt, value.into()),
            wire::Condition::Lt(value) => Self::Compare(Comparison::Lt, value.into()),
            wire::Condition::Gte(value) => Self::Compare(Comparison::Gte, value.into()),
            wire::Condition::Lte(value) => Self::Compare(Comparison::Lte, value.into()),
            wire::Condition::Like(pattern) => Self::Like(pattern),
            wire::Condition::In(values) => Self::In(values.into_iter().map(Given::from).collect()),
            wire::Condition::Between((low, high)) => Self::Between(low.into(), high.into()),
            wire::Condition::Near(circle) => Self::Near(
                circle.center.latitude,
                circle.center.longitude,
                circle.radius_km,
            ),
            wire::Condition::Other((name, _)) => Self::Other(name),
        }
    }
}

impl From<wire::Operation> for GivenChange {
    fn from(operation: wire::Operation) -> Self {
        match operation {
            wire::Operation::Increment(increment) => Self::Increment {
                by: increment.by,
                floor: increment.floor,
                ceiling: increment.ceiling,
            },
            wire::Operation::Append(choice) => Self::Append(choice),
            wire::Operation::Remove(choice) => Self::Remove(choice),
            wire::Operation::Toggle => Self::Toggle,
            wire::Operation::CompareAndSet(change) => Self::CompareAndSet {
                expected: change.expected.map(Given::from),
                new: change.new.map(Given::from),
            },
            wire::Operation::Other((name, _)) => Self::Other(name),
        }
    }
}

//! Between the bindings of contract 0.1 and the plain types.

use crate::contract::v0_1::goatherd::plugin::{
    custom_field_types as wit, custom_fields_read as read, custom_fields_write as write,
};

use super::change::GivenChange;
use super::condition::{Comparison, GivenCondition};
use super::value::{Address, Given, Point, Value};

impl From<wit::FieldValue> for Given {
    fn from(value: wit::FieldValue) -> Self {
        let degrees = |point: wit::Point| (point.latitude, point.longitude);
        match value {
            wit::FieldValue::Text(text) => Self::Text(text),
            wit::FieldValue::Choices(choices) => Self::Choices(choices),
            wit::FieldValue::Integer(integer) => Self::Integer(integer),
            wit::FieldValue::Decimal(text) => Self::Decimal(text),
            wit::FieldValue::Boolean(flag) => Self::Boolean(flag),
            wit::FieldValue::Date(text) => Self::Date(text),
            wit::FieldValue::Datetime(text) => Self::Datetime(text),
            wit::FieldValue::Point(point) => Self::Point(point.latitude, point.longitude),
            wit::FieldValue::Polygon(corners) => {
                Self::Polygon(corners.into_iter().map(degrees).collect())
            }
            wit::FieldValue::Address(address) => Self::Address {
                parts: Address {
                    street: address.street,
                    postal_code: address.postal_code,
                    city: address.city,
                    region: address.region,
                    country: address.country,
                    location: None,
                },
                location: address.location.map(degrees),
            },
            wit::FieldValue::Other((kind, _)) => Self::Other(kind),
        }
    }
}

impl From<Value> for wit::FieldValue {
    fn from(value: Value) -> Self {
        let point = |point: Point| wit::Point {
            latitude: point.latitude(),
            longitude: point.longitude(),
        };
        match value {
            Value::Text(text) => Self::Text(text.into_string()),
            Value::Choices(choices) => Self::Choices(choices),
            Value::Integer(integer) => Self::Integer(integer),
            Value::Decimal(decimal) => Self::Decimal(decimal.to_string()),
            Value::Boolean(flag) => Self::Boolean(flag),
            Value::Date(date) => Self::Date(date.to_string()),
            Value::Datetime(moment) => Self::Datetime(moment.to_string()),
            Value::Point(place) => Self::Point(point(place)),
            Value::Polygon(corners) => Self::Polygon(corners.into_iter().map(point).collect()),
            Value::Address(address) => Self::Address(wit::Address {
                street: address.street,
                postal_code: address.postal_code,
                city: address.city,
                region: address.region,
                country: address.country,
                location: address.location.map(point),
            }),
        }
    }
}

impl From<read::Condition> for GivenCondition {
    fn from(condition: read::Condition) -> Self {
        match condition {
            read::Condition::Eq(value) => Self::Eq(value.into()),
            read::Condition::Neq(value) => Self::Neq(value.into()),
            read::Condition::Gt(value) => Self::Compare(Comparison::Gt, value.into()),
            read::Condition::Lt(value) => Self::Compare(Comparison::Lt, value.into()),
            read::Condition::Gte(value) => Self::Compare(Comparison::Gte, value.into()),
            read::Condition::Lte(value) => Self::Compare(Comparison::Lte, value.into()),
            read::Condition::Like(pattern) => Self::Like(pattern),
            read::Condition::In(values) => Self::In(values.into_iter().map(Given::from).collect()),
            read::Condition::Between((low, high)) => Self::Between(low.into(), high.into()),
            read::Condition::Near(circle) => Self::Near(
                circle.center.latitude,
                circle.center.longitude,
                circle.radius_km,
            ),
            read::Condition::Other((name, _)) => Self::Other(name),
        }
    }
}

impl From<write::Operation> for GivenChange {
    fn from(operation: write::Operation) -> Self {
        match operation {
            write::Operation::Increment(increment) => Self::Increment {
                by: increment.by,
                floor: increment.floor,
                ceiling: increment.ceiling,
            },
            write::Operation::Append(choice) => Self::Append(choice),
            write::Operation::Remove(choice) => Self::Remove(choice),
            write::Operation::Toggle => Self::Toggle,
            write::Operation::CompareAndSet(change) => Self::CompareAndSet {
                expected: change.expected.map(Given::from),
                new: change.new.map(Given::from),
            },
            write::Operation::Other((name, _)) => Self::Other(name),
        }
    }
}

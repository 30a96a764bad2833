//! What a query asks of a field's values, and where in an index the answer lies.
//!
//! A [`Condition`] is parsed against its field: it compares with values of the field's type, by an operator that the type
//! has. [`Condition::holds`] is what it means. [`Condition::search`] says where to look: ranges of keys that have every
//! value for which it holds, and whether what lies in them still has to be tested. So a back-end needs one index and
//! never has to know what a condition means.
//!
//! | type | conditions |
//! |---|---|
//! | text, textarea, url, email, phone | eq, neq, gt, lt, gte, lte, between, in, like |
//! | integer, decimal, date, datetime | eq, neq, gt, lt, gte, lte, between, in |
//! | select | eq, neq, in, like |
//! | boolean, polygon | eq, neq, in |
//! | multi_select | eq, neq, in, like; a text stands for one choice that is made, choices for all of them together |
//! | point, address | eq, neq, in, near |
//!
//! No condition holds for a field that is not set, `neq` neither.

use std::cmp::Ordering;

use crate::contract::registration::FieldType;
use crate::names::text::quoted;

use super::definition::{Definition, Wrong};
use super::value::{
    Circle, Given, Pattern, Point, Value, choice_key, is_whole, located_within, point_in, text_in,
};

/// The most values of an `in`.
pub const IN_VALUES: usize = 1_000;
/// The radius of a circle that has none, in kilometres.
const RADIUS_KM: f64 = 25.0;
/// Behind every key.
const END: [u8; 32] = [0xff; 32];

/// A comparison by order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
}

/// A condition as a plugin gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenCondition {
    /// The same value.
    Eq(Given),
    /// Another value.
    Neq(Given),
    /// A value before or behind it.
    Compare(Comparison, Given),
    /// A text that matches a pattern.
    Like(String),
    /// One of these values.
    In(Vec<Given>),
    /// From the first to the second.
    Between(Given, Given),
    /// A place within a circle: latitude, longitude, radius in kilometres.
    Near(f64, f64, Option<f64>),
    /// A condition that this version does not know, by its name.
    Other(String),
}

/// What a field's value must satisfy.
#[derive(Debug, Clone)]
pub struct Condition(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Is(Vec<Value>),
    IsNot(Value),
    Chosen(Vec<String>),
    NotChosen(String),
    Compare(Comparison, Value),
    Between(Value, Value),
    Like(Pattern, FieldType),
    Near(Circle),
}

/// Where to look for the values for which a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Among which keys.
    pub index: Index,
    /// Ranges of keys, apart from each other and in ascending order: the first key of each, and the first one behind.
    pub ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// What to do with what lies in them.
    pub test: Test,
}

/// Keys of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// [`Value::key`]: each value once.
    Values,
    /// [`Value::choice_keys`]: a value can be found several times.
    Choices,
}

/// Whether a value whose key lies in a range satisfies the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// It does.
    None,
    /// [`Condition::holds_for_key`] tells, for most keys.
    Key,
    /// [`Condition::holds`] tells.
    Value,
}

impl Condition {
    /// Reads a condition on a field.
    ///
    /// # Errors
    ///
    /// Why it does not fit the field.
    pub fn parse(field: &Definition, given: GivenCondition) -> Result<Self, Wrong> {
        let field_type = field.field_type();
        let unfit = |operator: &str| {
            Wrong::Value(format!(
                "{operator} does not fit a field of type {field_type}"
            ))
        };
        Ok(Self(match given {
            GivenCondition::Eq(Given::Text(choice)) if field_type == FieldType::MultiSelect => {
                Kind::Chosen(vec![choice])
            }
            GivenCondition::Neq(Given::Text(choice)) if field_type == FieldType::MultiSelect => {
                Kind::NotChosen(choice)
            }
            GivenCondition::Eq(given) => Kind::Is(vec![field.read(given)?]),
            GivenCondition::Neq(given) => Kind::IsNot(field.read(given)?),
            GivenCondition::In(given) => one_of(field, given)?,
            GivenCondition::Compare(comparison, given) => {
                if !has_order(field_type) {
                    return Err(unfit("a comparison by order"));
                }
                Kind::Compare(comparison, field.read(given)?)
            }
            GivenCondition::Between(low, high) => {
                if !has_order(field_type) {
                    return Err(unfit("between"));
                }
                Kind::Between(field.read(low)?, field.read(high)?)
            }
            GivenCondition::Like(pattern) => {
                if !has_text(field_type) {
                    return Err(unfit("like"));
                }
                Kind::Like(Pattern::parse(&pattern).map_err(Wrong::Size)?, field_type)
            }
            GivenCondition::Near(latitude, longitude, radius) => {
                if !matches!(field_type, FieldType::Point | FieldType::Address) {
                    return Err(unfit("near"));
                }
                let center = Point::new(latitude, longitude).map_err(Wrong::Value)?;
                let circle = Circle::new(center, radius.unwrap_or(RADIUS_KM));
                Kind::Near(circle.map_err(Wrong::Value)?)
            }
            GivenCondition::Other(name) => {
                return Err(Wrong::Value(format!(
                    "this host does not know the condition {}",
                    quoted(&name)
                )));
            }
        }))
    }

    /// Whether the condition holds for a value of its field.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        let compares = |comparison: Comparison, bound: &Value| {
            value.order(bound).is_some_and(|order| match comparison {
                Comparison::Lt => order == Ordering::Less,
                Comparison::Lte => order != Ordering::Greater,
                Comparison::Gt => order == Ordering::Greater,
                Comparison::Gte => order != Ordering::Less,
            })
        };
        let chosen = |choice: &String| match value {
            Value::Choices(choices) => choices.contains(choice),
            _ => false,
        };
        match &self.0 {
            Kind::Is(values) => values.iter().any(|one| value.same(one)),
            Kind::IsNot(other) => !value.same(other),
            Kind::Chosen(choices) => choices.iter().any(chosen),
            Kind::NotChosen(choice) => !chosen(choice),
            Kind::Compare(comparison, bound) => compares(*comparison, bound),
            Kind::Between(low, high) => {
                compares(Comparison::Gte, low) && compares(Comparison::Lte, high)
            }
            Kind::Like(pattern, _) => match value {
                Value::Text(text) => pattern.matches(text.as_str()),
                Value::Choices(choices) => choices.iter().any(|choice| pattern.matches(choice)),
                _ => false,
            },
            Kind::Near(circle) => value.point().is_some_and(|point| circle.holds(point)),
        }
    }

    /// Whether the condition holds for the value that has this key, where [`Test::Key`] says that keys can tell; none if
    /// this one does not.
    #[must_use]
    pub fn holds_for_key(&self, key: &[u8]) -> Option<bool> {
        match &self.0 {
            Kind::Near(circle) => Some(point_in(key).is_some_and(|point| circle.holds(point))),
            Kind::Like(pattern, _) => Some(pattern.matches(text_in(key)?)),
            _ => None,
        }
    }

    /// Where to look.
    #[must_use]
    pub fn search(&self) -> Search {
        let mut index = Index::Values;
        let mut test = Test::None;
        let mut test_unless_whole = |values: &[&Value]| {
            if !values.iter().all(|value| key_tells(value)) {
                test = Test::Value;
            }
        };
        let ranges = match &self.0 {
            Kind::Is(values) => {
                test_unless_whole(&values.iter().collect::<Vec<_>>());
                each_of(values.iter().map(Value::key).collect())
            }
            Kind::IsNot(value) => {
                let key = value.key();
                if key_tells(value) {
                    vec![(Vec::new(), key.clone()), (behind(key), END.to_vec())]
                } else {
                    test = Test::Value;
                    everything()
                }
            }
            Kind::Chosen(choices) => {
                index = Index::Choices;
                each_of(choices.iter().map(|choice| choice_key(choice)).collect())
            }
            Kind::NotChosen(_) => {
                test = Test::Value;
                everything()
            }
            Kind::Compare(comparison, bound) => {
                test_unless_whole(&[bound]);
                let key = bound.key();
                vec![match (comparison, is_whole(&key)) {
                    (Comparison::Lt, true) => (Vec::new(), key),
                    (Comparison::Lt | Comparison::Lte, _) => (Vec::new(), behind(key)),
                    (Comparison::Gt, true) => (behind(key), END.to_vec()),
                    (Comparison::Gt | Comparison::Gte, _) => (key, END.to_vec()),
                }]
            }
            Kind::Between(low, high) => {
                test_unless_whole(&[low, high]);
                vec![(low.key(), behind(high.key()))]
            }
            Kind::Like(pattern, field_type) => {
                test = match field_type {
                    // Their keys do not have all characters.
                    FieldType::MultiSelect | FieldType::Phone => Test::Value,
                    _ => Test::Key,
                };
                vec![beginning_with(pattern, *field_type)]
            }
            Kind::Near(circle) => {
                test = Test::Key;
                located_within(circle)
            }
        };
        Search {
            index,
            ranges: ranges.into_iter().filter(|(from, to)| from < to).collect(),
            test,
        }
    }
}

/// Whether all values with the key of this one are the same as it.
fn key_tells(value: &Value) -> bool {
    match value {
        // Two addresses can be in one place.
        Value::Address(_) => false,
        value => is_whole(&value.key()),
    }
}

fn one_of(field: &Definition, given: Vec<Given>) -> Result<Kind, Wrong> {
    if given.len() > IN_VALUES {
        return Err(Wrong::Size(format!(
            "in has {} values; at most {IN_VALUES} are looked for",
            given.len()
        )));
    }
    let texts = given.iter().any(|given| matches!(given, Given::Text(_)));
    if field.field_type() != FieldType::MultiSelect || !texts {
        let values = given.into_iter().map(|given| field.read(given));
        return Ok(Kind::Is(values.collect::<Result<_, _>>()?));
    }
    let choices = given.into_iter().map(|given| match given {
        Given::Text(choice) => Ok(choice),
        other => Err(Wrong::Value(format!(
            "in has texts, which stand for single choices, and a value of type {}",
            other.kind()
        ))),
    });
    Ok(Kind::Chosen(choices.collect::<Result<_, _>>()?))
}

fn has_order(field_type: FieldType) -> bool {
    match field_type {
        FieldType::Text
        | FieldType::Textarea
        | FieldType::Url
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Integer
        | FieldType::Decimal
        | FieldType::Date
        | FieldType::Datetime => true,
        FieldType::Select
        | FieldType::MultiSelect
        | FieldType::Boolean
        | FieldType::Point
        | FieldType::Polygon
        | FieldType::Address => false,
    }
}

fn has_text(field_type: FieldType) -> bool {
    matches!(
        field_type,
        FieldType::Text
            | FieldType::Textarea
            | FieldType::Url
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Select
            | FieldType::MultiSelect
    )
}

/// The first key behind this one.
fn behind(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

fn everything() -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![(Vec::new(), END.to_vec())]
}

fn each_of(mut keys: Vec<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|key| (key.clone(), behind(key)))
        .collect()
}

/// The keys of values that begin like every match of a pattern.
fn beginning_with(pattern: &Pattern, field_type: FieldType) -> (Vec<u8>, Vec<u8>) {
    let mut from = pattern.beginning();
    match field_type {
        // The keys of choices do not begin like them.
        FieldType::MultiSelect => from.clear(),
        // In those of telephone numbers only this counts.
        FieldType::Phone => from.retain(|byte| byte.is_ascii_digit() || *byte == b'+'),
        _ => {}
    }
    let mut to = from.clone();
    // UTF-8 never has the last byte, so counting up is behind all that begins so.
    match to.last_mut() {
        Some(last) => *last = last.saturating_add(1),
        None => to = END.to_vec(),
    }
    (from, to)
}

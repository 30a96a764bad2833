//! Values of custom fields.
//!
//! A [`Value`] is of one of the types that fields have, and valid as such: a day that exists, a number that is exact, a
//! place on Earth. [`Given`] is what a plugin gave, of which nothing is known yet; a field's
//! [`Definition`](super::Definition) makes the one from the other. Two values of one type can be compared, and a value has a
//! [`key`](Value::key), from which the order of values can be told, or at least whether they can be equal.

mod decimal;
mod place;
mod text;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use decimal::{DIGITS, Decimal};
pub use place::{Circle, Point};
pub use text::{PATTERN_BYTES, Pattern};

use crate::contract::registration::FieldType;

/// A value of a custom field.
#[derive(Debug, Clone)]
pub enum Value {
    /// text, textarea, select, url, email, phone.
    Text(Text),
    /// multi_select: choices, each once, in the order in which they were made.
    Choices(Vec<String>),
    /// integer.
    Integer(i64),
    /// decimal.
    Decimal(Decimal),
    /// boolean.
    Boolean(bool),
    /// date.
    Date(Date),
    /// datetime.
    Datetime(Timestamp),
    /// point.
    Point(Point),
    /// polygon: its corners, at least three.
    Polygon(Vec<Point>),
    /// address.
    Address(Address),
}

/// A text, and which parts of it do not matter when it is compared.
#[derive(Debug, Clone)]
pub struct Text {
    text: String,
    sense: Sense,
}

/// When two texts are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// When all their characters are.
    Plain,
    /// When they are but for the case of the domain.
    Email,
    /// When their digits are, and the plus sign before them.
    Phone,
}

/// A postal address. Parts that do not apply are empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// State or province.
    pub region: String,
    /// ISO 3166-1 alpha-2, in capital letters; may be empty.
    pub country: String,
    /// Where it is.
    pub location: Option<Point>,
}

/// What a plugin gave as a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A text.
    Text(String),
    /// Some of the options.
    Choices(Vec<String>),
    /// A whole number.
    Integer(i64),
    /// Decimal digits.
    Decimal(String),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(String),
    /// A moment.
    Datetime(String),
    /// Latitude and longitude.
    Point(f64, f64),
    /// Corners.
    Polygon(Vec<(f64, f64)>),
    /// An address.
    Address {
        /// Its parts. The location in them is not looked at.
        parts: Address,
        /// Latitude and longitude.
        location: Option<(f64, f64)>,
    },
    /// A type that this version does not know, by its name.
    Other(String),
}

impl Given {
    /// The word of the contract for its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Choices(_) => "choices",
            Self::Integer(_) => "integer",
            Self::Decimal(_) => "decimal",
            Self::Boolean(_) => "boolean",
            Self::Date(_) => "date",
            Self::Datetime(_) => "datetime",
            Self::Point(..) => "point",
            Self::Polygon(_) => "polygon",
            Self::Address { .. } => "address",
            Self::Other(kind) => kind,
        }
    }
}

/// How an address is stored.
#[derive(Serialize, Deserialize)]
struct StoredAddress<'a> {
    street: Cow<'a, str>,
    postal_code: Cow<'a, str>,
    city: Cow<'a, str>,
    region: Cow<'a, str>,
    country: Cow<'a, str>,
    location: Option<String>,
}

impl Text {
    pub(super) fn new(text: String, sense: Sense) -> Self {
        Self { text, sense }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// What of it counts in comparisons.
    fn compared(&self) -> Cow<'_, str> {
        match self.sense {
            Sense::Plain => Cow::Borrowed(&self.text),
            Sense::Email => match self.text.rsplit_once('@') {
                Some((local, domain)) => {
                    Cow::Owned(format!("{local}@{}", domain.to_ascii_lowercase()))
                }
                None => Cow::Borrowed(&self.text),
            },
            Sense::Phone => {
                let counts = |char: &char| char.is_ascii_digit() || *char == '+';
                Cow::Owned(self.text.chars().filter(counts).collect())
            }
        }
    }
}

impl Value {
    /// How the values of two fields, or a field's and a given one, compare; none where they have no order. Values of
    /// different types have none.
    #[must_use]
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Text(a), Self::Text(b)) => {
                text::order(&a.compared()).cmp(&text::order(&b.compared()))
            }
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Datetime(a), Self::Datetime(b)) => a.cmp(b),
            _ => return None,
        })
    }

    /// Whether both say the same. The order of choices does not matter.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.compared() == b.compared(),
            (Self::Choices(a), Self::Choices(b)) => {
                a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
            }
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Point(a), Self::Point(b)) => a == b,
            (Self::Polygon(a), Self::Polygon(b)) => a == b,
            (Self::Address(a), Self::Address(b)) => a == b,
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }

    /// Bytes to find the value by, at most 200. Those of texts, numbers, days and moments are in the order of the values,
    /// where long texts can have equal keys. Those of places, and of addresses that have one, begin with
    /// [a cell](Circle). All others' only tell apart what differs.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text::key(&text.compared()),
            Self::Choices(choices) => {
                let choices: BTreeSet<_> = choices.iter().collect();
                digest(choices.into_iter().flat_map(|choice| [choice, "\0"]))
            }
            Self::Integer(integer) => (integer.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec(),
            Self::Decimal(decimal) => decimal.key(),
            Self::Boolean(flag) => vec![u8::from(*flag)],
            Self::Date(date) => date.to_string().into_bytes(),
            Self::Datetime(moment) => {
                // What is before 1970 has whole seconds and nanoseconds that are both negative.
                let nanoseconds = moment.as_nanosecond().cast_unsigned() ^ (1 << 127);
                nanoseconds.to_be_bytes().to_vec()
            }
            Self::Point(point) => located(*point),
            Self::Address(Address {
                location: Some(point),
                ..
            }) => located(*point),
            Self::Polygon(_) | Self::Address(_) => digest([self.to_text().as_str()]),
        }
    }

    /// The keys of the single choices, under which a value of multi_select is found beside its own.
    #[must_use]
    pub fn choice_keys(&self) -> BTreeSet<Vec<u8>> {
        match self {
            Self::Choices(choices) => choices.iter().map(|choice| choice_key(choice)).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// The value as text, from which [`read`](Self::read) makes the same value.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.text.clone(),
            Self::Choices(choices) => json(choices),
            Self::Integer(integer) => integer.to_string(),
            Self::Decimal(decimal) => decimal.to_string(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Datetime(moment) => moment.to_string(),
            Self::Point(point) => point.to_string(),
            Self::Polygon(corners) => {
                let corners: Vec<_> = corners.iter().map(Point::to_string).collect();
                corners.join(" ")
            }
            Self::Address(address) => json(&StoredAddress {
                street: Cow::Borrowed(&address.street),
                postal_code: Cow::Borrowed(&address.postal_code),
                city: Cow::Borrowed(&address.city),
                region: Cow::Borrowed(&address.region),
                country: Cow::Borrowed(&address.country),
                location: address.location.map(|point| point.to_string()),
            }),
        }
    }

    /// Reads the text of a stored value of this type; none if it is not one.
    #[must_use]
    pub fn read(field_type: FieldType, text: String) -> Option<Self> {
        Some(match field_type {
            FieldType::Text | FieldType::Textarea | FieldType::Select | FieldType::Url => {
                Self::Text(Text::new(text, Sense::Plain))
            }
            FieldType::Email => Self::Text(Text::new(text, Sense::Email)),
            FieldType::Phone => Self::Text(Text::new(text, Sense::Phone)),
            FieldType::MultiSelect => Self::Choices(serde_json::from_str(&text).ok()?),
            FieldType::Integer => Self::Integer(text.parse().ok()?),
            FieldType::Decimal => Self::Decimal(Decimal::parse(&text).ok()?),
            FieldType::Boolean => Self::Boolean(text.parse().ok()?),
            FieldType::Date => Self::Date(text.parse().ok()?),
            FieldType::Datetime => Self::Datetime(text.parse().ok()?),
            FieldType::Point => Self::Point(Point::read(&text)?),
            FieldType::Polygon => {
                Self::Polygon(text.split(' ').map(Point::read).collect::<Option<_>>()?)
            }
            FieldType::Address => {
                let stored: StoredAddress<'_> = serde_json::from_str(&text).ok()?;
                let location = match stored.location {
                    Some(text) => Some(Point::read(&text)?),
                    None => None,
                };
                Self::Address(Address {
                    street: stored.street.into_owned(),
                    postal_code: stored.postal_code.into_owned(),
                    city: stored.city.into_owned(),
                    region: stored.region.into_owned(),
                    country: stored.country.into_owned(),
                    location,
                })
            }
        })
    }

    /// Where it is, if it is somewhere.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        match self {
            Self::Point(point) => Some(*point),
            Self::Address(address) => address.location,
            _ => None,
        }
    }
}

/// The key under which one choice is found.
pub(super) fn choice_key(choice: &str) -> Vec<u8> {
    digest([choice])
}

/// The ranges of keys in which everything within a circle is found: the first key, and the first one behind.
pub(super) fn located_within(circle: &Circle) -> Vec<(Vec<u8>, Vec<u8>)> {
    let key = |cell: u64| [&[LOCATED][..], &cell.to_be_bytes()].concat();
    let covered = circle.cover().into_iter();
    covered
        .map(|(first, last)| {
            let behind = match last.checked_add(1) {
                Some(cell) => key(cell),
                None => vec![LOCATED + 1],
            };
            (key(first), behind)
        })
        .collect()
}

/// The place in the key of something that is somewhere.
pub(super) fn point_in(key: &[u8]) -> Option<Point> {
    match key.split_first() {
        Some((&LOCATED, point)) => Point::of_key(point),
        _ => None,
    }
}

/// The text, without case, in a key that has all of it.
pub(super) fn text_in(key: &[u8]) -> Option<&str> {
    if !is_whole(key) {
        return None;
    }
    let end = key.iter().position(|byte| *byte == 0)?;
    str::from_utf8(key.get(..end)?).ok()
}

/// Whether a key has all of the order of what it was made of.
pub(super) fn is_whole(key: &[u8]) -> bool {
    key.len() < text::KEY_BYTES
}

/// Stands before the key of something that is somewhere.
const LOCATED: u8 = 1;
/// Stands before the key of what has neither a place nor an order.
const DIGEST: u8 = 0;

fn located(point: Point) -> Vec<u8> {
    [vec![LOCATED], point.key()].concat()
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    let short = hash.as_bytes().iter().take(16);
    std::iter::once(&DIGEST).chain(short).copied().collect()
}

fn json(value: &impl Serialize) -> String {
    // Texts and lists of texts can always be written.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! `custom-field-types`: what the interfaces of custom fields exchange.

#![allow(missing_docs, reason = "documented in wit/custom-field-types.wit")]

use wasmtime::component::{ComponentType, Lift, Lower};

use super::types::Json;

types_only!();

/// A place on Earth, in degrees: latitude −90 to 90, longitude −180 to 180.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Point {
    pub latitude: f64,
    pub longitude: f64,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Address {
    pub street: Option<String>,
    #[component(name = "postal-code")]
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub location: Option<Point>,
}

/// A value of a custom field.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum FieldValue {
    /// text, textarea, select, url, email, phone.
    #[component(name = "text")]
    Text(String),
    /// multi_select.
    #[component(name = "choices")]
    Choices(Vec<String>),
    #[component(name = "integer")]
    Integer(i64),
    /// In decimal digits, such as `-12.50`, so that nothing is rounded.
    #[component(name = "decimal")]
    Decimal(String),
    #[component(name = "boolean")]
    Boolean(bool),
    /// `2026-11-20`.
    #[component(name = "date")]
    Date(String),
    /// RFC 3339, such as `2026-11-20T10:00:00Z`.
    #[component(name = "datetime")]
    Datetime(String),
    #[component(name = "point")]
    Point(Point),
    /// At least three corners; the last is joined to the first.
    #[component(name = "polygon")]
    Polygon(Vec<Point>),
    #[component(name = "address")]
    Address(Address),
    /// A type that a later version adds: its name and its value.
    #[component(name = "other")]
    Other((String, String)),
}

/// A field with its value. Names are without the plugin's prefix for the plugin's own fields, and
/// `<plugin>:<name>` for those of others.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Field {
    pub name: String,
    /// None where the field is not set; setting none removes the value.
    pub value: Option<FieldValue>,
}

/// Everything within a great-circle distance.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Circle {
    pub center: Point,
    /// 25 when absent.
    #[component(name = "radius-km")]
    pub radius_km: Option<f64>,
}

/// What a field's value must satisfy. Comparisons are by the field's type; none holds for a field that is not set.
///
/// Texts are in the order of a dictionary: by their letters without regard to case, those that differ only in case
/// with the small letters first. `select`, `boolean`, `multi_select`, `point`, `polygon` and `address` have no order,
/// and `gt`, `lt`, `gte`, `lte` and `between` do not fit them. For `multi_select` a value of `text` stands for one
/// choice that is made (`eq`), is not made (`neq`), or any of several (`in`), and `choices` for all of them together.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Condition {
    #[component(name = "eq")]
    Eq(FieldValue),
    #[component(name = "neq")]
    Neq(FieldValue),
    #[component(name = "gt")]
    Gt(FieldValue),
    #[component(name = "lt")]
    Lt(FieldValue),
    #[component(name = "gte")]
    Gte(FieldValue),
    #[component(name = "lte")]
    Lte(FieldValue),
    /// `%` stands for any run of characters, `_` for one; case does not matter. For texts, selections and their
    /// choices; at most 1,024 bytes.
    #[component(name = "like")]
    Like(String),
    /// At most 1,000 values.
    #[component(name = "in")]
    In(Vec<FieldValue>),
    /// Lower and upper bound, both included.
    #[component(name = "between")]
    Between((FieldValue, FieldValue)),
    /// For points and addresses.
    #[component(name = "near")]
    Near(Circle),
    /// A condition that a later version adds: its name and its argument.
    #[component(name = "other")]
    Other((String, Json)),
}

/// Which entities a query finds. All filters must hold.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Filter {
    pub field: String,
    pub condition: Condition,
}

/// By how much, and within what. A result beyond floor or ceiling becomes that floor or ceiling.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Increment {
    /// In decimal digits; negative to subtract.
    pub by: String,
    /// The result is at least this.
    pub floor: Option<String>,
    /// The result is at most this.
    pub ceiling: Option<String>,
}

/// None stands for a field that is not set.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct CompareAndSet {
    pub expected: Option<FieldValue>,
    pub new: Option<FieldValue>,
}

/// What a change does.
#[expect(
    clippy::large_enum_variant,
    reason = "it has the shape of the WIT, and is parsed as soon as it is here"
)]
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Operation {
    /// Adds to an integer or decimal field; a field that is not set counts as 0.
    #[component(name = "increment")]
    Increment(Increment),
    /// Adds a choice to a multi_select field, if it is not there yet.
    #[component(name = "append")]
    Append(String),
    /// Removes a choice from a multi_select field.
    #[component(name = "remove")]
    Remove(String),
    /// Turns a boolean field around; one that is not set becomes true.
    #[component(name = "toggle")]
    Toggle,
    /// Sets a field if it has the expected value.
    #[component(name = "compare-and-set")]
    CompareAndSet(CompareAndSet),
    /// An operation that a later version adds: its name and its argument.
    #[component(name = "other")]
    Other((String, Json)),
}

/// A change of one field that does not lose what others change at the same time.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Change {
    pub field: String,
    pub operation: Operation,
}

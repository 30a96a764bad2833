//! The application's entity types, as an operator describes them.
//!
//! [`EntitySettings`] is the form in a configuration file; [`EntityTypes`] is what remains after parsing, and can only be
//! valid in itself: names that a database takes, columns that have one purpose each, values that can be stored. Whether
//! the tables and columns exist is for the back-end to find out when it starts.
//!
//! ```toml
//! [entity.ticket]
//! table = "ticket"                                    # required
//! id = "id"                                           # by default
//! organisation = "org_id"                             # only where entities belong to organisations
//! personal = ["customer_name", { column = "email", value = "deleted-{id}@example.invalid" }]
//! soft_delete = { column = "deleted_at", now = "timestamp" }    # or now = "seconds", or value = 2
//! retention_days = 90                                 # 60 by default
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::permission::EntityPattern;

/// How long an entity stays in the recycle bin unless its type says otherwise.
pub const RETENTION_DAYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// The longest that a type may say, a century.
const RETENTION_DAYS_MAX: u32 = 36_500;
/// What personal data are replaced by.
pub const DELETED: &str = "[DELETED]";
/// The longest name that both database systems take whole.
const IDENTIFIER_BYTES: usize = 63;

/// An entity type as it is written in a configuration. Names of tables and columns are taken as they are, upper and lower
/// case included; on PostgreSQL a table is found along the connection's search path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitySettings {
    /// The table that the entities are rows of.
    pub table: String,
    /// The column of the id: an integer, unique in the table; `id` unless said otherwise.
    #[serde(default = "default_id")]
    pub id: String,
    /// The column, an integer, of the organisation that an entity belongs to. Without it, every organisation has all.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Columns of personal data.
    #[serde(default)]
    pub personal: Vec<PersonalSettings>,
    /// How the application marks an entity as deleted.
    pub soft_delete: SoftDeleteSettings,
    /// Days in the recycle bin; 60 unless said otherwise.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

/// A column of personal data: its name, or what is to be stored instead as well.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PersonalSettings {
    /// Its name. What replaces its data follows from its type; see [`Replacement`].
    Column(String),
    /// Its name and what replaces its data.
    Replaced(ReplacedSettings),
}

/// A column of personal data with a value of its own for deleted entities.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplacedSettings {
    /// The column.
    pub column: String,
    /// What is stored; `{id}` in a text becomes the entity's id.
    pub value: Constant,
}

/// The column that shows whether an entity is deleted, and what stands in it then: one of `now` and `value`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftDeleteSettings {
    /// The column.
    pub column: String,
    /// The time of deletion, in this form.
    #[serde(default)]
    pub now: Option<TimeForm>,
    /// Always the same value, such as `true` or the number of a state.
    #[serde(default)]
    pub value: Option<Constant>,
}

/// A form of a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeForm {
    /// `2026-11-20T08:00:00.000Z`, in UTC; in PostgreSQL also for columns that are timestamps or dates.
    Timestamp,
    /// Seconds since 1970-01-01T00:00Z.
    Seconds,
    /// Milliseconds since then.
    Milliseconds,
}

/// A value that a configuration can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Constant {
    /// True or false; 1 or 0 in SQLite.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text, or anything that the database reads from one.
    Text(String),
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// The name of a table or column: 1 to 63 bytes without a zero character. Quoted wherever it stands in SQL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identifier(String);

impl Identifier {
    fn parse(text: String) -> Result<Self, String> {
        if text.is_empty() {
            Err("is empty".to_owned())
        } else if text.len() > IDENTIFIER_BYTES {
            Err(format!(
                "has {} bytes, more than {IDENTIFIER_BYTES}",
                text.len()
            ))
        } else if text.contains('\0') {
            Err("has a zero character in it".to_owned())
        } else {
            Ok(Self(text))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name as it stands in SQL: in double quotes, with those in it doubled, which both systems read as a name and nothing
/// else.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// An entity type of the application.
#[derive(Debug, Clone)]
pub struct EntityType {
    /// Its name, as plugins and grants call it.
    pub name: String,
    /// The table that its entities are rows of.
    pub table: Identifier,
    /// The column of the id.
    pub id: Identifier,
    /// The column of the organisation, if entities belong to one.
    pub organisation: Option<Identifier>,
    /// Columns of personal data.
    pub personal: Vec<Personal>,
    /// The column that shows whether an entity is deleted.
    pub mark_column: Identifier,
    /// What stands in it then.
    pub mark: Mark,
    /// How many days an entity stays in the bin.
    pub retention_days: NonZeroU32,
}

/// A column of personal data.
#[derive(Debug, Clone)]
pub struct Personal {
    /// The column.
    pub column: Identifier,
    /// What the configuration says to store instead; none where it follows from the column's type.
    pub value: Option<Constant>,
}

/// What marks an entity as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The time of deletion.
    Now(TimeForm),
    /// A constant.
    Constant(Constant),
}

/// What the data of a personal column are replaced by.
///
/// `[DELETED]`, as far as a column can hold it. In a column of which the database demands different values for different
/// rows (alone, or together with others) it is `[DELETED] <id>`. Columns that are not text, or too short, become NULL; where
/// they may not be NULL either, the configuration has to say a value, and the back-end does not start before it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// `[DELETED]`.
    Deleted,
    /// `[DELETED] <id>`.
    DeletedWithId,
    /// Nothing.
    Null,
    /// What the configuration says.
    Configured(Constant),
}

impl Replacement {
    /// What is stored for an entity; none for NULL.
    #[must_use]
    pub fn value(&self, id: i64) -> Option<Constant> {
        match self {
            Self::Deleted => Some(Constant::Text(DELETED.to_owned())),
            Self::DeletedWithId => Some(Constant::Text(format!("{DELETED} {id}"))),
            Self::Null => None,
            Self::Configured(Constant::Text(text)) => {
                Some(Constant::Text(text.replace("{id}", &id.to_string())))
            }
            Self::Configured(other) => Some(other.clone()),
        }
    }
}

impl EntityType {
    /// How long an entity stays in the bin.
    #[must_use]
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days.get()) * 86_400)
    }

    /// All columns that the type names, each with what it is.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &Identifier)> {
        [("id", &self.id), ("soft_delete", &self.mark_column)]
            .into_iter()
            .chain(self.organisation.iter().map(|column| ("organisation", column)))
            .chain(self.personal.iter().map(|personal| ("personal", &personal.column)))
    }
}

/// The entity types of an application, by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, EntitySettings>")]
pub struct EntityTypes(BTreeMap<String, EntityType>);

/// What is wrong with an entity type's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("entity type {name:?}: {problem}")]
pub struct EntityTypeError {
    /// The type's name in the configuration.
    pub name: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl EntityTypes {
    /// The type of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&EntityType> {
        self.0.get(name)
    }

    /// All types by name.
    pub fn iter(&self) -> impl Iterator<Item = &EntityType> {
        self.0.values()
    }

    /// Their names, for messages.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }
}

impl TryFrom<BTreeMap<String, EntitySettings>> for EntityTypes {
    type Error = EntityTypeError;

    fn try_from(settings: BTreeMap<String, EntitySettings>) -> Result<Self, EntityTypeError> {
        let mut types: BTreeMap<String, EntityType> = BTreeMap::new();
        for (name, settings) in settings {
            let fail = |problem| EntityTypeError {
                name: name.clone(),
                problem,
            };
            let parsed = parse(&name, settings).map_err(fail)?;
            // Two types on one table would each take the other's deletions for the application's own.
            let same = |other: &&EntityType| {
                let (one, two) = (other.table.as_str(), parsed.table.as_str());
                one.eq_ignore_ascii_case(two)
            };
            if let Some(other) = types.values().find(same) {
                return Err(fail(format!(
                    "its table {} is that of entity type {:?} already",
                    parsed.table,
                    other.name
                )));
            }
            types.insert(name, parsed);
        }
        Ok(Self(types))
    }
}

fn default_id() -> String {
    "id".to_owned()
}

fn parse(name: &str, settings: EntitySettings) -> Result<EntityType, String> {
    // A name that a grant cannot have would be one that nobody can be granted.
    let name = match name.parse() {
        Ok(EntityPattern::Name(name)) => name,
        Ok(EntityPattern::Any) => return Err("* is not a name".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let identifier = |what: &str, text: String| {
        Identifier::parse(text).map_err(|problem| format!("the name of its {what} {problem}"))
    };
    let table = identifier("table", settings.table)?;
    if reserved(table.as_str()) {
        return Err(format!(
            "its table {table} is the host's or the database's own; name a table of the application"
        ));
    }
    let mark = match (settings.soft_delete.now, settings.soft_delete.value) {
        (Some(form), None) => Mark::Now(form),
        (None, Some(value)) => Mark::Constant(storable(value)?),
        _ => {
            return Err(
                "soft_delete has to say what stands in its column: one of now = \"timestamp\", now = \"seconds\", now = \
                 \"milliseconds\", or value = …"
                    .to_owned(),
            );
        }
    };
    let retention_days = match settings.retention_days {
        None => RETENTION_DAYS,
        Some(days) => NonZeroU32::new(days)
            .filter(|days| days.get() <= RETENTION_DAYS_MAX)
            .ok_or_else(|| format!("retention_days is {days}; it must be 1 to {RETENTION_DAYS_MAX}"))?,
    };
    let mut personal = Vec::new();
    for given in settings.personal {
        let (column, value) = match given {
            PersonalSettings::Column(column) => (column, None),
            PersonalSettings::Replaced(ReplacedSettings { column, value }) => {
                (column, Some(storable(value)?))
            }
        };
        personal.push(Personal {
            column: identifier("personal column", column)?,
            value,
        });
    }
    let organisation = settings.organisation;
    let parsed = EntityType {
        name,
        table,
        id: identifier("id column", settings.id)?,
        organisation: organisation
            .map(|column| identifier("organisation column", column))
            .transpose()?,
        personal,
        mark_column: identifier("soft_delete column", settings.soft_delete.column)?,
        mark,
        retention_days,
    };
    apart(&parsed)?;
    Ok(parsed)
}

/// Each column has one purpose: a deletion that overwrites an id or an organisation could not be found again.
fn apart(parsed: &EntityType) -> Result<(), String> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (purpose, column) in parsed.columns() {
        let same = |(_, other): &&(&str, &str)| other.eq_ignore_ascii_case(column.as_str());
        if let Some((other, _)) = seen.iter().find(same) {
            return Err(format!(
                "its column {column} is named twice, as {other} and as {purpose}"
            ));
        }
        seen.push((purpose, column.as_str()));
    }
    Ok(())
}

fn storable(value: Constant) -> Result<Constant, String> {
    match &value {
        Constant::Text(text) if text.contains('\0') => {
            Err("a value has a zero character in it, which not every database can store".to_owned())
        }
        _ => Ok(value),
    }
}

fn reserved(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    ["goatherd_", "sqlite_", "pg_"]
        .iter()
        .any(|prefix| lower.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn types(value: Value) -> Result<EntityTypes, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn ticket(changes: Value) -> Result<EntityTypes, String> {
        let mut ticket = json!({"table": "ticket", "soft_delete": {"column": "deleted_at", "now": "timestamp"}});
        for (key, value) in changes.as_object().unwrap() {
            ticket[key] = value.clone();
        }
        types(json!({ "ticket": ticket }))
    }

    #[test]
    fn what_is_not_said_has_the_defaults_that_are_documented() {
        let types = ticket(json!({})).unwrap();
        let ticket = types.get("ticket").unwrap();
        assert_eq!(ticket.id.as_str(), "id");
        assert_eq!(ticket.retention(), Duration::from_secs(60 * 86_400));
        assert!(ticket.organisation.is_none() && ticket.personal.is_empty());
    }

    #[test]
    fn a_quote_in_a_name_cannot_end_the_name() {
        let name = Identifier::parse("a\"; DROP TABLE b; --".to_owned()).unwrap();
        assert_eq!(name.to_string(), "\"a\"\"; DROP TABLE b; --\"");
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_type_and_the_reason() {
        for (changes, words) in [
            (json!({"table": ""}), "is empty"),
            (json!({"table": "x".repeat(64)}), "64 bytes"),
            (json!({"table": "a\0b"}), "zero character"),
            (json!({"table": "Goatherd_recycle_bin"}), "host's"),
            (json!({"table": "sqlite_schema"}), "own"),
            (json!({"soft_delete": {"column": "d"}}), "one of now"),
            (json!({"soft_delete": {"column": "d", "now": "seconds", "value": 1}}), "one of now"),
            (json!({"soft_delete": {"column": "id", "value": 1}}), "named twice"),
            (json!({"personal": ["ID"]}), "named twice"),
            (json!({"personal": ["email", "email"]}), "named twice"),
            (json!({"organisation": "deleted_at"}), "named twice"),
            (json!({"personal": [{"column": "a", "value": "\u{0}"}]}), "zero character"),
            (json!({"retention_days": 0}), "retention_days"),
            (json!({"retention_days": 36_501}), "retention_days"),
            (json!({"retention": 5}), "unknown field"),
        ] {
            let error = ticket(changes.clone()).unwrap_err();
            assert!(error.contains(words), "{changes}: {error}");
        }
        let error = types(json!({"Ticket": {"table": "t", "soft_delete": {"column": "d", "value": 1}}}));
        assert!(error.unwrap_err().contains("\"Ticket\""));
    }

    #[test]
    fn two_types_cannot_share_a_table() {
        let one = json!({"table": "person", "soft_delete": {"column": "d", "value": true}});
        let two = json!({"table": "Person", "soft_delete": {"column": "d", "value": true}});
        let error = types(json!({"agent": one, "customer": two})).unwrap_err();
        assert!(error.contains("agent") && error.contains("customer"), "{error}");
    }

    #[test]
    fn a_configured_value_can_be_different_for_each_entity() {
        let value = Replacement::Configured(Constant::Text("gone-{id}@example.invalid".to_owned()));
        assert_eq!(
            value.value(-7),
            Some(Constant::Text("gone--7@example.invalid".to_owned()))
        );
    }
}

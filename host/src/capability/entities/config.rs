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

/// How long an entity stays in the recycle bin unless its type says otherwise.
pub const RETENTION_DAYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
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
    /// The column, an integer, of the organisation that an entity belongs to. Without it, every organisation has all; with
    /// it, plugins reach only what belongs to the organisation of their call.
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
    /// Takes a name, or says what is wrong with it as the end of a sentence.
    pub(super) fn parse(text: String) -> Result<Self, String> {
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
            .chain(
                self.organisation
                    .iter()
                    .map(|column| ("organisation", column)),
            )
            .chain(
                self.personal
                    .iter()
                    .map(|personal| ("personal", &personal.column)),
            )
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
    pub(super) const fn new(types: BTreeMap<String, EntityType>) -> Self {
        Self(types)
    }

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

fn default_id() -> String {
    "id".to_owned()
}

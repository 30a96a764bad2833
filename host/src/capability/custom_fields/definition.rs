//! Fields: what a plugin registered, and the rules that follow from it.
//!
//! A [`Definition`] exists only if its configuration makes sense for its type; it is then the one place that decides
//! whether a given value is one of the field's. Configuration that says nothing about values, or nothing about values of
//! this type, is left to whoever shows the field.
//!
//! | type | configuration |
//! |---|---|
//! | text, textarea, url, email, phone | `min_length`, `max_length` in characters; `regex`, which a value must contain a match of |
//! | select, multi_select | `options`: texts, or objects with a text `value` |
//! | integer, decimal | `min`, `max`: numbers, or texts with decimal digits |
//! | date, datetime | `min`, `max` (or `min_date`, `max_date`): texts; for a datetime also days, as a whole, in UTC |
//! | url | `schemes`: `["https", "http"]` when absent |
//! | address | `countries`: ISO 3166-1 alpha-2 |

mod check;
mod rules;

use std::fmt;

use crate::contract::registration::{CustomField, FieldType};
use crate::contract::{Json, PluginName};

pub use check::Wrong;
pub(super) use check::is_blank;
use rules::Rules;

use super::backend::FieldsError;
use super::value::{Given, Value};

/// A field's name in full.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldName {
    /// The plugin that registered it.
    pub plugin: PluginName,
    /// The entities that have it.
    pub entity_type: String,
    /// Without the plugin, `^[a-z][a-z0-9_]{0,62}$`.
    pub name: String,
}

/// A field as a plugin registered it, with all that is kept about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its name in full.
    pub name: FieldName,
    /// The type of its values.
    pub field_type: FieldType,
    /// Whether there must be a value.
    pub required: bool,
    /// A JSON object.
    pub config: Json,
    /// For people; the same for what follows.
    pub label: String,
    /// The heading that it stands under.
    pub section: String,
    /// Sorts within the section.
    pub order: i32,
    /// Help text.
    pub description: String,
    /// Shown in an empty input.
    pub placeholder: String,
}

/// A field whose values can be checked.
#[derive(Debug)]
pub struct Definition {
    declaration: Declaration,
    rules: Rules,
}

/// Whether a configuration has a regular expression, whatever it is.
pub(super) fn has_regex(config: &Json) -> bool {
    let members = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>;
    members(config.as_str()).is_ok_and(|members| members.contains_key("regex"))
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.entity_type, self.plugin, self.name)
    }
}

impl Declaration {
    /// What a registration says.
    #[must_use]
    pub fn of(plugin: &PluginName, field: &CustomField) -> Self {
        Self {
            name: FieldName {
                plugin: plugin.clone(),
                entity_type: field.entity_type.as_str().to_owned(),
                name: field.name.clone(),
            },
            field_type: field.field_type,
            required: field.required,
            config: field.config.clone(),
            label: field.label.clone(),
            section: field.section.clone(),
            order: field.order,
            description: field.description.clone(),
            placeholder: field.placeholder.clone(),
        }
    }
}

impl Definition {
    /// Reads the rules of a field.
    ///
    /// # Errors
    ///
    /// What is wrong with its configuration.
    pub fn new(declaration: Declaration) -> Result<Self, String> {
        let rules = Rules::read(declaration.field_type, &declaration.config)?;
        Ok(Self { declaration, rules })
    }

    /// What the plugin registered.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// The field's name in full.
    #[must_use]
    pub fn name(&self) -> &FieldName {
        &self.declaration.name
    }

    /// The type of its values.
    #[must_use]
    pub fn field_type(&self) -> FieldType {
        self.declaration.field_type
    }

    /// Makes a value of what was given, by type and form only: what a condition compares with need not be a value that
    /// the field could have.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn read(&self, given: Given) -> Result<Value, Wrong> {
        check::read(self.field_type(), given)
    }

    /// Makes a value of the field of what was given.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn accept(&self, given: Given) -> Result<Value, Wrong> {
        let value = self.read(given)?;
        self.check(&value)?;
        Ok(value)
    }

    /// Whether a value of the field's type is one that the field may have.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&self, value: &Value) -> Result<(), Wrong> {
        if self.declaration.required && is_blank(value) {
            return Err(Wrong::Value("a value is required".to_owned()));
        }
        self.rules.check(value)
    }

    /// Whether the field may be without a value.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check_removal(&self) -> Result<(), Wrong> {
        if self.declaration.required {
            return Err(Wrong::Value(
                "a value is required, so it cannot be removed".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether a choice is one of the options.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check_choice(&self, choice: &str) -> Result<(), Wrong> {
        self.rules.check_choice(choice)
    }
}

impl Declaration {
    /// The same with a type and a configuration as they are stored.
    pub(super) fn with(self, field_type: &str, config: String) -> Result<Self, FieldsError> {
        let unreadable = || FieldsError::Unreadable(self.name.clone());
        let mut types = FieldType::ALL.iter();
        let found = types.find(|one| one.as_str() == field_type);
        Ok(Self {
            field_type: *found.ok_or_else(unreadable)?,
            config: Json::parse(config).map_err(|_| unreadable())?,
            ..self
        })
    }
}

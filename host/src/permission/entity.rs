//! Entity types, the scope of `entity` grants, and fields of other plugins, which `custom_fields` grants can add.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::scope::Scope;
use crate::names::PluginName;

/// One entity type by its name, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EntityPattern {
    /// `*`.
    Any,
    /// A name, `^[a-z][a-z0-9_-]{0,62}$`.
    Name(String),
}

impl EntityPattern {
    /// Whether the entity type of this name is covered.
    #[must_use]
    pub fn matches(&self, entity_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => name == entity_type,
        }
    }
}

fn is_name(text: &str, also: &[u8]) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || also.contains(&b))
}

impl FromStr for EntityPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            Ok(Self::Any)
        } else if is_name(text, b"_-") {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(PatternError::new(
                "is neither * nor an entity type: one begins with a lower-case letter and has at most 63 lower-case \
                 letters, digits, underscores and hyphens",
            ))
        }
    }
}

impl fmt::Display for EntityPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Custom fields: the plugin's own on an entity type, or one field of another plugin by its full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldPattern {
    /// `ticket` or `*`: all of the plugin's own fields on these entity types.
    Own(EntityPattern),
    /// `ticket/crm:segment`: a field of another plugin.
    Foreign {
        /// The entity type, never `*`.
        entity_type: String,
        /// The plugin that owns the field.
        plugin: String,
        /// The field's name without prefix, `^[a-z][a-z0-9_]*$`.
        field: String,
    },
}

impl FromStr for FieldPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let Some((entity_type, rest)) = text.split_once('/') else {
            return text.parse().map(Self::Own);
        };
        match rest.split_once(':') {
            Some((plugin, field))
                if is_name(entity_type, b"_-")
                    && plugin.parse::<PluginName>().is_ok()
                    && is_name(field, b"_") =>
            {
                Ok(Self::Foreign {
                    entity_type: entity_type.to_owned(),
                    plugin: plugin.to_owned(),
                    field: field.to_owned(),
                })
            }
            _ => Err(PatternError::new(
                "is not a field of another plugin: write <entity type>/<plugin>:<field> in full, such as \
                 ticket/crm:segment",
            )),
        }
    }
}

impl fmt::Display for FieldPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(pattern) => pattern.fmt(f),
            Self::Foreign {
                entity_type,
                plugin,
                field,
            } => write!(f, "{entity_type}/{plugin}:{field}"),
        }
    }
}

impl Scope<EntityPattern> {
    /// Whether entities of this type may be touched.
    #[must_use]
    pub fn allows(&self, entity_type: &str) -> bool {
        self.any(|pattern| pattern.matches(entity_type))
    }
}

impl Scope<FieldPattern> {
    /// Whether the plugin may touch its own fields on entities of this type.
    #[must_use]
    pub fn allows_own(&self, entity_type: &str) -> bool {
        self.any(|pattern| matches!(pattern, FieldPattern::Own(own) if own.matches(entity_type)))
    }

    /// Whether the plugin may touch this field of another plugin.
    #[must_use]
    pub fn allows_foreign(&self, entity_type: &str, plugin: &str, field: &str) -> bool {
        self.any(|pattern| {
            matches!(pattern, FieldPattern::Foreign { entity_type: e, plugin: p, field: f }
                if e == entity_type && p == plugin && f == field)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{FieldPattern, Scope};

    #[test]
    fn a_star_covers_own_fields_everywhere_and_no_field_of_another_plugin() {
        let scope = Scope::only(vec!["*".parse::<FieldPattern>().unwrap()]);
        assert!(scope.allows_own("ticket"));
        assert!(!scope.allows_foreign("ticket", "crm", "segment"));
    }

    #[test]
    fn a_foreign_field_is_named_in_full() {
        let scope = Scope::only(vec!["ticket/crm:segment".parse::<FieldPattern>().unwrap()]);
        assert!(scope.allows_foreign("ticket", "crm", "segment"));
        assert!(!scope.allows_foreign("ticket", "crm", "segment2"));
        assert!(!scope.allows_foreign("customer", "crm", "segment"));
        assert!(!scope.allows_own("ticket"));
        for bad in [
            "ticket/crm",
            "ticket/*:a",
            "*/crm:a",
            "ticket/crm:*",
            "ticket/:a",
            "/crm:a",
            "ticket/crm:",
        ] {
            assert!(bad.parse::<FieldPattern>().is_err(), "{bad:?}");
        }
    }
}

//! From what is written in a configuration to entity types that can be used.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::config::{
    Constant, EntitySettings, EntityType, EntityTypeError, EntityTypes, Identifier, Mark, Personal,
    PersonalSettings, RETENTION_DAYS, ReplacedSettings,
};
use crate::permission::EntityPattern;

/// The longest that a type may say, a century.
const RETENTION_DAYS_MAX: u32 = 36_500;

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
                    parsed.table, other.name
                )));
            }
            types.insert(name, parsed);
        }
        Ok(Self::new(types))
    }
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
            .ok_or_else(|| {
                format!("retention_days is {days}; it must be 1 to {RETENTION_DAYS_MAX}")
            })?,
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

    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::config::Replacement;
    use super::*;

    fn types(value: Value) -> Result<EntityTypes, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn ticket(changes: Value) -> Result<EntityTypes, String> {
        let mut ticket =
            json!({"table": "ticket", "soft_delete": {"column": "deleted_at", "now": "timestamp"}});
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
            (
                json!({"soft_delete": {"column": "d", "now": "seconds", "value": 1}}),
                "one of now",
            ),
            (
                json!({"soft_delete": {"column": "id", "value": 1}}),
                "named twice",
            ),
            (json!({"personal": ["ID"]}), "named twice"),
            (json!({"personal": ["email", "email"]}), "named twice"),
            (json!({"organisation": "deleted_at"}), "named twice"),
            (
                json!({"personal": [{"column": "a", "value": "\u{0}"}]}),
                "zero character",
            ),
            (json!({"retention_days": 0}), "retention_days"),
            (json!({"retention_days": 36_501}), "retention_days"),
            (json!({"retention": 5}), "unknown field"),
        ] {
            let error = ticket(changes.clone()).unwrap_err();
            assert!(error.contains(words), "{changes}: {error}");
        }
        let error =
            types(json!({"Ticket": {"table": "t", "soft_delete": {"column": "d", "value": 1}}}));
        assert!(error.unwrap_err().contains("\"Ticket\""));
    }

    #[test]
    fn two_types_cannot_share_a_table() {
        let one = json!({"table": "person", "soft_delete": {"column": "d", "value": true}});
        let two = json!({"table": "Person", "soft_delete": {"column": "d", "value": true}});
        let error = types(json!({"agent": one, "customer": two})).unwrap_err();
        assert!(
            error.contains("agent") && error.contains("customer"),
            "{error}"
        );
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

//! Table names with `*`, the scope of `db` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::glob::{self, Case};
use super::scope::Scope;

/// One or more tables: a name in which `*` stands for any run of characters. ASCII case does not matter, as it does
/// not in SQL. A name that SQL must quote can be covered only by a `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TablePattern(String);

impl TablePattern {
    /// Whether the table of this name is covered. `name` is as the engine reports it, without quotes.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        glob::matches(&self.0, name, Case::AsciiInsensitive)
    }
}

impl FromStr for TablePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::new(
                "is empty: name a table, such as ticket, or use * in a name",
            ));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.' | '*')))
        {
            return Err(PatternError::new(format!(
                "has a {bad:?}: a table is written with letters, digits, _, $, . and * for any run of characters"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TablePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Scope<TablePattern> {
    /// Whether the table of this name may be touched. Tables of the host and of the engine are not this type's to
    /// know; the back-end refuses them whatever the scope.
    #[must_use]
    pub fn allows(&self, table: &str) -> bool {
        self.any(|pattern| pattern.matches(table))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::TablePattern;

    #[test]
    fn a_table_matches_whole_and_in_any_case() {
        let pattern: TablePattern = "Ticket_*".parse().unwrap();
        assert!(pattern.matches("ticket_history"));
        assert!(pattern.matches("TICKET_"));
        assert!(!pattern.matches("ticket"));
        assert!(!pattern.matches("my_ticket_history"));
    }

    #[test]
    fn a_table_is_plain_characters_and_stars() {
        for bad in ["", "a b", "a\"b", "a;b", "tick?t", "é", "a,b", "a\0"] {
            assert!(bad.parse::<TablePattern>().is_err(), "{bad:?}");
        }
    }
}

//! Which tables organisations own.
//!
//! The application says so once, when the host is put together. Plugins do not know of it: a back-end filters these
//! tables to the organisation of each call by itself, and refuses what it cannot filter.

use std::collections::BTreeMap;

use thiserror::Error;

/// Tables of which each row belongs to one organisation, and the column of each that says to which.
///
/// The column holds whole numbers that fit into 64 bits; a row in which it is null belongs to none and is seen by no
/// plugin. ASCII case of the tables' names does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrganisationTables(BTreeMap<String, String>);

/// Why a list of organisation-owned tables cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrganisationTablesError {
    /// A name is empty or has a zero byte.
    #[error(
        "{0:?} is no name of a table or column: write the table, and the column that has its organisation"
    )]
    NotAName(String),
    /// A table is there twice; ASCII case makes no difference.
    #[error("table {0:?} is listed twice; it can have one organisation column")]
    Twice(String),
}

impl OrganisationTables {
    /// From pairs of a table and its organisation column.
    ///
    /// # Errors
    ///
    /// A name is empty, or a table is listed twice.
    pub fn new<T: Into<String>, C: Into<String>>(
        tables: impl IntoIterator<Item = (T, C)>,
    ) -> Result<Self, OrganisationTablesError> {
        let mut all = BTreeMap::new();
        for (table, column) in tables {
            let (table, column) = (table.into(), column.into());
            for name in [&table, &column] {
                if name.is_empty() || name.contains('\0') {
                    return Err(OrganisationTablesError::NotAName(name.clone()));
                }
            }
            if all.insert(table.to_ascii_lowercase(), column).is_some() {
                return Err(OrganisationTablesError::Twice(table));
            }
        }
        Ok(Self(all))
    }

    /// The column that has the organisation of each row; none if organisations do not own the table.
    #[must_use]
    pub fn column(&self, table: &str) -> Option<&str> {
        self.0.get(&table.to_ascii_lowercase()).map(String::as_str)
    }

    /// Each table, in lower case, and its column.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(table, column)| (table.as_str(), column.as_str()))
    }

    /// Whether organisations own no table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{OrganisationTables, OrganisationTablesError};

    #[test]
    fn a_table_has_its_column_in_any_case_and_once() {
        let tables = OrganisationTables::new([("Ticket", "org_id")]).unwrap();
        assert_eq!(tables.column("TICKET"), Some("org_id"));
        assert_eq!(tables.column("tickets"), None);
        assert_eq!(
            OrganisationTables::new([("ticket", "a"), ("TICKET", "a")]),
            Err(OrganisationTablesError::Twice("TICKET".to_owned()))
        );
        for bad in [("", "a"), ("a", ""), ("a\0", "b")] {
            assert!(OrganisationTables::new([bad]).is_err(), "{bad:?}");
        }
    }
}

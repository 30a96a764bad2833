//! Which tables organisations own.

use super::super::OrganisationTables;

/// A table that organisations own.
#[derive(Debug)]
pub(super) struct OwnedTable {
    pub(super) name: String,
    /// The column that has the organisation of each row.
    pub(super) column: String,
}

/// The tables.
#[derive(Debug)]
pub(super) struct Owned {
    tables: Vec<OwnedTable>,
}

impl Owned {
    pub(super) fn new(tables: &OrganisationTables) -> Self {
        let tables = tables.iter().map(|(name, column)| OwnedTable {
            name: name.to_owned(),
            column: column.to_owned(),
        });
        Self {
            tables: tables.collect(),
        }
    }

    /// Each table; its index is what [`Owned::index`] says.
    pub(super) fn tables(&self) -> &[OwnedTable] {
        &self.tables
    }

    /// The index of the table among them; none if organisations do not own it.
    pub(super) fn index(&self, table: &str) -> Option<usize> {
        let mut tables = self.tables.iter();
        tables.position(|one| one.name.eq_ignore_ascii_case(table))
    }
}

//! Which tables organisations own, and the names of what guards them on one plugin's connections.

use super::super::OrganisationTables;

/// Which organisation the call is for. Plugins cannot call it.
pub(super) const ORGANISATION: &str = "goatherd_organisation";
/// Changes one row. Plugins cannot call it.
pub(super) const WRITE: &str = "goatherd_write";

/// A table that organisations own.
#[derive(Debug)]
pub(super) struct OwnedTable {
    pub(super) name: String,
    /// The column that has the organisation of each row.
    pub(super) column: String,
}

/// The tables, and the beginning of the names of everything that guards them.
#[derive(Debug)]
pub(super) struct Owned {
    tables: Vec<OwnedTable>,
    secret: String,
}

impl Owned {
    /// For one plugin's connections. Fails where the system has no randomness.
    pub(super) fn new(tables: &OrganisationTables) -> Result<Self, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let tables = tables.iter().map(|(name, column)| OwnedTable {
            name: name.to_owned(),
            column: column.to_owned(),
        });
        Ok(Self {
            tables: tables.collect(),
            secret: format!("goatherd_{:032x}_", u128::from_ne_bytes(random)),
        })
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

    /// The name of the view that guards the table of this index, with which those of its triggers begin too.
    pub(super) fn guarding_name(&self, index: usize) -> String {
        format!("{}{index}", self.secret)
    }

    /// Whether this is the name of a guarding view or trigger, which no plugin knows.
    pub(super) fn guards(&self, name: &str) -> bool {
        name.starts_with(&self.secret)
    }

    /// Whether this is the name of a function that only those call.
    pub(super) fn is_function(name: &str) -> bool {
        matches!(name, ORGANISATION | WRITE)
    }
}

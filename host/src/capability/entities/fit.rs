//! Whether a configured entity type fits the table that the database has.
//!
//! Back-ends gather what there is; the rules are the same for all and are here. They find everything that would otherwise
//! be found by the first deletion: missing columns, ids that are not unique, data that cannot be replaced.

use super::config::{EntityType, Identifier, Replacement};

/// What a back-end found out about a table.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    /// Whether names that differ in case only are the same.
    pub(super) folds_case: bool,
}

/// What a back-end found out about a column.
pub(super) struct Column {
    pub(super) name: String,
    /// Its type in the database's words.
    pub(super) declared: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// Whether it alone tells rows apart.
    pub(super) identifies: bool,
    /// Whether the database demands that it be different in different rows, alone or together with others.
    pub(super) distinct: bool,
    /// Whether the database computes it.
    pub(super) generated: bool,
}

/// What can be stored in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    /// Text of at most so many characters.
    Text(Option<usize>),
    Other,
}

/// The longest text that [`Replacement::DeletedWithId`] can be.
const WITH_ID: usize = "[DELETED] -9223372036854775808".len();
const ALONE: usize = super::config::DELETED.len();

impl Table {
    pub(super) fn column(&self, name: &Identifier) -> Option<&Column> {
        let name = name.as_str();
        self.columns.iter().find(|column| {
            column.name == name || (self.folds_case && column.name.eq_ignore_ascii_case(name))
        })
    }

    /// What personal columns are replaced by, in their order, or what does not fit.
    pub(super) fn fit(&self, wanted: &EntityType) -> Result<Vec<Replacement>, String> {
        let table = &wanted.table;
        for (purpose, name) in wanted.columns() {
            let Some(column) = self.column(name) else {
                let known: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
                return Err(format!(
                    "the table {table} has no column {name}, which the configuration names as {purpose}; it has: {}",
                    known.join(", ")
                ));
            };
            if matches!(purpose, "id" | "organisation") && column.kind != Kind::Integer {
                return Err(format!(
                    "the column {name} of the table {table} is {}; as {purpose} it has to be an integer",
                    column.declared
                ));
            }
            if purpose == "id" && !column.identifies {
                return Err(format!(
                    "the column {name} of the table {table} is not unique by itself, so that a deletion could reach more \
                     than one row; make it the primary key or UNIQUE"
                ));
            }
            if matches!(purpose, "soft_delete" | "personal") && column.generated {
                return Err(format!(
                    "the column {name} of the table {table} is computed by the database; as {purpose} it has to be one that \
                     can be written"
                ));
            }
        }
        wanted
            .personal
            .iter()
            .map(
                |personal| match (&personal.value, self.column(&personal.column)) {
                    (Some(value), _) => Ok(Replacement::Configured(value.clone())),
                    (None, Some(column)) => replacement(column, &personal.column, table),
                    (None, None) => Err(format!(
                        "the table {table} has no column {}",
                        personal.column
                    )),
                },
            )
            .collect()
    }
}

fn replacement(
    column: &Column,
    name: &Identifier,
    table: &Identifier,
) -> Result<Replacement, String> {
    let (fits, with) = match (column.distinct, column.kind) {
        (false, Kind::Text(most)) => (most.is_none_or(|most| most >= ALONE), Replacement::Deleted),
        (true, Kind::Text(most)) => (
            most.is_none_or(|most| most >= WITH_ID),
            Replacement::DeletedWithId,
        ),
        (_, Kind::Integer | Kind::Other) => (false, Replacement::Null),
    };
    if fits {
        Ok(with)
    } else if column.nullable {
        Ok(Replacement::Null)
    } else {
        Err(format!(
            "the personal column {name} of the table {table} is {} NOT NULL, so that neither [DELETED] nor NULL can be stored \
             in it; say what can: personal = [{{ column = {:?}, value = … }}]",
            column.declared,
            name.as_str()
        ))
    }
}

//! What one plugin may do, and the sentences that say so when it tries something else.

use std::ops::Deref;

use super::super::policy::begins;
pub(super) use super::super::policy::{Granted, Purpose, Reserved};
use super::owned::Owned;
use crate::permission::TablePattern;

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Insert,
    Update,
    Delete,
    Create,
    Alter,
    Drop,
    CreateIndex,
    DropIndex,
    /// By a foreign key.
    Refer,
}

impl Operation {
    fn on(self, table: &str) -> String {
        let words = match self {
            Self::Read => "read",
            Self::Insert => "insert into",
            Self::Update => "update",
            Self::Delete => "delete from",
            Self::Create => "create",
            Self::Alter => "alter",
            Self::Drop => "drop",
            Self::CreateIndex => "create an index on",
            Self::DropIndex => "drop an index of",
            Self::Refer => "refer by a foreign key to",
        };
        format!("{words} table \"{table}\"")
    }
}

/// Tables with these names belong to the host or the engine.
pub(super) fn reserved(table: &str) -> Option<Reserved> {
    /// Modules of virtual tables that exist without being created, and look inside the database file or at schemas.
    const MODULES: [&str; 9] = [
        "dbstat",
        "fts3",
        "fts3tokenize",
        "fts4",
        "fts4aux",
        "fts5",
        "fts5vocab",
        "rtree",
        "rtree_i32",
    ];
    if begins(table, "goatherd_") {
        Some(Reserved::Host)
    } else if begins(table, "sqlite_")
        || begins(table, "pragma_")
        || MODULES.iter().any(|name| name.eq_ignore_ascii_case(table))
    {
        Some(Reserved::Engine)
    } else {
        None
    }
}

/// One plugin's scopes on a connection of one purpose.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) granted: Granted,
    /// Tables that organisations own.
    pub(super) owned: Owned,
}

impl Deref for Policy {
    type Target = Granted;

    fn deref(&self) -> &Granted {
        &self.granted
    }
}

impl Policy {
    /// Whether the scope covers the operation; not for reserved names, which [`reserved`] knows.
    pub(super) fn covers(&self, operation: Operation, table: &str) -> bool {
        match operation {
            Operation::Read => self.reads(table),
            _ => self.changes(table),
        }
    }

    /// Why a operation on a table is refused. `through` is the view, trigger or common table expression that leads to it.
    pub(super) fn refuse_table(
        &self,
        operation: Operation,
        table: &str,
        through: Option<&str>,
    ) -> String {
        let mut tried = operation.on(table);
        if let Some(through) = through {
            tried.push_str(&format!(" (through \"{through}\")"));
        }
        match reserved(table) {
            Some(reserved) => self.refuse_reserved(tried, reserved),
            None if self.purpose == Purpose::Query && operation != Operation::Read => self.refuse(
                tried,
                "a query only reads",
                format_args!("run it as a change, with db:write={table}"),
            ),
            None => self.refuse(
                tried,
                self.rule(operation != Operation::Read),
                remedy(operation, table),
            ),
        }
    }

    /// Why a table that organisations own is refused where its rows cannot be filtered.
    pub(super) fn refuse_owned(&self, table: &str) -> String {
        self.refuse(
            format_args!("reach table \"{table}\" in this way"),
            "its rows belong to organisations, and what goes past the plain name cannot be filtered: the database's name \
             in front, a view, a trigger or a foreign key of the application, or a change of its schema",
            "use the table by its plain name",
        )
    }
}

fn remedy(operation: Operation, table: &str) -> String {
    let access = if operation == Operation::Read {
        "read"
    } else {
        "write"
    };
    if table.parse::<TablePattern>().is_ok() && !table.contains('*') {
        format!("grant db:{access}={table} to allow it")
    } else {
        format!("only a db:{access} grant with a * can cover a table of that name")
    }
}

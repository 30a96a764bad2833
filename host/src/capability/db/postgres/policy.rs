//! What one plugin may do on one kind of connection, and the sentences that say so when it tries something else.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::super::error::{DbError, DbErrorKind};
use super::super::policy::begins;
pub(super) use super::super::policy::{Granted, Purpose, Reserved};
use crate::permission::TablePattern;

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Change,
    Make,
}

impl Operation {
    /// What a statement of this purpose is taken to do, if more is not known.
    pub(super) fn of(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Query => Self::Read,
            Purpose::Change => Self::Change,
        }
    }
}

/// Names of the host's and the engine's. All relations of the catalogue are called `pg_…`.
pub(super) fn reserved(name: &str) -> Option<Reserved> {
    /// Types that look names up in the catalogue.
    const LOOKUPS: [&str; 12] = [
        "information_schema",
        "regclass",
        "regcollation",
        "regconfig",
        "regdictionary",
        "regnamespace",
        "regoper",
        "regoperator",
        "regproc",
        "regprocedure",
        "regrole",
        "regtype",
    ];
    if begins(name, "goatherd_") {
        Some(Reserved::Host)
    } else if begins(name, "pg_")
        || LOOKUPS
            .iter()
            .any(|lookup| lookup.eq_ignore_ascii_case(name))
    {
        Some(Reserved::Engine)
    } else {
        None
    }
}

/// One plugin's scopes on connections of one purpose.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) granted: Granted,
    /// Functions that the operator opened to plugins.
    pub(super) functions: Arc<BTreeSet<String>>,
}

impl Deref for Policy {
    type Target = Granted;

    fn deref(&self) -> &Granted {
        &self.granted
    }
}

impl Policy {
    /// Why a operation on a table is refused.
    pub(super) fn refuse_table(&self, operation: Operation, table: &str) -> String {
        let tried = match operation {
            Operation::Read => "read",
            Operation::Change => "use",
            Operation::Make => "make or keep",
        };
        let tried = format!("{tried} table \"{table}\"");
        match reserved(table) {
            Some(reserved) => self.refuse_reserved(tried, reserved),
            None => self.refuse(
                tried,
                self.rule(operation == Operation::Make),
                remedy(operation, table),
            ),
        }
    }

    /// A change where only reading is possible.
    pub(super) fn only_reads(&self, tried: impl fmt::Display) -> DbError {
        DbError::denied(self.refuse(
            tried,
            "a query only reads",
            "run it as a change, with a db:write grant",
        ))
        .of_kind(DbErrorKind::ReadOnly)
    }

    /// A statement of the wrong form; `problem` goes on after "sent a statement that".
    pub(super) fn invalid(&self, problem: impl fmt::Display) -> DbError {
        DbError::invalid(format!(
            "plugin \"{}\" sent a statement that {problem}",
            self.plugin
        ))
    }
}

fn remedy(operation: Operation, table: &str) -> String {
    if table.parse::<TablePattern>().is_err() || table.contains('*') {
        return "only a grant with a * can cover a table of that name".to_owned();
    }
    match operation {
        Operation::Read => format!("grant db:read={table} to allow it"),
        Operation::Change => {
            format!("grant db:read={table} to allow reading it, or db:write={table} for more")
        }
        Operation::Make => format!("grant db:write={table} to allow it"),
    }
}

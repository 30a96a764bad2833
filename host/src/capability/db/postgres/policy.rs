//! What one plugin may do on one kind of connection, and the sentences that say so when it tries something else.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::super::backend::{DbError, Scopes};
use crate::permission::{Scope, TablePattern};

/// What a connection is for. Each purpose has a role of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading only.
    Query,
    /// Reading and changing.
    Change,
}

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Read,
    Change,
    Make,
}

impl Deed {
    /// What a statement of this purpose is taken to do, if more is not known.
    pub(super) fn of(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Query => Self::Read,
            Purpose::Change => Self::Change,
        }
    }
}

/// Why a name is out of reach whatever the scope says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    Host,
    Engine,
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
    let begins = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("goatherd_") {
        Some(Reserved::Host)
    } else if begins("pg_")
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
    pub(super) plugin: String,
    pub(super) purpose: Purpose,
    pub(super) scopes: Scopes,
    /// Functions that the operator opened to plugins.
    pub(super) functions: Arc<BTreeSet<String>>,
}

fn allows(scope: &Option<Scope<TablePattern>>, table: &str) -> bool {
    scope.as_ref().is_some_and(|scope| scope.allows(table))
}

impl Policy {
    /// Whether the table may be read here; not for reserved names.
    pub(super) fn reads(&self, table: &str) -> bool {
        match self.purpose {
            Purpose::Query => allows(&self.scopes.read, table),
            // A statement may read the tables that it may write.
            Purpose::Change => {
                allows(&self.scopes.read, table) || allows(&self.scopes.write, table)
            }
        }
    }

    /// Whether the table may be changed here; not for reserved names.
    pub(super) fn changes(&self, table: &str) -> bool {
        self.purpose == Purpose::Change && allows(&self.scopes.write, table)
    }

    /// Why a deed on a table is refused.
    pub(super) fn refuse_table(&self, deed: Deed, table: &str) -> String {
        let tried = match deed {
            Deed::Read => "read",
            Deed::Change => "use",
            Deed::Make => "make or keep",
        };
        let tried = format!("{tried} table \"{table}\"");
        match reserved(table) {
            Some(Reserved::Host) => self.refuse(
                tried,
                "tables of the host (goatherd_*) are closed to plugins",
                "no grant allows it",
            ),
            Some(Reserved::Engine) => self.refuse(
                tried,
                "tables of the database engine are closed to plugins",
                "no grant allows it",
            ),
            None => self.refuse(tried, self.rule(deed), remedy(deed, table)),
        }
    }

    fn rule(&self, deed: Deed) -> String {
        let covered = |name: &str, scope: &Option<Scope<TablePattern>>| match scope {
            Some(scope) => format!("its {name} grant covers {scope}"),
            None => format!("it has no {name} grant"),
        };
        match (self.purpose, deed) {
            (Purpose::Query, _) => covered("db:read", &self.scopes.read),
            (Purpose::Change, Deed::Make) => covered("db:write", &self.scopes.write),
            (Purpose::Change, _) => format!(
                "{} and {}",
                covered("db:read", &self.scopes.read),
                covered("db:write", &self.scopes.write)
            ),
        }
    }

    /// `plugin "p" may not T: R; A`.
    pub(super) fn refuse(
        &self,
        tried: impl fmt::Display,
        rule: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> String {
        format!(
            "plugin \"{}\" may not {tried}: {rule}; {remedy}",
            self.plugin
        )
    }

    /// A statement of the wrong form; `problem` goes on after "sent a statement that".
    pub(super) fn invalid(&self, problem: impl fmt::Display) -> DbError {
        DbError::Invalid(format!(
            "plugin \"{}\" sent a statement that {problem}",
            self.plugin
        ))
    }

    pub(super) fn returns_rows(&self) -> DbError {
        DbError::Invalid(format!(
            "plugin \"{}\" sent a change that returns rows; read them with db-read.query, and leave RETURNING out",
            self.plugin
        ))
    }
}

fn remedy(deed: Deed, table: &str) -> String {
    if table.parse::<TablePattern>().is_err() || table.contains('*') {
        return "only a grant with a * can cover a table of that name".to_owned();
    }
    match deed {
        Deed::Read => format!("grant db:read={table} to allow it"),
        Deed::Change => {
            format!("grant db:read={table} to allow reading it, or db:write={table} for more")
        }
        Deed::Make => format!("grant db:write={table} to allow it"),
    }
}

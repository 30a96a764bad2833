//! What every back-end decides alike: which tables one plugin's grants cover, what a call needs before it is looked at any
//! closer, and the sentences that refuse it.
//!
//! Each back-end adds what only its engine has to ask.

use std::fmt;

use super::backend::{Caps, Scopes, Statement, Value};
use super::error::DbError;
use crate::permission::{Scope, TablePattern};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading only.
    Query,
    /// Reading and changing.
    Change,
}

/// Why a name is out of reach whatever the scope says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    /// A table of the host's.
    Host,
    /// The engine's own.
    Engine,
}

/// One plugin's scopes on connections of one purpose.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) plugin: String,
    pub(super) purpose: Purpose,
    pub(super) scopes: Scopes,
}

/// Whether a name begins so, in whatever case.
pub(super) fn begins(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn allows(scope: &Option<Scope<TablePattern>>, table: &str) -> bool {
    scope.as_ref().is_some_and(|scope| scope.allows(table))
}

impl Granted {
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

    /// Refuses queries of a plugin that may not read at all.
    pub(super) fn check_query(&self) -> Result<(), DbError> {
        match self.scopes.read {
            Some(_) => Ok(()),
            None => Err(DbError::denied(self.refuse(
                "query the database",
                "it has no db:read grant",
                "grant db:read with the tables it needs",
            ))),
        }
    }

    /// Refuses parameters that are too much for one call.
    pub(super) fn check_parameters<'v>(
        &self,
        params: impl IntoIterator<Item = &'v Value>,
        caps: &Caps,
    ) -> Result<(), DbError> {
        let bytes: usize = params.into_iter().map(Value::bytes).sum();
        if bytes <= caps.max_bytes {
            return Ok(());
        }
        Err(DbError::too_large(format!(
            "plugin \"{}\" handed over parameters of {bytes} bytes; at most {} are allowed",
            self.plugin, caps.max_bytes
        )))
    }

    /// Refuses changes of a plugin that may not write at all, and more of them than a transaction takes.
    pub(super) fn check_changes(
        &self,
        statements: &[Statement],
        caps: &Caps,
    ) -> Result<(), DbError> {
        if self.scopes.write.is_none() {
            return Err(DbError::denied(self.refuse(
                "change the database",
                "it has no db:write grant",
                "grant db:write with the tables it needs",
            )));
        }
        if statements.len() > caps.max_statements {
            return Err(DbError::too_large(format!(
                "plugin \"{}\" sent a transaction of {} statements; at most {} are allowed",
                self.plugin,
                statements.len(),
                caps.max_statements
            )));
        }
        self.check_parameters(statements.iter().flat_map(|one| &one.params), caps)
    }

    /// What its grants cover, of those that matter for reading or for changing.
    pub(super) fn rule(&self, changing: bool) -> String {
        let covered = |name: &str, scope: &Option<Scope<TablePattern>>| match scope {
            Some(scope) => format!("its {name} grant covers {scope}"),
            None => format!("it has no {name} grant"),
        };
        let (read, write) = (
            covered("db:read", &self.scopes.read),
            covered("db:write", &self.scopes.write),
        );
        match (self.purpose, changing) {
            (Purpose::Query, _) => read,
            (Purpose::Change, false) => format!("{read} and {write}"),
            (Purpose::Change, true) => write,
        }
    }

    /// Why a name is refused whatever is granted.
    pub(super) fn refuse_reserved(&self, tried: impl fmt::Display, reserved: Reserved) -> String {
        let rule = match reserved {
            Reserved::Host => "tables of the host (goatherd_*) are closed to plugins",
            Reserved::Engine => "tables of the database engine are closed to plugins",
        };
        self.refuse(tried, rule, "no grant allows it")
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

    /// A change that has a result.
    pub(super) fn returns_rows(&self) -> DbError {
        DbError::invalid(format!(
            "plugin \"{}\" sent a change that returns rows; read them with db-read.query, and leave RETURNING out",
            self.plugin
        ))
    }
}

//! What a database must do to serve plugins; applications implement it for a back-end of their own.
//!
//! A [`Database`] hands out one [`PluginDatabase`] for each loaded plugin, already narrowed to what that plugin may
//! touch. The contract of an implementation:
//!
//! * Scopes are enforced by the engine, for every table that a statement reaches in whatever way, before any effect.
//! * A change happens wholly or not at all, and an error means not at all.
//! * The deadline is kept: soon after it, and soon after the caller dropped the future, nothing runs any more.
//! * Of tables that organisations own ([`OrganisationTables`](super::OrganisationTables)), a call sees and changes the
//!   rows of its own organisation, and no row if it has none. The engine filters, whatever the statement says.
//! * Nothing that one plugin sends costs another plugin a lock, a connection or memory without bound. A call is
//!   [counted](Call::count) before its transaction begins, and after whatever can be refused by then.
//! * Tables of the host (`goatherd_*`) and of the engine are out of reach, whatever the scope says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::error::DbError;
use crate::capability::RateLimit;
use crate::contract::wire::database::DbEngine;
use crate::permission::{Scope, TablePattern};
use crate::setters::setters;

/// A value in a database. Types beyond these are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// From a column that is declared as boolean; to the database as 0 or 1 where it has no booleans.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// What the value counts against [`Caps::max_bytes`]: its length, or 8 for a value of fixed size.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Real(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Names, in the order of the values in each row.
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
}

/// One statement of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// One statement, with `?` for each parameter.
    pub sql: String,
    /// As many as there are `?`.
    pub params: Vec<Value>,
}

/// What a statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Rows inserted, updated or deleted by the statement itself; 0 for one that changes the schema.
    pub rows_affected: u64,
    /// The row id of the last insertion, where the back-end has such a thing and the statement inserted.
    pub last_insert_id: Option<i64>,
}

/// What one call may use. Over a cap is [`DbReason::TooLarge`](super::DbReason::TooLarge) or
/// [`DbReason::TimedOut`](super::DbReason::TimedOut), with nothing half done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// Rows of a result.
    pub max_rows: usize,
    /// Bytes of the values of a result, of the parameters of a call, and of any value on the way.
    pub max_bytes: usize,
    /// How long a query, an execution or a whole transaction may take, if its deadline leaves that much.
    pub statement_time: Duration,
    /// Bytes of the SQL text of a statement.
    pub max_sql_bytes: usize,
    /// Statements of a transaction.
    pub max_statements: usize,
}

setters!(Caps {
    max_rows: usize,
    max_bytes: usize,
    statement_time: Duration,
    max_sql_bytes: usize,
    max_statements: usize,
});

impl Default for Caps {
    fn default() -> Self {
        Self {
            max_rows: 10_000,
            max_bytes: 8 << 20,
            statement_time: Duration::from_secs(5),
            max_sql_bytes: 1 << 20,
            max_statements: 1_000,
        }
    }
}

/// For whom a call is, and until when. The host's own record of its caller, never a plugin's word.
pub struct Call {
    /// When it ends, done or not.
    pub deadline: Instant,
    /// The organisation of the acting user. Without one, there are no rows in tables that organisations own.
    pub org_id: Option<i64>,
    /// What it is to be counted in.
    uncounted: Option<RateLimit>,
}

impl Call {
    /// A call until this deadline, for no organisation, that nobody counts.
    #[must_use]
    pub const fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            org_id: None,
            uncounted: None,
        }
    }

    /// The same call, to be counted in this rate.
    pub(super) fn counted_in(self, rate: RateLimit) -> Self {
        Self {
            uncounted: Some(rate),
            ..self
        }
    }

    /// Counts the call, the first time that this is asked: a query, a statement, or a transaction as a whole.
    ///
    /// # Errors
    ///
    /// [`DbReason::RateLimited`](super::DbReason::RateLimited); the call must end then, and have no effect.
    pub fn count(&mut self) -> Result<(), DbError> {
        match self.uncounted.take() {
            Some(rate) => Ok(rate.check()?),
            None => Ok(()),
        }
    }
}

/// What a plugin may touch; none for an access that it does not have at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes {
    /// From the `db:read` grants.
    pub read: Option<Scope<TablePattern>>,
    /// From the `db:write` grants.
    pub write: Option<Scope<TablePattern>>,
}

/// Why a plugin's view of a database could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the database for plugin \"{plugin}\" cannot be opened: {reason}")]
pub struct OpenError {
    /// The plugin.
    pub plugin: String,
    /// What the back-end says.
    pub reason: String,
}

/// Which database answers, and so which dialect of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// A back-end of the application's own, by the name that it has for plugins.
    Other(String),
}

/// A database that can serve plugins.
pub trait Database: Send + Sync + 'static {
    /// One plugin's view, limited to `scopes` and `caps`. Called once when a plugin is loaded, and again when its
    /// grants change; it must not wait for long.
    ///
    /// # Errors
    ///
    /// The back-end cannot serve the plugin.
    fn open(
        &self,
        plugin: &str,
        scopes: Scopes,
        caps: Caps,
    ) -> Result<Arc<dyn PluginDatabase>, OpenError>;
}

impl From<Engine> for DbEngine {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite,
            Engine::Postgres => Self::Postgresql,
            Engine::Other(name) => Self::Other(name),
        }
    }
}

/// A database as one plugin sees it. Calls may overlap.
#[async_trait]
pub trait PluginDatabase: Send + Sync + 'static {
    /// Which database this is.
    fn engine(&self) -> Engine;

    /// Runs one statement that cannot change anything, and returns all of its rows.
    async fn query(&self, sql: String, params: Vec<Value>, call: Call) -> Result<Rows, DbError>;

    /// Runs one statement that returns no rows: a transaction of one.
    async fn execute(
        &self,
        sql: String,
        params: Vec<Value>,
        call: Call,
    ) -> Result<Outcome, DbError> {
        let outcomes = self
            .transaction(vec![Statement { sql, params }], call)
            .await?;
        outcomes
            .into_iter()
            .next()
            .ok_or_else(|| DbError::unavailable("the change had no outcome"))
    }

    /// Runs all statements in order, or none. The error names the statement that failed, counted from 1, where there are
    /// several.
    async fn transaction(
        &self,
        statements: Vec<Statement>,
        call: Call,
    ) -> Result<Vec<Outcome>, DbError>;
}

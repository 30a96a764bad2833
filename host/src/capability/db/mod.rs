//! `db-read` and `db-write`: the application's database, as far as a grant goes.
//!
//! What a plugin may touch is decided by the database engine, not by reading SQL: each plugin gets connections on which
//! the engine allows exactly the granted tables and actions. This module passes statements on with the deadline of the
//! call and the count that they are a part of, and turns refusals into the contract's errors.

mod backend;
mod error;
mod organisation;
mod policy;

mod postgres;
mod sqlite;

use std::sync::Arc;

use wasmtime::component::Linker;

pub use backend::{
    Call, Caps, Database, Engine, OpenError, Outcome, PluginDatabase, Rows, Scopes, Statement,
    Value,
};
pub use error::{DbError, DbErrorKind, DbReason};
pub use organisation::{OrganisationTables, OrganisationTablesError};
pub use postgres::{PostgresDatabase, PostgresSettings};
pub use sqlite::{SqliteDatabase, SqliteError};

use crate::capability::{Guest, Of, PrepareError, Provider, RateLimit, Setup, Slot, View};
use crate::contract::Error;
use crate::contract::v0_1::goatherd::plugin::{db_read, db_types, db_write, types};

/// Serves `db-read` and `db-write` from a database.
pub struct Databases {
    database: Arc<dyn Database>,
    caps: Caps,
}

impl Databases {
    /// Serves from this database within these caps.
    pub fn new(database: impl Database, caps: Caps) -> Self {
        Self {
            database: Arc::new(database),
            caps,
        }
    }
}

impl Provider for Databases {
    fn interfaces(&self) -> &'static [&'static str] {
        &["db-read", "db-write"]
    }

    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        let scopes = Scopes {
            read: setup.grants.db_read().cloned(),
            write: setup.grants.db_write().cloned(),
        };
        let database = self
            .database
            .open(setup.plugin.as_str(), scopes, self.caps)
            .map_err(|error| PrepareError {
                capability: "db",
                reason: error.to_string(),
            })?;
        Ok(Slot::new(DbAccess {
            database,
            rate: setup.rates.database.clone(),
        }))
    }
}

/// One plugin's view of the database.
pub struct DbAccess {
    database: Arc<dyn PluginDatabase>,
    rate: RateLimit,
}

impl View<'_, DbAccess> {
    fn call(&self) -> Result<(&dyn PluginDatabase, Call), Error> {
        let access = self.state()?;
        let mut call = Call::until(self.caller.deadline());
        call.org_id = self.caller.context().org_id;
        Ok((&*access.database, call.counted_in(access.rate.clone())))
    }

    async fn select(&self, sql: String, params: Vec<db_types::Value>) -> Result<Rows, Error> {
        let params = params.into_iter().map(Value::from).collect();
        let (database, call) = self.call()?;
        Ok(database.query(sql, params, call).await?)
    }

    async fn change(&self, sql: String, params: Vec<db_types::Value>) -> Result<Outcome, Error> {
        let params = params.into_iter().map(Value::from).collect();
        let (database, call) = self.call()?;
        Ok(database.execute(sql, params, call).await?)
    }

    async fn change_all(
        &self,
        statements: Vec<db_types::Statement>,
    ) -> Result<Vec<Outcome>, Error> {
        let statements = statements.into_iter().map(Statement::from).collect();
        let (database, call) = self.call()?;
        Ok(database.transaction(statements, call).await?)
    }
}

/// Adds `db-read` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_read(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    db_read::add_to_linker::<_, Of<DbAccess>>(linker, Guest::view::<DbAccess>)
}

/// Adds `db-write` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_write(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    db_write::add_to_linker::<_, Of<DbAccess>>(linker, Guest::view::<DbAccess>)
}

impl db_read::Host for View<'_, DbAccess> {
    async fn query(
        &mut self,
        sql: String,
        params: Vec<db_types::Value>,
    ) -> Result<db_types::Rows, types::Error> {
        Ok(self.select(sql, params).await?.into())
    }
}

impl db_write::Host for View<'_, DbAccess> {
    async fn execute(
        &mut self,
        sql: String,
        params: Vec<db_types::Value>,
    ) -> Result<db_types::Outcome, types::Error> {
        Ok(self.change(sql, params).await?.into())
    }

    async fn transaction(
        &mut self,
        statements: Vec<db_types::Statement>,
    ) -> Result<Vec<db_types::Outcome>, types::Error> {
        let outcomes = self.change_all(statements).await?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }
}

impl From<db_types::Value> for Value {
    fn from(value: db_types::Value) -> Self {
        match value {
            db_types::Value::Null => Value::Null,
            db_types::Value::Boolean(value) => Value::Boolean(value),
            db_types::Value::Integer(value) => Value::Integer(value),
            db_types::Value::Real(value) => Value::Real(value),
            db_types::Value::Text(value) => Value::Text(value),
            db_types::Value::Blob(value) => Value::Blob(value),
        }
    }
}

impl From<Value> for db_types::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => db_types::Value::Null,
            Value::Boolean(value) => db_types::Value::Boolean(value),
            Value::Integer(value) => db_types::Value::Integer(value),
            Value::Real(value) => db_types::Value::Real(value),
            Value::Text(value) => db_types::Value::Text(value),
            Value::Blob(value) => db_types::Value::Blob(value),
        }
    }
}

impl From<Rows> for db_types::Rows {
    fn from(rows: Rows) -> Self {
        let convert = |row: Vec<Value>| row.into_iter().map(Into::into).collect();
        Self {
            columns: rows.columns,
            rows: rows.rows.into_iter().map(convert).collect(),
        }
    }
}

impl From<db_types::Statement> for Statement {
    fn from(statement: db_types::Statement) -> Self {
        Self {
            sql: statement.sql,
            params: statement.params.into_iter().map(Value::from).collect(),
        }
    }
}

impl From<Outcome> for db_types::Outcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            rows_affected: outcome.rows_affected,
            last_insert_id: outcome.last_insert_id,
        }
    }
}

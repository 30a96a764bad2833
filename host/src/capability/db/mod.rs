//! `db-read` and `db-write`: the application's database, as far as a grant goes.
//!
//! What a plugin may touch is decided by the database engine, not by reading SQL: each plugin gets connections on which
//! the engine allows exactly the granted tables and actions. This module passes statements on with the deadline of the
//! call and the count that they are a part of, and turns refusals into the contract's errors.

mod backend;
mod error;
mod organisation;
mod policy;

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::sync::Arc;

pub use backend::{
    Call, Caps, Database, Engine, OpenError, Outcome, PluginDatabase, Rows, Scopes, Statement,
    Value,
};
pub use error::{DbError, DbErrorKind, DbReason};
pub use organisation::{OrganisationTables, OrganisationTablesError};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresDatabase, PostgresSettings};
pub use sqlite::{SqliteDatabase, SqliteError};

use crate::capability::table::{DB_READ, DB_WRITE};
use crate::capability::{Caller, Interface, Of, PrepareError, Provider, RateLimit, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{DbRead, DbWrite};
use crate::contract::wire::database as wire;
use crate::names::text::quoted;
use crate::permission::Counted;

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
    type State = DbAccess;

    fn interfaces(&self) -> Vec<Interface<DbAccess>> {
        vec![
            Interface::known(DB_READ, link::db_read::<_, Of<DbAccess>>),
            Interface::known(DB_WRITE, link::db_write::<_, Of<DbAccess>>),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<DbAccess, PrepareError> {
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
        Ok(DbAccess {
            database,
            rate: setup.rates.of(&Counted::Database),
        })
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
}

impl DbRead for View<'_, DbAccess> {
    async fn query(
        &mut self,
        sql: String,
        params: Vec<wire::Value>,
    ) -> Result<wire::Rows, wire::DbError> {
        let params = values(self.caller, params)?;
        let (database, call) = self.call()?;
        Ok(database.query(sql, params, call).await?.into())
    }

    fn engine(&mut self) -> wire::DbEngine {
        match self.state() {
            Ok(access) => access.database.engine().into(),
            Err(_) => wire::DbEngine::Other("none".to_owned()),
        }
    }
}

impl DbWrite for View<'_, DbAccess> {
    async fn execute(
        &mut self,
        sql: String,
        params: Vec<wire::Value>,
    ) -> Result<wire::Outcome, wire::DbError> {
        let params = values(self.caller, params)?;
        let (database, call) = self.call()?;
        Ok(database.execute(sql, params, call).await?.into())
    }

    async fn transaction(
        &mut self,
        statements: Vec<wire::Statement>,
    ) -> Result<Vec<wire::Outcome>, wire::DbError> {
        let statements = statements.into_iter().map(|statement| {
            Ok(Statement {
                sql: statement.sql,
                params: values(self.caller, statement.params)?,
            })
        });
        let statements = statements.collect::<Result<Vec<Statement>, Error>>()?;
        let (database, call) = self.call()?;
        let outcomes = database.transaction(statements, call).await?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }
}

/// Parameters as back-ends have them.
fn values(caller: &Caller, given: Vec<wire::Value>) -> Result<Vec<Value>, Error> {
    let value = |value| {
        Ok(match value {
            wire::Value::Null => Value::Null,
            wire::Value::Boolean(value) => Value::Boolean(value),
            wire::Value::Integer(value) => Value::Integer(value),
            wire::Value::Real(value) => Value::Real(value),
            wire::Value::Text(value) => Value::Text(value),
            wire::Value::Blob(value) => Value::Blob(value),
            wire::Value::Other((name, _)) => {
                return Err(Error::InvalidArgument(format!(
                    "plugin \"{}\" used a parameter of the type {}, which this host does not know",
                    caller.plugin(),
                    quoted(&name)
                )));
            }
        })
    };
    given.into_iter().map(value).collect()
}

impl From<Value> for wire::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Real(value) => Self::Real(value),
            Value::Text(value) => Self::Text(value),
            Value::Blob(value) => Self::Blob(value),
        }
    }
}

impl From<Rows> for wire::Rows {
    fn from(rows: Rows) -> Self {
        let convert = |row: Vec<Value>| row.into_iter().map(Into::into).collect();
        Self {
            columns: rows.columns,
            rows: rows.rows.into_iter().map(convert).collect(),
        }
    }
}

impl From<Outcome> for wire::Outcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            rows_affected: outcome.rows_affected,
            last_insert_id: outcome.last_insert_id,
        }
    }
}

impl From<DbError> for wire::DbError {
    fn from(error: DbError) -> Self {
        Self {
            kind: error.kind.and_then(word),
            code: error.code.clone(),
            statement: error.statement,
            error: error.into(),
        }
    }
}

/// The contract's word for a kind; none for what it has no word for, of which the code tells what it is.
fn word(kind: DbErrorKind) -> Option<wire::DbErrorKind> {
    Some(match kind {
        DbErrorKind::Unique => wire::DbErrorKind::Unique,
        DbErrorKind::ForeignKey => wire::DbErrorKind::ForeignKey,
        DbErrorKind::NotNull => wire::DbErrorKind::NotNull,
        DbErrorKind::Check => wire::DbErrorKind::Check,
        DbErrorKind::Exclusion => wire::DbErrorKind::Exclusion,
        DbErrorKind::LockTimeout => wire::DbErrorKind::LockTimeout,
        DbErrorKind::Serialization => wire::DbErrorKind::Serialization,
        DbErrorKind::Deadlock => wire::DbErrorKind::Deadlock,
        DbErrorKind::Syntax => wire::DbErrorKind::Syntax,
        DbErrorKind::UndefinedTable => wire::DbErrorKind::UndefinedTable,
        DbErrorKind::UndefinedColumn => wire::DbErrorKind::UndefinedColumn,
        DbErrorKind::Data => wire::DbErrorKind::Data,
        DbErrorKind::ReadOnly => wire::DbErrorKind::ReadOnly,
        DbErrorKind::Other => return None,
    })
}

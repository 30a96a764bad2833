//! The host's tables in a PostgreSQL database.
//!
//! A bounded pool of connections under the host's own role. What a session runs ends by its deadline: the server is told
//! the time that is left, so that a query whose caller went away does not go on.
//!
//! A migration locks tables that other nodes use meanwhile, in whatever order their work wants. It cannot be part of a
//! deadlock, because it never waits while it holds a table: it waits for the lock under which migrations are made one after
//! the other, which nobody else ever takes, and then for the first of its family's tables; the others it takes without
//! waiting, or lets go of everything and begins anew. It does not wait long for the first either, since whoever comes
//! meanwhile waits behind it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::ClientConfig;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, GenericClient, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::schema::{MIGRATED, PROGRAM, Present, Step, VERSION, VERSIONS};
use super::{Family, SchemaError, StoreError};

/// How many connections a store has at most.
const CONNECTIONS: usize = 8;
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long a start waits for other nodes that migrate or use the tables.
const MIGRATING: Duration = Duration::from_secs(60);
/// How long it waits before it tries again to lock tables that are in use.
const IN_USE: Duration = Duration::from_millis(100);
/// The number of the lock under which nodes make tables one after the other.
const SCHEMA_LOCK: i64 = 0x676f_6174_6865_7264;

/// A PostgreSQL database with tables of the host. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore {
    config: Arc<Config>,
    tls: MakeRustlsConnect,
    pool: Pool,
}

/// A connection of the store, lent until it is dropped. A transaction that is open then is undone.
pub struct PostgresSession(Object);

impl PostgresStore {
    /// A store on the database that a URL names: `postgres://user:password@host:port/name?sslmode=require`. Nothing
    /// connects yet.
    ///
    /// # Errors
    ///
    /// When the URL is not one. The password is not in the error.
    pub fn new(url: &str, tls: ClientConfig) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|_| {
            StoreError::Unavailable(
                "the URL is not of the form postgres://user:password@host:port/name".to_owned(),
            )
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECTING);
        }
        if config.get_application_name().is_none() {
            config.application_name("goatherd");
        }
        let tls = MakeRustlsConnect::new(tls);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config.clone(), tls.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            config: Arc::new(config),
            tls,
            pool,
        })
    }

    /// How the store connects, for connections of another kind to the same database.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How the store encrypts, for connections of another kind.
    #[must_use]
    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Brings a family of tables to this program's version, one migration after the other, each in a transaction. Nodes that
    /// start together wait for each other; calls of other nodes that use the tables wait while a migration runs. To be
    /// called before the tables are used.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Newer`] when a newer program has made them; when a migration does not run, others do not let go of the
    /// tables for a minute, the database does not answer, or the host's role may not make tables.
    pub async fn migrate(&self, family: &Family) -> Result<(), SchemaError> {
        let deadline = Instant::now() + MIGRATING;
        let mut session = self.session(deadline).await?;
        while let Some(step) =
            family.next(family.postgres(), &present(&**session, family).await?)?
        {
            let transaction = session.transaction().await?;
            let locked = lock(&transaction, family, step).await?;
            if locked == Locked::InUse {
                drop(transaction);
                if Instant::now() + IN_USE > deadline {
                    let reason = "others use them all the time; stop other nodes, dumps and sessions on these tables";
                    return Err(family.failed(step, reason));
                }
                tokio::time::sleep(IN_USE).await;
            } else if locked == Locked::Ours {
                apply(&transaction, family, step).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }

    /// Runs scripts that make what does not exist yet, one after the other, alone among all nodes, and each committed before
    /// the next. For what has no version, since each start makes it as it should be: functions, roles and their rights.
    ///
    /// # Errors
    ///
    /// When the database does not answer or the host's role may not make them.
    pub(crate) async fn ensure(&self, scripts: &[&str]) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut session = self.session(deadline).await?;
        for script in scripts {
            let transaction = session.transaction().await?;
            alone(&transaction).await?;
            transaction.batch_execute(script).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// A connection whose statements each end by the deadline.
    ///
    /// # Errors
    ///
    /// When none can be had in time.
    pub async fn session(&self, deadline: Instant) -> Result<PostgresSession, StoreError> {
        let opened = async {
            let session = self
                .pool
                .get()
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let left = deadline.saturating_duration_since(Instant::now());
            let milliseconds = left.as_millis().clamp(1, 3_600_000);
            session
                .batch_execute(&format!(
                    "SET statement_timeout = {milliseconds}; SET lock_timeout = {milliseconds}"
                ))
                .await?;
            Ok(PostgresSession(session))
        };
        tokio::time::timeout_at(deadline.into(), opened)
            .await
            .map_err(|_| StoreError::TimedOut)?
    }
}

/// Whether a migration can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Locked {
    /// Nobody else uses the tables until the transaction ends.
    Ours,
    /// Somebody does.
    InUse,
    /// Another node was faster.
    Done,
}

/// Waits until no other node makes tables, and keeps them from it until the transaction ends.
async fn alone(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let lock = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(lock, &[&SCHEMA_LOCK]).await?;
    Ok(())
}

/// What the database has of a family.
async fn present(client: &impl GenericClient, family: &Family) -> Result<Present, StoreError> {
    let there = "SELECT to_regclass('goatherd_schema') IS NOT NULL";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(Present::default());
    }
    match client.query_opt(VERSION, &[&family.name()]).await? {
        Some(row) => Ok(Present {
            version: row.try_get(0)?,
            program: row.try_get(1)?,
        }),
        None => Ok(Present::default()),
    }
}

/// Locks those of a family's tables that there are already, if the migration is still to be made.
async fn lock(
    transaction: &Transaction<'_>,
    family: &Family,
    step: Step,
) -> Result<Locked, SchemaError> {
    alone(transaction).await?;
    if family.next(family.postgres(), &present(transaction, family).await?)? != Some(step) {
        return Ok(Locked::Done);
    }
    transaction
        .batch_execute("SET LOCAL lock_timeout = '1s'")
        .await?;
    let mut wait = "";
    for table in family.tables() {
        let there = "SELECT to_regclass($1) IS NOT NULL";
        if !transaction
            .query_one(there, &[table])
            .await?
            .try_get::<_, bool>(0)?
        {
            continue;
        }
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE {wait}");
        match transaction.batch_execute(&lock).await {
            Ok(()) => wait = "NOWAIT",
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                return Ok(Locked::InUse);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Locked::Ours)
}

/// Runs a migration and takes note of it.
async fn apply(
    transaction: &Transaction<'_>,
    family: &Family,
    step: Step,
) -> Result<(), SchemaError> {
    let failed = |error| family.failed(step, StoreError::from(error));
    transaction.batch_execute(step.sql).await.map_err(failed)?;
    transaction.batch_execute(VERSIONS).await?;
    let now = jiff::Timestamp::now().to_string();
    transaction
        .execute(MIGRATED, &[&family.name(), &step.version, &PROGRAM, &now])
        .await?;
    Ok(())
}

impl Deref for PostgresSession {
    type Target = deadpool_postgres::ClientWrapper;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for PostgresSession {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

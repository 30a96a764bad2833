//! The host's tables in a PostgreSQL database.
//!
//! A bounded pool of connections under the host's own role. What a session runs ends by its deadline: the server is told
//! the time that is left, so that a query whose caller went away does not go on.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::StoreError;

/// How many connections a store has at most.
const CONNECTIONS: usize = 8;
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
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

    /// Makes tables, indexes and functions that do not exist yet, one after the other; nodes that start together wait for each
    /// other. Each statement is committed before the next, and must change nothing where its work is done already: making an
    /// index locks its table even if the index is there, and whoever held such a lock while it waits for another table could
    /// wait for a writer who waits for it. To be called before they are used.
    ///
    /// # Errors
    ///
    /// When the database does not answer or the host's role may not make them.
    pub async fn ensure(&self, schema: &[&str]) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut session = self.session(deadline).await?;
        for statement in schema {
            let transaction = session.transaction().await?;
            transaction
                .execute("SELECT pg_advisory_xact_lock($1)", &[&SCHEMA_LOCK])
                .await?;
            transaction.batch_execute(statement).await?;
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

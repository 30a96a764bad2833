//! Records in a PostgreSQL database, shared by nodes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_postgres::Row;

use super::row::{parse, texts};
use super::{Record, Store, StoreFault};
use crate::contract::PluginName;
use crate::store::{PostgresStore, StoreError};

/// How long one look into the table or one change of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS goatherd_plugin (
    slug text PRIMARY KEY, kind text NOT NULL, enabled boolean NOT NULL, config text NOT NULL, nav boolean NOT NULL,
    sort integer NOT NULL, labels text NOT NULL, revision bigint NOT NULL
)",
    "CREATE TABLE IF NOT EXISTS goatherd_plugin_version (one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL)",
    "INSERT INTO goatherd_plugin_version VALUES (1, 0) ON CONFLICT DO NOTHING",
];

const COLUMNS: &str = "slug, kind, enabled, config, nav, sort, labels, revision";

/// The row that every change updates first, so that changes wait for each other and their versions are in the order in which
/// they become visible: a node that saw a version has seen everything before it.
const NEXT: &str = "UPDATE goatherd_plugin_version SET version = version + 1 RETURNING version";

/// The table `goatherd_plugin` of a PostgreSQL database.
pub struct PostgresRegistry(PostgresStore);

impl PostgresRegistry {
    /// The table in this database, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When the database does not answer or the table cannot be made.
    pub async fn new(store: PostgresStore) -> Result<Self, StoreError> {
        store.ensure(SCHEMA).await?;
        Ok(Self(store))
    }
}

fn latest() -> Instant {
    Instant::now() + PATIENCE
}

fn failed(error: tokio_postgres::Error) -> StoreFault {
    StoreError::from(error).into()
}

fn read(row: &Row) -> Result<Record, StoreFault> {
    let column = |error: tokio_postgres::Error| StoreFault::Unavailable(error.to_string());
    let text = |index: usize| row.try_get::<_, String>(index).map_err(column);
    let mut record = parse(text(0)?, &text(1)?, &text(3)?, &text(6)?)?;
    record.enabled = row.try_get(2).map_err(column)?;
    record.nav = row.try_get(4).map_err(column)?;
    record.sort = row.try_get(5).map_err(column)?;
    record.revision = row.try_get::<_, i64>(7).map_err(column)?.unsigned_abs();
    Ok(record)
}

#[async_trait]
impl Store for PostgresRegistry {
    async fn upsert(&self, record: &Record) -> Result<(), StoreFault> {
        let (config, labels) = texts(record)?;
        let slug = record.slug.as_str();
        let mut session = self.0.session(latest()).await?;
        let transaction = session.transaction().await.map_err(failed)?;
        let row = transaction.query_one(NEXT, &[]).await.map_err(failed)?;
        let revision: i64 = row.try_get(0).map_err(failed)?;
        let present = transaction
            .query_opt(
                "SELECT revision FROM goatherd_plugin WHERE slug = $1",
                &[&slug],
            )
            .await
            .map_err(failed)?;
        let present: i64 = present
            .map_or(Ok(0), |row| row.try_get(0))
            .map_err(failed)?;
        if present.unsigned_abs() != record.revision {
            return Err(StoreFault::Stale);
        }
        transaction
            .execute(
                &format!(
                    "INSERT INTO goatherd_plugin ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (slug) DO UPDATE SET kind = $2, enabled = $3, config = $4, nav = $5, sort = $6,
                         labels = $7, revision = $8"
                ),
                &[
                    &slug,
                    &record.kind.as_str(),
                    &record.enabled,
                    &config,
                    &record.nav,
                    &record.sort,
                    &labels,
                    &revision,
                ],
            )
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        let session = self.0.session(latest()).await?;
        let row = session
            .query_opt(
                &format!("SELECT {COLUMNS} FROM goatherd_plugin WHERE slug = $1"),
                &[&slug.as_str()],
            )
            .await
            .map_err(failed)?;
        row.as_ref().map(read).transpose()
    }

    async fn all(&self) -> Result<Vec<Record>, StoreFault> {
        let session = self.0.session(latest()).await?;
        // By bytes, as everywhere else, whatever the database's collation is.
        let rows = session
            .query(
                &format!("SELECT {COLUMNS} FROM goatherd_plugin ORDER BY slug COLLATE \"C\""),
                &[],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(read).collect()
    }

    async fn delete(&self, slug: &PluginName) -> Result<bool, StoreFault> {
        let mut session = self.0.session(latest()).await?;
        let transaction = session.transaction().await.map_err(failed)?;
        transaction.query_one(NEXT, &[]).await.map_err(failed)?;
        let removed = transaction
            .execute(
                "DELETE FROM goatherd_plugin WHERE slug = $1",
                &[&slug.as_str()],
            )
            .await
            .map_err(failed)?;
        if removed == 0 {
            return Ok(false);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        let session = self.0.session(latest()).await?;
        let row = session
            .query_one("SELECT version FROM goatherd_plugin_version", &[])
            .await
            .map_err(failed)?;
        let version: i64 = row.try_get(0).map_err(failed)?;
        Ok(version.unsigned_abs())
    }
}

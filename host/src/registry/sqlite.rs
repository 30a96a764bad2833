//! Records in a SQLite file, shared by processes on one machine.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::row::{parse, texts};
use super::{Record, Store, StoreFault};
use crate::contract::PluginName;
use crate::store::{SqliteStore, StoreError};

/// How long one look into the table or one change of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS goatherd_plugin (
    slug TEXT PRIMARY KEY, kind TEXT NOT NULL, enabled INTEGER NOT NULL, config TEXT NOT NULL, nav INTEGER NOT NULL,
    sort INTEGER NOT NULL, labels TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS goatherd_plugin_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO goatherd_plugin_version VALUES (1, 0);";

const COLUMNS: &str = "slug, kind, enabled, config, nav, sort, labels, revision";

/// The table `goatherd_plugin` of a SQLite file.
pub struct SqliteRegistry(SqliteStore);

impl SqliteRegistry {
    /// The table in this file, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn new(store: SqliteStore) -> Result<Self, StoreError> {
        store.ensure(SCHEMA)?;
        Ok(Self(store))
    }
}

fn latest() -> Instant {
    Instant::now() + PATIENCE
}

/// The next version, which is the revision of whatever is changed with it.
fn next(transaction: &Transaction<'_>) -> Result<i64, StoreError> {
    Ok(transaction.query_row(
        "UPDATE goatherd_plugin_version SET version = version + 1 RETURNING version",
        [],
        |row| row.get(0),
    )?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Record, StoreFault>> {
    let slug: String = row.get(0)?;
    let kind: String = row.get(1)?;
    let enabled = row.get(2)?;
    let config: String = row.get(3)?;
    let nav = row.get(4)?;
    let sort = row.get(5)?;
    let labels: String = row.get(6)?;
    let revision: i64 = row.get(7)?;
    Ok(parse(slug, &kind, &config, &labels).map(|record| Record {
        enabled,
        nav,
        sort,
        revision: revision.unsigned_abs(),
        ..record
    }))
}

#[async_trait]
impl Store for SqliteRegistry {
    async fn upsert(&self, record: &Record) -> Result<(), StoreFault> {
        let (config, labels) = texts(record)?;
        let record = record.clone();
        self.0
            .write(latest(), move |transaction| {
                let present: Option<i64> = transaction
                    .query_row(
                        "SELECT revision FROM goatherd_plugin WHERE slug = ?1",
                        [record.slug.as_str()],
                        |row| row.get(0),
                    )
                    .optional()
                    .map_err(StoreError::from)?;
                if present.map_or(0, i64::unsigned_abs) != record.revision {
                    return Err(StoreFault::Stale);
                }
                let revision = next(transaction)?;
                transaction
                    .execute(
                        &format!("REPLACE INTO goatherd_plugin ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
                        params![
                            record.slug.as_str(),
                            record.kind.as_str(),
                            record.enabled,
                            config,
                            record.nav,
                            record.sort,
                            labels,
                            revision
                        ],
                    )
                    .map_err(StoreError::from)?;
                Ok(())
            })
            .await
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        let slug = slug.clone();
        self.0
            .read(latest(), move |transaction| {
                transaction
                    .query_row(
                        &format!("SELECT {COLUMNS} FROM goatherd_plugin WHERE slug = ?1"),
                        [slug.as_str()],
                        read,
                    )
                    .optional()
                    .map_err(StoreError::from)?
                    .transpose()
            })
            .await
    }

    async fn all(&self) -> Result<Vec<Record>, StoreFault> {
        self.0
            .read(latest(), |transaction| {
                let mut statement = transaction
                    .prepare_cached(&format!(
                        "SELECT {COLUMNS} FROM goatherd_plugin ORDER BY slug"
                    ))
                    .map_err(StoreError::from)?;
                let rows = statement.query_map([], read).map_err(StoreError::from)?;
                rows.map(|row| row.map_err(StoreError::from)?).collect()
            })
            .await
    }

    async fn delete(&self, slug: &PluginName) -> Result<bool, StoreFault> {
        let slug = slug.clone();
        self.0
            .write(latest(), move |transaction| {
                let removed = transaction
                    .execute(
                        "DELETE FROM goatherd_plugin WHERE slug = ?1",
                        [slug.as_str()],
                    )
                    .map_err(StoreError::from)?;
                if removed > 0 {
                    next(transaction)?;
                }
                Ok(removed > 0)
            })
            .await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        self.0
            .read(latest(), |transaction| {
                let version: i64 = transaction
                    .query_row("SELECT version FROM goatherd_plugin_version", [], |row| {
                        row.get(0)
                    })
                    .map_err(StoreError::from)?;
                Ok(version.unsigned_abs())
            })
            .await
    }
}

//! Policies and the audit trail in a SQLite file, shared by processes on one machine.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::row::{EntryRow, bounds, policy_text, read_policy};
use super::{AuditEntry, AuditEvent, AuditPage, PolicyStore, ResourcePolicy};
use crate::contract::PluginName;
use crate::registry::StoreFault;
use crate::store::{SqliteStore, StoreError};

/// How long one look into the tables or one change of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The triggers keep the trail from being rewritten by mistake; who owns the file can drop them.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS goatherd_policies (
    plugin TEXT PRIMARY KEY, policy TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS goatherd_policy_audit (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, plugin TEXT NOT NULL, decided TEXT NOT NULL,
    policy_before TEXT, policy_after TEXT, version TEXT, hash TEXT, reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS goatherd_policy_audit_plugin ON goatherd_policy_audit (plugin, id);
CREATE TRIGGER IF NOT EXISTS goatherd_policy_audit_kept BEFORE UPDATE ON goatherd_policy_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER IF NOT EXISTS goatherd_policy_audit_stays BEFORE DELETE ON goatherd_policy_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TABLE IF NOT EXISTS goatherd_policy_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO goatherd_policy_version VALUES (1, 0);";

const COLUMNS: &str =
    "id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason";

/// The tables `goatherd_policies` and `goatherd_policy_audit` of a SQLite file.
pub struct SqlitePolicies(SqliteStore);

impl SqlitePolicies {
    /// The tables in this file, which are made if they are not there.
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

fn failed(error: rusqlite::Error) -> StoreFault {
    StoreError::from(error).into()
}

/// Refuses a change of another revision than the present one, and enters the change as the next version.
fn next(
    transaction: &Transaction<'_>,
    plugin: &str,
    revision: u64,
    row: &EntryRow,
) -> Result<i64, StoreFault> {
    let present: Option<i64> = transaction
        .query_row(
            "SELECT revision FROM goatherd_policies WHERE plugin = ?1",
            [plugin],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    if present.map_or(0, i64::unsigned_abs) != revision {
        return Err(StoreFault::Stale);
    }
    let version: i64 = transaction
        .query_row(
            "UPDATE goatherd_policy_version SET version = version + 1 RETURNING version",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    transaction
        .execute(
            &format!("INSERT INTO goatherd_policy_audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
            params![
                version, row.at, row.by, row.plugin, row.decided, row.before, row.after, row.version, row.hash,
                row.reason
            ],
        )
        .map_err(failed)?;
    Ok(version)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Result<ResourcePolicy, StoreFault>> {
    let (plugin, policy): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(read_policy(&plugin, &policy, row.get(2)?))
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Result<AuditEntry, StoreFault>> {
    let read = EntryRow {
        at: row.get(1)?,
        by: row.get(2)?,
        plugin: row.get(3)?,
        decided: row.get(4)?,
        before: row.get(5)?,
        after: row.get(6)?,
        version: row.get(7)?,
        hash: row.get(8)?,
        reason: row.get(9)?,
    };
    Ok(read.read(row.get(0)?))
}

fn version(transaction: &Transaction<'_>) -> Result<u64, StoreFault> {
    transaction
        .query_row("SELECT version FROM goatherd_policy_version", [], |row| {
            row.get::<_, i64>(0)
        })
        .map(i64::unsigned_abs)
        .map_err(failed)
}

#[async_trait]
impl PolicyStore for SqlitePolicies {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        let (text, row) = (policy_text(policy)?, EntryRow::from(event));
        let (plugin, revision) = (policy.plugin.clone(), policy.revision);
        self.0
            .write(latest(), move |transaction| {
                let version = next(transaction, plugin.as_str(), revision, &row)?;
                transaction
                    .execute(
                        "REPLACE INTO goatherd_policies VALUES (?1, ?2, ?3)",
                        params![plugin.as_str(), text, version],
                    )
                    .map_err(failed)?;
                Ok(version.unsigned_abs())
            })
            .await
    }

    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault> {
        if revision == 0 {
            return Err(StoreFault::Stale);
        }
        let (plugin, row) = (plugin.clone(), EntryRow::from(event));
        self.0
            .write(latest(), move |transaction| {
                let version = next(transaction, plugin.as_str(), revision, &row)?;
                transaction
                    .execute(
                        "DELETE FROM goatherd_policies WHERE plugin = ?1",
                        [plugin.as_str()],
                    )
                    .map_err(failed)?;
                Ok(version.unsigned_abs())
            })
            .await
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        let plugin = plugin.clone();
        self.0
            .read(latest(), move |transaction| {
                transaction
                    .query_row(
                        "SELECT plugin, policy, revision FROM goatherd_policies WHERE plugin = ?1",
                        [plugin.as_str()],
                        read_row,
                    )
                    .optional()
                    .map_err(failed)?
                    .transpose()
            })
            .await
    }

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        self.0
            .read(latest(), |transaction| {
                let mut statement = transaction
                    .prepare_cached(
                        "SELECT plugin, policy, revision FROM goatherd_policies ORDER BY plugin",
                    )
                    .map_err(failed)?;
                let rows = statement.query_map([], read_row).map_err(failed)?;
                let all: Result<_, StoreFault> = rows.map(|row| row.map_err(failed)?).collect();
                Ok((version(transaction)?, all?))
            })
            .await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        self.0.read(latest(), version).await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        let ((before, limit), plugin) = (bounds(page), page.plugin.clone());
        self.0
            .read(latest(), move |transaction| {
                let of_plugin = if plugin.is_some() { "plugin = ?3" } else { "?3 IS NULL" };
                let mut statement = transaction
                    .prepare_cached(&format!(
                        "SELECT {COLUMNS} FROM goatherd_policy_audit WHERE id < ?1 AND {of_plugin} ORDER BY id DESC LIMIT ?2"
                    ))
                    .map_err(failed)?;
                let plugin = plugin.as_ref().map(PluginName::as_str);
                let rows = statement
                    .query_map(params![before, limit, plugin], read_entry)
                    .map_err(failed)?;
                rows.map(|row| row.map_err(failed)?).collect()
            })
            .await
    }
}

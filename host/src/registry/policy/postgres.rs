//! Policies and the audit trail in a PostgreSQL database, shared by nodes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_postgres::{IsolationLevel, Row, Transaction};

use super::row::{EntryRow, bounds, policy_text, read_policy};
use super::{AuditEntry, AuditEvent, AuditPage, PolicyStore, ResourcePolicy};
use crate::contract::PluginName;
use crate::registry::StoreFault;
use crate::store::{PostgresStore, StoreError};

/// How long one look into the tables or one change of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The trigger keeps the trail from being rewritten by mistake; who owns the database can drop it.
const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS goatherd_policies (
    plugin text PRIMARY KEY, policy text NOT NULL, revision bigint NOT NULL
)",
    "CREATE TABLE IF NOT EXISTS goatherd_policy_audit (
    id bigint PRIMARY KEY, at text NOT NULL, who text NOT NULL, plugin text NOT NULL, decided text NOT NULL,
    policy_before text, policy_after text, version text, hash text, reason text NOT NULL
)",
    "CREATE OR REPLACE FUNCTION goatherd_policy_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is only added to'; END $$",
    "CREATE INDEX IF NOT EXISTS goatherd_policy_audit_plugin ON goatherd_policy_audit (plugin, id)",
    "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgname = 'goatherd_policy_audit_kept' AND tgrelid = 'goatherd_policy_audit'::regclass) THEN
        CREATE TRIGGER goatherd_policy_audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON goatherd_policy_audit
            FOR EACH STATEMENT EXECUTE FUNCTION goatherd_policy_audit_kept();
    END IF;
END $$",
    "CREATE TABLE IF NOT EXISTS goatherd_policy_version (one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL)",
    "INSERT INTO goatherd_policy_version VALUES (1, 0) ON CONFLICT DO NOTHING",
];

const COLUMNS: &str =
    "id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason";

/// The row that every change updates first, so that changes wait for each other and their versions are in the order in which
/// they become visible: a node that saw a version has seen everything before it.
const NEXT: &str = "UPDATE goatherd_policy_version SET version = version + 1 RETURNING version";

const VERSION: &str = "SELECT version FROM goatherd_policy_version";

/// The tables `goatherd_policies` and `goatherd_policy_audit` of a PostgreSQL database.
pub struct PostgresPolicies(PostgresStore);

impl PostgresPolicies {
    /// The tables in this database, which are made if they are not there.
    ///
    /// # Errors
    ///
    /// When the database does not answer or the tables cannot be made.
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

/// A column of a row.
fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    index: usize,
) -> Result<T, StoreFault> {
    row.try_get(index)
        .map_err(|error| StoreFault::Unavailable(error.to_string()))
}

/// Refuses a change of another revision than the present one, and enters the change as the next version.
async fn next(
    transaction: &Transaction<'_>,
    plugin: &str,
    revision: u64,
    row: &EntryRow,
) -> Result<i64, StoreFault> {
    let version: i64 = column(&transaction.query_one(NEXT, &[]).await.map_err(failed)?, 0)?;
    let present = transaction
        .query_opt(
            "SELECT revision FROM goatherd_policies WHERE plugin = $1",
            &[&plugin],
        )
        .await
        .map_err(failed)?;
    let present: i64 = present.as_ref().map_or(Ok(0), |row| column(row, 0))?;
    if present.unsigned_abs() != revision {
        return Err(StoreFault::Stale);
    }
    transaction
        .execute(
            &format!("INSERT INTO goatherd_policy_audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
            &[
                &version, &row.at, &row.by, &row.plugin, &row.decided, &row.before, &row.after, &row.version, &row.hash,
                &row.reason,
            ],
        )
        .await
        .map_err(failed)?;
    Ok(version)
}

fn read_row(row: &Row) -> Result<ResourcePolicy, StoreFault> {
    read_policy(column(row, 0)?, column(row, 1)?, column(row, 2)?)
}

fn read_entry(row: &Row) -> Result<AuditEntry, StoreFault> {
    let read = EntryRow {
        at: column(row, 1)?,
        by: column(row, 2)?,
        plugin: column(row, 3)?,
        decided: column(row, 4)?,
        before: column(row, 5)?,
        after: column(row, 6)?,
        version: column(row, 7)?,
        hash: column(row, 8)?,
        reason: column(row, 9)?,
    };
    read.read(column(row, 0)?)
}

#[async_trait]
impl PolicyStore for PostgresPolicies {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        let (text, row) = (policy_text(policy)?, EntryRow::from(event));
        let plugin = policy.plugin.as_str();
        let mut session = self.0.session(latest()).await?;
        let transaction = session.transaction().await.map_err(failed)?;
        let version = next(&transaction, plugin, policy.revision, &row).await?;
        transaction
            .execute(
                "INSERT INTO goatherd_policies VALUES ($1, $2, $3)
                 ON CONFLICT (plugin) DO UPDATE SET policy = $2, revision = $3",
                &[&plugin, &text, &version],
            )
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(version.unsigned_abs())
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
        let (plugin, row) = (plugin.as_str(), EntryRow::from(event));
        let mut session = self.0.session(latest()).await?;
        let transaction = session.transaction().await.map_err(failed)?;
        let version = next(&transaction, plugin, revision, &row).await?;
        transaction
            .execute(
                "DELETE FROM goatherd_policies WHERE plugin = $1",
                &[&plugin],
            )
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(version.unsigned_abs())
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        let session = self.0.session(latest()).await?;
        let row = session
            .query_opt(
                "SELECT plugin, policy, revision FROM goatherd_policies WHERE plugin = $1",
                &[&plugin.as_str()],
            )
            .await
            .map_err(failed)?;
        row.as_ref().map(read_row).transpose()
    }

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        let mut session = self.0.session(latest()).await?;
        // One view for both, so that the policies are those of the version.
        let transaction = session
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(failed)?;
        let version: i64 = column(
            &transaction.query_one(VERSION, &[]).await.map_err(failed)?,
            0,
        )?;
        // By bytes, as everywhere else, whatever the database's collation is.
        let rows = transaction
            .query(
                "SELECT plugin, policy, revision FROM goatherd_policies ORDER BY plugin COLLATE \"C\"",
                &[],
            )
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let all: Result<_, StoreFault> = rows.iter().map(read_row).collect();
        Ok((version.unsigned_abs(), all?))
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        let session = self.0.session(latest()).await?;
        let row = session.query_one(VERSION, &[]).await.map_err(failed)?;
        Ok(column::<i64>(&row, 0)?.unsigned_abs())
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        let (before, limit) = bounds(page);
        let session = self.0.session(latest()).await?;
        let rows = match &page.plugin {
            Some(plugin) => {
                let query = format!(
                    "SELECT {COLUMNS} FROM goatherd_policy_audit WHERE plugin = $3 AND id < $1 ORDER BY id DESC LIMIT $2"
                );
                session
                    .query(&query, &[&before, &limit, &plugin.as_str()])
                    .await
            }
            None => {
                let query = format!(
                    "SELECT {COLUMNS} FROM goatherd_policy_audit WHERE id < $1 ORDER BY id DESC LIMIT $2"
                );
                session.query(&query, &[&before, &limit]).await
            }
        };
        rows.map_err(failed)?.iter().map(read_entry).collect()
    }
}

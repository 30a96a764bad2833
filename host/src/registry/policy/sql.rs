//! Policies and the audit trail in a database, shared by processes and nodes.
//!
//! A policy is its JSON form in a column of text, beside the plugin's name and the revision, which are the columns' and not
//! the text's. A row that cannot be read is an error that names it: a policy that nobody understands grants nothing.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{
    AuditEntry, AuditEvent, AuditPage, By, ComponentId, Decided, PolicyStore, ResourcePolicy,
};
use crate::contract::{Json, PluginName};
use crate::registry::StoreFault;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;
use crate::store::{
    Mode, Param, Row, SchemaError, SqliteStore, StoreError, Tables, Transaction, families,
};

/// How long one look into the tables or one change of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The row that every change updates first, so that changes wait for each other and their versions are in the order in which
/// they become visible: a node that saw a version has seen everything before it.
const NEXT: &str = "UPDATE goatherd_policy_version SET version = version + 1 RETURNING version";
const VERSION: &str = "SELECT version FROM goatherd_policy_version";
const REVISION: &str = "SELECT revision FROM goatherd_policies WHERE plugin = $1";
const PUT: &str = "INSERT INTO goatherd_policies (plugin, policy, revision) VALUES ($1, $2, $3)
     ON CONFLICT (plugin) DO UPDATE SET policy = excluded.policy, revision = excluded.revision";
const REMOVE: &str = "DELETE FROM goatherd_policies WHERE plugin = $1";
const ONE: &str = "SELECT plugin, policy, revision FROM goatherd_policies WHERE plugin = $1";
/// One statement, so that the policies are those of the version. Without any policy there is a row with the version.
const ALL: &str = "SELECT p.plugin, p.policy, p.revision, v.version
     FROM goatherd_policy_version v LEFT JOIN goatherd_policies p ON TRUE ORDER BY p.plugin";
const ENTER: &str = "INSERT INTO goatherd_policy_audit
         (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const ENTRIES: &str =
    "SELECT id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason
     FROM goatherd_policy_audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
const ENTRIES_OF: &str =
    "SELECT id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason
     FROM goatherd_policy_audit WHERE id < $1 AND plugin = $3 ORDER BY id DESC LIMIT $2";

/// The tables `goatherd_policies` and `goatherd_policy_audit` of a database.
pub struct SqlPolicies<S>(S);

/// The same of a SQLite file.
pub type SqlitePolicies = SqlPolicies<SqliteStore>;
/// The same of a PostgreSQL database.
#[cfg(feature = "postgres")]
pub type PostgresPolicies = SqlPolicies<PostgresStore>;

impl SqlitePolicies {
    /// The tables in this file, which are made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::migrate`].
    pub fn new(store: SqliteStore) -> Result<Self, SchemaError> {
        store.migrate(&families::POLICIES)?;
        Ok(Self(store))
    }
}

#[cfg(feature = "postgres")]
impl PostgresPolicies {
    /// The tables in this database, which are made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::migrate`].
    pub async fn new(store: PostgresStore) -> Result<Self, SchemaError> {
        store.migrate(&families::POLICIES).await?;
        Ok(Self(store))
    }
}

fn latest() -> Instant {
    Instant::now() + PATIENCE
}

/// The number in a row; 0 where there is none.
fn number(row: Option<Row>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| row.get(0))
}

/// Refuses a change of another revision than the present one, and enters the change as the next version.
async fn next(
    transaction: &mut Transaction<'_>,
    plugin: &PluginName,
    revision: u64,
    event: &AuditEvent,
) -> Result<i64, StoreFault> {
    let version = number(transaction.first(NEXT, &[]).await?)?;
    let plugin = plugin.as_str();
    let present = number(transaction.first(REVISION, &[&plugin]).await?)?;
    if present.unsigned_abs() != revision {
        return Err(StoreFault::Stale);
    }
    enter(transaction, version, event).await?;
    Ok(version)
}

/// Adds an entry to the audit trail.
async fn enter(
    transaction: &mut Transaction<'_>,
    id: i64,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    let component = event.component.as_ref();
    let (at, who) = (event.at.to_string(), event.by.to_string());
    let (plugin, decided) = (event.plugin.as_str(), event.decided.as_str());
    let before = event.before.as_ref().map(Json::as_str);
    let after = event.after.as_ref().map(Json::as_str);
    let version = component.map(|component| component.version.to_string());
    let hash = component.map(|component| component.hash.as_str());
    let values: [&dyn Param; 10] = [
        &id,
        &at,
        &who,
        &plugin,
        &decided,
        &before,
        &after,
        &version,
        &hash,
        &event.reason,
    ];
    transaction.execute(ENTER, &values).await.map(drop)
}

#[async_trait]
impl<S: Tables> PolicyStore for SqlPolicies<S> {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        let text = serde_json::to_string(policy)
            .map_err(|error| StoreFault::Unavailable(error.to_string()))?;
        let (plugin, revision, event) = (policy.plugin.clone(), policy.revision, event.clone());
        let put = self.0.work(Mode::Write, latest(), move |transaction| {
            Box::pin(async move {
                let version = next(transaction, &plugin, revision, &event).await?;
                let values: [&dyn Param; 3] = [&plugin.as_str(), &text, &version];
                transaction.execute(PUT, &values).await?;
                Ok(version.unsigned_abs())
            })
        });
        put.await
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
        let (plugin, event) = (plugin.clone(), event.clone());
        let remove = self.0.work(Mode::Write, latest(), move |transaction| {
            Box::pin(async move {
                let version = next(transaction, &plugin, revision, &event).await?;
                transaction.execute(REMOVE, &[&plugin.as_str()]).await?;
                Ok(version.unsigned_abs())
            })
        });
        remove.await
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        let plugin = plugin.clone();
        let get = self.0.work(Mode::Read, latest(), move |transaction| {
            Box::pin(async move {
                let row = transaction.first(ONE, &[&plugin.as_str()]).await?;
                row.as_ref().map(policy).transpose()
            })
        });
        get.await
    }

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        let all = self.0.work(Mode::Read, latest(), |transaction| {
            Box::pin(async {
                let rows = transaction.query(ALL, &[]).await?;
                let version = rows.first().map_or(Ok(0), |row| row.get::<i64>(3))?;
                let mut policies = Vec::with_capacity(rows.len());
                for row in &rows {
                    if row.get::<Option<String>>(0)?.is_some() {
                        policies.push(policy(row)?);
                    }
                }
                Ok((version.unsigned_abs(), policies))
            })
        });
        all.await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        let version = self.0.work(Mode::Read, latest(), |transaction| {
            Box::pin(async { Ok(number(transaction.first(VERSION, &[]).await?)?.unsigned_abs()) })
        });
        version.await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        let before = page
            .before
            .map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
        let limit = i64::try_from(page.limit()).unwrap_or(i64::MAX);
        let plugin = page.plugin.clone();
        let audit = self.0.work(Mode::Read, latest(), move |transaction| {
            Box::pin(async move {
                let rows = match plugin {
                    Some(plugin) => {
                        let values: [&dyn Param; 3] = [&before, &limit, &plugin.as_str()];
                        transaction.query(ENTRIES_OF, &values).await?
                    }
                    None => transaction.query(ENTRIES, &[&before, &limit]).await?,
                };
                rows.iter().map(entry).collect()
            })
        });
        audit.await
    }
}

fn broken(what: &str, reason: impl std::fmt::Display) -> StoreFault {
    StoreFault::Unavailable(format!("{what} is broken: {reason}"))
}

/// The policy in a row: plugin, text, revision.
fn policy(row: &Row) -> Result<ResourcePolicy, StoreFault> {
    let (plugin, text): (String, String) = (row.get(0)?, row.get(1)?);
    let what = || format!("the row of \"{plugin}\" in goatherd_policies");
    let mut policy: ResourcePolicy =
        serde_json::from_str(&text).map_err(|error| broken(&what(), error))?;
    if policy.plugin.as_str() != plugin {
        let reason = format!("its policy is one of \"{}\"", policy.plugin);
        return Err(broken(&what(), reason));
    }
    policy.revision = row.get::<i64>(2)?.unsigned_abs();
    Ok(policy)
}

/// The entry in a row.
fn entry(row: &Row) -> Result<AuditEntry, StoreFault> {
    let id: i64 = row.get(0)?;
    let broken = |reason: String| broken(&format!("entry {id} of goatherd_policy_audit"), reason);
    let json = |text: Option<String>| {
        let json = text.map(Json::parse).transpose();
        json.map_err(|error| broken(error.to_string()))
    };
    let at: String = row.get(1)?;
    let plugin: String = row.get(3)?;
    let decided: String = row.get(4)?;
    let component = match (row.get::<Option<String>>(7)?, row.get(8)?) {
        (Some(version), Some(hash)) => Some(ComponentId {
            version: version
                .parse()
                .map_err(|error| broken(format!("{error}")))?,
            hash,
        }),
        _ => None,
    };
    let event = AuditEvent {
        at: at.parse().map_err(|error| broken(format!("{error}")))?,
        by: By::read(&row.get::<String>(2)?),
        plugin: plugin.parse().map_err(|error| broken(format!("{error}")))?,
        decided: Decided::read(&decided)
            .ok_or_else(|| broken(format!("{decided:?} is no decision")))?,
        before: json(row.get(5)?)?,
        after: json(row.get(6)?)?,
        component,
        reason: row.get(9)?,
    };
    Ok(AuditEntry {
        id: id.unsigned_abs(),
        event,
    })
}

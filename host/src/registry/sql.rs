//! Records in a database, shared by processes and nodes.
//!
//! Settings and labels are JSON in columns of text. A row that is not a record, because somebody else wrote it, is an
//! error that names it; nothing of it is guessed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Record, Store, StoreFault};
use crate::contract::PluginName;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;
use crate::store::{
    Mode, Param, Row, SchemaError, SqliteStore, StoreError, Tables, Transaction, families,
};

/// How long one look into the table or one change of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The row that every change updates first, so that changes wait for each other and their versions are in the order in which
/// they become visible: a node that saw a version has seen everything before it.
const NEXT: &str = "UPDATE goatherd_plugin_version SET version = version + 1 RETURNING version";
const VERSION: &str = "SELECT version FROM goatherd_plugin_version";
const REVISION: &str = "SELECT revision FROM goatherd_plugin WHERE slug = $1";
const PUT: &str = "INSERT INTO goatherd_plugin (slug, kind, enabled, config, nav, sort, labels, revision)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (slug) DO UPDATE SET kind = excluded.kind, enabled = excluded.enabled, config = excluded.config,
         nav = excluded.nav, sort = excluded.sort, labels = excluded.labels, revision = excluded.revision";
const REMOVE: &str = "DELETE FROM goatherd_plugin WHERE slug = $1";
const ONE: &str = "SELECT slug, kind, enabled, config, nav, sort, labels, revision FROM goatherd_plugin WHERE slug = $1";
/// One statement, so that the records are those of the version. Without any record there is a row with the version.
const ALL: &str =
    "SELECT p.slug, p.kind, p.enabled, p.config, p.nav, p.sort, p.labels, p.revision, v.version
     FROM goatherd_plugin_version v LEFT JOIN goatherd_plugin p ON TRUE ORDER BY p.slug";

/// The table `goatherd_plugin` of a database.
pub struct SqlRegistry<S>(S);

/// The same of a SQLite file.
pub type SqliteRegistry = SqlRegistry<SqliteStore>;
/// The same of a PostgreSQL database.
#[cfg(feature = "postgres")]
pub type PostgresRegistry = SqlRegistry<PostgresStore>;

impl SqliteRegistry {
    /// The table in this file, which is made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::migrate`].
    pub fn new(store: SqliteStore) -> Result<Self, SchemaError> {
        store.migrate(&families::REGISTRY)?;
        Ok(Self(store))
    }
}

#[cfg(feature = "postgres")]
impl PostgresRegistry {
    /// The table in this database, which is made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::migrate`].
    pub async fn new(store: PostgresStore) -> Result<Self, SchemaError> {
        store.migrate(&families::REGISTRY).await?;
        Ok(Self(store))
    }
}

fn latest() -> Instant {
    Instant::now() + PATIENCE
}

/// Refuses a change of another revision than the present one, and gives the next version.
async fn next(
    transaction: &mut Transaction<'_>,
    slug: &str,
    revision: u64,
) -> Result<i64, StoreFault> {
    let version = number(transaction.first(NEXT, &[]).await?)?;
    let present = number(transaction.first(REVISION, &[&slug]).await?)?;
    if present.unsigned_abs() != revision {
        return Err(StoreFault::Stale);
    }
    Ok(version)
}

/// The number in a row; 0 where there is none.
fn number(row: Option<Row>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| row.get(0))
}

#[async_trait]
impl<S: Tables> Store for SqlRegistry<S> {
    async fn upsert(&self, record: &Record) -> Result<u64, StoreFault> {
        let columns = Columns::of(record)?;
        let (slug, revision) = (record.slug.clone(), record.revision);
        let put = self.0.work(Mode::Write, latest(), move |transaction| {
            Box::pin(async move {
                let slug = slug.as_str();
                let version = next(transaction, slug, revision).await?;
                let Columns {
                    kind,
                    enabled,
                    config,
                    nav,
                    sort,
                    labels,
                } = columns;
                let values: [&dyn Param; 8] = [
                    &slug, &kind, &enabled, &config, &nav, &sort, &labels, &version,
                ];
                transaction.execute(PUT, &values).await?;
                Ok(version.unsigned_abs())
            })
        });
        put.await
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        let slug = slug.clone();
        let get = self.0.work(Mode::Read, latest(), move |transaction| {
            Box::pin(async move {
                let row = transaction.first(ONE, &[&slug.as_str()]).await?;
                row.as_ref().map(read).transpose()
            })
        });
        get.await
    }

    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault> {
        let all = self.0.work(Mode::Read, latest(), |transaction| {
            Box::pin(async {
                let rows = transaction.query(ALL, &[]).await?;
                let version = rows.first().map_or(Ok(0), |row| row.get::<i64>(8))?;
                let mut records = Vec::with_capacity(rows.len());
                for row in &rows {
                    if row.get::<Option<String>>(0)?.is_some() {
                        records.push(read(row)?);
                    }
                }
                Ok((version.unsigned_abs(), records))
            })
        });
        all.await
    }

    async fn delete(&self, slug: &PluginName, revision: u64) -> Result<u64, StoreFault> {
        if revision == 0 {
            return Err(StoreFault::Stale);
        }
        let slug = slug.clone();
        let delete = self.0.work(Mode::Write, latest(), move |transaction| {
            Box::pin(async move {
                let slug = slug.as_str();
                let version = next(transaction, slug, revision).await?;
                transaction.execute(REMOVE, &[&slug]).await?;
                Ok(version.unsigned_abs())
            })
        });
        delete.await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        let version = self.0.work(Mode::Read, latest(), |transaction| {
            Box::pin(async { Ok(number(transaction.first(VERSION, &[]).await?)?.unsigned_abs()) })
        });
        version.await
    }
}

/// A record as columns, without slug and revision.
struct Columns {
    kind: String,
    enabled: bool,
    config: String,
    nav: bool,
    sort: i32,
    labels: String,
}

impl Columns {
    fn of(record: &Record) -> Result<Self, StoreFault> {
        let broken = |error: serde_json::Error| StoreFault::Unavailable(error.to_string());
        let labels: BTreeMap<&str, &str> = record
            .labels
            .iter()
            .map(|(language, label)| (language.as_str(), label.as_str()))
            .collect();
        Ok(Self {
            kind: record.kind.as_str().to_owned(),
            enabled: record.enabled,
            config: serde_json::to_string(&record.config).map_err(broken)?,
            nav: record.nav,
            sort: record.sort,
            labels: serde_json::to_string(&labels).map_err(broken)?,
        })
    }
}

fn read(row: &Row) -> Result<Record, StoreFault> {
    let slug: String = row.get(0)?;
    let broken = |reason: String| {
        StoreFault::Unavailable(format!(
            "the row of \"{slug}\" in goatherd_plugin is broken: {reason}"
        ))
    };
    let name: PluginName = slug.parse().map_err(|error| broken(format!("{error}")))?;
    let kind: String = row.get(1)?;
    let mut record = Record::new(name, kind.parse().unwrap_or_default());
    record.enabled = row.get(2)?;
    let config: String = row.get(3)?;
    record.config = serde_json::from_str(&config).map_err(|error| broken(error.to_string()))?;
    record.nav = row.get(4)?;
    record.sort = row.get(5)?;
    let labels: String = row.get(6)?;
    let labels: BTreeMap<String, String> =
        serde_json::from_str(&labels).map_err(|error| broken(error.to_string()))?;
    for (tag, label) in labels {
        let language = tag.parse().map_err(|error| broken(format!("{error}")))?;
        record.labels.insert(language, label);
    }
    record.revision = row.get::<i64>(7)?.unsigned_abs();
    Ok(record)
}

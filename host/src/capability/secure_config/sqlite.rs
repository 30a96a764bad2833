//! Secrets in the host's tables in a SQLite file.
//!
//! Changes run one after the other, across processes, so whoever puts a secret sees every key that was retired before.
//! Retiring runs on a connection of its own, which waits for the disk: only what cannot be rolled back by a loss of power
//! allows for throwing a key away.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::backend::{Put, Replaced, Replacement, Retired, SECRETS, SecretStore, Stored};
use super::keys::KeyId;
use super::name::{Place, SecretName};
use super::seal::Sealed;
use crate::contract::PluginName;
use crate::store::{SqliteStore, StoreError};

/// An organisation is text, empty for none, so that it can be part of the primary key.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS goatherd_secret (
        plugin TEXT NOT NULL,
        name TEXT NOT NULL,
        org TEXT NOT NULL,
        key_id TEXT NOT NULL,
        nonce BLOB NOT NULL,
        ciphertext BLOB NOT NULL,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (plugin, name, org)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS goatherd_secret_by_key ON goatherd_secret (key_id);
    CREATE TABLE IF NOT EXISTS goatherd_secret_key_retired (
        key_id TEXT PRIMARY KEY,
        retired_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Keeps secrets in a SQLite file.
pub struct SqliteSecrets(SqliteStore);

impl SqliteSecrets {
    /// Keeps secrets here, in tables that are made if they do not exist.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn new(store: SqliteStore) -> Result<Self, StoreError> {
        store.ensure(SCHEMA)?;
        Ok(Self(store))
    }
}

#[async_trait]
impl SecretStore for SqliteSecrets {
    async fn find(
        &self,
        plugin: &PluginName,
        name: &SecretName,
        org: Option<i64>,
        deadline: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError> {
        let (plugin, name) = (plugin.clone(), name.clone());
        let find = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            // The empty text of no organisation sorts before every number.
            let mut statement = transaction.prepare_cached(
                "SELECT org, key_id, nonce, ciphertext FROM goatherd_secret
                 WHERE plugin = ?1 AND name = ?2 AND org IN (?3, '') ORDER BY org DESC LIMIT 1",
            )?;
            let parameters = params![plugin.as_str(), name.as_str(), org_text(org)];
            let found = statement.query_row(parameters, |row| {
                Ok((row.get::<_, String>(0)?, RawSealed::read(row, 1)?))
            });
            match found.optional()? {
                None => Ok(None),
                Some((org, sealed)) => Ok(Some((org_of(&org)?, sealed.check()?))),
            }
        };
        self.0.read(deadline, find).await
    }

    async fn put(
        &self,
        place: &Place,
        sealed: Sealed,
        deadline: Instant,
    ) -> Result<Put, StoreError> {
        let place = place.clone();
        let put = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            if is_retired(transaction, &sealed.key_id)? {
                return Ok(Put::KeyRetired);
            }
            let (plugin, org) = (place.plugin.as_str(), org_text(place.org));
            let (others, present): (i64, bool) = transaction
                .prepare_cached(
                    "SELECT count(*), coalesce(max(name = ?3), 0) FROM goatherd_secret WHERE plugin = ?1 AND org = ?2",
                )?
                .query_row(params![plugin, org, place.name.as_str()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if !present && usize::try_from(others).is_ok_and(|others| others >= SECRETS) {
                return Ok(Put::Full);
            }
            transaction
                .prepare_cached(
                    "INSERT INTO goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (plugin, name, org) DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce,
                         ciphertext = excluded.ciphertext, updated_at = excluded.updated_at",
                )?
                .execute(params![
                    plugin,
                    place.name.as_str(),
                    org,
                    sealed.key_id.as_str(),
                    sealed.nonce,
                    sealed.ciphertext,
                    jiff::Timestamp::now().to_string(),
                ])?;
            Ok(Put::Done)
        };
        self.0.write(deadline, put).await
    }

    async fn delete(&self, place: &Place, deadline: Instant) -> Result<bool, StoreError> {
        let place = place.clone();
        let delete = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            let deleted = transaction.execute(
                "DELETE FROM goatherd_secret WHERE plugin = ?1 AND name = ?2 AND org = ?3",
                params![
                    place.plugin.as_str(),
                    place.name.as_str(),
                    org_text(place.org)
                ],
            )?;
            Ok(deleted > 0)
        };
        self.0.write(deadline, delete).await
    }

    async fn list(
        &self,
        plugin: &PluginName,
        deadline: Instant,
    ) -> Result<Vec<Stored>, StoreError> {
        let plugin = plugin.clone();
        let list = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            let mut statement = transaction.prepare_cached(
                "SELECT plugin, name, org, key_id, nonce, ciphertext, updated_at FROM goatherd_secret
                 WHERE plugin = ?1 ORDER BY name, org",
            )?;
            let mut rows = statement.query(params![plugin.as_str()])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let updated_at: String = row.get(6)?;
                all.push(Stored {
                    place: read_place(row)?,
                    sealed: RawSealed::read(row, 3)?.check()?,
                    updated_at: updated_at.parse().map_err(unexpected)?,
                });
            }
            Ok(all)
        };
        self.0.read(deadline, list).await
    }

    async fn sealed_otherwise(
        &self,
        current: &KeyId,
        after: Option<&Place>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(Place, Sealed)>, StoreError> {
        let (current, after) = (current.clone(), after.cloned());
        let read = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            let mut statement = transaction.prepare_cached(
                "SELECT plugin, name, org, key_id, nonce, ciphertext FROM goatherd_secret
                 WHERE key_id <> ?1 AND (plugin, name, org) > (?2, ?3, ?4)
                 ORDER BY plugin, name, org LIMIT ?5",
            )?;
            let (plugin, name, org) = match &after {
                Some(place) => (
                    place.plugin.as_str(),
                    place.name.as_str(),
                    org_text(place.org),
                ),
                None => ("", "", String::new()),
            };
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![current.as_str(), plugin, name, org, limit])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push((read_place(row)?, RawSealed::read(row, 3)?.check()?));
            }
            Ok(all)
        };
        self.0.read(deadline, read).await
    }

    async fn replace(
        &self,
        batch: Vec<Replacement>,
        deadline: Instant,
    ) -> Result<Replaced, StoreError> {
        let replace = move |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            let mut replaced = 0;
            for one in &batch {
                if is_retired(transaction, &one.sealed.key_id)? {
                    return Ok(Replaced::KeyRetired);
                }
            }
            for Replacement {
                place,
                instead_of,
                sealed,
            } in &batch
            {
                replaced += transaction
                    .prepare_cached(
                        "UPDATE goatherd_secret SET key_id = ?4, nonce = ?5, ciphertext = ?6
                         WHERE plugin = ?1 AND name = ?2 AND org = ?3 AND nonce = ?7",
                    )?
                    .execute(params![
                        place.plugin.as_str(),
                        place.name.as_str(),
                        org_text(place.org),
                        sealed.key_id.as_str(),
                        sealed.nonce,
                        sealed.ciphertext,
                        instead_of,
                    ])?;
            }
            Ok(Replaced::Done(replaced))
        };
        self.0.write(deadline, replace).await
    }

    async fn retire(&self, key: &KeyId, deadline: Instant) -> Result<Retired, StoreError> {
        let path = |transaction: &Transaction<'_>| -> Result<_, StoreError> {
            let path = transaction.path().map(str::to_owned);
            path.ok_or_else(|| unexpected("the database has no file"))
        };
        let path = self.0.read(deadline, path).await?;
        let key = key.clone();
        let retired = tokio::task::spawn_blocking(move || retire(&path, &key, deadline));
        retired
            .await
            .map_err(|stopped| StoreError::Unavailable(stopped.to_string()))?
    }
}

/// Retires a key on a connection of its own, so that the commit is on disk when it returns. With it is every earlier one:
/// the log is written from front to back.
fn retire(path: &str, key: &KeyId, deadline: Instant) -> Result<Retired, StoreError> {
    let mut connection = Connection::open(path)?;
    let left = deadline.saturating_duration_since(Instant::now());
    connection.busy_timeout(left.min(Duration::from_secs(30)))?;
    connection.pragma_update(None, "synchronous", "full")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let used: i64 = transaction.query_row(
        "SELECT count(*) FROM goatherd_secret WHERE key_id = ?1",
        params![key.as_str()],
        |row| row.get(0),
    )?;
    if used > 0 {
        return Ok(Retired::InUse(used.unsigned_abs()));
    }
    // Written also if it is there already: what is not written does not wait for the disk.
    transaction.execute(
        "INSERT OR REPLACE INTO goatherd_secret_key_retired (key_id, retired_at) VALUES (?1, ?2)",
        params![key.as_str(), jiff::Timestamp::now().to_string()],
    )?;
    transaction.commit()?;
    Ok(Retired::Done)
}

fn is_retired(transaction: &Transaction<'_>, key: &KeyId) -> Result<bool, StoreError> {
    let mut statement = transaction
        .prepare_cached("SELECT 1 FROM goatherd_secret_key_retired WHERE key_id = ?1")?;
    Ok(statement.exists(params![key.as_str()])?)
}

fn org_text(org: Option<i64>) -> String {
    org.map_or_else(String::new, |org| org.to_string())
}

fn org_of(text: &str) -> Result<Option<i64>, StoreError> {
    match text {
        "" => Ok(None),
        number => Ok(Some(number.parse().map_err(unexpected)?)),
    }
}

/// Columns 0 to 2.
fn read_place(row: &Row<'_>) -> Result<Place, StoreError> {
    let (plugin, name): (String, String) = (row.get(0)?, row.get(1)?);
    let org: String = row.get(2)?;
    Ok(Place {
        plugin: plugin.parse().map_err(unexpected)?,
        name: name.parse().map_err(unexpected)?,
        org: org_of(&org)?,
    })
}

/// A sealed secret as the columns have it.
struct RawSealed {
    key_id: String,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl RawSealed {
    /// Three columns from `first` on.
    fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            key_id: row.get(first)?,
            nonce: row.get(first + 1)?,
            ciphertext: row.get(first + 2)?,
        })
    }

    fn check(self) -> Result<Sealed, StoreError> {
        Sealed::from_columns(&self.key_id, self.nonce, self.ciphertext).map_err(unexpected)
    }
}

fn unexpected(what: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!(
        "goatherd_secret has a row that is not valid: {what}"
    ))
}

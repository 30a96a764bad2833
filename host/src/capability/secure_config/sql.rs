//! Secrets in the host's tables in a database.
//!
//! Whoever puts a secret sees every key that was retired before. On SQLite changes run one after the other. On PostgreSQL
//! putting takes a lock that all may share and retiring one that excludes them, so a key is retired either before a secret
//! is put, which is refused then, or after, when the secret is seen and the key kept. Retiring waits for the disk: only what
//! cannot be rolled back by a loss of power allows for throwing a key away.

use std::collections::BTreeSet;
use std::time::Instant;

use async_trait::async_trait;

use super::backend::{Put, Replaced, Replacement, Retired, SECRETS, SecretStore, Stored};
use super::keys::KeyId;
use super::name::{SecretId, SecretName};
use super::seal::Sealed;
use crate::contract::PluginName;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;
use crate::store::{
    Engine, Mode, Param, Row, SchemaError, SqliteStore, StoreError, Tables, Transaction, families,
};

/// The empty text of no organisation sorts before every number.
const FIND: &str = "SELECT org, key_id, nonce, ciphertext FROM goatherd_secret
     WHERE plugin = $1 AND name = $2 AND org IN ($3, '') ORDER BY org DESC LIMIT 1";
/// How many secrets there are beside it, and whether it is one of them.
const ROOM: &str = "SELECT count(*), count(CASE WHEN name = $3 THEN 1 END) FROM goatherd_secret
     WHERE plugin = $1 AND org = $2";
const PUT: &str =
    "INSERT INTO goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (plugin, name, org) DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce,
         ciphertext = excluded.ciphertext, updated_at = excluded.updated_at";
const DELETE: &str = "DELETE FROM goatherd_secret WHERE plugin = $1 AND name = $2 AND org = $3";
const LIST: &str =
    "SELECT plugin, name, org, key_id, nonce, ciphertext, updated_at FROM goatherd_secret
     WHERE plugin = $1 ORDER BY name, org";
const SEALED_OTHERWISE: &str =
    "SELECT plugin, name, org, key_id, nonce, ciphertext FROM goatherd_secret
     WHERE key_id <> $1 AND (plugin, name, org) > ($2, $3, $4) ORDER BY plugin, name, org LIMIT $5";
const REPLACE: &str = "UPDATE goatherd_secret SET key_id = $4, nonce = $5, ciphertext = $6
     WHERE plugin = $1 AND name = $2 AND org = $3 AND nonce = $7";
const IS_RETIRED: &str = "SELECT 1 FROM goatherd_secret_key_retired WHERE key_id = $1";
const USED: &str = "SELECT count(*) FROM goatherd_secret WHERE key_id = $1";
/// Written also if it is there already: what is not written does not wait for the disk.
const RETIRE: &str = "INSERT INTO goatherd_secret_key_retired (key_id, retired_at) VALUES ($1, $2)
     ON CONFLICT (key_id) DO UPDATE SET retired_at = excluded.retired_at";

/// Between putting secrets and retiring keys, on PostgreSQL.
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const LOCK_SHARED: &str = "SELECT pg_advisory_xact_lock_shared($1)";
/// The number of the lock.
const KEY_LOCK: i64 = 0x676f_6174_6b65_7973;

/// Keeps secrets in a database.
pub struct SqlSecrets<S>(S);

/// Keeps secrets in a SQLite file.
pub type SqliteSecrets = SqlSecrets<SqliteStore>;
/// Keeps secrets in a PostgreSQL database.
#[cfg(feature = "postgres")]
pub type PostgresSecrets = SqlSecrets<PostgresStore>;

impl SqliteSecrets {
    /// Keeps secrets here, in tables that are made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::migrate`].
    pub fn new(store: SqliteStore) -> Result<Self, SchemaError> {
        store.migrate(&families::SECRETS)?;
        Ok(Self(store))
    }
}

#[cfg(feature = "postgres")]
impl PostgresSecrets {
    /// Keeps secrets here, in tables that are made or upgraded if need be.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::migrate`].
    pub async fn new(store: PostgresStore) -> Result<Self, SchemaError> {
        store.migrate(&families::SECRETS).await?;
        Ok(Self(store))
    }
}

#[async_trait]
impl<S: Tables> SecretStore for SqlSecrets<S> {
    async fn find(
        &self,
        plugin: &PluginName,
        name: &SecretName,
        org: Option<i64>,
        deadline: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError> {
        let (plugin, name, org) = (plugin.clone(), name.clone(), org_text(org));
        let find = self.0.work(Mode::Read, deadline, move |transaction| {
            Box::pin(async move {
                let values: [&dyn Param; 3] = [&plugin.as_str(), &name.as_str(), &org];
                let row = transaction.first(FIND, &values).await?;
                row.map(|row| Ok((org_of(&row, 0)?, sealed(&row, 1)?)))
                    .transpose()
            })
        });
        find.await
    }

    async fn put(
        &self,
        secret_id: &SecretId,
        sealed: Sealed,
        deadline: Instant,
    ) -> Result<Put, StoreError> {
        let secret_id = secret_id.clone();
        let put = self.0.work(Mode::Write, deadline, move |transaction| {
            Box::pin(async move {
                if see_retired(transaction, [&sealed.key_id]).await? {
                    return Ok(Put::KeyRetired);
                }
                let (plugin, name) = (secret_id.plugin.as_str(), secret_id.name.as_str());
                let (org, key) = (org_text(secret_id.org), sealed.key_id.as_str());
                let room = transaction.first(ROOM, &[&plugin, &org, &name]).await?;
                let (others, present) = match &room {
                    Some(room) => (room.get::<i64>(0)?, room.get::<i64>(1)? > 0),
                    None => (0, false),
                };
                if !present && usize::try_from(others).is_ok_and(|others| others >= SECRETS) {
                    return Ok(Put::Full);
                }
                let now = jiff::Timestamp::now().to_string();
                let values: [&dyn Param; 7] = [
                    &plugin,
                    &name,
                    &org,
                    &key,
                    &sealed.nonce,
                    &sealed.ciphertext,
                    &now,
                ];
                transaction.execute(PUT, &values).await?;
                Ok(Put::Done)
            })
        });
        put.await
    }

    async fn delete(&self, secret_id: &SecretId, deadline: Instant) -> Result<bool, StoreError> {
        let secret_id = secret_id.clone();
        let delete = self.0.work(Mode::Write, deadline, move |transaction| {
            Box::pin(async move {
                let (plugin, name) = (secret_id.plugin.as_str(), secret_id.name.as_str());
                let values: [&dyn Param; 3] = [&plugin, &name, &org_text(secret_id.org)];
                Ok(transaction.execute(DELETE, &values).await? > 0)
            })
        });
        delete.await
    }

    async fn list(
        &self,
        plugin: &PluginName,
        deadline: Instant,
    ) -> Result<Vec<Stored>, StoreError> {
        let plugin = plugin.clone();
        let list = self.0.work(Mode::Read, deadline, move |transaction| {
            Box::pin(async move {
                let rows = transaction.query(LIST, &[&plugin.as_str()]).await?;
                let stored = |row: &Row| {
                    let updated_at: String = row.get(6)?;
                    Ok(Stored {
                        secret_id: secret_id(row)?,
                        sealed: sealed(row, 3)?,
                        updated_at: updated_at.parse().map_err(unexpected)?,
                    })
                };
                rows.iter().map(stored).collect()
            })
        });
        list.await
    }

    async fn sealed_otherwise(
        &self,
        current: &KeyId,
        after: Option<&SecretId>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(SecretId, Sealed)>, StoreError> {
        let (current, after) = (current.clone(), after.cloned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = self.0.work(Mode::Read, deadline, move |transaction| {
            Box::pin(async move {
                let (plugin, name, org) = match &after {
                    Some(secret_id) => (
                        secret_id.plugin.as_str(),
                        secret_id.name.as_str(),
                        org_text(secret_id.org),
                    ),
                    None => ("", "", String::new()),
                };
                let values: [&dyn Param; 5] = [&current.as_str(), &plugin, &name, &org, &limit];
                let rows = transaction.query(SEALED_OTHERWISE, &values).await?;
                rows.iter()
                    .map(|row| Ok((secret_id(row)?, sealed(row, 3)?)))
                    .collect()
            })
        });
        read.await
    }

    async fn replace(
        &self,
        batch: Vec<Replacement>,
        deadline: Instant,
    ) -> Result<Replaced, StoreError> {
        let replace = self.0.work(Mode::Write, deadline, move |transaction| {
            Box::pin(async move {
                let keys = batch.iter().map(|one| &one.sealed.key_id);
                if see_retired(transaction, keys).await? {
                    return Ok(Replaced::KeyRetired);
                }
                let mut replaced = 0;
                for Replacement {
                    secret_id,
                    instead_of,
                    sealed,
                } in &batch
                {
                    let (plugin, name) = (secret_id.plugin.as_str(), secret_id.name.as_str());
                    let (org, key) = (org_text(secret_id.org), sealed.key_id.as_str());
                    let values: [&dyn Param; 7] = [
                        &plugin,
                        &name,
                        &org,
                        &key,
                        &sealed.nonce,
                        &sealed.ciphertext,
                        instead_of,
                    ];
                    replaced += transaction.execute(REPLACE, &values).await?;
                }
                Ok(Replaced::Done(
                    usize::try_from(replaced).unwrap_or(usize::MAX),
                ))
            })
        });
        replace.await
    }

    async fn retire(&self, key: &KeyId, deadline: Instant) -> Result<Retired, StoreError> {
        let key = key.clone();
        let retire = self
            .0
            .work(Mode::WriteToDisk, deadline, move |transaction| {
                Box::pin(async move {
                    if transaction.engine() == Engine::Postgres {
                        transaction.execute(LOCK, &[&KEY_LOCK]).await?;
                    }
                    let key = key.as_str();
                    let used = transaction.first(USED, &[&key]).await?;
                    let used: i64 = used.map_or(Ok(0), |row| row.get(0))?;
                    if used > 0 {
                        return Ok(Retired::InUse(used.unsigned_abs()));
                    }
                    let now = jiff::Timestamp::now().to_string();
                    transaction.execute(RETIRE, &[&key, &now]).await?;
                    Ok(Retired::Done)
                })
            });
        retire.await
    }
}

/// Keeps keys from being retired until the transaction ends, and says whether one of these is already. Locking is a
/// statement of its own, since a statement sees what was there when it began to wait.
async fn see_retired(
    transaction: &mut Transaction<'_>,
    keys: impl IntoIterator<Item = &KeyId>,
) -> Result<bool, StoreError> {
    if transaction.engine() == Engine::Postgres {
        transaction.execute(LOCK_SHARED, &[&KEY_LOCK]).await?;
    }
    let keys: BTreeSet<&str> = keys.into_iter().map(KeyId::as_str).collect();
    for key in keys {
        if transaction.first(IS_RETIRED, &[&key]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An organisation is text, empty for none, so that it can be part of the primary key.
fn org_text(org: Option<i64>) -> String {
    org.map_or_else(String::new, |org| org.to_string())
}

fn org_of(row: &Row, column: usize) -> Result<Option<i64>, StoreError> {
    match row.get::<String>(column)?.as_str() {
        "" => Ok(None),
        number => Ok(Some(number.parse().map_err(unexpected)?)),
    }
}

/// Columns 0 to 2.
fn secret_id(row: &Row) -> Result<SecretId, StoreError> {
    Ok(SecretId {
        plugin: row.get::<String>(0)?.parse().map_err(unexpected)?,
        name: row.get::<String>(1)?.parse().map_err(unexpected)?,
        org: org_of(row, 2)?,
    })
}

/// Three columns from `first` on.
fn sealed(row: &Row, first: usize) -> Result<Sealed, StoreError> {
    let key: String = row.get(first)?;
    Sealed::from_columns(&key, row.get(first + 1)?, row.get(first + 2)?).map_err(unexpected)
}

fn unexpected(what: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!(
        "goatherd_secret has a row that is not valid: {what}"
    ))
}

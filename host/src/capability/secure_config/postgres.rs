//! Secrets in the host's tables in a PostgreSQL database.
//!
//! Putting takes a lock that all may share and retiring one that excludes them, so a key is retired either before a secret
//! is put, which is refused then, or after, when the secret is seen and the key kept. The texts of names sort by their
//! bytes, whatever the database's collation is.

use std::time::Instant;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::backend::{Put, Replaced, Replacement, Retired, SECRETS, SecretStore, Stored};
use super::keys::KeyId;
use super::name::{Place, SecretName};
use super::seal::Sealed;
use crate::contract::PluginName;
use crate::store::{PostgresStore, StoreError};

/// An organisation is text, empty for none, so that it can be part of the primary key.
const SCHEMA: &[&str] = &[
    r#"CREATE TABLE IF NOT EXISTS goatherd_secret (
        plugin TEXT COLLATE "C" NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        org TEXT COLLATE "C" NOT NULL,
        key_id TEXT COLLATE "C" NOT NULL,
        nonce BYTEA NOT NULL,
        ciphertext BYTEA NOT NULL,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (plugin, name, org)
    )"#,
    "CREATE INDEX IF NOT EXISTS goatherd_secret_by_key ON goatherd_secret (key_id)",
    r#"CREATE TABLE IF NOT EXISTS goatherd_secret_key_retired (
        key_id TEXT COLLATE "C" PRIMARY KEY,
        retired_at TEXT NOT NULL
    )"#,
];

/// The number of the lock between putting secrets and retiring keys.
const KEY_LOCK: i64 = 0x676f_6174_6b65_7973;

/// Keeps secrets in a PostgreSQL database.
pub struct PostgresSecrets(PostgresStore);

impl PostgresSecrets {
    /// Keeps secrets here, in tables that are made if they do not exist.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or the host's role may not make them.
    pub async fn new(store: PostgresStore) -> Result<Self, StoreError> {
        store.ensure(SCHEMA).await?;
        Ok(Self(store))
    }
}

#[async_trait]
impl SecretStore for PostgresSecrets {
    async fn find(
        &self,
        plugin: &PluginName,
        name: &SecretName,
        org: Option<i64>,
        deadline: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError> {
        within(deadline, async {
            let session = self.0.session(deadline).await?;
            // The empty text of no organisation sorts before every number.
            let statement = session
                .prepare_cached(
                    "SELECT org, key_id, nonce, ciphertext FROM goatherd_secret
                     WHERE plugin = $1 AND name = $2 AND org IN ($3, '') ORDER BY org DESC LIMIT 1",
                )
                .await?;
            let found = session
                .query_opt(
                    &statement,
                    &[&plugin.as_str(), &name.as_str(), &org_text(org)],
                )
                .await?;
            found
                .map(|row| Ok((org_of(row.try_get(0)?)?, read_sealed(&row, 1)?)))
                .transpose()
        })
        .await
    }

    async fn put(
        &self,
        place: &Place,
        sealed: Sealed,
        deadline: Instant,
    ) -> Result<Put, StoreError> {
        within(deadline, async {
            let mut session = self.0.session(deadline).await?;
            let transaction = session.transaction().await?;
            if lock_and_see_retired(&transaction, &[&sealed.key_id]).await? {
                return Ok(Put::KeyRetired);
            }
            let (plugin, name) = (place.plugin.as_str(), place.name.as_str());
            let org = org_text(place.org);
            let room = transaction
                .query_one(
                    "SELECT count(*), coalesce(bool_or(name = $3), false) FROM goatherd_secret
                     WHERE plugin = $1 AND org = $2",
                    &[&plugin, &org, &name],
                )
                .await?;
            let (others, present): (i64, bool) = (room.try_get(0)?, room.try_get(1)?);
            if !present && usize::try_from(others).is_ok_and(|others| others >= SECRETS) {
                return Ok(Put::Full);
            }
            transaction
                .execute(
                    "INSERT INTO goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (plugin, name, org) DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce,
                         ciphertext = excluded.ciphertext, updated_at = excluded.updated_at",
                    &[
                        &plugin,
                        &name,
                        &org,
                        &sealed.key_id.as_str(),
                        &sealed.nonce,
                        &sealed.ciphertext,
                        &jiff::Timestamp::now().to_string(),
                    ],
                )
                .await?;
            transaction.commit().await?;
            Ok(Put::Done)
        })
        .await
    }

    async fn delete(&self, place: &Place, deadline: Instant) -> Result<bool, StoreError> {
        within(deadline, async {
            let session = self.0.session(deadline).await?;
            let deleted = session
                .execute(
                    "DELETE FROM goatherd_secret WHERE plugin = $1 AND name = $2 AND org = $3",
                    &[
                        &place.plugin.as_str(),
                        &place.name.as_str(),
                        &org_text(place.org),
                    ],
                )
                .await?;
            Ok(deleted > 0)
        })
        .await
    }

    async fn list(
        &self,
        plugin: &PluginName,
        deadline: Instant,
    ) -> Result<Vec<Stored>, StoreError> {
        within(deadline, async {
            let session = self.0.session(deadline).await?;
            let rows = session
                .query(
                    "SELECT plugin, name, org, key_id, nonce, ciphertext, updated_at FROM goatherd_secret
                     WHERE plugin = $1 ORDER BY name, org",
                    &[&plugin.as_str()],
                )
                .await?;
            let stored = |row: &Row| {
                let updated_at: &str = row.try_get(6)?;
                Ok(Stored {
                    place: read_place(row)?,
                    sealed: read_sealed(row, 3)?,
                    updated_at: updated_at.parse().map_err(unexpected)?,
                })
            };
            rows.iter().map(stored).collect()
        })
        .await
    }

    async fn sealed_otherwise(
        &self,
        current: &KeyId,
        after: Option<&Place>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(Place, Sealed)>, StoreError> {
        within(deadline, async {
            let session = self.0.session(deadline).await?;
            let (plugin, name, org) = match after {
                Some(place) => (
                    place.plugin.as_str(),
                    place.name.as_str(),
                    org_text(place.org),
                ),
                None => ("", "", String::new()),
            };
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = session
                .query(
                    "SELECT plugin, name, org, key_id, nonce, ciphertext FROM goatherd_secret
                     WHERE key_id <> $1 AND (plugin, name, org) > ($2, $3, $4)
                     ORDER BY plugin, name, org LIMIT $5",
                    &[&current.as_str(), &plugin, &name, &org, &limit],
                )
                .await?;
            rows.iter()
                .map(|row| Ok((read_place(row)?, read_sealed(row, 3)?)))
                .collect()
        })
        .await
    }

    async fn replace(
        &self,
        batch: Vec<Replacement>,
        deadline: Instant,
    ) -> Result<Replaced, StoreError> {
        within(deadline, async {
            let mut session = self.0.session(deadline).await?;
            let transaction = session.transaction().await?;
            let keys: Vec<_> = batch.iter().map(|one| &one.sealed.key_id).collect();
            if lock_and_see_retired(&transaction, &keys).await? {
                return Ok(Replaced::KeyRetired);
            }
            let statement = transaction
                .prepare_cached(
                    "UPDATE goatherd_secret SET key_id = $4, nonce = $5, ciphertext = $6
                     WHERE plugin = $1 AND name = $2 AND org = $3 AND nonce = $7",
                )
                .await?;
            let mut replaced = 0;
            for Replacement {
                place,
                instead_of,
                sealed,
            } in &batch
            {
                replaced += transaction
                    .execute(
                        &statement,
                        &[
                            &place.plugin.as_str(),
                            &place.name.as_str(),
                            &org_text(place.org),
                            &sealed.key_id.as_str(),
                            &sealed.nonce,
                            &sealed.ciphertext,
                            instead_of,
                        ],
                    )
                    .await?;
            }
            transaction.commit().await?;
            Ok(Replaced::Done(
                usize::try_from(replaced).unwrap_or(usize::MAX),
            ))
        })
        .await
    }

    async fn retire(&self, key: &KeyId, deadline: Instant) -> Result<Retired, StoreError> {
        within(deadline, async {
            let mut session = self.0.session(deadline).await?;
            let transaction = session.transaction().await?;
            // Whatever the server is set to: what follows from this cannot be undone, so it waits for the disk, and with
            // it for every earlier commit.
            transaction
                .batch_execute("SET LOCAL synchronous_commit = on")
                .await?;
            transaction
                .execute("SELECT pg_advisory_xact_lock($1)", &[&KEY_LOCK])
                .await?;
            let used: i64 = transaction
                .query_one(
                    "SELECT count(*) FROM goatherd_secret WHERE key_id = $1",
                    &[&key.as_str()],
                )
                .await?
                .try_get(0)?;
            if used > 0 {
                return Ok(Retired::InUse(used.unsigned_abs()));
            }
            transaction
                .execute(
                    "INSERT INTO goatherd_secret_key_retired (key_id, retired_at) VALUES ($1, $2)
                     ON CONFLICT (key_id) DO UPDATE SET retired_at = excluded.retired_at",
                    &[&key.as_str(), &jiff::Timestamp::now().to_string()],
                )
                .await?;
            transaction.commit().await?;
            Ok(Retired::Done)
        })
        .await
    }
}

/// The server ends each statement at the deadline; this ends the whole of them, also when the server is silent.
async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .map_err(|_| StoreError::TimedOut)?
}

/// Keeps keys from being retired until the transaction ends, and says whether one of these is already. The statements are
/// two, since one sees what was there when it began to wait.
async fn lock_and_see_retired(
    transaction: &Transaction<'_>,
    keys: &[&KeyId],
) -> Result<bool, StoreError> {
    transaction
        .execute("SELECT pg_advisory_xact_lock_shared($1)", &[&KEY_LOCK])
        .await?;
    let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    let retired = transaction
        .query_opt(
            "SELECT 1 FROM goatherd_secret_key_retired WHERE key_id = ANY($1) LIMIT 1",
            &[&keys],
        )
        .await?;
    Ok(retired.is_some())
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
fn read_place(row: &Row) -> Result<Place, StoreError> {
    let (plugin, name): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Place {
        plugin: plugin.parse().map_err(unexpected)?,
        name: name.parse().map_err(unexpected)?,
        org: org_of(row.try_get(2)?)?,
    })
}

/// Three columns from `first` on.
fn read_sealed(row: &Row, first: usize) -> Result<Sealed, StoreError> {
    Sealed::from_columns(
        row.try_get(first)?,
        row.try_get(first + 1)?,
        row.try_get(first + 2)?,
    )
    .map_err(unexpected)
}

fn unexpected(what: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!(
        "goatherd_secret has a row that is not valid: {what}"
    ))
}

//! The recycle bin and the log of deletions, which are the same on both engines.

use std::time::Instant;

use super::backend::{Action, DeletedEntity, EntityFault, Expired, LogEntry, Reach};
use super::config::EntityType;
use crate::store::{Engine, Mode, Row, StoreError, Tables};

/// Parameters: type, id, organisation, when, by which user, by which plugin, why, when it is over, the mark until now.
/// Nothing happens where the entity is in the bin already.
pub(super) const ENTER_BIN: &str = "INSERT INTO goatherd_recycle_bin
         (entity_type, entity_id, organisation, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms,
          purge_after_ms, mark_before)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT DO NOTHING";
/// Organisation, mark until it was deleted, and when its time is over. Parameters: type, id.
pub(super) const IN_BIN: &str =
    "SELECT organisation, mark_before, expires_at_ms FROM goatherd_recycle_bin
     WHERE entity_type = $1 AND entity_id = $2";
/// Parameters: type, id.
pub(super) const LEAVE_BIN: &str =
    "DELETE FROM goatherd_recycle_bin WHERE entity_type = $1 AND entity_id = $2";
/// Parameters: when, action, type, id, organisation, by which user, by which plugin, why.
pub(super) const WRITE_LOG: &str = "INSERT INTO goatherd_deletion_log
         (at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const BIN: &str = "SELECT entity_id, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms
     FROM goatherd_recycle_bin WHERE entity_type = $1
     ORDER BY deleted_at_ms DESC, entity_id DESC LIMIT $2";
const BIN_OF: &str = "SELECT entity_id, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms
     FROM goatherd_recycle_bin WHERE entity_type = $1 AND organisation = $3
     ORDER BY deleted_at_ms DESC, entity_id DESC LIMIT $2";
const LOG: &str = "SELECT at_ms, action, entity_id, organisation, by_user, by_plugin, reason
     FROM goatherd_deletion_log WHERE entity_type = $1 ORDER BY id DESC LIMIT $2";
const CLAIM: &str = "UPDATE goatherd_recycle_bin SET purge_after_ms = $2
     WHERE (entity_type, entity_id) IN (
         SELECT entity_type, entity_id FROM goatherd_recycle_bin WHERE purge_after_ms <= $1
         ORDER BY purge_after_ms LIMIT 1)
     RETURNING entity_type, entity_id, organisation";
/// On PostgreSQL, where what another node is just taking is not waited for.
const CLAIM_UNLOCKED: &str = "UPDATE goatherd_recycle_bin SET purge_after_ms = $2
     WHERE (entity_type, entity_id) = (
         SELECT entity_type, entity_id FROM goatherd_recycle_bin WHERE purge_after_ms <= $1
         ORDER BY purge_after_ms LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING entity_type, entity_id, organisation";

/// See [`EntityStore::bin`](super::EntityStore::bin).
pub(super) async fn bin(
    store: &impl Tables,
    entity_type: &EntityType,
    reach: Reach,
    most: u32,
    deadline: Instant,
) -> Result<Vec<DeletedEntity>, EntityFault> {
    let only = match (&entity_type.organisation, reach) {
        (None, _) | (_, Reach::Everywhere) => None,
        (Some(_), Reach::Organisation(None)) => return Ok(Vec::new()),
        (Some(_), Reach::Organisation(own)) => own,
    };
    let (name, most) = (entity_type.name.clone(), i64::from(most));
    let read = store.work(Mode::Read, deadline, move |transaction| {
        Box::pin(async move {
            let rows = match only {
                Some(own) => transaction.query(BIN_OF, &[&name, &most, &own]).await?,
                None => transaction.query(BIN, &[&name, &most]).await?,
            };
            let deleted = |row: &Row| {
                Ok::<_, StoreError>(DeletedEntity {
                    entity_type: name.clone(),
                    id: row.get(0)?,
                    deleted_at_ms: row.get(1)?,
                    deleted_by: row.get(2)?,
                    by_plugin: row.get(3)?,
                    reason: row.get(4)?,
                    expires_at_ms: row.get(5)?,
                })
            };
            Ok(rows.iter().map(deleted).collect::<Result<_, _>>()?)
        })
    });
    read.await
}

/// See [`EntityStore::claim_expired`](super::EntityStore::claim_expired).
pub(super) async fn claim_expired(
    store: &impl Tables,
    now_ms: i64,
    until_ms: i64,
    deadline: Instant,
) -> Result<Option<Expired>, EntityFault> {
    let claim = store.work(Mode::Write, deadline, move |transaction| {
        Box::pin(async move {
            let sql = match transaction.engine() {
                Engine::Sqlite => CLAIM,
                Engine::Postgres => CLAIM_UNLOCKED,
            };
            let claimed = transaction.first(sql, &[&now_ms, &until_ms]).await?;
            let expired = |row: Row| {
                Ok::<_, StoreError>(Expired {
                    entity_type: row.get(0)?,
                    id: row.get(1)?,
                    organisation: row.get(2)?,
                })
            };
            Ok(claimed.map(expired).transpose()?)
        })
    });
    claim.await
}

/// See [`EntityStore::log`](super::EntityStore::log).
pub(super) async fn log(
    store: &impl Tables,
    entity_type: &EntityType,
    most: u32,
    deadline: Instant,
) -> Result<Vec<LogEntry>, EntityFault> {
    let (name, most) = (entity_type.name.clone(), i64::from(most));
    let read = store.work(Mode::Read, deadline, move |transaction| {
        Box::pin(async move {
            let mut log = Vec::new();
            for row in transaction.query(LOG, &[&name, &most]).await? {
                let Some(action) = Action::of(&row.get::<String>(1)?) else {
                    continue;
                };
                log.push(LogEntry {
                    at_ms: row.get(0)?,
                    action,
                    entity_type: name.clone(),
                    id: row.get(2)?,
                    organisation: row.get(3)?,
                    user: row.get(4)?,
                    plugin: row.get(5)?,
                    reason: row.get(6)?,
                });
            }
            Ok(log)
        })
    });
    read.await
}

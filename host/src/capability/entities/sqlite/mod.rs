//! Deletions in a SQLite file.
//!
//! Changes are transactions of the file's one writer, so that of two that race, in one process or in several, the second
//! sees what the first has done. Names of the configuration stand in SQL only in quotes and with their table before them,
//! where SQLite does not take a name that is no column for a text.

mod fault;
mod plan;
mod schema;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Transaction, params};

use self::fault::Fault;
use self::plan::{Entity, Plan, stored};
use super::backend::{
    Action, DeletedEntity, EntityFault, EntityStore, Expired, Found, LogEntry, Note, OpenError,
    Reach, Removal, Target,
};
use super::config::{EntityType, EntityTypes, Mark};
use super::state::{Plans, Touch, time};
use crate::capability::custom_fields;
use crate::store::{SqliteStore, StoreError};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(30);

/// Entities in a SQLite file.
pub struct SqliteEntities {
    store: SqliteStore,
    types: EntityTypes,
    plans: Plans<Plan>,
}

impl SqliteEntities {
    /// Checks the entity types against the file's tables and makes the host's own.
    ///
    /// # Errors
    ///
    /// When a type names a table or column that is not there or cannot serve, and when the file cannot be used.
    pub async fn open(store: SqliteStore, types: EntityTypes) -> Result<Self, OpenError> {
        let wanted = types.clone();
        let plans = store.write(Instant::now() + OPENING, move |transaction| {
            let made = transaction.execute_batch(schema::SCHEMA);
            made.map_err(StoreError::from)?;
            let plans = wanted.iter().map(|entity_type| {
                let plan = Plan::new(transaction, entity_type)?;
                Ok((entity_type.name.clone(), plan))
            });
            plans.collect::<Result<_, OpenError>>()
        });
        Ok(Self {
            plans: Plans(plans.await?),
            store,
            types,
        })
    }

    /// Runs a change of one entity.
    async fn change(
        &self,
        target: &Target<'_>,
        deadline: Instant,
        work: impl FnOnce(&Transaction<'_>, &Plan, &Entity) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), EntityFault> {
        let plan = self.plans.of(target.entity_type)?.clone();
        let entity = Entity::of(target);
        let done = self.store.write(deadline, move |transaction| {
            work(transaction, &plan, &entity)
        });
        done.await.map_err(|fault| fault.ended())
    }

    async fn read<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, EntityFault> {
        let done = self.store.read(deadline, work);
        done.await.map_err(|fault| fault.ended())
    }
}

fn write_log(
    transaction: &Transaction<'_>,
    action: Action,
    entity: &Entity,
    organisation: Option<i64>,
    note: &Note,
) -> Result<(), Fault> {
    transaction
        .prepare_cached(
            "INSERT INTO goatherd_deletion_log
                 (at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            note.at_ms,
            action.name(),
            entity.entity_type,
            entity.id,
            organisation,
            note.user,
            note.plugin,
            note.reason
        ])?;
    Ok(())
}

fn leave_bin(transaction: &Transaction<'_>, entity: &Entity) -> Result<(), Fault> {
    transaction
        .prepare_cached(
            "DELETE FROM goatherd_recycle_bin WHERE entity_type = ?1 AND entity_id = ?2",
        )?
        .execute(params![entity.entity_type, entity.id])?;
    Ok(())
}

/// Removes the values of the entity's custom fields, if this database has custom fields.
fn remove_custom_values(transaction: &Transaction<'_>, entity: &Entity) -> Result<(), Fault> {
    if transaction.table_exists(Some("main"), "goatherd_custom_value")? {
        transaction
            .prepare_cached(custom_fields::schema::DELETE_VALUES_SQLITE)?
            .execute(params![entity.entity_type, entity.id])?;
    }
    Ok(())
}

/// One row must have been changed: a trigger of the application may have prevented it without an error.
fn one(changed: usize) -> Result<(), Fault> {
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault(EntityFault::Refused(
            "a trigger kept the row as it was".to_owned(),
        )))
    }
}

#[async_trait]
impl EntityStore for SqliteEntities {
    fn types(&self) -> &EntityTypes {
        &self.types
    }

    async fn find(&self, target: &Target<'_>, deadline: Instant) -> Result<Found, EntityFault> {
        let plan = self.plans.of(target.entity_type)?.clone();
        let entity = Entity::of(target);
        self.read(deadline, move |transaction| {
            Ok(plan.look(transaction, &entity)?.found)
        })
        .await
    }

    async fn soft_delete(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault> {
        let note = note.clone();
        self.change(target, deadline, move |transaction, plan, entity| {
            let seen = plan.look(transaction, entity)?;
            seen.to_delete()?;
            let mark = match &plan.mark {
                Mark::Now(form) => stored(&time(*form, note.at_ms)),
                Mark::Constant(value) => stored(value),
            };
            let mut values = vec![Value::Integer(entity.id), mark];
            values.extend(plan.replacements.iter().map(|replacement| {
                let value = replacement.value(entity.id);
                value.as_ref().map_or(Value::Null, stored)
            }));
            let changed = transaction
                .prepare_cached(&plan.delete)?
                .execute(rusqlite::params_from_iter(values))?;
            one(changed)?;
            let expires_at_ms = note.at_ms.saturating_add(entity.retention_ms);
            transaction
                .prepare_cached(
                    "INSERT INTO goatherd_recycle_bin
                         (entity_type, entity_id, organisation, deleted_at_ms, deleted_by, by_plugin, reason,
                          expires_at_ms, purge_after_ms, mark_before)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
                )?
                .execute(params![
                    entity.entity_type,
                    entity.id,
                    seen.organisation,
                    note.at_ms,
                    note.user,
                    note.plugin,
                    note.reason,
                    expires_at_ms,
                    seen.mark.0
                ])?;
            write_log(transaction, Action::SoftDelete, entity, seen.organisation, &note)
        })
        .await
    }

    async fn restore(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault> {
        let note = note.clone();
        self.change(target, deadline, move |transaction, plan, entity| {
            let seen = plan.look(transaction, entity)?;
            if seen.to_restore()? == Touch::Row {
                let changed = transaction
                    .prepare_cached(&plan.unmark)?
                    .execute(params![entity.id, seen.before.0])?;
                one(changed)?;
            }
            leave_bin(transaction, entity)?;
            write_log(
                transaction,
                Action::Restore,
                entity,
                seen.organisation,
                &note,
            )
        })
        .await
    }

    async fn hard_delete(
        &self,
        target: &Target<'_>,
        why: Removal,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault> {
        let note = note.clone();
        self.change(target, deadline, move |transaction, plan, entity| {
            let seen = plan.look(transaction, entity)?;
            let touched = seen.to_remove(why)?;
            remove_custom_values(transaction, entity)?;
            leave_bin(transaction, entity)?;
            if touched == Touch::Row {
                one(transaction
                    .prepare_cached(&plan.remove)?
                    .execute([entity.id])?)?;
            }
            write_log(
                transaction,
                Action::HardDelete,
                entity,
                seen.organisation,
                &note,
            )
        })
        .await
    }

    async fn bin(
        &self,
        entity_type: &EntityType,
        reach: Reach,
        most: u32,
        deadline: Instant,
    ) -> Result<Vec<DeletedEntity>, EntityFault> {
        let (only, organisation) = match (&entity_type.organisation, reach) {
            (None, _) | (_, Reach::Everywhere) => ("", None),
            (Some(_), Reach::Organisation(None)) => return Ok(Vec::new()),
            (Some(_), Reach::Organisation(own)) => ("AND organisation = ?3", own),
        };
        let sql = format!(
            "SELECT entity_id, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms FROM goatherd_recycle_bin
             WHERE entity_type = ?1 {only} ORDER BY deleted_at_ms DESC, entity_id DESC LIMIT ?2"
        );
        let name = entity_type.name.clone();
        self.read(deadline, move |transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let mut values = vec![Value::Text(name.clone()), Value::Integer(most.into())];
            values.extend(organisation.map(Value::Integer));
            let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
                Ok(DeletedEntity {
                    entity_type: name.clone(),
                    id: row.get(0)?,
                    deleted_at_ms: row.get(1)?,
                    deleted_by: row.get(2)?,
                    by_plugin: row.get(3)?,
                    reason: row.get(4)?,
                    expires_at_ms: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn claim_expired(
        &self,
        now_ms: i64,
        until_ms: i64,
        deadline: Instant,
    ) -> Result<Option<Expired>, EntityFault> {
        let claimed = self.store.write(deadline, move |transaction| {
            transaction
                .prepare_cached(
                    "UPDATE goatherd_recycle_bin SET purge_after_ms = ?2
                     WHERE (entity_type, entity_id) IN (
                         SELECT entity_type, entity_id FROM goatherd_recycle_bin WHERE purge_after_ms <= ?1
                         ORDER BY purge_after_ms LIMIT 1)
                     RETURNING entity_type, entity_id, organisation",
                )?
                .query_row([now_ms, until_ms], |row| {
                    Ok(Expired {
                        entity_type: row.get(0)?,
                        id: row.get(1)?,
                        organisation: row.get(2)?,
                    })
                })
                .optional()
                .map_err(Fault::from)
        });
        claimed.await.map_err(|fault| fault.ended())
    }

    async fn log(
        &self,
        entity_type: &EntityType,
        most: u32,
        deadline: Instant,
    ) -> Result<Vec<LogEntry>, EntityFault> {
        let name = entity_type.name.clone();
        self.read(deadline, move |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT at_ms, action, entity_id, organisation, by_user, by_plugin, reason FROM goatherd_deletion_log
                 WHERE entity_type = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![name, most])?;
            let mut log = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(action) = Action::of(&row.get::<_, String>(1)?) else {
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
        .await
    }
}

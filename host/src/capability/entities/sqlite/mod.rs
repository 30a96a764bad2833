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
use rusqlite::{Connection, params};

use self::fault::Fault;
use self::plan::{Entity, Plan, stored};
use super::backend::{
    Action, DeletedEntity, EntityFault, EntityStore, Expired, Found, LogEntry, Note, OpenError,
    Reach, Removal, Target,
};
use super::config::{EntityType, EntityTypes, Mark};
use super::state::{Plans, Touch, time};
use crate::capability::custom_fields;
use crate::capability::entities::kept;
use crate::store::{SqliteStore, StoreError, families};

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
        let migrated = tokio::task::spawn_blocking({
            let store = store.clone();
            move || {
                store.migrate(&families::ENTITIES)?;
                // Whoever removes an entity removes its values.
                store.migrate(&families::CUSTOM_FIELDS)
            }
        });
        let stopped = |error: tokio::task::JoinError| StoreError::Unavailable(error.to_string());
        migrated.await.map_err(stopped)??;
        let wanted = types.clone();
        let plans = store.read(Instant::now() + OPENING, move |transaction| {
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
        work: impl FnOnce(&Connection, &Plan, &Entity) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), EntityFault> {
        let plan = self.plans.of(target.entity_type)?.clone();
        let entity = Entity::of(target);
        let done = self.store.write(deadline, move |transaction| {
            work(transaction, &plan, &entity)
        });
        done.await.map_err(|fault| fault.ended())
    }
}

fn write_log(
    transaction: &Connection,
    action: Action,
    entity: &Entity,
    organisation: Option<i64>,
    note: &Note,
) -> Result<(), Fault> {
    transaction
        .prepare_cached(kept::WRITE_LOG)?
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

fn leave_bin(transaction: &Connection, entity: &Entity) -> Result<(), Fault> {
    transaction
        .prepare_cached(kept::LEAVE_BIN)?
        .execute(params![entity.entity_type, entity.id])?;
    Ok(())
}

/// Removes the values of the entity's custom fields.
fn remove_custom_values(transaction: &Connection, entity: &Entity) -> Result<(), Fault> {
    transaction
        .prepare_cached(custom_fields::schema::DELETE_VALUES)?
        .execute(params![entity.entity_type, entity.id])?;
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
        let found = self.store.read(deadline, move |transaction| {
            plan.look(transaction, &entity).map(|seen| seen.found)
        });
        found.await.map_err(|fault: Fault| fault.ended())
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
                .prepare_cached(kept::ENTER_BIN)?
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
            write_log(
                transaction,
                Action::SoftDelete,
                entity,
                seen.organisation,
                &note,
            )
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
        kept::bin(&self.store, entity_type, reach, most, deadline).await
    }

    async fn claim_expired(
        &self,
        now_ms: i64,
        until_ms: i64,
        deadline: Instant,
    ) -> Result<Option<Expired>, EntityFault> {
        kept::claim_expired(&self.store, now_ms, until_ms, deadline).await
    }

    async fn log(
        &self,
        entity_type: &EntityType,
        most: u32,
        deadline: Instant,
    ) -> Result<Vec<LogEntry>, EntityFault> {
        kept::log(&self.store, entity_type, most, deadline).await
    }
}

//! Deletions in a PostgreSQL database.
//!
//! Each change first locks the entity's row, so that of two that race, on whatever nodes, the second waits and then sees
//! what the first has done. Values go to the server as text and are cast there to the column's own type. Constraints that
//! the application has deferred are checked before the end, so that a refusal says which one it was.

mod plan;
mod schema;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use self::plan::Plan;
use super::backend::{
    Action, DeletedEntity, EntityFault, EntityStore, Expired, Found, LogEntry, Note, OpenError,
    Reach, Removal, Target,
};
use super::config::{EntityType, EntityTypes, Mark};
use super::state::{Plans, Touch, time};
use crate::capability::custom_fields;
use crate::capability::entities::kept;
use crate::store::{PostgresStore, StoreError, families};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(30);

/// Entities in a PostgreSQL database. The host's role has to be able to read, update and delete in their tables.
pub struct PostgresEntities {
    store: PostgresStore,
    types: EntityTypes,
    plans: Plans<Plan>,
}

impl PostgresEntities {
    /// Checks the entity types against the database's tables and makes the host's own.
    ///
    /// # Errors
    ///
    /// When a type names a table or column that is not there or cannot serve, and when the database does not answer.
    pub async fn open(store: PostgresStore, types: EntityTypes) -> Result<Self, OpenError> {
        store.migrate(&families::ENTITIES).await?;
        // Whoever removes an entity removes its values.
        store.migrate(&families::CUSTOM_FIELDS).await?;
        let session = store.session(Instant::now() + OPENING).await?;
        let mut plans = BTreeMap::new();
        for entity_type in types.iter() {
            let plan = Plan::new(&**session, entity_type).await?;
            plans.insert(entity_type.name.clone(), plan);
        }
        drop(session);
        Ok(Self {
            store,
            types,
            plans: Plans(plans),
        })
    }
}

/// Ends work at its deadline. A transaction that is open then is undone.
async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, EntityFault>>,
) -> Result<T, EntityFault> {
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .unwrap_or(Err(EntityFault::Store(StoreError::TimedOut)))
}

/// Checks what the application has deferred, and commits.
async fn commit(transaction: Transaction<'_>) -> Result<(), EntityFault> {
    transaction
        .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
        .await?;
    Ok(transaction.commit().await?)
}

async fn write_log(
    transaction: &Transaction<'_>,
    action: Action,
    target: &Target<'_>,
    organisation: Option<i64>,
    note: &Note,
) -> Result<(), EntityFault> {
    transaction
        .execute(
            kept::WRITE_LOG,
            &[
                &note.at_ms,
                &action.name(),
                &target.entity_type.name,
                &target.id,
                &organisation,
                &note.user,
                &note.plugin,
                &note.reason,
            ],
        )
        .await?;
    Ok(())
}

async fn leave_bin(transaction: &Transaction<'_>, target: &Target<'_>) -> Result<(), EntityFault> {
    transaction
        .execute(kept::LEAVE_BIN, &[&target.entity_type.name, &target.id])
        .await?;
    Ok(())
}

/// Removes the values of the entity's custom fields.
async fn remove_custom_values(
    transaction: &Transaction<'_>,
    target: &Target<'_>,
) -> Result<(), EntityFault> {
    transaction
        .execute(
            custom_fields::schema::DELETE_VALUES,
            &[&target.entity_type.name, &target.id],
        )
        .await?;
    Ok(())
}

/// One row must have been changed: a trigger or a rule of the application may have prevented it without an error.
fn one(changed: u64) -> Result<(), EntityFault> {
    if changed == 1 {
        Ok(())
    } else {
        Err(EntityFault::Refused(
            "a trigger or a rule kept the row as it was".to_owned(),
        ))
    }
}

#[async_trait]
impl EntityStore for PostgresEntities {
    fn types(&self) -> &EntityTypes {
        &self.types
    }

    async fn find(&self, target: &Target<'_>, deadline: Instant) -> Result<Found, EntityFault> {
        let plan = self.plans.of(target.entity_type)?;
        in_time(deadline, async {
            let session = self.store.session(deadline).await?;
            Ok(plan.look(&**session, target).await?.found)
        })
        .await
    }

    async fn soft_delete(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault> {
        let plan = self.plans.of(target.entity_type)?;
        in_time(deadline, async {
            let mut session = self.store.session(deadline).await?;
            let transaction = session.transaction().await?;
            let seen = plan.lock(&transaction, target).await?;
            seen.to_delete()?;
            let expires_at_ms = note.at_ms.saturating_add(target.retention_ms());
            let entered = transaction
                .execute(
                    kept::ENTER_BIN,
                    &[
                        &target.entity_type.name,
                        &target.id,
                        &seen.organisation,
                        &note.at_ms,
                        &note.user,
                        &note.plugin,
                        &note.reason,
                        &expires_at_ms,
                        &seen.mark,
                    ],
                )
                .await?;
            if entered == 0 {
                return Err(EntityFault::Elsewhere(Found::InBin));
            }
            let mark = match &plan.mark {
                Mark::Now(form) => time(*form, note.at_ms),
                Mark::Constant(value) => value.clone(),
            };
            let mut values = vec![Some(mark.to_string())];
            let replacements = plan.replacements.iter();
            values.extend(replacements.map(|replacement| {
                let value = replacement.value(target.id);
                value.map(|value| value.to_string())
            }));
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&target.id];
            params.extend(values.iter().map(|value| value as &(dyn ToSql + Sync)));
            one(transaction.execute(&plan.delete, &params).await?)?;
            write_log(
                &transaction,
                Action::SoftDelete,
                target,
                seen.organisation,
                note,
            )
            .await?;
            commit(transaction).await
        })
        .await
    }

    async fn restore(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault> {
        let plan = self.plans.of(target.entity_type)?;
        in_time(deadline, async {
            let mut session = self.store.session(deadline).await?;
            let transaction = session.transaction().await?;
            let seen = plan.lock(&transaction, target).await?;
            if seen.to_restore()? == Touch::Row {
                let params: [&(dyn ToSql + Sync); 2] = [&target.id, &seen.before];
                one(transaction.execute(&plan.unmark, &params).await?)?;
            }
            leave_bin(&transaction, target).await?;
            write_log(
                &transaction,
                Action::Restore,
                target,
                seen.organisation,
                note,
            )
            .await?;
            commit(transaction).await
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
        let plan = self.plans.of(target.entity_type)?;
        in_time(deadline, async {
            let mut session = self.store.session(deadline).await?;
            let transaction = session.transaction().await?;
            let seen = plan.lock(&transaction, target).await?;
            let touched = seen.to_remove(why)?;
            remove_custom_values(&transaction, target).await?;
            leave_bin(&transaction, target).await?;
            if touched == Touch::Row {
                one(transaction.execute(&plan.remove, &[&target.id]).await?)?;
            }
            write_log(
                &transaction,
                Action::HardDelete,
                target,
                seen.organisation,
                note,
            )
            .await?;
            commit(transaction).await
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

/// The server's words without its details, which can quote the row.
impl From<tokio_postgres::Error> for EntityFault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return StoreError::from(error).into();
        };
        let message = said.message().to_owned();
        match said.code() {
            &(SqlState::FOREIGN_KEY_VIOLATION | SqlState::RESTRICT_VIOLATION) => {
                Self::Referenced(message)
            }
            // Integrity constraints, data that does not fit, and what the application's own functions raise.
            code if ["22", "23", "P0"]
                .iter()
                .any(|class| code.code().starts_with(class)) =>
            {
                Self::Refused(message)
            }
            _ => StoreError::from(error).into(),
        }
    }
}

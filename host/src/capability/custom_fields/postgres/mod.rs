//! Custom fields in a PostgreSQL database.
//!
//! Updates of one entity wait for each other by a lock that belongs to the entity and not to its rows, because a value
//! that is not there yet has no row to lock. Each update takes one such lock, and so cannot wait in a circle. Declarations
//! lock the row of a field that changes its type, which updates of its values hold.

mod declare;
mod query;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio_postgres::Transaction;

use crate::contract::registration::FieldType;
use crate::store::{PostgresStore, SchemaError, StoreError, families};

use super::backend::{
    CustomFieldStore, DeclareError, Entity, FieldsError, Filter, Organisation, Update,
};
use super::definition::{Declaration, Definition, FieldName};
use super::value::Value;

/// The rows of fields, by their names in full. A row that is held so cannot get another type.
const FIELDS_HELD: &str = "SELECT f.id, f.field_type, n.number \
     FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS n (plugin, entity_type, name, number) \
     JOIN goatherd_custom_field f USING (plugin, entity_type, name) FOR KEY SHARE OF f";
const FIELDS: &str = "SELECT f.id, f.field_type, n.number \
     FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS n (plugin, entity_type, name, number) \
     JOIN goatherd_custom_field f USING (plugin, entity_type, name)";
const VALUES: &str = "SELECT field_id, value FROM goatherd_custom_value \
     WHERE entity_id = $1 AND organisation = $2 AND field_id = ANY ($3)";
const SET: &str = "INSERT INTO goatherd_custom_value (entity_id, organisation, field_id, key, value) \
     SELECT $1, $2, field_id, key, value \
     FROM unnest($3::int8[], $4::bytea[], $5::text[]) AS new (field_id, key, value) \
     ON CONFLICT (entity_id, field_id, organisation) DO UPDATE SET key = excluded.key, value = excluded.value";
const REMOVE: &str = "DELETE FROM goatherd_custom_value \
     WHERE entity_id = $1 AND organisation = $2 AND field_id = ANY ($3)";
const UNCHOOSE: &str = "DELETE FROM goatherd_custom_choice \
     WHERE entity_id = $1 AND organisation = $2 AND field_id = ANY ($3)";
const CHOOSE: &str = "INSERT INTO goatherd_custom_choice (entity_id, organisation, field_id, key) \
     SELECT $1, $2, field_id, key FROM unnest($3::int8[], $4::bytea[]) AS new (field_id, key)";

/// Custom fields in a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresFields(PostgresStore);

impl PostgresFields {
    /// Keeps custom fields in this store, in tables that are made if they do not exist.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or the host's role may not make tables.
    pub async fn open(store: PostgresStore) -> Result<Self, SchemaError> {
        store.migrate(&families::CUSTOM_FIELDS).await?;
        Ok(Self(store))
    }
}

#[async_trait]
impl CustomFieldStore for PostgresFields {
    async fn declare(
        &self,
        declarations: Vec<Declaration>,
        deadline: Instant,
    ) -> Result<(), DeclareError> {
        let declare = async {
            let mut session = self.0.session(deadline).await?;
            declare::declare(&mut session, &declarations).await
        };
        in_time(deadline, declare).await
    }

    async fn declared(
        &self,
        names: Vec<FieldName>,
        deadline: Instant,
    ) -> Result<Vec<Option<Declaration>>, FieldsError> {
        let declared = async {
            let session = self.0.session(deadline).await?;
            declare::declared(&session, names).await
        };
        in_time(deadline, declared).await
    }

    async fn values(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError> {
        let read = async {
            let mut session = self.0.session(deadline).await?;
            let transaction = session.build_transaction().read_only(true).start().await?;
            let ids = ids(&transaction, &fields, FIELDS).await?;
            present(&transaction, &entity, &fields, &ids).await
        };
        in_time(deadline, read).await
    }

    async fn update(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        update: Update,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError> {
        let write = async {
            let mut session = self.0.session(deadline).await?;
            let transaction = session.transaction().await?;
            let lock = lock_of(&entity);
            transaction
                .execute("SELECT pg_advisory_xact_lock($1)", &[&lock])
                .await?;
            let ids = ids(&transaction, &fields, FIELDS_HELD).await?;
            let before = present(&transaction, &entity, &fields, &ids).await?;
            let after = update(before).map_err(FieldsError::Refused)?;
            put(&transaction, &entity, &fields, &ids, &after).await?;
            transaction.commit().await?;
            Ok(after)
        };
        in_time(deadline, write).await
    }

    async fn query(
        &self,
        organisation: Organisation,
        filters: Vec<Filter>,
        deadline: Instant,
    ) -> Result<Vec<i64>, FieldsError> {
        let find = async {
            let mut session = self.0.session(deadline).await?;
            query::query(&mut session, organisation, &filters).await
        };
        in_time(deadline, find).await
    }
}

/// Statements end by the deadline each; this ends all of them together. What is given up is undone.
async fn in_time<T, E: From<StoreError>>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout_at(deadline.into(), work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::TimedOut.into()),
    }
}

/// The number of an entity's lock. Two entities with the same one wait for each other, which does no harm.
fn lock_of(entity: &Entity) -> i64 {
    let text = format!("goatherd_custom_value {} {}", entity.id, entity.entity_type);
    let hash = blake3::hash(text.as_bytes());
    let (first, _) = hash.as_bytes().split_at(8);
    first
        .iter()
        .fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// The numbers of fields, whose types must be what they are declared to be.
async fn ids(
    transaction: &Transaction<'_>,
    fields: &[Arc<Definition>],
    statement: &str,
) -> Result<Vec<i64>, FieldsError> {
    let names = fields.iter().map(|field| field.name());
    let plugins: Vec<&str> = names.clone().map(|name| name.plugin.as_str()).collect();
    let types: Vec<&str> = names
        .clone()
        .map(|name| name.entity_type.as_str())
        .collect();
    let names: Vec<&str> = names.map(|name| name.name.as_str()).collect();
    let rows = transaction
        .query(statement, &[&plugins, &types, &names])
        .await?;
    let mut found = vec![None; fields.len()];
    for row in rows {
        let number: i64 = row.try_get(2)?;
        let number = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if let Some(found) = found.get_mut(number) {
            let declared: (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            *found = Some(declared);
        }
    }
    let ids = fields.iter().zip(found).map(|(field, found)| match found {
        Some((id, declared)) if declared == field.field_type().as_str() => Ok(id),
        _ => Err(FieldsError::Retyped(field.name().clone())),
    });
    ids.collect()
}

async fn present(
    transaction: &Transaction<'_>,
    entity: &Entity,
    fields: &[Arc<Definition>],
    ids: &[i64],
) -> Result<Vec<Option<Value>>, FieldsError> {
    let organisation = entity.organisation.to_string();
    let rows = transaction
        .query(VALUES, &[&entity.id, &organisation, &ids])
        .await?;
    let mut texts = std::collections::HashMap::new();
    for row in rows {
        let (id, text): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        texts.insert(id, text);
    }
    let values = fields.iter().zip(ids).map(|(field, id)| {
        // A field can be asked for twice.
        let text = texts.get(id).cloned();
        text.map(|text| read(field, text)).transpose()
    });
    values.collect()
}

fn read(field: &Definition, text: String) -> Result<Value, FieldsError> {
    Value::read(field.field_type(), text)
        .ok_or_else(|| FieldsError::Unreadable(field.name().clone()))
}

async fn put(
    transaction: &Transaction<'_>,
    entity: &Entity,
    fields: &[Arc<Definition>],
    ids: &[i64],
    values: &[Option<Value>],
) -> Result<(), FieldsError> {
    let organisation = entity.organisation.to_string();
    let mut removed = Vec::new();
    let (mut set, mut keys, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut selections = Vec::new();
    let (mut chosen, mut choices) = (Vec::new(), Vec::new());
    for ((field, id), value) in fields.iter().zip(ids).zip(values) {
        let Some(value) = value else {
            removed.push(*id);
            continue;
        };
        set.push(*id);
        keys.push(value.key());
        texts.push(value.to_text());
        if field.field_type() == FieldType::MultiSelect {
            selections.push(*id);
            for key in value.choice_keys() {
                chosen.push(*id);
                choices.push(key);
            }
        }
    }
    if !removed.is_empty() {
        // Choices go with them.
        let of = &[&entity.id as _, &organisation as _, &removed as _];
        transaction.execute(REMOVE, of).await?;
    }
    if !set.is_empty() {
        transaction
            .execute(SET, &[&entity.id, &organisation, &set, &keys, &texts])
            .await?;
    }
    if !selections.is_empty() {
        transaction
            .execute(UNCHOOSE, &[&entity.id, &organisation, &selections])
            .await?;
        transaction
            .execute(CHOOSE, &[&entity.id, &organisation, &chosen, &choices])
            .await?;
    }
    Ok(())
}

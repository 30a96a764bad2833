//! Custom fields in a SQLite file.
//!
//! Changes are transactions of the store's one writer, so they happen one after the other, and each is in the file as a
//! whole or not at all. Reading sees one state of the file throughout.

mod declare;
mod query;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::contract::registration::FieldType;
use crate::store::{SchemaError, SqliteStore, families};

use super::backend::{
    CustomFieldStore, DeclareError, Entity, FieldsError, Filter, Organisation, Update,
};
use super::definition::{Declaration, Definition, FieldName};
use super::value::Value;

const FIELD: &str = "SELECT id, field_type FROM goatherd_custom_field \
     WHERE plugin = ?1 AND entity_type = ?2 AND name = ?3";
const VALUE: &str = "SELECT value FROM goatherd_custom_value \
     WHERE entity_id = ?1 AND field_id = ?2 AND organisation = ?3";
const SET: &str = "INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value) \
     VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (entity_id, field_id, organisation) DO UPDATE SET key = excluded.key, value = excluded.value";
const REMOVE: &str = "DELETE FROM goatherd_custom_value \
     WHERE entity_id = ?1 AND field_id = ?2 AND organisation = ?3";
const UNCHOOSE: &str = "DELETE FROM goatherd_custom_choice \
     WHERE entity_id = ?1 AND field_id = ?2 AND organisation = ?3";
const CHOOSE: &str = "INSERT INTO goatherd_custom_choice (entity_id, field_id, organisation, key) \
     VALUES (?1, ?2, ?3, ?4)";

/// Custom fields in a SQLite file.
#[derive(Clone)]
pub struct SqliteFields(SqliteStore);

impl SqliteFields {
    /// Keeps custom fields in this store, in tables that are made if they do not exist.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn open(store: SqliteStore) -> Result<Self, SchemaError> {
        store.migrate(&families::CUSTOM_FIELDS)?;
        Ok(Self(store))
    }
}

#[async_trait]
impl CustomFieldStore for SqliteFields {
    async fn declare(
        &self,
        declarations: Vec<Declaration>,
        deadline: Instant,
    ) -> Result<(), DeclareError> {
        let work = move |transaction: &mut Connection| {
            for declaration in &declarations {
                declare::declare(transaction, declaration)?;
            }
            Ok(())
        };
        self.0.write(deadline, work).await
    }

    async fn declared(
        &self,
        names: Vec<FieldName>,
        deadline: Instant,
    ) -> Result<Vec<Option<Declaration>>, FieldsError> {
        let work = move |transaction: &mut Connection| {
            let names = names.into_iter();
            names
                .map(|name| declare::declared(transaction, name))
                .collect()
        };
        self.0.read(deadline, work).await
    }

    async fn values(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError> {
        let work = move |transaction: &mut Connection| {
            let ids = ids(transaction, &fields)?;
            present(transaction, &entity, &fields, &ids)
        };
        self.0.read(deadline, work).await
    }

    async fn update(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        update: Update,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError> {
        let work = move |transaction: &mut Connection| {
            let ids = ids(transaction, &fields)?;
            let before = present(transaction, &entity, &fields, &ids)?;
            let after = update(before).map_err(FieldsError::Refused)?;
            for ((field, id), value) in fields.iter().zip(&ids).zip(&after) {
                put(transaction, &entity, field, *id, value.as_ref())?;
            }
            Ok(after)
        };
        self.0.write(deadline, work).await
    }

    async fn query(
        &self,
        organisation: Organisation,
        filters: Vec<Filter>,
        deadline: Instant,
    ) -> Result<Vec<i64>, FieldsError> {
        let work = move |transaction: &mut Connection| {
            query::query(transaction, organisation, &filters, deadline)
        };
        self.0.read(deadline, work).await
    }
}

/// The numbers of fields, whose types must be what they are declared to be.
fn ids(transaction: &Connection, fields: &[Arc<Definition>]) -> Result<Vec<i64>, FieldsError> {
    let mut statement = transaction.prepare_cached(FIELD)?;
    let mut ids = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field.name();
        let found: Option<(i64, String)> = statement
            .query_row(
                params![name.plugin.as_str(), name.entity_type, name.name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match found {
            Some((id, declared)) if declared == field.field_type().as_str() => ids.push(id),
            _ => return Err(FieldsError::Retyped(name.clone())),
        }
    }
    Ok(ids)
}

fn present(
    transaction: &Connection,
    entity: &Entity,
    fields: &[Arc<Definition>],
    ids: &[i64],
) -> Result<Vec<Option<Value>>, FieldsError> {
    let organisation = entity.organisation.to_string();
    let mut statement = transaction.prepare_cached(VALUE)?;
    let values = fields.iter().zip(ids).map(|(field, id)| {
        let text: Option<String> = statement
            .query_row(params![entity.id, id, organisation], |row| row.get(0))
            .optional()?;
        text.map(|text| read(field, text)).transpose()
    });
    values.collect()
}

fn read(field: &Definition, text: String) -> Result<Value, FieldsError> {
    Value::read(field.field_type(), text)
        .ok_or_else(|| FieldsError::Unreadable(field.name().clone()))
}

fn put(
    transaction: &Connection,
    entity: &Entity,
    field: &Definition,
    field_id: i64,
    value: Option<&Value>,
) -> Result<(), FieldsError> {
    let organisation = entity.organisation.to_string();
    let address = params![entity.id, field_id, organisation];
    let Some(value) = value else {
        // Choices go with it.
        transaction.prepare_cached(REMOVE)?.execute(address)?;
        return Ok(());
    };
    transaction.prepare_cached(SET)?.execute(params![
        entity.id,
        field_id,
        organisation,
        value.key(),
        value.to_text()
    ])?;
    if field.field_type() == FieldType::MultiSelect {
        transaction.prepare_cached(UNCHOOSE)?.execute(address)?;
        let mut choose = transaction.prepare_cached(CHOOSE)?;
        for key in value.choice_keys() {
            choose.execute(params![entity.id, field_id, organisation, key])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

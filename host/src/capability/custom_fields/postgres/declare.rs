//! Declarations in PostgreSQL.

use tokio_postgres::Row;

use crate::capability::custom_fields::backend::{DeclareError, FieldsError};
use crate::capability::custom_fields::definition::{Declaration, FieldName};
use crate::contract::Json;
use crate::contract::registration::FieldType;
use crate::store::PostgresSession;

/// The number of the lock under which nodes declare fields one after the other.
const DECLARING: i64 = 0x676f_6174_6669_656c;

const BEFORE: &str = "SELECT id, field_type FROM goatherd_custom_field \
     WHERE plugin = $1 AND entity_type = $2 AND name = $3";
/// Waits for updates of the field's values, which hold its row, and keeps new ones waiting.
const HOLD: &str = "SELECT 1 FROM goatherd_custom_field WHERE id = $1 FOR UPDATE";
const HAS_VALUES: &str = "SELECT EXISTS (SELECT 1 FROM goatherd_custom_value WHERE field_id = $1)";
const DECLARE: &str = "INSERT INTO goatherd_custom_field AS was \
     (plugin, entity_type, name, field_type, required, config, label, section, position, description, placeholder) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (plugin, entity_type, name) DO UPDATE SET field_type = excluded.field_type, \
     required = excluded.required, config = excluded.config, label = excluded.label, section = excluded.section, \
     position = excluded.position, description = excluded.description, placeholder = excluded.placeholder";
const DECLARED: &str = "SELECT f.field_type, f.required, f.config, f.label, f.section, f.position, f.description, \
     f.placeholder, n.number \
     FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS n (plugin, entity_type, name, number) \
     JOIN goatherd_custom_field f USING (plugin, entity_type, name)";

/// Takes note of fields, all of them or none.
pub(super) async fn declare(
    session: &mut PostgresSession,
    declarations: &[Declaration],
) -> Result<(), DeclareError> {
    let transaction = session.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&DECLARING])
        .await?;
    let before = transaction.prepare(BEFORE).await?;
    let declare = transaction.prepare(DECLARE).await?;
    for declaration in declarations {
        let name = &declaration.name;
        let plugin = name.plugin.as_str();
        let becomes = declaration.field_type.as_str();
        let row = transaction
            .query_opt(&before, &[&plugin, &name.entity_type, &name.name])
            .await?;
        if let Some(row) = row {
            let (id, was): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            if was != becomes {
                transaction.execute(HOLD, &[&id]).await?;
                let values = transaction.query_one(HAS_VALUES, &[&id]).await?;
                if values.try_get(0)? {
                    return Err(DeclareError::Retyped {
                        name: name.clone(),
                        id,
                        was,
                        becomes: becomes.to_owned(),
                    });
                }
            }
        }
        transaction
            .execute(
                &declare,
                &[
                    &plugin,
                    &name.entity_type,
                    &name.name,
                    &becomes,
                    &declaration.required,
                    &declaration.config.as_str(),
                    &declaration.label,
                    &declaration.section,
                    &declaration.order,
                    &declaration.description,
                    &declaration.placeholder,
                ],
            )
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// What was declared under names.
pub(super) async fn declared(
    session: &PostgresSession,
    names: Vec<FieldName>,
) -> Result<Vec<Option<Declaration>>, FieldsError> {
    let plugins: Vec<&str> = names.iter().map(|name| name.plugin.as_str()).collect();
    let types: Vec<&str> = names.iter().map(|name| name.entity_type.as_str()).collect();
    let short: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let rows = session.query(DECLARED, &[&plugins, &types, &short]).await?;
    let mut found = vec![None; names.len()];
    for row in rows {
        let number: i64 = row.try_get(8)?;
        let number = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if let (Some(name), Some(found)) = (names.get(number), found.get_mut(number)) {
            *found = Some(read(&row, name.clone())?);
        }
    }
    Ok(found)
}

fn read(row: &Row, name: FieldName) -> Result<Declaration, FieldsError> {
    let (field_type, config): (String, String) = (row.try_get(0)?, row.try_get(2)?);
    let rest = Declaration {
        name,
        field_type: FieldType::Text,
        required: row.try_get(1)?,
        config: Json::default(),
        label: row.try_get(3)?,
        section: row.try_get(4)?,
        order: row.try_get(5)?,
        description: row.try_get(6)?,
        placeholder: row.try_get(7)?,
    };
    rest.with(&field_type, config)
}

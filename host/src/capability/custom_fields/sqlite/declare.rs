//! Declarations in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::capability::custom_fields::backend::{DeclareError, FieldsError};
use crate::capability::custom_fields::definition::{Declaration, FieldName};
use crate::contract::Json;
use crate::contract::registration::FieldType;

pub(super) const DECLARE: &str = "INSERT INTO goatherd_custom_field \
     (plugin, entity_type, name, field_type, required, config, label, section, position, description, placeholder) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
     ON CONFLICT (plugin, entity_type, name) DO UPDATE SET field_type = excluded.field_type, \
     required = excluded.required, config = excluded.config, label = excluded.label, section = excluded.section, \
     position = excluded.position, description = excluded.description, placeholder = excluded.placeholder";
pub(super) const HAS_VALUES: &str =
    "SELECT EXISTS (SELECT 1 FROM goatherd_custom_value WHERE field_id = ?1)";
pub(super) const DECLARED: &str = "SELECT field_type, required, config, label, section, position, description, \
     placeholder FROM goatherd_custom_field WHERE plugin = ?1 AND entity_type = ?2 AND name = ?3";

/// Takes note of a field.
pub(super) fn declare(
    transaction: &Connection,
    declaration: &Declaration,
) -> Result<(), DeclareError> {
    let name = &declaration.name;
    let becomes = declaration.field_type.as_str();
    let before: Option<(i64, String)> = transaction
        .prepare_cached(super::FIELD)?
        .query_row(
            params![name.plugin.as_str(), name.entity_type, name.name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((id, was)) = before
        && was != becomes
        && transaction
            .prepare_cached(HAS_VALUES)?
            .query_row([id], |row| row.get(0))?
    {
        return Err(DeclareError::Retyped {
            name: name.clone(),
            id,
            was,
            becomes: becomes.to_owned(),
        });
    }
    transaction.prepare_cached(DECLARE)?.execute(params![
        name.plugin.as_str(),
        name.entity_type,
        name.name,
        becomes,
        declaration.required,
        declaration.config.as_str(),
        declaration.label,
        declaration.section,
        declaration.order,
        declaration.description,
        declaration.placeholder,
    ])?;
    Ok(())
}

/// What was declared under a name.
pub(super) fn declared(
    transaction: &Connection,
    name: FieldName,
) -> Result<Option<Declaration>, FieldsError> {
    let columns = |row: &Row<'_>| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(2)?,
            Declaration {
                name: name.clone(),
                field_type: FieldType::Text,
                required: row.get(1)?,
                config: Json::default(),
                label: row.get(3)?,
                section: row.get(4)?,
                order: row.get(5)?,
                description: row.get(6)?,
                placeholder: row.get(7)?,
            },
        ))
    };
    let found = transaction
        .prepare_cached(DECLARED)?
        .query_row(
            params![name.plugin.as_str(), name.entity_type, name.name],
            columns,
        )
        .optional()?;
    found
        .map(|(field_type, config, rest)| rest.with(&field_type, config))
        .transpose()
}

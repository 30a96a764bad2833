//! What is done to entities of one type, in SQL.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::schema;
use crate::capability::entities::backend::{OpenError, Reach, Target};
use crate::capability::entities::config::{Constant, EntityType, Mark, Replacement};
use crate::capability::entities::kept;
use crate::capability::entities::state::{Binned, Row, Seen};
use crate::store::StoreError;

/// What is done to entities of one type, in SQL.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Organisation, mark, and whether the mark is `?2`, of the entity `?1`.
    pub(super) select: String,
    /// Sets the mark of the entity `?1` to `?2`, and personal data to what follows.
    pub(super) delete: String,
    /// Sets the mark of the entity `?1` to `?2`.
    pub(super) unmark: String,
    /// Removes the entity `?1`.
    pub(super) remove: String,
    pub(super) mark: Mark,
    pub(super) replacements: Vec<Replacement>,
}

impl Plan {
    pub(super) fn new(transaction: &Connection, wanted: &EntityType) -> Result<Self, OpenError> {
        let mismatch = |problem| OpenError::Mismatch {
            entity_type: wanted.name.clone(),
            problem,
        };
        let name = &wanted.table;
        let table = schema::table(transaction, name.as_str())
            .map_err(StoreError::from)?
            .ok_or_else(|| mismatch(format!("the database has no table {name}")))?;
        let replacements = table.fit(wanted).map_err(mismatch)?;
        let (id, mark) = (&wanted.id, &wanted.mark_column);
        let organisation = match &wanted.organisation {
            Some(column) => format!("{name}.{column}"),
            None => "NULL".to_owned(),
        };
        let personal: String = wanted
            .personal
            .iter()
            .enumerate()
            .map(|(index, personal)| format!(", {} = ?{}", personal.column, index + 3))
            .collect();
        Ok(Self {
            select: format!(
                "SELECT {organisation}, {name}.{mark}, {name}.{mark} IS ?2 FROM {name} WHERE {name}.{id} = ?1"
            ),
            delete: format!("UPDATE {name} SET {mark} = ?2{personal} WHERE {name}.{id} = ?1"),
            unmark: format!("UPDATE {name} SET {mark} = ?2 WHERE {name}.{id} = ?1"),
            remove: format!("DELETE FROM {name} WHERE {name}.{id} = ?1"),
            mark: wanted.mark.clone(),
            replacements,
        })
    }

    /// Where an entity is, and what there is of it.
    pub(super) fn look(
        &self,
        transaction: &Connection,
        entity: &Entity,
    ) -> Result<Seen<Stored>, Fault> {
        let constant = match &self.mark {
            Mark::Constant(value) => stored(value),
            Mark::Now(_) => Value::Null,
        };
        let row = transaction
            .prepare_cached(&self.select)?
            .query_row(params![entity.id, constant], |row| {
                Ok((row.get(0)?, row.get::<_, Value>(1)?, row.get(2)?))
            })
            .optional()?;
        let bin = transaction
            .prepare_cached(kept::IN_BIN)?
            .query_row(params![entity.entity_type, entity.id], |row| {
                Ok(Binned {
                    organisation: row.get(0)?,
                    before: row.get(1).map(Stored)?,
                    expires_at_ms: row.get(2)?,
                })
            })
            .optional()?;
        let before = bin.as_ref().map_or(&Value::Null, |bin| &bin.before.0);
        let row = row.map(|(organisation, mark, is_constant)| {
            let marked = match self.mark {
                Mark::Constant(_) => is_constant,
                Mark::Now(_) => mark != *before,
            };
            let row = Row {
                organisation,
                marked,
            };
            (row, Stored(mark))
        });
        Ok(Seen::of(row, bin, entity.reach))
    }
}

/// A value as SQLite has it, null where there is none.
pub(super) struct Stored(pub(super) Value);

impl Default for Stored {
    fn default() -> Self {
        Self(Value::Null)
    }
}

/// A target that can be sent to another thread.
pub(super) struct Entity {
    pub(super) entity_type: String,
    pub(super) id: i64,
    pub(super) reach: Reach,
    pub(super) retention_ms: i64,
}

impl Entity {
    pub(super) fn of(target: &Target<'_>) -> Self {
        Self {
            entity_type: target.entity_type.name.clone(),
            id: target.id,
            reach: target.reach(),
            retention_ms: target.retention_ms(),
        }
    }
}

pub(super) fn stored(value: &Constant) -> Value {
    match value {
        Constant::Boolean(value) => Value::Integer((*value).into()),
        Constant::Integer(value) => Value::Integer(*value),
        Constant::Text(value) => Value::Text(value.clone()),
    }
}

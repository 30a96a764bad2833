//! What is done to entities of one type, in SQL.

use tokio_postgres::GenericClient;

use super::schema::{self, Described};
use crate::capability::entities::backend::{EntityFault, OpenError, Target};
use crate::capability::entities::config::{Constant, EntityType, Identifier, Mark, Replacement};
use crate::capability::entities::kept;
use crate::capability::entities::state::{Binned, Row, Seen, time};
use crate::store::StoreError;

/// What is done to entities of one type, in SQL.
#[derive(Debug)]
pub(super) struct Plan {
    /// Organisation, mark, and whether it bears the mark, of the entity `$1`; `$2` is the constant, or what stood there
    /// before it was deleted.
    select: String,
    /// Sets the mark of the entity `$1` to `$2`, and personal data to what follows.
    pub(super) delete: String,
    /// Sets the mark of the entity `$1` to `$2`.
    pub(super) unmark: String,
    /// Removes the entity `$1`.
    pub(super) remove: String,
    pub(super) mark: Mark,
    pub(super) replacements: Vec<Replacement>,
}

impl Plan {
    /// Plans for a table that is there and fits.
    pub(super) async fn new(
        client: &impl GenericClient,
        wanted: &EntityType,
    ) -> Result<Self, OpenError> {
        let mismatch = |problem| OpenError::Mismatch {
            entity_type: wanted.name.clone(),
            problem,
        };
        let name = &wanted.table;
        let Described { table, casts } = schema::table(client, name)
            .await
            .map_err(StoreError::from)?
            .ok_or_else(|| {
                mismatch(format!(
                    "the database has no table {name} on the search path of the host's role"
                ))
            })?;
        let replacements = table.fit(wanted).map_err(mismatch)?;
        let cast = |column: &Identifier| casts.get(column.as_str()).map_or("text", String::as_str);
        let (id, mark) = (&wanted.id, &wanted.mark_column);
        let mark_type = cast(mark);
        let sample = match &wanted.mark {
            Mark::Now(form) => time(*form, 0),
            Mark::Constant(value) => value.clone(),
        };
        try_out(client, mark, mark_type, &sample)
            .await
            .map_err(mismatch)?;
        let mut personal = String::new();
        for ((index, column), replacement) in wanted.personal.iter().enumerate().zip(&replacements)
        {
            let column = &column.column;
            let of_type = cast(column);
            if let Some(value) = replacement.value(0) {
                try_out(client, column, of_type, &value)
                    .await
                    .map_err(mismatch)?;
            }
            personal.push_str(&format!(", {column} = ${}::text::{of_type}", index + 3));
        }
        let organisation = match &wanted.organisation {
            Some(column) => format!("entity.{column}::bigint"),
            None => "NULL::bigint".to_owned(),
        };
        let is = match &wanted.mark {
            Mark::Constant(_) => "IS NOT DISTINCT FROM",
            Mark::Now(_) => "IS DISTINCT FROM",
        };
        let plan = Self {
            select: format!(
                "SELECT {organisation}, entity.{mark}::text, entity.{mark} {is} $2::text::{mark_type}
                 FROM {name} AS entity WHERE entity.{id} = $1::bigint"
            ),
            delete: format!(
                "UPDATE {name} AS entity SET {mark} = $2::text::{mark_type}{personal} WHERE entity.{id} = $1::bigint"
            ),
            unmark: format!(
                "UPDATE {name} AS entity SET {mark} = $2::text::{mark_type} WHERE entity.{id} = $1::bigint"
            ),
            remove: format!("DELETE FROM {name} AS entity WHERE entity.{id} = $1::bigint"),
            mark: wanted.mark.clone(),
            replacements,
        };
        // What the server cannot even parse, such as comparing a type that has no equality, shows here.
        for statement in [&plan.select, &plan.delete, &plan.unmark, &plan.remove] {
            if let Err(error) = client.prepare(statement).await {
                return Err(mismatch(said(&error)));
            }
        }
        Ok(plan)
    }

    /// Where an entity is, and what there is of it.
    pub(super) async fn look(
        &self,
        client: &impl GenericClient,
        target: &Target<'_>,
    ) -> Result<Seen<Option<String>>, EntityFault> {
        self.see(client, target, &self.select).await
    }

    /// The same, and keeps the row as it is until the transaction ends.
    pub(super) async fn lock(
        &self,
        transaction: &deadpool_postgres::Transaction<'_>,
        target: &Target<'_>,
    ) -> Result<Seen<Option<String>>, EntityFault> {
        let lock = format!("{} FOR UPDATE", self.select);
        // The first look waits for the row; what is in the bin is read by a later statement, which sees what was
        // committed meanwhile.
        let none: Option<String> = None;
        transaction.query_opt(&lock, &[&target.id, &none]).await?;
        self.see(&**transaction, target, &self.select).await
    }

    async fn see(
        &self,
        client: &impl GenericClient,
        target: &Target<'_>,
        select: &str,
    ) -> Result<Seen<Option<String>>, EntityFault> {
        let bin = client
            .query_opt(kept::IN_BIN, &[&target.entity_type.name, &target.id])
            .await?;
        let bin = match bin {
            Some(row) => Some(Binned {
                organisation: row.try_get(0)?,
                before: row.try_get::<_, Option<String>>(1)?,
                expires_at_ms: row.try_get(2)?,
            }),
            None => None,
        };
        let compared = match &self.mark {
            Mark::Constant(value) => Some(value.to_string()),
            Mark::Now(_) => bin.as_ref().and_then(|bin| bin.before.clone()),
        };
        let row = client.query_opt(select, &[&target.id, &compared]).await?;
        let row = match row {
            Some(row) => {
                let found = Row {
                    organisation: row.try_get(0)?,
                    marked: row.try_get(2)?,
                };
                Some((found, row.try_get(1)?))
            }
            None => None,
        };
        Ok(Seen::of(row, bin, target.reach()))
    }
}

/// Whether a value can be stored in a column at all, so that this is not found out by the first deletion.
async fn try_out(
    client: &impl GenericClient,
    column: &Identifier,
    of_type: &str,
    value: &Constant,
) -> Result<(), String> {
    let sql = format!("SELECT ($1::text::{of_type}) IS NULL");
    match client.query_one(&sql, &[&value.to_string()]).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "the column {column} is {of_type}, in which the value {:?} cannot be stored: {}",
            value.to_string(),
            said(&error)
        )),
    }
}

fn said(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

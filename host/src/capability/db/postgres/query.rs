//! Running a query: all rows, within the caps, as they come.

use std::pin::pin;

use futures::TryStreamExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Column, Statement};

use super::super::backend::{Rows, Value};
use super::super::error::DbError;
use super::call::{Running, Stop, bound};
use super::statement::Checked;
use super::value::{Cell, is_read};

/// A value counts for at least so many bytes: that many it takes on the way, even if it is empty.
const LEAST: usize = 8;

impl<'c> Running<'c> {
    /// Runs the query in a transaction of its own, which stays open.
    pub(super) async fn query(
        &mut self,
        checked: &'c Checked,
        params: &[Value],
    ) -> Result<Rows, Stop> {
        self.begin().await?;
        self.statement = Some(checked);
        let asked = self.prepare(checked, params).await?;
        let columns: Vec<String> = asked
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let statement = match cast(checked, asked.columns()) {
            None => asked,
            Some(sql) => self.as_text(&sql, &asked).await?,
        };
        let rows = self.collect(&statement, params).await?;
        Ok(Rows { columns, rows })
    }

    /// Prepares the same query with some columns cast to text.
    async fn as_text(&mut self, sql: &str, asked: &Statement) -> Result<Statement, Stop> {
        if let Some(known) = self.session()?.remembered(sql)
            && known.params() == asked.params()
        {
            return Ok(known);
        }
        let prepared = self
            .session()?
            .client
            .prepare_typed(sql, asked.params())
            .await;
        match prepared {
            Ok(statement) => {
                self.session()?.remember(sql.to_owned(), statement.clone());
                Ok(statement)
            }
            // A change inside of WITH may stand only in front of everything. There is nothing else that the server can
            // have against a query inside of another that it took by itself.
            Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => Err(
                Stop::Failed(self.policy.only_reads("change anything in a query")),
            ),
            Err(error) => Err(self.stopped(&error)),
        }
    }

    async fn collect(
        &mut self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, Stop> {
        let (max_rows, max_bytes) = (self.caps.max_rows, self.caps.max_bytes);
        let plugin = &self.policy.plugin;
        let width = statement.columns().len();
        let stream = self
            .session()?
            .client
            .query_raw(statement, bound(params))
            .await;
        let stream = stream.map_err(|error| self.stopped(&error))?;
        let mut stream = pin!(stream);
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut bytes = 0_usize;
        loop {
            let row = match stream.try_next().await {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(rows),
                Err(error) => return Err(self.stopped(&error)),
            };
            if rows.len() == max_rows {
                return Err(Stop::Failed(DbError::too_large(format!(
                    "plugin \"{plugin}\" asked for more than {max_rows} rows; use LIMIT"
                ))));
            }
            let mut values = Vec::with_capacity(width);
            for index in 0..width {
                let cell: Cell = row.try_get(index).map_err(|error| {
                    Stop::Failed(DbError::unavailable(format!(
                        "the database sent plugin \"{plugin}\" a value that cannot be read: {error}"
                    )))
                })?;
                bytes = bytes.saturating_add(cell.0.bytes().max(LEAST));
                values.push(cell.0);
            }
            if bytes > max_bytes {
                return Err(Stop::Failed(DbError::too_large(format!(
                    "plugin \"{plugin}\" asked for more than {max_bytes} bytes; select fewer rows or columns"
                ))));
            }
            rows.push(values);
        }
    }
}

/// The query around the plugin's that casts what is not read as it is; none if all is. Columns are called by their index,
/// so that two may have one name. What stands inside is one query, as it was prepared by itself before.
fn cast(checked: &Checked, columns: &[Column]) -> Option<String> {
    if columns.iter().all(|column| is_read(column.type_())) {
        return None;
    }
    let list: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            if is_read(column.type_()) {
                format!("c{index}")
            } else {
                format!("c{index}::text")
            }
        })
        .collect();
    let names: Vec<String> = (0..columns.len())
        .map(|index| format!("c{index}"))
        .collect();
    Some(format!(
        "SELECT {} FROM (\n{}\n) AS q({})",
        list.join(", "),
        checked.sql,
        names.join(", ")
    ))
}

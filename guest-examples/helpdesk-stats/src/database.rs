//! Queries, with their rows as plain values.

use crate::goatherd::plugin::db_read;
use crate::goatherd::plugin::db_types::{DbError, Value};
use crate::goatherd::plugin::types::Error;

/// One row of a result.
pub struct Row(Vec<Value>);

/// A database says more than `error` has room for, such as which constraint a change would break. For somebody who only
/// asked for numbers the error is enough.
impl From<DbError> for Error {
    fn from(failed: DbError) -> Self {
        failed.error
    }
}

/// Runs `sql` with its `?` bound to `params`. An error of the host is returned as it is.
pub fn query(sql: &str, params: &[Value]) -> Result<Vec<Row>, Error> {
    Ok(db_read::query(sql, params)?
        .rows
        .into_iter()
        .map(Row)
        .collect())
}

impl Row {
    /// The text in a column, counted from 0. Empty where there is none.
    pub fn text(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The number in a column, counted from 0. 0 where there is none.
    pub fn number(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }
}

//! Running a query.

use rusqlite::types::ValueRef;

use super::super::backend::{Call, Rows, Value};
use super::super::error::DbError;
use super::session::Session;
use super::statement::Prepared;

/// How often a query begins again because the schema changed under it.
const ATTEMPTS: usize = 3;

/// Runs `sql` and returns all of its rows, if they are within the caps.
pub(super) fn run(
    session: &Session,
    call: &mut Call,
    sql: &str,
    params: &[Value],
) -> Result<Rows, DbError> {
    for _ in 0..ATTEMPTS {
        let mut prepared = Prepared::new(session, sql)?;
        prepared.bind(params)?;
        call.count()?;
        let values = prepared.facts.values;
        let rows = session.with_values(values, || collect(session, &mut prepared))?;
        // Rows of a statement that was compiled again, and not checked again, are not handed out.
        if !prepared.was_recompiled()? {
            prepared.keep();
            return Ok(rows);
        }
    }
    Err(DbError::conflict(format!(
        "the schema changed {ATTEMPTS} times during a query of plugin \"{}\"",
        session.policy().plugin
    )))
}

fn collect(session: &Session, prepared: &mut Prepared<'_>) -> Result<Rows, DbError> {
    let caps = session.caps;
    let plugin = &session.policy().plugin;
    let statement = prepared.statement()?;
    if statement.column_count() == 0 {
        return Err(DbError::denied(session.policy().refuse(
            "run a statement that is not a query as one",
            "a query only reads",
            "run it as a change",
        )));
    }
    let mut columns = Vec::with_capacity(statement.column_count());
    let mut booleans = Vec::with_capacity(statement.column_count());
    for column in statement.columns() {
        columns.push(column.name().to_owned());
        booleans.push(column.decl_type().is_some_and(is_boolean));
    }
    let mut result: Vec<Vec<Value>> = Vec::new();
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| session.fail(error))? {
        if result.len() == caps.max_rows {
            return Err(DbError::too_large(format!(
                "plugin \"{plugin}\" asked for more than {} rows; use LIMIT",
                caps.max_rows
            )));
        }
        let mut values = Vec::with_capacity(columns.len());
        for (index, boolean) in booleans.iter().enumerate() {
            let found = row.get_ref(index).map_err(|error| session.fail(error))?;
            let value = value(found, *boolean).ok_or_else(|| {
                let name = columns.get(index).map(String::as_str).unwrap_or_default();
                DbError::invalid(format!(
                    "plugin \"{plugin}\" asked for column \"{name}\", which has text that is not UTF-8; read it with \
                     CAST({name} AS BLOB)"
                ))
            })?;
            bytes += value.bytes();
            values.push(value);
        }
        if bytes > caps.max_bytes {
            return Err(DbError::too_large(format!(
                "plugin \"{plugin}\" asked for more than {} bytes; select fewer rows or columns",
                caps.max_bytes
            )));
        }
        result.push(values);
    }
    Ok(Rows {
        columns,
        rows: result,
    })
}

fn is_boolean(declared: &str) -> bool {
    let declared = declared.trim();
    declared.eq_ignore_ascii_case("boolean") || declared.eq_ignore_ascii_case("bool")
}

/// None for text that is not UTF-8.
fn value(found: ValueRef<'_>, boolean: bool) -> Option<Value> {
    Some(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number @ (0 | 1)) if boolean => Value::Boolean(number == 1),
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).ok()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

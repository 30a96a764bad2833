//! `db-read` and `db-write`. An error is that of the contract, or with `"caught": true` the whole of it as a result.

use serde_json::{Value, json};

use crate::goatherd::plugin::db_types::{
    DbEngine, DbError, DbErrorKind, Outcome, Statement, Value as Cell,
};
use crate::goatherd::plugin::types::Error;
use crate::goatherd::plugin::{db_read, db_write};
use crate::json::{list, text, wrong};
use crate::self_made::{code, message};

pub fn query(args: &Value) -> Result<Value, Error> {
    let Statement { sql, params } = statement(args)?;
    ended(args, db_read::query(&sql, &params), |result| {
        let rows: Vec<Vec<Value>> = result
            .rows
            .into_iter()
            .map(|row| row.into_iter().map(to_json).collect())
            .collect();
        json!({ "columns": result.columns, "rows": rows })
    })
}

pub fn execute(args: &Value) -> Result<Value, Error> {
    let Statement { sql, params } = statement(args)?;
    ended(args, db_write::execute(&sql, &params), |done| {
        outcome(&done)
    })
}

pub fn transaction(args: &Value) -> Result<Value, Error> {
    let statements: Vec<Statement> = list(args, "statements")?
        .iter()
        .map(statement)
        .collect::<Result<_, _>>()?;
    ended(args, db_write::transaction(&statements), |outcomes| {
        outcomes.iter().map(outcome).collect()
    })
}

pub fn engine() -> Value {
    json!({ "engine": match db_read::engine() {
        DbEngine::Sqlite => "sqlite".to_owned(),
        DbEngine::Postgresql => "postgresql".to_owned(),
        DbEngine::Other(name) => name,
    }})
}

/// What a caller gets: the result, the error, or what there is to know about the error.
fn ended<T>(
    args: &Value,
    result: Result<T, DbError>,
    show: impl FnOnce(T) -> Value,
) -> Result<Value, Error> {
    match result {
        Ok(value) => Ok(show(value)),
        Err(failed) if args["caught"] == true => Ok(json!({
            "error": code(&failed.error),
            "message": message(&failed.error),
            "kind": failed.kind.map(kind),
            "sql_code": failed.code,
            "statement": failed.statement,
        })),
        Err(failed) => Err(failed.error),
    }
}

fn kind(kind: DbErrorKind) -> String {
    match kind {
        DbErrorKind::Unique => "unique",
        DbErrorKind::ForeignKey => "foreign-key",
        DbErrorKind::NotNull => "not-null",
        DbErrorKind::Check => "check",
        DbErrorKind::Exclusion => "exclusion",
        DbErrorKind::LockTimeout => "lock-timeout",
        DbErrorKind::Serialization => "serialization",
        DbErrorKind::Deadlock => "deadlock",
        DbErrorKind::Syntax => "syntax",
        DbErrorKind::UndefinedTable => "undefined-table",
        DbErrorKind::UndefinedColumn => "undefined-column",
        DbErrorKind::Data => "data",
        DbErrorKind::ReadOnly => "read-only",
        DbErrorKind::Other(name) => return name,
    }
    .to_owned()
}

fn statement(args: &Value) -> Result<Statement, Error> {
    Ok(Statement {
        sql: text(args, "sql")?.into(),
        params: list(args, "params")?
            .iter()
            .map(from_json)
            .collect::<Result<_, _>>()?,
    })
}

fn outcome(outcome: &Outcome) -> Value {
    json!({ "rows_affected": outcome.rows_affected, "last_insert_id": outcome.last_insert_id })
}

fn from_json(value: &Value) -> Result<Cell, Error> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Cell::Integer(integer),
            (None, Some(real)) => Cell::Real(real),
            (None, None) => return Err(wrong("a parameter is no number that fits")),
        },
        Value::String(text) => Cell::Text(text.clone()),
        Value::Object(_) => Cell::Blob(bytes(list(value, "blob")?)?),
        Value::Array(_) => return Err(wrong("a parameter cannot be a list")),
    })
}

fn bytes(numbers: &[Value]) -> Result<Vec<u8>, Error> {
    numbers
        .iter()
        .map(|number| {
            number
                .as_u64()
                .and_then(|number| u8::try_from(number).ok())
                .ok_or_else(|| wrong("blob must be a list of bytes"))
        })
        .collect()
}

fn to_json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Boolean(flag) => flag.into(),
        Cell::Integer(integer) => integer.into(),
        Cell::Real(real) => real.into(),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => json!({ "blob": bytes }),
        Cell::Other((name, text)) => json!({ name: text }),
    }
}

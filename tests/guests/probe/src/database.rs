//! `db-read` and `db-write`.

use serde_json::{Value, json};

use crate::goatherd::plugin::db_types::{Outcome, Statement, Value as Cell};
use crate::goatherd::plugin::types::Error;
use crate::goatherd::plugin::{db_read, db_write};
use crate::json::{list, text, wrong};

pub fn query(args: &Value) -> Result<Value, Error> {
    let Statement { sql, params } = statement(args)?;
    let result = db_read::query(&sql, &params)?;
    let rows: Vec<Vec<Value>> = result
        .rows
        .into_iter()
        .map(|row| row.into_iter().map(to_json).collect())
        .collect();
    Ok(json!({ "columns": result.columns, "rows": rows }))
}

pub fn execute(args: &Value) -> Result<Value, Error> {
    let Statement { sql, params } = statement(args)?;
    Ok(outcome(&db_write::execute(&sql, &params)?))
}

pub fn transaction(args: &Value) -> Result<Value, Error> {
    let statements: Vec<Statement> = list(args, "statements")?
        .iter()
        .map(statement)
        .collect::<Result<_, _>>()?;
    let outcomes = db_write::transaction(&statements)?;
    Ok(outcomes.iter().map(outcome).collect())
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
    }
}

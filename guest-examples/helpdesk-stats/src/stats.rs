//! The numbers: what is asked of the database, and the JSON that it becomes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cache::cached;
use crate::database::query;
use crate::goatherd::plugin::db_types::Value as Parameter;
use crate::goatherd::plugin::types::{Error, ErrorDetail};
use crate::register::UNKNOWN_QUEUE;

/// `{"tickets", "queues", "by_day", "cached"}`, at most half a minute old.
pub fn stats() -> Result<Value, Error> {
    let (mut stats, cached) = cached("stats", || {
        Ok(json!({
            "tickets": tickets()?,
            "queues": queues()?,
            "by_day": by_day()?,
        }))
    })?;
    stats["cached"] = cached.into();
    Ok(stats)
}

/// One queue, as `{"name", "total", "open", "by_priority"}`.
pub fn queue(name: &str) -> Result<Value, Error> {
    let sql = "SELECT q.id, COUNT(t.id), COUNT(CASE WHEN t.state <> 'closed' THEN t.id END)
               FROM queue q LEFT JOIN ticket t ON t.queue_id = q.id
               WHERE q.name = ? GROUP BY q.id";
    let rows = query(sql, &[Parameter::Text(name.into())])?;
    let Some(row) = rows.first() else {
        return Err(Error::Other(ErrorDetail {
            code: UNKNOWN_QUEUE.into(),
            message: format!("there is no queue {name:?}"),
        }));
    };

    let sql = "SELECT priority, COUNT(*) FROM ticket
               WHERE queue_id = ? AND state <> 'closed' GROUP BY priority";
    let by_priority: BTreeMap<String, i64> = query(sql, &[Parameter::Integer(row.number(0))])?
        .iter()
        .map(|row| (row.text(0).to_string(), row.number(1)))
        .collect();
    Ok(json!({
        "name": name,
        "total": row.number(1),
        "open": row.number(2),
        "by_priority": by_priority,
    }))
}

/// All tickets, those that are not closed, those that are, those that nobody has touched yet, and a number for each
/// state.
fn tickets() -> Result<Value, Error> {
    let by_state: BTreeMap<String, i64> =
        query("SELECT state, COUNT(*) FROM ticket GROUP BY state", &[])?
            .iter()
            .map(|row| (row.text(0).to_string(), row.number(1)))
            .collect();
    let total: i64 = by_state.values().sum();
    let in_state = |state| by_state.get(state).copied().unwrap_or(0);
    Ok(json!({
        "total": total,
        "open": total - in_state("closed"),
        "closed": in_state("closed"),
        "new": in_state("new"),
        "by_state": by_state,
    }))
}

/// Every queue, those with the most open tickets first.
fn queues() -> Result<Value, Error> {
    let sql = "SELECT q.name, COUNT(t.id), COUNT(CASE WHEN t.state <> 'closed' THEN t.id END)
               FROM queue q LEFT JOIN ticket t ON t.queue_id = q.id
               GROUP BY q.id, q.name ORDER BY 3 DESC, 2 DESC, q.name";
    let queues = query(sql, &[])?
        .iter()
        .map(|row| json!({ "name": row.text(0), "total": row.number(1), "open": row.number(2) }))
        .collect();
    Ok(Value::Array(queues))
}

/// How many tickets came in, on each of the last 14 days that had any, oldest first.
fn by_day() -> Result<Value, Error> {
    let sql = "SELECT substr(created_at, 1, 10) AS day, COUNT(*) FROM ticket
               GROUP BY day ORDER BY day DESC LIMIT 14";
    let days = query(sql, &[])?
        .iter()
        .rev()
        .map(|row| json!({ "day": row.text(0), "created": row.number(1) }))
        .collect();
    Ok(Value::Array(days))
}

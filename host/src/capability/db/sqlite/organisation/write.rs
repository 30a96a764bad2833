//! Changing one row of a table that organisations own.
//!
//! Runs inside a statement of the plugin, once for each row, as an SQL function that only the triggers can call. The
//! row is found by its primary key and the organisation, so whatever the trigger hands over, no other organisation's
//! row changes. The table's own constraints, triggers and defaults are at work as ever.

use rusqlite::functions::Context;
use rusqlite::types::{Null, Value};
use rusqlite::{Connection, Error, ErrorCode, Result, ToSql, ffi};

use super::super::authorizer::{Author, Guard};
use super::super::text::identifier;
use super::shape::{Column, Shape};
use super::state::Shared;

/// `goatherd_write(event, index, old values…, new values…)`.
pub(super) fn run(shared: &Shared, guard: &Guard, context: &Context<'_>) -> Result<Null> {
    let outcome = attempt(shared, guard, context);
    outcome.map(|()| Null).inspect_err(|error| {
        // The copy for the engine has no code; this one is what the plugin's error is made from.
        if let Error::SqliteFailure(code, text) = error {
            shared.lock().failure = Some(Error::SqliteFailure(*code, text.clone()));
        }
    })
}

fn attempt(shared: &Shared, guard: &Guard, context: &Context<'_>) -> Result<()> {
    let event: String = context.get(0)?;
    let index = usize::try_from(context.get::<i64>(1)?).unwrap_or(usize::MAX);
    let (organisation, shape, unclear) = {
        let state = shared.lock();
        let shape = state.shapes.get(index).cloned().flatten();
        (state.organisation, shape, state.unclear_trigger)
    };
    let Some(shape) = shape else {
        return Err(denied("the table is gone"));
    };
    if unclear {
        guard.deny(guard.policy().refuse_owned(&shape.table));
        return Err(denied("a trigger that cannot be checked"));
    }
    let Some(organisation) = organisation else {
        guard.deny(guard.policy().refuse(
            format_args!("change table \"{}\"", shape.table),
            "its rows belong to organisations, and the call is for none",
            "call it for a user of an organisation",
        ));
        return Err(denied("no organisation"));
    };
    let values = (2..context.len())
        .map(|at| context.get(at))
        .collect::<Result<Vec<Value>>>()?;
    // SAFETY: the connection is used on this thread, within this call, while the engine waits for it.
    let db = unsafe { context.get_connection()? };
    let write = Write {
        db: &db,
        guard,
        shape: &shape,
        organisation,
    };
    let count = shape.stored().count();
    let (old, new) = match event.as_str() {
        "INSERT" => (&[][..], values.as_slice()),
        "DELETE" => (values.as_slice(), &[][..]),
        _ => values.split_at_checked(count).unwrap_or_default(),
    };
    guard.written_by(Author::Owned(index), || match event.as_str() {
        "INSERT" => write.insert(new),
        "DELETE" => write.delete(old),
        _ => write.update(old, new),
    })?;
    let mut state = shared.lock();
    state.rows += db.changes();
    if event == "INSERT" {
        state.inserted = db.last_insert_rowid();
    }
    Ok(())
}

struct Write<'a> {
    db: &'a Connection,
    guard: &'a Guard,
    shape: &'a Shape,
    organisation: i64,
}

impl Write<'_> {
    /// A null is a column that was not given, as far as anybody can tell, so that it gets its default.
    fn insert(&self, new: &[Value]) -> Result<()> {
        self.check_parents(new)?;
        let mut columns = vec![identifier(&self.shape.organisation)];
        let mut values: Vec<&dyn ToSql> = vec![&self.organisation];
        for (column, value) in self.shape.stored().zip(new) {
            if self.is_organisation(column) {
                if *value != Value::Null {
                    self.check_organisation(value)?;
                }
            } else if *value != Value::Null {
                columns.push(identifier(&column.name));
                values.push(value);
            }
        }
        let marks = vec!["?"; values.len()].join(", ");
        let sql = format!(
            "INSERT INTO main.{} ({}) VALUES ({marks})",
            identifier(&self.shape.table),
            columns.join(", ")
        );
        self.execute(&sql, &values)
    }

    /// Only columns whose values differ are set, so that triggers on columns see what the statement meant.
    fn update(&self, old: &[Value], new: &[Value]) -> Result<()> {
        self.check_parents(new)?;
        let mut sets = Vec::new();
        let mut values: Vec<&dyn ToSql> = Vec::new();
        for ((column, before), value) in self.shape.stored().zip(old).zip(new) {
            if self.is_organisation(column) {
                self.check_organisation(value)?;
            } else if before != value {
                sets.push(format!("{} = ?", identifier(&column.name)));
                values.push(value);
            }
        }
        if sets.is_empty() {
            let organisation = identifier(&self.shape.organisation);
            sets.push(format!("{organisation} = {organisation}"));
        }
        let sql = format!(
            "UPDATE main.{} SET {} WHERE {}",
            identifier(&self.shape.table),
            sets.join(", "),
            self.this_row(old, &mut values)
        );
        values.push(&self.organisation);
        self.execute(&sql, &values)
    }

    fn delete(&self, old: &[Value]) -> Result<()> {
        let mut values = Vec::new();
        let sql = format!(
            "DELETE FROM main.{} WHERE {}",
            identifier(&self.shape.table),
            self.this_row(old, &mut values)
        );
        values.push(&self.organisation);
        self.execute(&sql, &values)
    }

    /// The condition that finds the row, whose last parameter is the organisation.
    fn this_row<'v>(&self, old: &'v [Value], values: &mut Vec<&'v dyn ToSql>) -> String {
        let mut condition = String::new();
        for (column, value) in self.shape.stored().zip(old) {
            if column.is_key {
                condition += &format!("{} IS ? AND ", identifier(&column.name));
                values.push(value);
            }
        }
        condition + &format!("{} = ?", identifier(&self.shape.organisation))
    }

    fn is_organisation(&self, column: &Column) -> bool {
        column.name == self.shape.organisation
    }

    fn check_organisation(&self, value: &Value) -> Result<()> {
        let number = self.organisation;
        let is_own = match value {
            Value::Integer(found) => *found == number,
            // A column of text, or a parameter of another type that the column turns into a number.
            Value::Text(found) => *found == number.to_string(),
            _ => false,
        };
        if is_own {
            return Ok(());
        }
        self.guard.deny(self.guard.policy().refuse(
            format_args!(
                "write rows of another organisation into table \"{}\"",
                self.shape.table
            ),
            format_args!("the call is for organisation {number}"),
            format_args!("leave {} out", self.shape.organisation),
        ));
        Err(denied("another organisation"))
    }

    /// The engine looks for the parent row in the whole table; it must be one of the organisation's own.
    fn check_parents(&self, new: &[Value]) -> Result<()> {
        for parent in &self.shape.parents {
            let found = |child: &str| {
                let mut columns = self.shape.stored().zip(new);
                columns
                    .find(|(column, _)| column.name.eq_ignore_ascii_case(child))
                    .map_or(&Value::Null, |(_, value)| value)
            };
            let values: Vec<&Value> = parent.columns.iter().map(|(from, _)| found(from)).collect();
            if values.contains(&&Value::Null) {
                continue;
            }
            // A parent's organisation may itself be part of the key.
            let conditions: Vec<String> = parent
                .columns
                .iter()
                .map(|(_, to)| format!("{} = ?", identifier(to)))
                .collect();
            let sql = format!(
                "SELECT count(*) FROM main.{} WHERE {} AND {} = {}",
                identifier(&parent.table),
                conditions.join(" AND "),
                identifier(&parent.organisation),
                self.organisation
            );
            let db = self.db;
            let count: i64 = self.guard.written_by(Author::Host, || {
                db.query_row(&sql, rusqlite::params_from_iter(values), |row| row.get(0))
            })?;
            if count == 0 {
                return Err(Error::SqliteFailure(
                    ffi::Error {
                        code: ErrorCode::ConstraintViolation,
                        extended_code: ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
                    },
                    Some("FOREIGN KEY constraint failed".to_owned()),
                ));
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: &[&dyn ToSql]) -> Result<()> {
        // Not from the connection's cache, which has the plugin's statements only.
        self.db.prepare(sql)?.execute(values).map(|_| ())
    }
}

/// The refusal itself is the guard's to tell.
fn denied(why: &str) -> Error {
    Error::SqliteFailure(
        ffi::Error {
            code: ErrorCode::AuthorizationForStatementDenied,
            extended_code: ffi::SQLITE_AUTH,
        },
        Some(why.to_owned()),
    )
}

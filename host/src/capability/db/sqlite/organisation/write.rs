//! Changing one row of a table that organisations own.
//!
//! Runs inside a statement of the plugin, once for each row. The row is found by its key and the organisation, so whatever
//! the engine hands over, no other organisation's row changes. The table's own constraints, triggers and defaults are at
//! work as ever. What must be unique in the whole table is so in all organisations: a value that another one has is
//! refused as a conflict, which tells that it is taken and nothing else.

use rusqlite::types::{Value, ValueRef};
use rusqlite::vtab::{ConflictMode, Inserts, Updates, Values};
use rusqlite::{Connection, Error, ErrorCode, Result, ToSql, ffi, params_from_iter};

use super::super::authorizer::Author;
use super::super::text::identifier;
use super::named::Named;
use super::shape::Key;
use super::table::{OwnedTable, misuse};

/// The largest row id that a plugin may choose. What lies above is for those that the engine counts up to, so that no
/// organisation can use up the ids of all.
const LARGEST_ROW_ID: i64 = 1 << 62;

/// Before the columns, the engine hands over the row's old and its new id.
const BEFORE_COLUMNS: usize = 2;

pub(super) fn insert(table: &OwnedTable, values: &Inserts<'_>) -> Result<i64> {
    let write = Write::begin(table)?;
    let shape = &table.shape;
    let mut columns = vec![shape.organisation_name()];
    let mut given = vec![Value::Integer(write.organisation)];
    let row_id = at(values, 1)?;
    if row_id != Value::Null {
        let Key::Row(name) = &shape.key else {
            return Err(no_row_ids());
        };
        write.check_row_id(&row_id)?;
        columns.push(identifier(name));
        given.push(row_id.clone());
    }
    for (index, column) in shape.columns.iter().enumerate() {
        let value = at(values, BEFORE_COLUMNS + index)?;
        if value == Value::Null && !write.named.has(&column.name) {
            continue;
        }
        if index == shape.organisation {
            if value != Value::Null {
                write.check_organisation(&value)?;
            }
        } else if !column.is_stored {
            if value != Value::Null {
                return Err(generated(&column.name));
            }
        } else if Some(index) != shape.row_alias {
            columns.push(identifier(&column.name));
            given.push(value);
        } else if value != Value::Null {
            write.check_row_id(&value)?;
            columns.push(identifier(&column.name));
            given.push(value);
        }
    }
    // SAFETY: the handle is that of the connection whose statement this is a part of.
    if unsafe { values.on_conflict(table.db) } == ConflictMode::Replace {
        write.make_room(&columns, &given)?;
    }
    let marks = vec!["?"; given.len()].join(", ");
    let names = columns.join(", ");
    write.run(
        &format!("INSERT INTO main.{} ({names}) VALUES ({marks})", write.name),
        &given,
    )?;
    let inserted = write.db.last_insert_rowid();
    let row = match &shape.key {
        Key::Row(_) => vec![Value::Integer(inserted)],
        Key::Columns(key) => key
            .iter()
            .map(|index| {
                let name = shape.name_of(Some(*index));
                let place = columns.iter().position(|column| *column == name);
                place
                    .and_then(|place| given.get(place).cloned())
                    .ok_or_else(|| misuse("a row without its key"))
            })
            .collect::<Result<_>>()?,
    };
    write.check_parents(&row)?;
    Ok(inserted)
}

pub(super) fn update(table: &OwnedTable, values: &Updates<'_>) -> Result<()> {
    let write = Write::begin(table)?;
    let shape = &table.shape;
    let old = write.row(values.iter().next().unwrap_or(ValueRef::Null))?;
    let mut row = old.clone();
    let (old_id, new_id) = (at(values, 0)?, at(values, 1)?);
    let mut sets = Vec::new();
    let mut given = Vec::new();
    // Where the engine reads the row anew for the change, it says which columns the statement does not set. Otherwise those
    // whose values stay the same are taken for such.
    let is_told = (0..shape.columns.len()).any(|index| values.no_change(BEFORE_COLUMNS + index));
    let before = if is_told {
        Vec::new()
    } else {
        write.values(&old)?
    };
    for (index, column) in shape.columns.iter().enumerate() {
        if values.no_change(BEFORE_COLUMNS + index) {
            continue;
        }
        let value = at(values, BEFORE_COLUMNS + index)?;
        if before.get(index) == Some(&value) {
            continue;
        }
        if index == shape.organisation {
            write.check_organisation(&value)?;
            continue;
        }
        if !column.is_stored {
            return Err(generated(&column.name));
        }
        if Some(index) == shape.row_alias {
            write.check_row_id(&value)?;
            row = vec![value.clone()];
        }
        if let Key::Columns(key) = &shape.key
            && let Some(place) = key.iter().position(|one| *one == index)
            && let Some(part) = row.get_mut(place)
        {
            *part = value.clone();
        }
        sets.push(format!("{} = ?", identifier(&column.name)));
        given.push(value);
    }
    if new_id != old_id {
        let Key::Row(name) = &shape.key else {
            return Err(no_row_ids());
        };
        write.check_row_id(&new_id)?;
        sets.push(format!("{} = ?", identifier(name)));
        given.push(new_id.clone());
        row = vec![new_id];
    }
    if sets.is_empty() {
        let organisation = shape.organisation_name();
        sets.push(format!("{organisation} = {organisation}"));
    }
    given.extend(write.parameters(&old));
    write.run(
        &format!(
            "UPDATE main.{} SET {} WHERE {}",
            write.name,
            sets.join(", "),
            write.this_row("")
        ),
        &given,
    )?;
    write.check_parents(&row)
}

pub(super) fn delete(table: &OwnedTable, id: ValueRef<'_>) -> Result<()> {
    let write = Write::begin(table)?;
    let given = write.parameters(&write.row(id)?);
    write.run(
        &format!(
            "DELETE FROM main.{} WHERE {}",
            write.name,
            write.this_row("")
        ),
        &given,
    )
}

struct Write<'t> {
    table: &'t OwnedTable,
    /// As SQL.
    name: String,
    db: Connection,
    organisation: i64,
    /// The columns that the statement gives values, if it inserts.
    named: Named,
}

impl<'t> Write<'t> {
    fn begin(table: &'t OwnedTable) -> Result<Self> {
        let (guard, shape) = (&table.side.guard, &table.shape);
        let (organisation, is_unclear, named) = {
            let state = table.side.shared.lock();
            let named = state.named.clone();
            (state.organisation, state.unclear_trigger, named)
        };
        if is_unclear {
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
        Ok(Self {
            table,
            name: identifier(&shape.table),
            // SAFETY: the connection is used on this thread, within this call, while the engine waits for it, and is not
            // closed by what is made here.
            db: unsafe { Connection::from_handle(table.db)? },
            organisation,
            named,
        })
    }

    /// The values of the key of the row that the engine knows by this id.
    fn row(&self, id: ValueRef<'_>) -> Result<Vec<Value>> {
        let ValueRef::Integer(id) = id else {
            return Err(misuse("a row without its id"));
        };
        match &self.table.shape.key {
            Key::Row(_) => Ok(vec![Value::Integer(id)]),
            Key::Columns(_) => {
                let state = self.table.side.shared.lock();
                let key = state.key(self.table.index, id);
                key.ok_or_else(|| misuse("a row that nobody read"))
            }
        }
    }

    /// The condition that finds the row, whose parameters are the values of its key and the organisation.
    fn this_row(&self, alias: &str) -> String {
        let shape = &self.table.shape;
        let names = match &shape.key {
            Key::Row(name) => vec![identifier(name)],
            Key::Columns(key) => key.iter().map(|one| shape.name_of(Some(*one))).collect(),
        };
        let mut condition = String::new();
        for name in names {
            condition += &format!("{alias}{name} = ? AND ");
        }
        condition + &format!("{alias}{} = ?", shape.organisation_name())
    }

    /// What that condition takes.
    fn parameters(&self, key: &[Value]) -> Vec<Value> {
        let mut parameters = key.to_vec();
        parameters.push(Value::Integer(self.organisation));
        parameters
    }

    /// The row as it is.
    fn values(&self, key: &[Value]) -> Result<Vec<Value>> {
        let shape = &self.table.shape;
        let columns: Vec<String> = (0..shape.columns.len())
            .map(|index| shape.name_of(Some(index)))
            .collect();
        let sql = format!(
            "SELECT {} FROM main.{} WHERE {}",
            columns.join(", "),
            self.name,
            self.this_row("")
        );
        let parameters = self.parameters(key);
        self.table.side.guard.as_host(|| {
            self.db
                .query_row(&sql, params_from_iter(parameters), |row| {
                    (0..shape.columns.len())
                        .map(|index| row.get(index))
                        .collect()
                })
                .map_err(plain)
        })
    }

    fn check_row_id(&self, id: &Value) -> Result<()> {
        let guard = &self.table.side.guard;
        // The column turns texts and real numbers into ids, if they are any.
        #[expect(clippy::cast_precision_loss, reason = "the limit is a power of two")]
        let is_larger = |number: f64| number > LARGEST_ROW_ID as f64;
        let is_too_large = match id {
            Value::Integer(id) => *id > LARGEST_ROW_ID,
            Value::Real(id) => is_larger(*id),
            Value::Text(id) => id.trim().parse().is_ok_and(is_larger),
            Value::Null | Value::Blob(_) => false,
        };
        if !is_too_large {
            return Ok(());
        }
        guard.deny(guard.policy().refuse(
            format_args!(
                "choose the id of a row of table \"{}\"",
                self.table.shape.table
            ),
            format_args!(
                "ids that are chosen end at {LARGEST_ROW_ID} where organisations share them"
            ),
            "leave it out, or choose a smaller one",
        ));
        Err(denied("an id that is too large"))
    }

    fn check_organisation(&self, value: &Value) -> Result<()> {
        let number = self.organisation;
        let is_own = match value {
            Value::Integer(found) => *found == number,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number that it is not equal to is not its own"
            )]
            Value::Real(found) => *found == number as f64,
            // A column of text, or a parameter of another type that the column turns into a number.
            Value::Text(found) => *found == number.to_string(),
            _ => false,
        };
        if is_own {
            return Ok(());
        }
        let (guard, shape) = (&self.table.side.guard, &self.table.shape);
        guard.deny(guard.policy().refuse(
            format_args!(
                "write rows of another organisation into table \"{}\"",
                shape.table
            ),
            format_args!("the call is for organisation {number}"),
            format_args!("leave {} out", shape.organisation_name().trim_matches('"')),
        ));
        Err(denied("another organisation"))
    }

    /// The engine looks for the parent row in the whole table; it must not be one of another organisation. One that is
    /// nowhere is the engine's to refuse, at the time that the constraint says.
    fn check_parents(&self, key: &[Value]) -> Result<()> {
        for parent in &self.table.shape.parents {
            let mut given = String::new();
            let mut same = String::new();
            for (from, to) in &parent.columns {
                let (from, to) = (identifier(from), identifier(to));
                given += &format!(" AND c.{from} IS NOT NULL");
                same += &format!("p.{to} = c.{from} AND ");
            }
            let (table, organisation) =
                (identifier(&parent.table), identifier(&parent.organisation));
            let own = self.organisation;
            let sql = format!(
                "SELECT count(*) FROM main.{} AS c WHERE {}{given} \
                 AND EXISTS (SELECT 1 FROM main.{table} AS p WHERE {same} p.{organisation} IS NOT {own}) \
                 AND NOT EXISTS (SELECT 1 FROM main.{table} AS p WHERE {same} p.{organisation} = {own})",
                self.name,
                self.this_row("c.")
            );
            let parameters = self.parameters(key);
            let foreign: i64 = self.table.side.guard.as_host(|| {
                self.db
                    .query_row(&sql, params_from_iter(parameters), |row| row.get(0))
                    .map_err(plain)
            })?;
            if foreign > 0 {
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

    /// Takes rows of the organisation out of the way of an insertion that replaces.
    fn make_room(&self, columns: &[String], given: &[Value]) -> Result<()> {
        let shape = &self.table.shape;
        let value = |column: Option<usize>| {
            let name = shape.name_of(column);
            let place = columns.iter().position(|column| *column == name)?;
            given.get(place).map(|value| (name, value.clone()))
        };
        let row = match &shape.key {
            Key::Row(_) => vec![vec![None], vec![shape.row_alias]],
            Key::Columns(key) => vec![key.iter().copied().map(Some).collect()],
        };
        let unique = shape.indexes.iter().filter(|index| index.is_unique);
        let unique = unique.map(|index| index.columns.iter().map(|one| one.column).collect());
        for key in row.into_iter().chain(unique) {
            let Some(key) = key.into_iter().map(value).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let mut condition = String::new();
            let mut values = Vec::new();
            for (name, value) in key {
                condition += &format!("{name} = ? AND ");
                values.push(value);
            }
            values.push(Value::Integer(self.organisation));
            let sql = format!(
                "DELETE FROM main.{} WHERE {condition}{} = ?",
                self.name,
                shape.organisation_name()
            );
            self.run(&sql, &values)?;
        }
        Ok(())
    }

    fn run(&self, sql: &str, values: &[Value]) -> Result<()> {
        let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
        // Not from the connection's cache, which has the plugin's statements only.
        self.table
            .side
            .guard
            .written_by(Author::Owned(self.table.index), || {
                self.db
                    .prepare(sql)
                    .and_then(|mut statement| statement.execute(values.as_slice()))
                    .map(|_| ())
                    .map_err(plain)
            })
    }
}

/// The value at this place of what the engine handed over. One that is no UTF-8 is an error, since it would not be the same
/// any more.
fn at(values: &Values<'_>, place: usize) -> Result<Value> {
    if place < values.len() {
        values.get(place)
    } else {
        Ok(Value::Null)
    }
}

/// In the one form that the engine passes on whole.
fn plain(error: Error) -> Error {
    match error {
        Error::SqlInputError { error, msg, .. } => Error::SqliteFailure(error, Some(msg)),
        other => other,
    }
}

fn generated(column: &str) -> Error {
    Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_ERROR),
        Some(format!("cannot change generated column \"{column}\"")),
    )
}

pub(super) fn no_row_ids() -> Error {
    Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_ERROR),
        Some("no such column: rowid".to_owned()),
    )
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

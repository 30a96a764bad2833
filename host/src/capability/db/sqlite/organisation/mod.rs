//! Tables that organisations own, which have for each call the rows of its organisation and no others.
//!
//! On each connection of a plugin a temporary virtual table has the name of every such table:
//!
//! ```sql
//! CREATE VIRTUAL TABLE temp."ticket" USING goatherd_owned(0);
//! ```
//!
//! Names are looked for among the temporary objects first, so whatever a statement of a plugin calls `ticket` is that
//! table. Its cursors run statements of the host's own, with the organisation in their condition (see [`plan`]), and what a
//! plugin's statement computes is computed on what they return. So two databases that differ only in rows of other
//! organisations answer alike, whatever the engine makes of the statement: it cannot read a row too early, since there is
//! none. Nor does it know how many there are: plans are made from the schema and not from statistics.
//!
//! The table itself is closed. What a statement reaches in another way is refused: by `main.ticket`, and through the
//! application's own views, triggers and foreign keys, which are resolved without the temporary objects.
//!
//! Changes go through the virtual table too, row by row, with the organisation in their condition (see [`write`]). What
//! follows for plugins: the organisation's column may be left out of an insertion, and never be another's; `INSERT OR
//! REPLACE` replaces rows of the organisation and fails where another's would have to go; `ON CONFLICT` is not available;
//! and the schema of such a table is not for plugins.

mod inner;
mod named;
mod plan;
mod shape;
mod state;
mod table;
mod triggers;
mod write;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rusqlite::Connection;

use super::super::error::DbError;
use super::authorizer::Guard;
use super::connection::GuardedConnection;
use super::policy::Purpose;
use super::text::identifier;
use named::Named;
use shape::Shape;
use state::Shared;
use table::{MODULE, Side};

/// What a connection knows about the tables that organisations own.
#[derive(Debug, Default)]
pub(super) struct Organisations {
    shared: Shared,
    /// The version of the schema that the tables are for.
    version: Cell<Option<i64>>,
    /// Names of the virtual tables.
    tables: RefCell<Vec<String>>,
}

impl Organisations {
    /// Makes the module of the tables known to a connection.
    pub(super) fn install(db: &Connection, guard: &Guard) -> rusqlite::Result<Self> {
        let this = Self::default();
        if !guard.policy().owned.tables().is_empty() {
            let side = Side {
                shared: this.shared.clone(),
                guard: guard.clone(),
            };
            table::install(db, side, guard.policy().purpose == Purpose::Change)?;
        }
        Ok(this)
    }

    /// Begins a call for this organisation.
    pub(super) fn enter(&self, organisation: Option<i64>) {
        self.shared.lock().organisation = organisation;
    }

    /// Whether the tables are those of the present schema.
    pub(super) fn is_current(&self, connection: &GuardedConnection) -> Result<bool, DbError> {
        if connection.policy().owned.tables().is_empty() {
            return Ok(true);
        }
        Ok(self.version.get() == Some(schema_version(connection)?))
    }

    /// Makes the tables anew, for the present schema. No statement that was compiled before may be used after it.
    pub(super) fn renew(&self, connection: &GuardedConnection) -> Result<(), DbError> {
        self.version.set(None);
        let version = schema_version(connection)?;
        connection
            .guard
            .as_host(|| self.make_tables(connection))
            .map_err(|error| connection.fail(error))?;
        self.version.set(Some(version));
        Ok(())
    }

    /// Begins a change, by its text.
    pub(super) fn begin(&self, sql: &str) {
        let mut state = self.shared.lock();
        if !state.shapes.is_empty() {
            state.begin(Named::of(sql));
        }
    }

    /// The index of the table that the engine has at this address; none if organisations do not own what is there.
    pub(super) fn table_at(&self, address: usize) -> Option<usize> {
        self.shared.lock().table_at(address)
    }

    fn make_tables(&self, connection: &GuardedConnection) -> rusqlite::Result<()> {
        let db = &connection.db;
        let policy = connection.policy();
        let reads_only = policy.purpose == Purpose::Query;
        if reads_only {
            db.pragma_update(None, "query_only", false)?;
        }
        let mut tables = self.tables.borrow_mut();
        while let Some(table) = tables.last() {
            db.execute_batch(&format!("DROP TABLE IF EXISTS temp.{}", identifier(table)))?;
            tables.pop();
        }
        let owned = policy.owned.tables();
        let shapes = owned
            .iter()
            .map(|table| Ok(Shape::read(db, &policy.owned, table)?.map(Arc::new)))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        self.shared.lock().reset(shapes.clone());
        for (index, shape) in shapes.iter().enumerate() {
            if let Some(shape) = shape {
                db.execute_batch(&format!(
                    "CREATE VIRTUAL TABLE temp.{} USING {MODULE}({index})",
                    identifier(&shape.table)
                ))?;
                tables.push(shape.table.clone());
            }
        }
        self.shared.lock().unclear_trigger = triggers::has_unclear(db, &policy.owned)?;
        let row_triggers = triggers::row_triggers(db, &policy.owned)?;
        connection.guard.set_row_triggers(row_triggers);
        if reads_only {
            db.pragma_update(None, "query_only", true)?;
        }
        Ok(())
    }
}

fn schema_version(connection: &GuardedConnection) -> Result<i64, DbError> {
    let ask = || {
        let sql = "PRAGMA main.schema_version";
        connection.db.query_row(sql, [], |row| row.get(0))
    };
    let version = connection.guard.as_host(ask);
    version.map_err(|error| connection.fail(error))
}

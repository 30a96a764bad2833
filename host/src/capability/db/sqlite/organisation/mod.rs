//! Tables that organisations own, filtered by the engine to the organisation of each call.
//!
//! On each connection of a plugin a temporary view has the name of every such table. Names are looked for among the
//! temporary objects first, so whatever a statement of a plugin calls `ticket` is that view:
//!
//! ```sql
//! CREATE TEMP VIEW "goatherd_SECRET_0" AS SELECT … FROM main."ticket" WHERE "org_id" = goatherd_organisation();
//! CREATE TEMP VIEW "ticket" AS SELECT * FROM "goatherd_SECRET_0";
//! ```
//!
//! The table itself is closed: the authorizer lets it be read through the inner view only, by the name that the engine
//! says a name was resolved in. A common table expression could take any name that a plugin knows, so that of the inner
//! view is random and in no message. What a statement reaches in another way is refused: by `main.ticket`, and through
//! the application's own views, triggers and foreign keys, which are resolved without the temporary objects.
//!
//! Changes go to `INSTEAD OF` triggers of the view, and those to [`write`](self::write), which changes the table row by
//! row with the organisation in its condition. What follows for plugins: the organisation's column may be left out of
//! an insertion, and never be another's; an explicit null in an insertion means the column's default; `INSERT OR …`
//! and `ON CONFLICT` are refused or fail rather than touch another organisation's row; only tables with a primary key
//! can be updated and deleted from; the schema of such a table is not for plugins; and an index helps a plugin's query
//! only if it begins with the organisation's column, or if every index of the table has that column.

mod shape;
mod state;
mod unclear;
mod write;

use std::cell::{Cell, RefCell};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::super::error::DbError;
use super::authorizer::Guard;
use super::connection::GuardedConnection;
use super::owned::{ORGANISATION, WRITE};
use super::policy::{Policy, Purpose};
use super::text::identifier;
use shape::Shape;
use state::Shared;
use unclear::Unclear;

/// What a connection knows about the tables that organisations own.
#[derive(Debug, Default)]
pub(super) struct Organisations {
    shared: Shared,
    /// The version of the schema that the views are for.
    version: Cell<Option<i64>>,
    /// Names of the temporary views, in the order in which they can be dropped.
    views: RefCell<Vec<String>>,
    unclear: RefCell<Unclear>,
}

/// What a change did to tables that organisations own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) rows: u64,
    /// The row id of the last insertion; 0 for none.
    pub(super) inserted: i64,
}

impl Organisations {
    /// Adds the functions to a connection.
    pub(super) fn install(db: &Connection, guard: &Guard) -> rusqlite::Result<Self> {
        let this = Self::default();
        if guard.policy().owned.tables().is_empty() {
            return Ok(this);
        }
        // Not deterministic: what it returns differs from call to call of one compiled statement.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        let shared = this.shared.clone();
        db.create_scalar_function(ORGANISATION, 0, flags, move |_| {
            Ok(shared.lock().organisation)
        })?;
        if guard.policy().purpose == Purpose::Change {
            let (shared, guard) = (this.shared.clone(), guard.clone());
            db.create_scalar_function(WRITE, -1, flags, move |context| {
                write::run(&shared, &guard, context)
            })?;
        }
        Ok(this)
    }

    /// Begins a call for this organisation.
    pub(super) fn enter(&self, organisation: Option<i64>) {
        self.shared.lock().organisation = organisation;
    }

    /// Whether the views are those of the present schema.
    pub(super) fn is_current(&self, connection: &GuardedConnection) -> Result<bool, DbError> {
        if connection.policy().owned.tables().is_empty() {
            return Ok(true);
        }
        Ok(self.version.get() == Some(schema_version(connection)?))
    }

    /// Makes the views anew, for the present schema. No statement that was compiled before may be used after it.
    pub(super) fn renew(&self, connection: &GuardedConnection) -> Result<(), DbError> {
        self.version.set(None);
        let version = schema_version(connection)?;
        connection
            .guard
            .as_host(|| self.make_views(connection))
            .map_err(|error| connection.fail(error))?;
        self.version.set(Some(version));
        Ok(())
    }

    /// Begins a statement.
    pub(super) fn begin(&self) {
        let mut state = self.shared.lock();
        state.rows = 0;
        state.inserted = 0;
        state.failure = None;
    }

    /// What the statement did.
    pub(super) fn written(&self) -> Written {
        let state = self.shared.lock();
        Written {
            rows: state.rows,
            inserted: state.inserted,
        }
    }

    /// Why it failed, if that was in the course of a write.
    pub(super) fn failure(&self) -> Option<rusqlite::Error> {
        self.shared.lock().failure.take()
    }

    /// Refuses a statement that opens a table which organisations own, in a way that the authorizer may not have seen.
    pub(super) fn check_open(
        &self,
        policy: &Policy,
        sql: &str,
        table: &str,
    ) -> Result<(), DbError> {
        let Some(index) = policy.owned.index(table) else {
            return Ok(());
        };
        let has_view = matches!(self.shared.lock().shapes.get(index), Some(Some(_)));
        if has_view && !self.unclear.borrow().concerns(sql) {
            return Ok(());
        }
        Err(DbError::denied(policy.refuse_owned(table)))
    }

    fn make_views(&self, connection: &GuardedConnection) -> rusqlite::Result<()> {
        let db = &connection.db;
        let policy = connection.policy();
        let reads_only = policy.purpose == Purpose::Query;
        if reads_only {
            db.pragma_update(None, "query_only", false)?;
        }
        let mut views = self.views.borrow_mut();
        while let Some(view) = views.last() {
            db.execute_batch(&format!("DROP VIEW IF EXISTS temp.{}", identifier(view)))?;
            views.pop();
        }
        let mut shapes = Vec::new();
        for (index, table) in policy.owned.tables().iter().enumerate() {
            let shape = Shape::read(db, &policy.owned, table)?;
            if let Some(shape) = &shape {
                let guarding = policy.owned.guarding_name(index);
                db.execute_batch(&shape.guarding_view(&guarding))?;
                views.push(guarding.clone());
                db.execute_batch(&format!(
                    "CREATE TEMP VIEW {} AS SELECT * FROM {}",
                    identifier(&shape.table),
                    identifier(&guarding)
                ))?;
                views.push(shape.table.clone());
                if !reads_only {
                    db.execute_batch(&shape.triggers(&guarding, index))?;
                }
            }
            shapes.push(shape);
        }
        self.shared.lock().shapes = shapes;
        let unclear = Unclear::read(db, &policy.owned)?;
        self.shared.lock().unclear_trigger = unclear.trigger;
        *self.unclear.borrow_mut() = unclear;
        let row_triggers = unclear::row_triggers(db, &policy.owned)?;
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

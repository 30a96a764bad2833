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
mod unclear;
mod write;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::super::backend::DbError;
use super::super::organisation::OrganisationTables;
use super::authorizer::Guard;
use super::connection::Session;
use super::fault;
use super::policy::Purpose;
use shape::Shape;
use unclear::Unclear;

/// Which organisation the call is for. Plugins cannot call it.
const ORGANISATION: &str = "goatherd_organisation";
/// Changes one row. Plugins cannot call it.
const WRITE: &str = "goatherd_write";

/// The tables, and the beginning of the names of everything that guards them.
#[derive(Debug)]
pub(super) struct Owned {
    tables: Vec<(String, String)>,
    secret: String,
}

impl Owned {
    /// For one plugin's connections.
    pub(super) fn new(tables: &OrganisationTables) -> Result<Self, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let tables = tables.iter();
        Ok(Self {
            tables: tables
                .map(|(table, column)| (table.to_owned(), column.to_owned()))
                .collect(),
            secret: format!("goatherd_{:032x}_", u128::from_ne_bytes(random)),
        })
    }

    /// The place of the table in the list; none if organisations do not own it.
    pub(super) fn place(&self, table: &str) -> Option<usize> {
        let mut tables = self.tables.iter();
        tables.position(|(name, _)| name.eq_ignore_ascii_case(table))
    }

    /// Whether this is the name of a guarding view or trigger, which no plugin knows.
    pub(super) fn guards(&self, name: &str) -> bool {
        name.starts_with(&self.secret)
    }

    /// Whether this is the name of a function that only those call.
    pub(super) fn is_function(name: &str) -> bool {
        matches!(name, ORGANISATION | WRITE)
    }
}

/// What one call says and learns.
#[derive(Debug, Default)]
struct CallState {
    organisation: Option<i64>,
    shapes: Vec<Option<Shape>>,
    /// Whether what a change sets off could be unclear.
    unclear_trigger: bool,
    rows: u64,
    inserted: i64,
    /// The engine passes on only the text of an error of a function.
    failure: Option<rusqlite::Error>,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<CallState>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, CallState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
        if guard.policy().owned.tables.is_empty() {
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

    /// Begins a call for this organisation. The views are made anew if the schema changed.
    pub(super) fn enter(
        &self,
        session: &Session,
        organisation: Option<i64>,
    ) -> Result<(), DbError> {
        if session.policy().owned.tables.is_empty() {
            return Ok(());
        }
        self.shared.lock().organisation = organisation;
        let version = schema_version(session)?;
        if self.version.get() != Some(version) {
            self.version.set(None);
            session.clear_statements();
            session
                .guard
                .as_host(|| self.renew(session))
                .map_err(|error| fault::of(session, error))?;
            self.version.set(Some(version));
        }
        Ok(())
    }

    /// Refuses to go on if the schema changed since [`Organisations::enter`]. For changes, which hold the lock by now.
    pub(super) fn check_current(&self, session: &Session) -> Result<(), DbError> {
        if session.policy().owned.tables.is_empty()
            || self.version.get() == Some(schema_version(session)?)
        {
            return Ok(());
        }
        Err(DbError::Conflict(format!(
            "the schema changed while a change of plugin \"{}\" began; trying again helps",
            session.policy().plugin
        )))
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
        session: &Session,
        sql: &str,
        table: &str,
    ) -> Result<(), DbError> {
        let policy = session.policy();
        let Some(place) = policy.owned.place(table) else {
            return Ok(());
        };
        let has_view = matches!(self.shared.lock().shapes.get(place), Some(Some(_)));
        if has_view && !self.unclear.borrow().concerns(sql) {
            return Ok(());
        }
        Err(DbError::Denied(policy.refuse_owned(table)))
    }

    fn renew(&self, session: &Session) -> rusqlite::Result<()> {
        let db = &session.db;
        let policy = session.policy();
        let reads_only = policy.purpose == Purpose::Query;
        if reads_only {
            db.pragma_update(None, "query_only", false)?;
        }
        let mut views = self.views.borrow_mut();
        while let Some(view) = views.last() {
            db.execute_batch(&format!("DROP VIEW IF EXISTS temp.{}", quoted(view)))?;
            views.pop();
        }
        let mut shapes = Vec::new();
        for (place, (table, column)) in policy.owned.tables.iter().enumerate() {
            let shape = Shape::read(db, &policy.owned, table, column)?;
            if let Some(shape) = &shape {
                let guarding = format!("{}{place}", policy.owned.secret);
                db.execute_batch(&shape.guarding_view(&guarding))?;
                views.push(guarding.clone());
                db.execute_batch(&format!(
                    "CREATE TEMP VIEW {} AS SELECT * FROM {}",
                    quoted(&shape.table),
                    quoted(&guarding)
                ))?;
                views.push(shape.table.clone());
                if !reads_only {
                    db.execute_batch(&shape.triggers(&guarding, place))?;
                }
            }
            shapes.push(shape);
        }
        self.shared.lock().shapes = shapes;
        let unclear = Unclear::read(db, &policy.owned)?;
        self.shared.lock().unclear_trigger = unclear.trigger;
        *self.unclear.borrow_mut() = unclear;
        let row_triggers = unclear::row_triggers(db, &policy.owned)?;
        session.guard.set_row_triggers(row_triggers);
        if reads_only {
            db.pragma_update(None, "query_only", true)?;
        }
        Ok(())
    }
}

fn schema_version(session: &Session) -> Result<i64, DbError> {
    session
        .guard
        .as_host(|| {
            session
                .db
                .query_row("PRAGMA main.schema_version", [], |row| row.get(0))
        })
        .map_err(|error| fault::of(session, error))
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

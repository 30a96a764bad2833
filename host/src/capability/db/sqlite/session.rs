//! What one call has of a plugin's connections: a guarded connection, the views of the tables that organisations own, and
//! the compiled statements.
//!
//! It carries nothing from one call to the next but the views, which are made anew when the schema changed, and compiled
//! statements with what was found about each.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::super::backend::Caps;
use super::super::error::DbError;
use super::authorizer::SchemaChange;
use super::connection::GuardedConnection;
use super::organisation::Organisations;
use super::policy::Policy;

/// Compiled statements that a session keeps.
const STATEMENTS: usize = 64;

/// What was found when a statement was compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// How it changes the schema.
    pub(super) schema: Option<SchemaChange>,
    /// Whether it inserts, updates or deletes rows.
    pub(super) changes_rows: bool,
    /// How many values it can make before it loops, as [`program::check`](super::program::check) counts.
    pub(super) values: usize,
}

/// See the module.
pub(super) struct Session {
    connection: GuardedConnection,
    pub(super) organisations: Organisations,
    /// What is known about each statement in the connection's cache.
    facts: RefCell<HashMap<Box<str>, Facts>>,
}

impl Deref for Session {
    type Target = GuardedConnection;

    fn deref(&self) -> &GuardedConnection {
        &self.connection
    }
}

impl Session {
    /// Opens a connection for what `policy` says. Waits for locks until `deadline`.
    pub(super) fn open(
        path: &Path,
        policy: &Arc<Policy>,
        caps: Caps,
        deadline: Instant,
    ) -> Result<Self, DbError> {
        let connection = GuardedConnection::open(path, policy, caps, deadline)?;
        let db = &connection.db;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        let organisations = Organisations::install(db, &connection.guard)
            .map_err(|error| connection.fail(error))?;
        Ok(Self {
            connection,
            organisations,
            facts: RefCell::new(HashMap::new()),
        })
    }

    /// Begins a call for this organisation. The views are made anew if the schema changed.
    pub(super) fn enter(&self, organisation: Option<i64>) -> Result<(), DbError> {
        self.organisations.enter(organisation);
        if !self.organisations.is_current(&self.connection)? {
            self.clear_statements();
            self.organisations.renew(&self.connection)?;
        }
        Ok(())
    }

    /// Refuses to go on if the schema changed since [`Session::enter`]. For changes, which hold the lock by now.
    pub(super) fn check_current(&self) -> Result<(), DbError> {
        if self.organisations.is_current(&self.connection)? {
            return Ok(());
        }
        Err(DbError::conflict(format!(
            "the schema changed while a change of plugin \"{}\" began; trying again helps",
            self.policy().plugin
        )))
    }

    /// What is known about the statement, if it is in the cache.
    pub(super) fn facts(&self, sql: &str) -> Option<Facts> {
        self.facts.borrow().get(sql).cloned()
    }

    /// The statement is about to go into the cache.
    pub(super) fn remember(&self, sql: &str, facts: Facts) {
        let mut known = self.facts.borrow_mut();
        // The cache must not drop a statement by itself: it is known here exactly if it is there.
        if known.len() + 1 >= STATEMENTS && !known.contains_key(sql) {
            drop(known);
            self.clear_statements();
            known = self.facts.borrow_mut();
        }
        known.insert(sql.into(), facts);
    }

    /// The statement was discarded.
    pub(super) fn forget(&self, sql: &str) {
        self.facts.borrow_mut().remove(sql);
    }

    /// Forgets all compiled statements.
    fn clear_statements(&self) {
        self.facts.borrow_mut().clear();
        self.db.flush_prepared_statement_cache();
    }
}

//! One connection of one plugin, closed to everything but statements.
//!
//! What the engine offers to survive hostile SQL is switched on before the plugin's first statement: a read-only file
//! for queries, defensive mode, an untrusted schema, no strings in double quotes, no attached databases, and limits on
//! the size of values, texts and expressions. Whatever fails on it is explained by [`GuardedConnection::fail`]. A
//! connection is used by one thread at a time. One on which something odd happened says so and is thrown away.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::super::backend::Caps;
use super::super::error::{DbError, DbReason};
use super::authorizer::Guard;
use super::fault;
use super::functions;
use super::pattern;
use super::policy::{Policy, Purpose};
use super::watch::Watch;

/// Bytes of all values that a statement makes without ever looping, when the watch does not look.
const VALUES_TOGETHER: usize = 512 << 20;

/// Values of this length are always allowed: the engine reads the texts of the schema under the same limit.
const SHORTEST_LIMIT: usize = 256 << 10;

/// See the module.
pub(super) struct GuardedConnection {
    pub(super) db: Connection,
    /// What the authorizer allows and found.
    pub(super) guard: Guard,
    /// Whether what runs may go on, and why it was stopped.
    pub(super) watch: Arc<Watch>,
    pub(super) caps: Caps,
    spoiled: Cell<bool>,
}

impl GuardedConnection {
    /// Opens a connection for what `policy` says. Waits for locks until `deadline`.
    pub(super) fn open(
        path: &Path,
        policy: &Arc<Policy>,
        caps: Caps,
        deadline: Instant,
    ) -> Result<Self, DbError> {
        Self::try_open(path, policy, caps, deadline).map_err(|reason| {
            DbError::unavailable(format!(
                "plugin \"{}\" got no connection to the database: {reason}",
                policy.plugin
            ))
        })
    }

    fn try_open(
        path: &Path,
        policy: &Arc<Policy>,
        caps: Caps,
        deadline: Instant,
    ) -> rusqlite::Result<Self> {
        let access = match policy.purpose {
            Purpose::Query => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Purpose::Change => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let mut db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let watch = Watch::install(&mut db)?;
        watch.arm(deadline);
        harden(&db, policy.purpose)?;
        limit(&db, caps)?;
        functions::install(&db)?;
        pattern::install(&db)?;
        // Loads the schema and the statistics of the planner while nobody asks who may read them.
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let guard = Guard::new(Arc::clone(policy));
        let authorizer = guard.clone();
        db.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            authorizer.ask(&context)
        }))?;
        watch.disarm();
        Ok(Self {
            db,
            guard,
            watch,
            caps,
            spoiled: Cell::new(false),
        })
    }

    pub(super) fn policy(&self) -> &Policy {
        self.guard.policy()
    }

    /// What an error of the engine means to the plugin, after a statement was compiled or run. What the guard found of
    /// the statement is forgotten then. An error of the file or the host spoils the connection.
    pub(super) fn fail(&self, error: rusqlite::Error) -> DbError {
        let error = fault::of(
            &error,
            &self.guard.take(),
            self.watch.stopped(),
            self.policy(),
            self.caps,
        );
        if error.reason == DbReason::Unavailable {
            self.spoil();
        }
        error
    }

    /// Runs constant text of the host's own. It is never kept as a compiled statement, so that a plugin that sends the
    /// same text does not get the host's.
    pub(super) fn host(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.guard.as_host(|| self.db.execute_batch(sql))
    }

    /// Makes the engine notice a schema that others have changed.
    pub(super) fn refresh(&self) -> Result<(), DbError> {
        self.host("SELECT 1 FROM sqlite_schema LIMIT 1")
            .map_err(|error| self.fail(error))
    }

    /// Lets `work` run a statement that can have `values` values at once that are made and kept, so that they fit in the
    /// memory for a statement together.
    pub(super) fn with_values<T>(
        &self,
        values: usize,
        work: impl FnOnce() -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let usual = longest(self.caps);
        let each = VALUES_TOGETHER / values.max(1);
        if each >= usual {
            return work();
        }
        if each < SHORTEST_LIMIT {
            return Err(DbError::too_large(format!(
                "plugin \"{}\" sent a statement with {values} columns and function calls; at most {} are allowed",
                self.policy().plugin,
                VALUES_TOGETHER / SHORTEST_LIMIT
            )));
        }
        self.limit_values(each)?;
        let result = work();
        self.limit_values(usual)?;
        result
    }

    fn limit_values(&self, length: usize) -> Result<(), DbError> {
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.db
            .set_limit(Limit::SQLITE_LIMIT_LENGTH, length)
            .map(|_| ())
            .map_err(|error| self.fail(error))
    }

    /// The connection shall serve no other call.
    pub(super) fn spoil(&self) {
        self.spoiled.set(true);
    }

    /// Whether another call can use the connection.
    pub(super) fn is_sound(&self) -> bool {
        !self.spoiled.get() && self.db.is_autocommit()
    }
}

/// The longest value or row. A row holds its values and a header.
fn longest(caps: Caps) -> usize {
    caps.max_bytes.max(caps.max_sql_bytes) + (64 << 10)
}

fn harden(db: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true),
        // Plans do not depend on parameters, so binding them does not compile a statement anew.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        db.set_db_config(setting, on)?;
    }
    // What a statement sorts and gathers stays in memory, which the watch counts, and fills no disk.
    db.pragma_update(None, "temp_store", "memory")?;
    if purpose == Purpose::Query {
        db.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

fn limit(db: &Connection, caps: Caps) -> rusqlite::Result<()> {
    let number = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, number(longest(caps))),
        (
            Limit::SQLITE_LIMIT_SQL_LENGTH,
            number(caps.max_sql_bytes + 64),
        ),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 10_000),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 32),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        db.set_limit(limit, value)?;
    }
    Ok(())
}

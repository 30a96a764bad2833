//! The embedded database: SQLite, bundled, in WAL mode.
//!
//! What plugins send runs on connections that belong to that plugin alone, under layers that do not rely on each other:
//!
//! * The connection ([`connection`]): queries run on connections that the engine opened read-only; defensive mode, no
//!   trusted schema, no attached databases, limits on sizes and depths.
//! * The authorizer ([`authorizer`]): the engine asks it about every table, column and function while it compiles a
//!   statement, also for what views, triggers and foreign keys reach.
//! * The program ([`program`]): the engine does not ask about the columns by which `NATURAL` and `USING` join, so the
//!   compiled program of each new statement is read, and every table that it opens is checked again.
//! * Checks after the fact, before the commit ([`change`]): the authorizer is not told the new name of a renamed table.
//! * The views ([`organisation`]): tables that organisations own are seen through views that filter them.
//! * The watch ([`watch`]): deadline, cancellation and memory, a hundred instructions apart.
//!
//! A plugin has a few connections for queries, which run in parallel, and one for changes, which wait for each other in
//! order. Statements run on the runtime's blocking threads. No lock is held while one runs.

mod authorizer;
mod change;
mod connection;
mod fault;
mod functions;
mod organisation;
mod owned;
mod pattern;
mod plugin;
mod policy;
mod pool;
mod program;
mod query;
mod session;
mod statement;
mod text;
mod ticket;
mod watch;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags};

use super::OrganisationTables;
use super::backend::{Caps, Database, OpenError, PluginDatabase, Scopes};
use plugin::SqlitePlugin;

/// Why a database's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the database {} cannot be opened: {reason}", path.display())]
pub struct SqliteError {
    path: PathBuf,
    reason: rusqlite::Error,
}

/// A SQLite database in a file.
///
/// It is switched to WAL mode, in which readers and a writer do not wait for each other, and stays in it. Foreign keys
/// are enforced for plugins.
#[derive(Debug)]
pub struct SqliteDatabase {
    path: PathBuf,
    organisations: OrganisationTables,
    /// Open as long as plugins may come, so that the shared-memory file exists for read-only connections.
    _keeper: Mutex<Connection>,
}

impl SqliteDatabase {
    /// Opens the database in the file at `path`, which must exist.
    ///
    /// # Errors
    ///
    /// The file is missing, cannot be read and written, or is not a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_with(path.as_ref(), OpenFlags::empty())
    }

    /// Opens the database in the file at `path`, and makes an empty one if there is none.
    ///
    /// # Errors
    ///
    /// As for [`SqliteDatabase::open`], or the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_with(path.as_ref(), OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// The same database, in which organisations own these tables.
    #[must_use]
    pub fn with_organisations(mut self, tables: OrganisationTables) -> Self {
        self.organisations = tables;
        self
    }

    fn open_with(path: &Path, more: OpenFlags) -> Result<Self, SqliteError> {
        let fail = |reason| SqliteError {
            path: path.to_owned(),
            reason,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        // A later change of the working directory must not lead elsewhere; and an absolute path is no URI.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let keeper = Connection::open_with_flags(&path, flags).map_err(fail)?;
        let mode: String = keeper
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(fail)?;
        if mode != "wal" {
            tracing::warn!(path = %path.display(), mode, "the database cannot use WAL: queries will wait for changes");
        }
        Ok(Self {
            path,
            organisations: OrganisationTables::default(),
            _keeper: Mutex::new(keeper),
        })
    }
}

impl Database for SqliteDatabase {
    fn open(
        &self,
        plugin: &str,
        scopes: Scopes,
        caps: Caps,
    ) -> Result<Arc<dyn PluginDatabase>, OpenError> {
        let path = self.path.clone();
        let plugin = SqlitePlugin::new(path, plugin, scopes, caps, &self.organisations);
        Ok(Arc::new(plugin))
    }
}

//! The host's tables in a SQLite file.
//!
//! One connection writes, several read, each lent to one piece of work at a time. Work runs on threads that may wait, so
//! it is given as a closure; a change is one transaction, which is committed when the closure succeeds and undone
//! otherwise. SQLite is interrupted at the deadline. Whoever goes away meanwhile does not stop a change that runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params,
};
use tokio::sync::Semaphore;

use super::schema::{MIGRATED, PROGRAM, Present, Step, VERSION, VERSIONS};
use super::{Family, Mode, SchemaError, StoreError};

/// How many pieces of work can read at a time.
const READERS: usize = 4;
/// How long a start waits for other processes that migrate or write.
const MIGRATING: Duration = Duration::from_secs(60);
/// How many instructions of SQLite run between two looks at the clock.
const INSTRUCTIONS: i32 = 1_000;

/// A SQLite file with tables of the host. Cheap to clone.
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    path: PathBuf,
    writers: Lane,
    readers: Lane,
}

/// Connections of one kind, and how many may be in use.
struct Lane {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteStore {
    /// Opens the file, which is made if it does not exist, and switches it to WAL mode.
    ///
    /// # Errors
    ///
    /// When it cannot be made, read and written, or is no database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let first = connect(&path)?;
        first.pragma_update(None, "journal_mode", "wal")?;
        Ok(Self(Arc::new(Shared {
            path,
            writers: Lane::new(1, vec![first]),
            readers: Lane::new(READERS, Vec::new()),
        })))
    }

    /// Brings a family of tables to this program's version, one migration after the other, each in a transaction. Processes
    /// that start together wait for each other. To be called before the tables are used.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Newer`] when a newer program has made them; when a migration does not run, or the file cannot be
    /// written.
    pub fn migrate(&self, family: &Family) -> Result<(), SchemaError> {
        let mut connection = connect(&self.0.path)?;
        connection.busy_timeout(MIGRATING)?;
        // To make a table anew is to drop it, and its children's rows with it.
        connection.pragma_update(None, "foreign_keys", false)?;
        while let Some(step) = family.next(family.sqlite(), &present(&connection, family)?)? {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have been faster.
            if family.next(family.sqlite(), &present(&transaction, family)?)? == Some(step) {
                apply(&transaction, family, step)?;
                transaction.commit()?;
            }
        }
        Ok(())
    }

    /// Runs work that only reads. What it sees does not change meanwhile: it is in a transaction, which the work leaves open.
    ///
    /// # Errors
    ///
    /// The work's own, and [`StoreError`].
    pub async fn read<T, E>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run(Mode::Read, deadline, work).await
    }

    /// Runs work as one transaction, which the work leaves open: committed when it succeeds, undone when it fails. Changes
    /// wait for each other, also for those of other processes.
    ///
    /// # Errors
    ///
    /// The work's own, and [`StoreError`].
    pub async fn write<T, E>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run(Mode::Write, deadline, work).await
    }

    pub(super) async fn run<T, E>(
        &self,
        mode: Mode,
        deadline: Instant,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let places = Arc::clone(&self.0.lane(mode).places);
        let turn = tokio::time::timeout_at(deadline.into(), places.acquire_owned());
        let place = turn
            .await
            .map_err(|_| StoreError::TimedOut)?
            .map_err(|closed| StoreError::Unavailable(closed.to_string()))?;
        let parts = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let lane = parts.lane(mode);
            let mut connection = match lane.pop() {
                Some(connection) => connection,
                None => connect(&parts.path)?,
            };
            let done = within(&mut connection, mode, deadline, work);
            // A connection that lost its footing is not lent again.
            if connection.is_autocommit() {
                lane.push(connection);
            }
            done
        });
        done.await
            .map_err(|stopped| StoreError::Unavailable(stopped.to_string()))?
    }
}

impl Shared {
    fn lane(&self, mode: Mode) -> &Lane {
        match mode {
            Mode::Read => &self.readers,
            Mode::Write | Mode::WriteToDisk => &self.writers,
        }
    }
}

impl Lane {
    fn new(places: usize, idle: Vec<Connection>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            idle: Mutex::new(idle),
        }
    }

    fn pop(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn push(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

/// What the file has of a family.
fn present(connection: &Connection, family: &Family) -> Result<Present, rusqlite::Error> {
    if !connection.table_exists(Some("main"), "goatherd_schema")? {
        return Ok(Present::default());
    }
    let row = connection.query_row(VERSION, [family.name()], |row| {
        Ok(Present {
            version: row.get(0)?,
            program: row.get(1)?,
        })
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Runs a migration and takes note of it.
fn apply(transaction: &Transaction<'_>, family: &Family, step: Step) -> Result<(), SchemaError> {
    let failed = |error: rusqlite::Error| family.failed(step, error);
    transaction.execute_batch(step.sql).map_err(failed)?;
    for table in family.tables() {
        let mut orphans = transaction.prepare("SELECT 1 FROM pragma_foreign_key_check(?1)")?;
        if orphans.exists([table])? {
            let reason = format!("rows of {table} would refer to nothing");
            return Err(family.failed(step, reason));
        }
    }
    transaction.execute_batch(VERSIONS)?;
    let now = jiff::Timestamp::now().to_string();
    transaction.execute(MIGRATED, params![family.name(), step.version, PROGRAM, now])?;
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn within<T, E: From<StoreError>>(
    connection: &mut Connection,
    mode: Mode,
    deadline: Instant,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let set = |connection: &mut Connection, watched: bool| {
        let watch = move || Instant::now() >= deadline;
        connection
            .progress_handler(INSTRUCTIONS, watched.then_some(watch))
            .map_err(StoreError::from)
    };
    // Waiting for another process's change ends at the deadline too.
    let patience = deadline.saturating_duration_since(Instant::now());
    connection
        .busy_timeout(patience.min(Duration::from_secs(30)))
        .map_err(StoreError::from)?;
    set(connection, true)?;
    let done = transact(connection, mode, work);
    set(connection, false)?;
    if done.is_err() && !connection.is_autocommit() {
        connection
            .execute_batch("ROLLBACK")
            .map_err(StoreError::from)?;
    }
    if mode == Mode::WriteToDisk {
        connection
            .pragma_update(None, "synchronous", "normal")
            .map_err(StoreError::from)?;
    }
    done
}

fn transact<T, E: From<StoreError>>(
    connection: &mut Connection,
    mode: Mode,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let begin = match mode {
        Mode::Read => "BEGIN",
        Mode::Write => "BEGIN IMMEDIATE",
        // The log is written from front to back: what is on the disk of it has every earlier change before it.
        Mode::WriteToDisk => "PRAGMA synchronous = full; BEGIN IMMEDIATE",
    };
    connection.execute_batch(begin).map_err(StoreError::from)?;
    let done = work(connection)?;
    connection
        .execute_batch("COMMIT")
        .map_err(StoreError::from)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const FAMILY: Family = Family::new(
        "test",
        &["parent", "child"],
        &["CREATE TABLE parent (id INTEGER PRIMARY KEY);
           CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"],
        &[],
    );

    fn store() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        store.migrate(&FAMILY).unwrap();
        (folder, store)
    }

    async fn write(
        store: &SqliteStore,
        sql: &'static str,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let deadline = Instant::now() + wait;
        store
            .write(deadline, move |transaction| {
                Ok(transaction.execute_batch(sql)?)
            })
            .await
    }

    #[tokio::test]
    async fn a_constraint_is_a_conflict_also_when_it_is_checked_at_the_end() {
        let (_folder, store) = store();
        let long = Duration::from_secs(20);
        write(&store, "INSERT INTO parent VALUES (1)", long)
            .await
            .unwrap();
        for sql in [
            "INSERT INTO parent VALUES (2); INSERT INTO parent VALUES (1)",
            "INSERT INTO parent VALUES (2); INSERT INTO child VALUES (7)",
        ] {
            let error = write(&store, sql, long).await.unwrap_err();
            assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        }
        write(&store, "INSERT INTO parent VALUES (2)", long)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn waiting_for_somebody_elses_lock_ends_at_the_deadline() {
        let (folder, store) = store();
        let other = Connection::open(folder.path().join("store.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let short = Duration::from_millis(100);
        let late = write(&store, "INSERT INTO parent VALUES (1)", short).await;
        assert_eq!(late, Err(StoreError::TimedOut));
        other.execute_batch("ROLLBACK").unwrap();
        let long = Duration::from_secs(20);
        write(&store, "INSERT INTO parent VALUES (1)", long)
            .await
            .unwrap();
    }
}

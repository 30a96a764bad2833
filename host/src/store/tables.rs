//! Work on the host's own tables that is written once for both engines.
//!
//! A back-end is written over [`Tables`], which both stores are: it gives them a piece of work, and the work gets a
//! [`Transaction`] on which it runs statements, in SQL that both engines understand, with `$1`, `$2`, … as parameters. Where
//! the engines have to be told different things, such as how to lock, the work asks which [`engine`](Transaction::engine) it
//! is on.
//!
//! On PostgreSQL the work is a future like any other. SQLite's statements end before they return, so there it is run to its
//! end on a thread that may wait; work that waits for anything but its statements is an error there, and a mistake on both,
//! since it would wait with the tables locked.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

#[cfg(feature = "postgres")]
use super::PostgresStore;
use super::{SqliteStore, StoreError};

/// What a piece of work returns: its future, in a box.
pub type Working<'w, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'w>>;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// What work does with the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It only reads. On PostgreSQL each statement sees what is committed when it begins: what belongs together is read by
    /// one.
    Read,
    /// It is one transaction: committed when the work succeeds, undone when it fails.
    Write,
    /// The same, and it is on the disk when it is done, with every transaction before it, whatever the database is set to.
    WriteToDisk,
}

/// A store of the host's tables, of either kind.
pub trait Tables: Clone + Send + Sync + 'static {
    /// Runs work, and ends it at the deadline.
    ///
    /// # Errors
    ///
    /// The work's own, and [`StoreError`].
    fn work<T, E, W>(
        &self,
        mode: Mode,
        deadline: Instant,
        work: W,
    ) -> impl Future<Output = Result<T, E>> + Send
    where
        W: for<'w, 't> FnOnce(&'w mut Transaction<'t>) -> Working<'w, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static;
}

impl Tables for SqliteStore {
    async fn work<T, E, W>(&self, mode: Mode, deadline: Instant, work: W) -> Result<T, E>
    where
        W: for<'w, 't> FnOnce(&'w mut Transaction<'t>) -> Working<'w, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run(mode, deadline, |connection| run_to_end(connection, work))
            .await
    }
}

fn run_to_end<T, E: From<StoreError>>(
    connection: &mut Connection,
    work: impl for<'w, 't> FnOnce(&'w mut Transaction<'t>) -> Working<'w, T, E>,
) -> Result<T, E> {
    let mut transaction = Transaction(Kind::Sqlite(connection));
    let working = pin!(work(&mut transaction));
    match working.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => {
            let problem = "work on a SQLite file waited for something else".to_owned();
            Err(StoreError::Unavailable(problem).into())
        }
    }
}

#[cfg(feature = "postgres")]
impl Tables for PostgresStore {
    async fn work<T, E, W>(&self, mode: Mode, deadline: Instant, work: W) -> Result<T, E>
    where
        W: for<'w, 't> FnOnce(&'w mut Transaction<'t>) -> Working<'w, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let done = async {
            let mut session = self.session(deadline).await?;
            if mode == Mode::Read {
                return work(&mut Transaction(Kind::Reading(&session))).await;
            }
            let begun = session.transaction().await.map_err(StoreError::from)?;
            if mode == Mode::WriteToDisk {
                let wait = begun
                    .batch_execute("SET LOCAL synchronous_commit = on")
                    .await;
                wait.map_err(StoreError::from)?;
            }
            let mut transaction = Transaction(Kind::Writing(begun));
            let done = work(&mut transaction).await?;
            if let Transaction(Kind::Writing(begun)) = transaction {
                begun.commit().await.map_err(StoreError::from)?;
            }
            Ok(done)
        };
        in_time(deadline, done).await
    }
}

#[cfg(feature = "postgres")]
/// The server ends each statement at the deadline; this ends all of them together, also when the server is silent. What is
/// given up is undone.
async fn in_time<T, E: From<StoreError>>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout_at(deadline.into(), work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::TimedOut.into()),
    }
}

/// What work runs its statements on.
pub struct Transaction<'t>(Kind<'t>);

enum Kind<'t> {
    Sqlite(&'t mut Connection),
    #[cfg(feature = "postgres")]
    Reading(&'t deadpool_postgres::ClientWrapper),
    #[cfg(feature = "postgres")]
    Writing(deadpool_postgres::Transaction<'t>),
}

impl Transaction<'_> {
    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.0 {
            Kind::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Kind::Reading(_) | Kind::Writing(_) => Engine::Postgres,
        }
    }

    /// Runs a statement on the host's own tables, and says how many rows it changed.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub async fn execute(
        &mut self,
        sql: &'static str,
        values: &[&dyn Param],
    ) -> Result<u64, StoreError> {
        match &mut self.0 {
            Kind::Sqlite(connection) => execute(connection, sql, values),
            #[cfg(feature = "postgres")]
            Kind::Reading(client) => {
                let statement = client.prepare_cached(sql).await?;
                Ok(client.execute(&statement, &postgres(values)).await?)
            }
            #[cfg(feature = "postgres")]
            Kind::Writing(transaction) => {
                let statement = transaction.prepare_cached(sql).await?;
                Ok(transaction.execute(&statement, &postgres(values)).await?)
            }
        }
    }

    /// Runs a query on the host's own tables.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub async fn query(
        &mut self,
        sql: &'static str,
        values: &[&dyn Param],
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.0 {
            Kind::Sqlite(connection) => query(connection, sql, values),
            #[cfg(feature = "postgres")]
            Kind::Reading(client) => {
                let statement = client.prepare_cached(sql).await?;
                let rows = client.query(&statement, &postgres(values)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            #[cfg(feature = "postgres")]
            Kind::Writing(transaction) => {
                let statement = transaction.prepare_cached(sql).await?;
                let rows = transaction.query(&statement, &postgres(values)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row of a query on the host's own tables, if it has any.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub async fn first(
        &mut self,
        sql: &'static str,
        values: &[&dyn Param],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }
}

fn execute(connection: &Connection, sql: &str, values: &[&dyn Param]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    Ok(statement.raw_execute()? as u64)
}

fn query(
    connection: &Connection,
    sql: &str,
    values: &[&dyn Param],
) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let values: Result<_, _> = (0..columns).map(|column| row.get(column)).collect();
        all.push(Row::Sqlite(values?));
    }
    Ok(all)
}

/// To SQLite `$2` is a name like any other, with a number of its own.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[&dyn Param]) -> Result<(), StoreError> {
    for (index, value) in values.iter().enumerate() {
        let name = format!("${}", index + 1);
        if let Some(number) = statement.parameter_index(&name)? {
            statement.raw_bind_parameter(number, value.sqlite())?;
        }
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn postgres<'v>(values: &[&'v dyn Param]) -> Vec<&'v (dyn tokio_postgres::types::ToSql + Sync)> {
    values.iter().map(|value| value.postgres()).collect()
}

/// A value that both engines take: `bool`, `i32`, `i64`, text, bytes, and each of them or nothing.
pub trait Param: Send + Sync {
    /// As SQLite takes it.
    fn sqlite(&self) -> &dyn rusqlite::ToSql;
    /// As PostgreSQL takes it.
    #[cfg(feature = "postgres")]
    fn postgres(&self) -> &(dyn tokio_postgres::types::ToSql + Sync);
}

#[cfg(not(feature = "postgres"))]
impl<V: rusqlite::ToSql + Send + Sync> Param for V {
    fn sqlite(&self) -> &dyn rusqlite::ToSql {
        self
    }
}

#[cfg(feature = "postgres")]
impl<V: rusqlite::ToSql + tokio_postgres::types::ToSql + Send + Sync> Param for V {
    fn sqlite(&self) -> &dyn rusqlite::ToSql {
        self
    }

    fn postgres(&self) -> &(dyn tokio_postgres::types::ToSql + Sync) {
        self
    }
}

/// A row that a query found.
pub enum Row {
    /// Its columns.
    Sqlite(Vec<rusqlite::types::Value>),
    /// The driver's.
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Row),
}

impl Row {
    /// The column with this number, from 0 on.
    ///
    /// # Errors
    ///
    /// When there is none, or it is of another type.
    pub fn get<V: Column>(&self, column: usize) -> Result<V, StoreError> {
        let broken = |reason: String| {
            StoreError::Unavailable(format!("column {column} of a row is broken: {reason}"))
        };
        match self {
            Self::Sqlite(values) => {
                let value = values
                    .get(column)
                    .ok_or_else(|| broken("it is not there".to_owned()))?;
                V::column_result(ValueRef::from(value)).map_err(|error| broken(error.to_string()))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row
                .try_get(column)
                .map_err(|error| broken(error.to_string())),
        }
    }
}

/// What both engines give: `bool`, `i32`, `i64`, text, bytes, and each of them or nothing.
#[cfg(feature = "postgres")]
pub trait Column: rusqlite::types::FromSql + for<'r> tokio_postgres::types::FromSql<'r> {}

#[cfg(feature = "postgres")]
impl<V: rusqlite::types::FromSql + for<'r> tokio_postgres::types::FromSql<'r>> Column for V {}

/// What the engine gives: `bool`, `i32`, `i64`, text, bytes, and each of them or nothing.
#[cfg(not(feature = "postgres"))]
pub trait Column: rusqlite::types::FromSql {}

#[cfg(not(feature = "postgres"))]
impl<V: rusqlite::types::FromSql> Column for V {}

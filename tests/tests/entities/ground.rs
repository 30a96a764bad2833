//! A database with an application's tables in it, of either kind.

use std::path::PathBuf;

use goatherd::capability::entities::{
    EntityService, EntityTypes, OpenError, PostgresEntities, SqliteEntities,
};
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd_tests::servers;
use rusqlite::types::ValueRef;
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The application's tables, in words that both systems understand. Beside tickets, which belong to organisations and are
/// referred to, there are contacts, which do not and which bear a number as mark.
pub const SCHEMA: &str = "
CREATE TABLE ticket (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, customer TEXT, email TEXT NOT NULL UNIQUE, born INTEGER,
    phone TEXT NOT NULL, org_id INTEGER, deleted_at TEXT
);
CREATE TABLE article (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES ticket (id), body TEXT);
CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT NOT NULL, valid_id INTEGER NOT NULL DEFAULT 1);
INSERT INTO ticket (id, title, customer, email, born, phone, org_id) VALUES
    (1, 'Printer', 'Ada Lovelace', 'ada@example.org', 1815, '+44 1', 7),
    (2, 'Screen', 'Alan Turing', 'alan@example.org', 1912, '+44 2', 7),
    (3, 'Mouse', 'Grace Hopper', 'grace@example.org', 1906, '+1 3', 8),
    (4, 'Desk', 'Nobody', 'nobody@example.org', NULL, '0', NULL);
INSERT INTO contact (id, name) VALUES (1, 'Ada'), (2, 'Alan');
";

/// A database of a test's own.
pub enum Ground {
    /// A file in a folder.
    Sqlite(TempDir),
    /// The URL of a database, and a folder for what is in files anyway.
    Postgres(String, TempDir),
}

impl Ground {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn postgres() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::Postgres(servers::postgres(), folder)
    }

    pub fn folder(&self) -> &TempDir {
        match self {
            Self::Sqlite(folder) | Self::Postgres(_, folder) => folder,
        }
    }

    /// The SQLite file: all of the application's data, or what plugins write beside it.
    pub fn file(&self) -> PathBuf {
        self.folder().path().join("application.db")
    }

    /// Where the database is, for [`open_at`].
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(_) => self.file().to_str().expect("a path in UTF-8").to_owned(),
            Self::Postgres(url, _) => url.clone(),
        }
    }

    /// Runs statements as the application.
    pub async fn run(&self, sql: &str) {
        run_at(&self.place(), sql).await;
    }

    /// The rows of a query as text.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        rows_at(&self.place(), sql).await
    }

    /// One number.
    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        let value = rows[0][0].as_deref();
        value
            .unwrap_or_else(|| panic!("{sql} has no value"))
            .parse()
            .unwrap_or_else(|_| panic!("{sql} has no number"))
    }

    /// One row as a line, with `-` for NULL.
    pub async fn line(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        line(&rows[0])
    }

    /// A service on this database, which has these entity types.
    pub async fn open(&self, types: EntityTypes) -> Result<EntityService, OpenError> {
        open_at(&self.place(), types).await
    }
}

pub fn line(row: &[Option<String>]) -> String {
    let values: Vec<&str> = row
        .iter()
        .map(|value| value.as_deref().unwrap_or("-"))
        .collect();
    values.join(" | ")
}

fn is_url(place: &str) -> bool {
    place.starts_with("postgres://")
}

/// A service on the database that is there.
pub async fn open_at(place: &str, types: EntityTypes) -> Result<EntityService, OpenError> {
    if is_url(place) {
        let tls = goatherd::tls::client(None).expect("TLS can be set up");
        let store = PostgresStore::new(place, tls)?;
        Ok(EntityService::new(
            PostgresEntities::open(store, types).await?,
        ))
    } else {
        let store = SqliteStore::open(place)?;
        Ok(EntityService::new(
            SqliteEntities::open(store, types).await?,
        ))
    }
}

pub async fn run_at(place: &str, sql: &str) {
    if is_url(place) {
        let (client, connection) = tokio_postgres::connect(place, NoTls)
            .await
            .expect("it answers");
        let connection = tokio::spawn(connection);
        let done = client.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        connection.await.expect("no panic").expect("an orderly end");
    } else {
        let connection = rusqlite::Connection::open(place).expect("the file opens");
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .expect("a timeout");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

pub async fn rows_at(place: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    if is_url(place) {
        let (client, connection) = tokio_postgres::connect(place, NoTls)
            .await
            .expect("it answers");
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(sql).await;
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        connection.await.expect("no panic").expect("an orderly end");
        answer
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect()
    } else {
        let connection = rusqlite::Connection::open(place).expect("the file opens");
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .expect("a timeout");
        let mut statement = connection
            .prepare(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("the query runs");
        let mut all = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            all.push(
                (0..columns)
                    .map(|column| shown(row.get_ref(column).expect("a value")))
                    .collect(),
            );
        }
        all
    }
}

fn shown(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(value.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(format!("{bytes:?}")),
    }
}

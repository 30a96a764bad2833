//! What plugins try, and what comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod changes;
mod hostile_changes;
mod hostile_queries;
mod limits;
mod results;
mod timing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::backend::{
    Call, Caps, Database, Outcome, PluginDatabase, Rows, Scopes, Statement, Value,
};
use super::super::error::{DbError, DbReason};
use super::SqliteDatabase;
use crate::permission::{Grant, Grants};

/// A helpdesk's tables, with everything that can lead from one to another.
const SCHEMA: &str = "
    CREATE TABLE ticket (id INTEGER PRIMARY KEY, title TEXT, queue_id INTEGER REFERENCES queue (id), open BOOLEAN);
    CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE account (id INTEGER PRIMARY KEY, login TEXT, password TEXT);
    CREATE INDEX account_password ON account (password);
    CREATE TABLE goatherd_plugin (name TEXT, secret TEXT);
    CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT UNIQUE, words INTEGER);
    CREATE TABLE audited (x TEXT);
    CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
    CREATE TABLE child (x TEXT, parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE loose (x TEXT, account_id INTEGER REFERENCES account (id));
    CREATE TABLE bare (login TEXT, password TEXT);
    CREATE VIEW open_ticket AS SELECT id, title FROM ticket WHERE open;
    CREATE VIEW login AS SELECT login FROM account;
    CREATE VIEW hidden AS SELECT id, title FROM ticket;
    CREATE VIEW natural_view AS SELECT bare.login FROM bare NATURAL JOIN account;
    CREATE TRIGGER audit AFTER INSERT ON audited BEGIN INSERT INTO account (login) VALUES (new.x); END;
    INSERT INTO queue VALUES (1, 'Raw'), (2, 'Junk');
    INSERT INTO ticket VALUES (1, 'Printer', 1, 1), (2, 'Screen', 1, 0), (3, 'Spam', 2, 1);
    INSERT INTO account VALUES (1, 'anna', 'sesame'), (2, 'bob', 'hunter2');
    INSERT INTO goatherd_plugin VALUES ('stats', 'topsecret');
    INSERT INTO note (body) VALUES ('first');
    INSERT INTO parent VALUES (1, 'p1');
    INSERT INTO child VALUES ('c', 1);
    INSERT INTO bare VALUES ('anna', 'sesame'), ('eve', 'x');
";

struct Desk {
    folder: tempfile::TempDir,
    database: SqliteDatabase,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::create(folder.path().join("desk.db")).unwrap();
        let desk = Self { folder, database };
        desk.host(SCHEMA);
        desk
    }

    /// What the application does by itself.
    fn host(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("desk.db")).unwrap()
    }

    fn count(&self, what: &str) -> i64 {
        self.connection()
            .query_row(&format!("SELECT count(*) FROM {what}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    }

    fn plugin(&self, grants: &[&str]) -> Plugin {
        self.plugin_with(grants, Caps::default())
    }

    fn plugin_with(&self, grants: &[&str], caps: Caps) -> Plugin {
        let grants: Grants = grants
            .iter()
            .map(|text| Grant::parse(text).unwrap())
            .collect();
        let scopes = Scopes {
            read: grants.db_read().cloned(),
            write: grants.db_write().cloned(),
        };
        Plugin(self.database.open("stats", scopes, caps).unwrap())
    }
}

#[derive(Clone)]
struct Plugin(Arc<dyn PluginDatabase>);

impl Plugin {
    async fn query(&self, sql: &str) -> Result<Rows, DbError> {
        self.query_with(sql, vec![]).await
    }

    async fn query_with(&self, sql: &str, params: Vec<Value>) -> Result<Rows, DbError> {
        self.0.query(sql.to_owned(), params, soon()).await
    }

    async fn execute(&self, sql: &str) -> Result<Outcome, DbError> {
        self.0.execute(sql.to_owned(), vec![], soon()).await
    }

    async fn transaction(&self, all: &[&str]) -> Result<Vec<Outcome>, DbError> {
        let statements = all
            .iter()
            .map(|sql| Statement {
                sql: (*sql).to_owned(),
                params: vec![],
            })
            .collect();
        self.0.transaction(statements, soon()).await
    }

    /// The message of a refusal; anything else fails the test.
    async fn refused(&self, sql: &str) -> String {
        match self.query(sql).await {
            Err(error) if error.reason == DbReason::Denied => error.text,
            other => panic!("{sql}\nshould be denied, and gave {other:?}"),
        }
    }

    async fn refused_change(&self, sql: &str) -> String {
        match self.execute(sql).await {
            Err(error) if error.reason == DbReason::Denied => error.text,
            other => panic!("{sql}\nshould be denied, and gave {other:?}"),
        }
    }
}

/// Why it failed; none if it did not.
fn reason<T>(result: &Result<T, DbError>) -> Option<DbReason> {
    result.as_ref().err().map(|error| error.reason)
}

fn soon() -> Call {
    Call::until(Instant::now() + Duration::from_secs(20))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

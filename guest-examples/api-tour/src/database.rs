//! The application's database, in SQL that SQLite and PostgreSQL both speak. The grant covers `tour_*`.

use crate::Args;
use crate::goatherd::plugin::db_types::{DbEngine, DbError, DbErrorKind, Rows, Statement, Value};
use crate::goatherd::plugin::types::Error;
use crate::goatherd::plugin::{db_read, db_write};
use crate::steps::Steps;

/// The error as any other interface would tell it. What the database found wrong is beside it.
impl From<DbError> for Error {
    fn from(failed: DbError) -> Self {
        failed.error
    }
}

pub fn tour(steps: &mut Steps, args: &Args) {
    let table = &args.table;
    let insert = format!("INSERT INTO {table} (id, body) VALUES (?, ?)");
    let select = format!("SELECT id, body FROM {table} WHERE id >= ? ORDER BY id");
    let text = |text: &str| Value::Text(text.into());

    let known = matches!(db_read::engine(), DbEngine::Sqlite | DbEngine::Postgresql);
    steps.is("db-read.engine", known, true);
    let create = format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, body TEXT NOT NULL)");
    steps.shows(
        "db-write.execute/create",
        db_write::execute(&create, &[]),
        |_| true,
    );
    let inserted = db_write::execute(&insert, &[Value::Integer(1), text("one?")]);
    steps.shows("db-write.execute", inserted, |outcome| {
        outcome.rows_affected == 1
    });
    let again = db_write::execute(&insert, &[Value::Integer(1), text("again")]);
    steps.refuses("db-write.execute/duplicate", again);
    let denied = db_write::execute("DELETE FROM secret", &[]);
    steps.refuses("db-write.execute/denied", denied);
    let too_few = db_write::execute(&insert, &[Value::Integer(2)]);
    steps.refuses("db-write.execute/too-few-parameters", too_few);

    let row = |id, body: &str| Statement {
        sql: insert.clone(),
        params: vec![Value::Integer(id), text(body)],
    };
    let both = db_write::transaction(&[row(2, "two"), row(3, "three")]);
    steps.shows("db-write.transaction", both, |outcomes| {
        outcomes.iter().all(|outcome| outcome.rows_affected == 1)
    });
    // Its second statement fails, so the first did not happen either.
    let half = db_write::transaction(&[row(4, "four"), row(1, "again")]);
    let why = half
        .clone()
        .err()
        .map(|failed| (failed.kind, failed.statement));
    let expected = Some((Some(DbErrorKind::Unique), Some(2)));
    steps.is("db-write.transaction/why", why, expected);
    steps.refuses("db-write.transaction/duplicate", half);

    let rows = Rows {
        columns: vec!["id".into(), "body".into()],
        rows: vec![
            vec![Value::Integer(2), text("two")],
            vec![Value::Integer(3), text("three")],
        ],
    };
    steps.gives(
        "db-read.query",
        db_read::query(&select, &[Value::Integer(2)]),
        rows,
    );
    steps.refuses(
        "db-read.query/denied",
        db_read::query("SELECT * FROM secret", &[]),
    );
    let writing = db_read::query(&format!("DELETE FROM {table}"), &[]);
    steps.refuses("db-read.query/writing", writing);
    steps.refuses("db-read.query/not-sql", db_read::query("SELEC 1", &[]));

    let dropped = db_write::execute(&format!("DROP TABLE {table}"), &[]);
    steps.shows("db-write.execute/drop", dropped, |_| true);
}

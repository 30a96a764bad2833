//! What a plugin makes in its own tables' scope never binds tables that are not its own: neither the host's, nor the
//! application's, granted for reading or not at all.

use std::time::{Duration, Instant};

use goatherd::capability::db::{Call, DbReason, PostgresSettings};

use crate::{On, Store, both};

const SCHEMA: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY, login TEXT UNIQUE, password TEXT);
    CREATE TABLE goatherd_kept (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE shown (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO account VALUES (1, 'ada', 'x'), (2, 'bob', 'y');
    INSERT INTO goatherd_kept VALUES (1, 'a'), (2, 'b');
    INSERT INTO shown VALUES (1, 'a'), (2, 'b');
";

/// What a plugin could make that leads to the table, whose columns are `id` and another one that is not unique.
fn objects(on: On, table: &str, other: &str) -> Vec<String> {
    let mut objects = vec![
        format!("CREATE TABLE mine (a INTEGER REFERENCES {table} (id))"),
        format!("CREATE TABLE mine (a INTEGER REFERENCES {table})"),
        format!("CREATE TABLE mine (a TEXT REFERENCES {table} ({other}))"),
        format!(
            "CREATE TABLE mine (a INTEGER, b INTEGER, FOREIGN KEY (a) REFERENCES {table} (id) ON DELETE CASCADE)"
        ),
        format!(
            "CREATE TABLE mine (a INTEGER REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED)"
        ),
        format!("ALTER TABLE mine_too ADD COLUMN b INTEGER REFERENCES {table} (id)"),
        format!("CREATE INDEX mine_index ON {table} ({other})"),
        format!("CREATE UNIQUE INDEX mine_index ON {table} ({other})"),
        format!("CREATE VIEW mine AS SELECT * FROM {table}"),
        format!("ALTER TABLE {table} RENAME TO mine"),
        format!("ALTER TABLE {table} ADD COLUMN mine INTEGER NOT NULL DEFAULT 1"),
        format!("DROP TABLE {table}"),
    ];
    objects.extend(match on {
        On::Sqlite => vec![
            format!("ALTER TABLE mine_too ADD COLUMN b TEXT REFERENCES {table} ({other})"),
            format!("CREATE TABLE main.mine (a REFERENCES \"{}\" ({other}))", table.to_uppercase()),
            format!("CREATE TRIGGER mine AFTER DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"),
            format!("CREATE TEMP TRIGGER mine AFTER DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"),
            format!("CREATE VIRTUAL TABLE mine USING fts5(a, content={table})"),
        ],
        On::Postgres | On::PostgresInGerman => vec![
            format!("CREATE TABLE mine () INHERITS ({table})"),
            format!("CREATE TRIGGER mine BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
            format!("CREATE RULE mine AS ON DELETE TO {table} DO INSTEAD NOTHING"),
            format!("CREATE POLICY mine ON {table} USING (false)"),
            format!("CREATE MATERIALIZED VIEW mine AS SELECT * FROM {table}"),
        ],
    });
    objects
}

both! {
async fn nothing_that_a_plugin_makes_binds_a_table_that_is_not_its_own(on: On) {
    let store = Store::with(on, SCHEMA);
    let database = store.open(PostgresSettings::default(), &["db:read=shown", "db:write=mine*"]);
    let run = async |sql: &str| {
        let call = Call::until(Instant::now() + Duration::from_secs(30));
        database.execute(sql.to_owned(), Vec::new(), call).await
    };
    run("CREATE TABLE mine_too (a INTEGER)").await.unwrap();
    for (table, other) in [("account", "password"), ("goatherd_kept", "name"), ("shown", "name")] {
        for sql in objects(on, table, other) {
            let refused = run(&sql).await.expect_err(&sql);
            assert!(
                matches!(refused.reason, DbReason::Denied | DbReason::Invalid),
                "{sql}: {refused}"
            );
        }
        store.run(&format!(
            "UPDATE {table} SET id = 3, {other} = 'z' WHERE id = 2; DELETE FROM {table} WHERE id = 1;"
        ));
        assert_eq!(store.number(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    // To what it may change itself, a table may refer, itself included.
    for sql in [
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, above INTEGER REFERENCES mine (id))",
        "CREATE TABLE mine_three (a INTEGER REFERENCES mine (id) ON DELETE CASCADE)",
    ] {
        run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
}

/// Timestamps by default are how everybody writes tables.
#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_taken_in_whatever_case_a_table_has_them() {
    let store = Store::with(
        On::Sqlite,
        "CREATE TABLE note (body TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP, day TEXT NOT NULL DEFAULT CURRENT_DATE,
         key TEXT DEFAULT (LOWER(HEX(RANDOMBLOB(4)))));",
    );
    let database = store.open(PostgresSettings::default(), &["db:write=note,mine"]);
    for sql in [
        "INSERT INTO note (body) VALUES ('x')",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)",
        "INSERT INTO mine DEFAULT VALUES",
    ] {
        let call = Call::until(Instant::now() + Duration::from_secs(30));
        let outcome = database.execute(sql.to_owned(), Vec::new(), call).await;
        outcome.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let all =
        "SELECT count(*) FROM note WHERE at IS NOT NULL AND length(day) = 10 AND length(key) = 8";
    assert_eq!(store.number(all), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_how_many_rows_a_table_ever_had() {
    let store = Store::with(
        On::Sqlite,
        "CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO account VALUES (41);
         CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT, words INTEGER);
         CREATE TABLE other (name TEXT, words INTEGER);",
    );
    let database = store.open(PostgresSettings::default(), &["db:write=note,other"]);
    let run = async |sql: &str| {
        let call = Call::until(Instant::now() + Duration::from_secs(30));
        database.execute(sql.to_owned(), Vec::new(), call).await
    };
    for table in ["note", "other"] {
        let sql = format!(
            "INSERT INTO {table} (words) SELECT seq FROM (SELECT 'account' AS name, 41 AS seq) NATURAL JOIN sqlite_sequence"
        );
        let refused = run(&sql).await.expect_err(&sql);
        assert_eq!(refused.reason, DbReason::Denied, "{sql}: {refused}");
    }
    // The engine's own counting goes on, beside a join by names too.
    for sql in [
        "INSERT INTO note (body) VALUES ('x')",
        "INSERT INTO note (body) SELECT name FROM other NATURAL JOIN (SELECT 1 AS words)",
    ] {
        run(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

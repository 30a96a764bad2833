//! Changes that are granted.

use super::*;

#[tokio::test]
async fn a_change_tells_how_many_rows_and_the_last_id() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    for (sql, rows, id) in [
        (
            "INSERT INTO note (body) VALUES ('second'), ('third')",
            2,
            Some(3),
        ),
        ("UPDATE note SET words = 1", 3, None),
        ("INSERT INTO note (body) VALUES ('fourth')", 1, Some(4)),
        (
            "INSERT OR IGNORE INTO note (body) VALUES ('first')",
            0,
            None,
        ),
        (
            "INSERT INTO note (body) VALUES ('first') ON CONFLICT (body) DO UPDATE SET words = 5",
            1,
            None,
        ),
        ("DELETE FROM note WHERE id > 1", 3, None),
        ("DELETE FROM note WHERE id = 99", 0, None),
        ("DELETE FROM note", 1, None),
    ] {
        let outcome = plugin.execute(sql).await.unwrap();
        assert_eq!(
            (outcome.rows_affected, outcome.last_insert_id),
            (rows, id),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn a_plugin_shapes_the_tables_that_its_scope_covers() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=mine_*"]);
    for sql in [
        "CREATE TABLE mine_a (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, n INTEGER DEFAULT (abs(-3)) CHECK (n > 0))",
        "CREATE TABLE IF NOT EXISTS mine_a (id)",
        "CREATE TABLE mine_w (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE mine_late (a REFERENCES mine_later (id))",
        "CREATE TABLE mine_later (id INTEGER PRIMARY KEY)",
        "CREATE TABLE mine_strict (id INTEGER PRIMARY KEY, s TEXT AS (upper(id)) STORED) STRICT",
        "CREATE UNIQUE INDEX mine_i ON mine_a (lower(name)) WHERE n > 1",
        "INSERT INTO mine_a (name) VALUES ('x'), ('y')",
        "INSERT INTO mine_w VALUES ('k', 1)",
        "ALTER TABLE mine_a ADD COLUMN extra TEXT DEFAULT 'none'",
        "ALTER TABLE mine_a ADD COLUMN checked INTEGER DEFAULT 1 CHECK (checked > 0)",
        "ALTER TABLE mine_a RENAME COLUMN extra TO more",
        "ALTER TABLE mine_a RENAME TO mine_b",
        "ALTER TABLE mine_b DROP COLUMN more",
        "UPDATE mine_b SET n = n + 1 WHERE checked = 1",
        "DROP INDEX mine_i",
        "DROP TABLE mine_b",
        "DROP TABLE IF EXISTS mine_b",
        "DROP TABLE mine_w",
    ] {
        plugin
            .execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}\n{e}"));
    }
    assert_eq!(desk.count("sqlite_schema WHERE name GLOB 'mine_[abw]*'"), 0);
}

#[tokio::test]
async fn a_schema_change_affects_no_rows() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=mine_*"]);
    plugin.execute("CREATE TABLE mine_a (a)").await.unwrap();
    plugin
        .execute("INSERT INTO mine_a VALUES (1), (2)")
        .await
        .unwrap();
    for sql in [
        "ALTER TABLE mine_a ADD COLUMN b",
        "CREATE INDEX mine_i ON mine_a (a)",
        "DROP TABLE mine_a",
    ] {
        let outcome = plugin.execute(sql).await.unwrap();
        assert_eq!(
            outcome,
            Outcome {
                rows_affected: 0,
                last_insert_id: None
            },
            "{sql}"
        );
    }
}

#[tokio::test]
async fn a_transaction_happens_wholly_or_not_at_all() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note,mine*"]);
    let outcomes = plugin
        .transaction(&[
            "CREATE TABLE mine (a)",
            "INSERT INTO mine VALUES (1)",
            "INSERT INTO note (body) VALUES ('second')",
        ])
        .await
        .unwrap();
    assert_eq!(
        outcomes.iter().map(|o| o.rows_affected).collect::<Vec<_>>(),
        [0, 1, 1]
    );
    for (statements, kind) in [
        (
            [
                "INSERT INTO note (body) VALUES ('third')",
                "INSERT INTO note (body) VALUES ('first')",
            ],
            "constraint",
        ),
        (["DROP TABLE mine", "SELEC"], "syntax"),
        (["DELETE FROM note", "DELETE FROM account"], "may not"),
        (["DELETE FROM note", "DELETE FROM nowhere"], "no such table"),
    ] {
        let error = plugin
            .transaction(&statements)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("statement 2 of the transaction: ") && error.contains(kind),
            "{error}"
        );
    }
    assert_eq!((desk.count("note"), desk.count("mine")), (2, 1));
    assert_eq!(plugin.transaction(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_deferred_constraint_fails_the_call_at_its_end() {
    let desk = Desk::new();
    desk.host("CREATE TABLE mine_p (id INTEGER PRIMARY KEY); CREATE TABLE mine_c (p REFERENCES mine_p (id) DEFERRABLE INITIALLY DEFERRED);");
    let plugin = desk.plugin(&["db:readwrite=mine_*"]);
    let error = plugin
        .execute("INSERT INTO mine_c VALUES (5)")
        .await
        .unwrap_err();
    assert!(error.reason == DbReason::Conflict, "{error}");
    assert_eq!(desk.count("mine_c"), 0);
    plugin
        .transaction(&[
            "INSERT INTO mine_c VALUES (5)",
            "INSERT INTO mine_p VALUES (5)",
        ])
        .await
        .unwrap();
    assert_eq!(desk.count("mine_c"), 1);
}

#[tokio::test]
async fn a_kept_statement_survives_a_change_of_the_schema() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for round in 0..4 {
        plugin
            .execute("INSERT INTO note (body) VALUES (hex(randomblob(8)))")
            .await
            .unwrap();
        plugin.query("SELECT * FROM note").await.unwrap();
        desk.host(&format!("ALTER TABLE note ADD COLUMN c{round}"));
        let columns = plugin
            .query("SELECT * FROM note")
            .await
            .unwrap()
            .columns
            .len();
        assert_eq!(columns, 4 + round);
    }
}

#[tokio::test]
async fn many_different_statements_do_not_pile_up() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for round in 0..200 {
        let rows = plugin
            .query(&format!("SELECT {round} FROM queue"))
            .await
            .unwrap();
        assert_eq!(rows.rows[0], [Value::Integer(round)]);
        plugin
            .refused(&format!("SELECT {round} FROM goatherd_plugin"))
            .await;
    }
}

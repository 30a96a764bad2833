//! Changes that reach for what is not granted.

use super::*;

#[tokio::test]
async fn no_change_reaches_a_table_that_is_not_granted() {
    let desk = Desk::new();
    let plugin = desk.plugin(&[
        "db:read=ticket",
        "db:write=note,audited,parent,loose,bare,mine*",
    ]);
    for (sql, table) in [
        ("INSERT INTO account (login) VALUES ('eve')", "account"),
        ("INSERT INTO ticket (title) VALUES ('x')", "ticket"),
        ("UPDATE account SET password = ''", "account"),
        ("DELETE FROM account", "account"),
        ("DELETE FROM \"account\" WHERE 1", "account"),
        ("REPLACE INTO account VALUES (1, 'a', 'b')", "account"),
        (
            "INSERT INTO bare SELECT login, password FROM account",
            "account",
        ),
        (
            "INSERT INTO note (body) SELECT password FROM account",
            "account",
        ),
        (
            "INSERT INTO note (body) VALUES ((SELECT password FROM account))",
            "account",
        ),
        (
            "INSERT INTO note (body) VALUES ('first') ON CONFLICT (body) DO UPDATE SET body = (SELECT password FROM account)",
            "account",
        ),
        (
            "UPDATE note SET body = account.password FROM account",
            "account",
        ),
        (
            "UPDATE note SET words = 1 FROM (SELECT 'first' AS body) g NATURAL JOIN account",
            "account",
        ),
        (
            "DELETE FROM note WHERE id IN (SELECT id FROM account)",
            "account",
        ),
        (
            "DELETE FROM note WHERE EXISTS (SELECT 1 FROM (SELECT 'sesame' AS password) NATURAL JOIN account)",
            "account",
        ),
        (
            "WITH x AS (SELECT * FROM account) DELETE FROM note WHERE id IN (SELECT id FROM x)",
            "account",
        ),
        ("INSERT INTO audited VALUES ('x')", "account"),
        ("DELETE FROM parent", "child"),
        ("UPDATE parent SET id = 7", "child"),
        ("INSERT INTO loose VALUES ('x', 1)", "account"),
        ("UPDATE loose SET account_id = 2", "account"),
        ("INSERT INTO open_ticket VALUES (1, 'x')", "open_ticket"),
        (
            "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 2, '')",
            "sqlite_",
        ),
        ("UPDATE sqlite_schema SET sql = ''", "sqlite_"),
        ("DELETE FROM sqlite_schema", "sqlite_"),
        ("UPDATE sqlite_sequence SET seq = 0", "sqlite_sequence"),
        ("DELETE FROM sqlite_sequence", "sqlite_sequence"),
        (
            "INSERT INTO goatherd_plugin VALUES ('a', 'b')",
            "goatherd_plugin",
        ),
        ("CREATE TABLE other (a)", "other"),
        ("CREATE TABLE goatherd_mine (a)", "goatherd_mine"),
        ("CREATE TABLE IF NOT EXISTS account (a)", "account"),
        ("CREATE TABLE mine AS SELECT * FROM account", "account"),
        ("CREATE TABLE mine AS SELECT * FROM ticket", "CREATE TABLE"),
        ("CREATE TABLE temp.mine (a)", "mine"),
        ("CREATE TEMP TABLE mine (a)", "mine"),
        ("DROP TABLE account", "account"),
        ("DROP TABLE IF EXISTS account", "account"),
        ("DROP INDEX account_password", "account"),
        ("CREATE INDEX i ON account (login)", "account"),
        ("CREATE INDEX goatherd_i ON note (body)", "goatherd_i"),
        ("ALTER TABLE account ADD COLUMN x", "account"),
        ("ALTER TABLE account RENAME TO mine", "account"),
        ("ALTER TABLE account RENAME COLUMN login TO x", "account"),
        ("ALTER TABLE account DROP COLUMN login", "account"),
        ("ALTER TABLE note RENAME TO other", "other"),
        ("ALTER TABLE note RENAME TO goatherd_note", "goatherd_note"),
        ("ALTER TABLE note RENAME TO \"no mine\" ", "note"),
        ("CREATE VIEW mine AS SELECT * FROM account", "view"),
        ("CREATE TEMP VIEW mine AS SELECT 1", "view"),
        ("DROP VIEW open_ticket", "view"),
        (
            "CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM account; END",
            "trigger",
        ),
        (
            "CREATE TEMP TRIGGER t AFTER INSERT ON note BEGIN SELECT 1; END;",
            "trigger",
        ),
        ("DROP TRIGGER audit", "trigger"),
        ("CREATE VIRTUAL TABLE mine USING fts5 (a)", "virtual table"),
        (
            "CREATE VIRTUAL TABLE mine USING fts5vocab (account, row)",
            "virtual table",
        ),
        (
            "CREATE VIRTUAL TABLE temp.mine USING dbstat (main)",
            "virtual table",
        ),
        (
            "CREATE TABLE mine (a INTEGER REFERENCES account (id))",
            "account",
        ),
        (
            "CREATE TABLE mine (a DEFAULT (load_extension('x')))",
            "load_extension",
        ),
        (
            "CREATE TABLE mine (a, b AS (fts3_tokenizer(a)))",
            "fts3_tokenizer",
        ),
        (
            "CREATE TABLE mine (a CHECK (sqlite_compileoption_used(a)))",
            "sqlite_compileoption_used",
        ),
        (
            "ALTER TABLE note ADD COLUMN a INTEGER REFERENCES account (id)",
            "account",
        ),
        ("BEGIN", "control transactions"),
        ("COMMIT", "control transactions"),
        ("END", "control transactions"),
        ("ROLLBACK", "control transactions"),
        ("SAVEPOINT a", "control transactions"),
        ("RELEASE a", "control transactions"),
        ("PRAGMA foreign_keys = 0", "PRAGMA"),
        ("PRAGMA writable_schema = 1", "PRAGMA"),
        ("PRAGMA journal_mode = delete", "PRAGMA"),
        ("ATTACH '/tmp/goatherd-x.db' AS x", "attach"),
        ("VACUUM", "VACUUM"),
        ("VACUUM INTO '/tmp/goatherd-x.db'", "VACUUM"),
        ("ANALYZE", "sqlite_stat"),
        ("ANALYZE note", "sqlite_stat"),
        ("REINDEX", "maintain"),
        ("EXPLAIN DELETE FROM note", "EXPLAIN"),
    ] {
        let message = plugin.refused_change(sql).await;
        assert!(message.contains(table), "{sql}\n{message}");
        assert!(message.contains("plugin \"stats\" may not"), "{message}");
    }
    assert!(!std::path::Path::new("/tmp/goatherd-x.db").exists());
    for (table, rows) in [
        ("account", 2),
        ("note", 1),
        ("ticket", 3),
        ("parent", 1),
        ("child", 1),
        ("audited", 0),
        ("goatherd_plugin", 1),
        ("bare", 2),
    ] {
        assert_eq!(desk.count(table), rows, "{table}");
    }
    assert_eq!(
        desk.count("sqlite_schema WHERE name GLOB 'mine*' OR name = 'other'"),
        0
    );
    let mut check = desk.connection();
    let check = check.transaction().unwrap();
    let integrity: String = check
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
}

#[tokio::test]
async fn a_trigger_or_foreign_key_works_once_everything_that_it_reaches_is_granted() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:write=audited,account,parent,child,loose"]);
    plugin
        .execute("INSERT INTO audited VALUES ('eve')")
        .await
        .unwrap();
    assert_eq!(desk.count("account"), 3);
    plugin.execute("UPDATE parent SET id = 7").await.unwrap();
    assert_eq!(desk.count("child WHERE parent_id = 7"), 1);
    plugin.execute("DELETE FROM parent").await.unwrap();
    assert_eq!(desk.count("child"), 0);
    let error = plugin
        .execute("INSERT INTO loose VALUES ('x', 99)")
        .await
        .unwrap_err();
    assert!(
        error.reason == DbReason::Conflict && error.text.contains("FOREIGN KEY"),
        "{error}"
    );
    plugin
        .execute("INSERT INTO loose VALUES ('x', 1)")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refusal_through_a_trigger_names_the_trigger() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:write=audited"]);
    let message = plugin
        .refused_change("INSERT INTO audited VALUES ('x')")
        .await;
    assert!(
        message.contains("insert into table \"account\" (through \"audit\")"),
        "{message}"
    );
}

#[tokio::test]
async fn the_host_s_own_text_is_not_there_for_plugins() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for _ in 0..3 {
        plugin
            .execute("INSERT INTO note (words) VALUES (1)")
            .await
            .unwrap();
        for sql in [
            "BEGIN IMMEDIATE",
            "COMMIT",
            "ROLLBACK",
            "SELECT tbl_name FROM main.sqlite_schema WHERE rootpage = ?1",
            "SELECT name FROM main.sqlite_schema WHERE type = 'table'",
        ] {
            let error = plugin.execute(sql).await.unwrap_err();
            assert!(error.reason == DbReason::Denied, "{sql}: {error}");
        }
    }
    assert_eq!(desk.count("note"), 4);
    // A transaction cannot be ended from inside, so that the rest of it would stand alone.
    let error = plugin
        .transaction(&["DELETE FROM note", "COMMIT", "SELECT 1"])
        .await
        .unwrap_err();
    assert!(
        (error.reason, error.statement) == (DbReason::Denied, Some(2)),
        "{error}"
    );
    assert_eq!(desk.count("note"), 4);
}

#[tokio::test]
async fn on_conflict_rollback_ends_nothing_but_the_call() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note"]);
    let error = plugin
        .transaction(&[
            "INSERT INTO note (body) VALUES ('second')",
            "INSERT OR ROLLBACK INTO note (body) VALUES ('first')",
            "DELETE FROM note",
        ])
        .await
        .unwrap_err();
    assert!(
        (error.reason, error.statement) == (DbReason::Conflict, Some(2)),
        "{error}"
    );
    assert_eq!(desk.count("note"), 1);
    plugin
        .execute("INSERT INTO note (body) VALUES ('third')")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_change_that_returns_rows_is_invalid_and_undone() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for sql in [
        "SELECT 1",
        "SELECT * FROM note",
        "INSERT INTO note (body) VALUES ('x') RETURNING id",
        "DELETE FROM note RETURNING *",
    ] {
        let error = plugin.execute(sql).await.unwrap_err();
        assert!(
            error.reason == DbReason::Invalid && error.text.contains("returns rows"),
            "{sql}: {error}"
        );
    }
    assert_eq!(desk.count("note"), 1);
}

#[tokio::test]
async fn calls_of_functions_that_only_the_application_has_cannot_be_planted() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=note,mine"]);
    for sql in [
        "CREATE TABLE mine (a, b DEFAULT (send_mail('x')))",
        "CREATE TABLE mine (a, b CHECK (send_mail(b)))",
        "CREATE TABLE mine (a, b AS (send_mail(a)))",
        "CREATE INDEX i ON note (send_mail(body))",
        "ALTER TABLE note ADD COLUMN b CHECK (send_mail(b))",
        "ALTER TABLE note ADD COLUMN b CHECK (load_extension(b))",
        "ALTER TABLE note ADD COLUMN b AS (send_mail(body))",
        "ALTER TABLE note ADD COLUMN b AS (sqlite_compileoption_used(body))",
        "ALTER TABLE note ADD COLUMN b CHECK (sqlite_compileoption_used(b))",
        "ALTER TABLE note ADD CONSTRAINT c CHECK (sqlite_compileoption_used(body))",
        "ALTER TABLE note ADD CONSTRAINT c CHECK (send_mail(body))",
        "ALTER TABLE note ADD COLUMN b DEFAULT (send_mail('x'))",
    ] {
        let result = plugin.execute(sql).await;
        assert!(
            reason(&result).is_some_and(|one| [DbReason::Invalid, DbReason::Denied].contains(&one)),
            "{sql}: {result:?}"
        );
    }
    assert_eq!(
        desk.count("sqlite_schema WHERE sql LIKE '%send_mail%' OR sql LIKE '%load_ext%'"),
        0
    );
}

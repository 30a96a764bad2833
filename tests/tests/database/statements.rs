//! Statements: no form of SQL reads or writes what is not granted, or does more than the function that it was given to.

use crate::{DENIED, DENIED_OR_INVALID, Desk, On, both, only, refused};

both! {
async fn no_statement_reads_a_table_that_is_not_granted(on: On) {
    let desk = Desk::with(on, &["db:read=ticket,queue,ticket_with_secret"]).await;
    let cases = [
        ("a join", "SELECT secret.word FROM ticket JOIN secret ON 1"),
        ("a comma join", "SELECT secret.word FROM ticket, secret"),
        (
            "a left join for its condition",
            "SELECT ticket.id FROM ticket LEFT JOIN secret ON secret.word = ticket.title",
        ),
        (
            "a natural join",
            "SELECT ticket.id FROM ticket NATURAL JOIN secret",
        ),
        (
            "a join by USING",
            "SELECT ticket.id FROM ticket JOIN secret USING (id)",
        ),
        ("a quoted name", "SELECT word FROM \"secret\""),
        ("a bracketed name", "SELECT word FROM [secret]"),
        ("a name in back quotes", "SELECT word FROM `secret`"),
        ("a name in single quotes", "SELECT word FROM 'secret'"),
        ("another case", "SELECT word FROM SeCrEt"),
        ("a name with its database", "SELECT word FROM main.secret"),
        ("a comment in between", "SELECT word FROM/* ticket */secret"),
        (
            "a comment to the end of the line",
            "SELECT word FROM -- ticket\n secret",
        ),
        (
            "a granted name as its alias",
            "SELECT ticket.word FROM secret AS ticket",
        ),
        (
            "a CTE",
            "WITH ticket AS (SELECT word FROM secret) SELECT word FROM ticket",
        ),
        (
            "a recursive CTE",
            "WITH RECURSIVE r(w) AS (SELECT word FROM secret UNION SELECT w FROM r) SELECT w FROM r",
        ),
        (
            "a sub-query",
            "SELECT (SELECT word FROM secret LIMIT 1) FROM ticket",
        ),
        (
            "EXISTS",
            "SELECT EXISTS (SELECT 1 FROM secret WHERE word LIKE 'h%')",
        ),
        ("IN a table", "SELECT id FROM ticket WHERE title IN secret"),
        (
            "IN a sub-query",
            "SELECT id FROM ticket WHERE title IN (SELECT word FROM secret)",
        ),
        (
            "UNION",
            "SELECT title FROM ticket UNION ALL SELECT word FROM secret",
        ),
        (
            "EXCEPT",
            "SELECT title FROM ticket EXCEPT SELECT word FROM secret",
        ),
        (
            "counting rows without a column",
            "SELECT COUNT(*) FROM secret",
        ),
        ("a constant for each row", "SELECT 1 FROM secret"),
        (
            "the order",
            "SELECT id FROM ticket ORDER BY (SELECT word FROM secret)",
        ),
        (
            "a limit",
            "SELECT id FROM ticket LIMIT (SELECT length(word) FROM secret)",
        ),
        ("a window", "SELECT max(word) OVER () FROM secret"),
        ("a view", "SELECT word FROM ticket_with_secret"),
        (
            "a view without its secret column",
            "SELECT id FROM ticket_with_secret",
        ),
        ("VALUES", "VALUES ((SELECT word FROM secret))"),
        ("EXPLAIN", "EXPLAIN SELECT word FROM secret"),
        ("the schema", "SELECT sql FROM sqlite_master"),
        (
            "the schema by its other name",
            "SELECT sql FROM sqlite_schema",
        ),
        (
            "the schema of temporary tables",
            "SELECT sql FROM sqlite_temp_master",
        ),
        ("the sequence", "SELECT * FROM sqlite_sequence"),
        (
            "a pragma's table",
            "SELECT name FROM pragma_table_info('secret')",
        ),
        ("the tables' pragma", "SELECT name FROM pragma_table_list"),
        ("the file's pages", "SELECT data FROM sqlite_dbpage"),
        ("the statistics of pages", "SELECT * FROM dbstat"),
    ];
    for (name, sql) in cases {
        refused(
            &format!("{name}: {sql}"),
            desk.query(sql).await,
            DENIED_OR_INVALID,
        );
    }
    // A table that is there and not granted is always a matter of permission.
    for sql in [
        "SELECT word FROM secret",
        "SELECT secret.word FROM ticket, secret",
        "SELECT word FROM \"secret\"",
        "SELECT COUNT(*) FROM secret",
    ] {
        refused(sql, desk.query(sql).await, DENIED);
    }
}
}

both! {
async fn a_query_cannot_do_anything_but_read(on: On) {
    let desk = Desk::with(on, &["db:read=*", "db:write=*"]).await;
    let before = desk.store.number("SELECT COUNT(*) FROM ticket");
    let cases = [
        "DELETE FROM ticket",
        "DELETE FROM ticket RETURNING id",
        "UPDATE ticket SET title = 'x' RETURNING id",
        "INSERT INTO queue (name) VALUES ('x') RETURNING id",
        "WITH x AS (SELECT 1) DELETE FROM ticket",
        "CREATE TABLE mine (id INTEGER)",
        "CREATE TEMP TABLE mine (id INTEGER)",
        "CREATE VIEW mine AS SELECT * FROM ticket",
        "DROP TABLE ticket",
        "ALTER TABLE ticket ADD COLUMN x",
        "ATTACH DATABASE ':memory:' AS other",
        "ATTACH DATABASE '/etc/passwd' AS other",
        "DETACH DATABASE main",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "PRAGMA database_list",
        "PRAGMA table_info(secret)",
        "VACUUM",
        "VACUUM INTO '/tmp/copy-of-the-helpdesk.db'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "BEGIN EXCLUSIVE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'x')",
    ];
    for sql in cases {
        refused(sql, desk.query(sql).await, DENIED_OR_INVALID);
    }
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM ticket"), before);
    assert!(!std::path::Path::new("/tmp/copy-of-the-helpdesk.db").exists());
    desk.query("SELECT COUNT(*) FROM ticket")
        .await
        .expect("the connection is as it was");
}
}

both! {
async fn two_statements_in_one_call_are_refused_and_neither_happens(on: On) {
    let desk = Desk::with(on, &["db:read=*", "db:write=*"]).await;
    let count = |table: &str| {
        desk.store.number(&format!("SELECT COUNT(*) FROM {table}"))
    };
    let before = (count("note"), count("ticket"));
    for sql in [
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE ticket",
        "SELECT 1;;SELECT 2",
        "SELECT 1; -- a comment\nSELECT 2",
    ] {
        refused(sql, desk.query(sql).await, &["invalid-argument"]);
    }
    for sql in [
        "INSERT INTO note (text) VALUES ('a'); DELETE FROM ticket",
        "DELETE FROM ticket; SELECT 1",
        "INSERT INTO note (text) VALUES ('a');/* */DELETE FROM ticket;",
    ] {
        refused(
            sql,
            desk.execute(sql).await,
            &["invalid-argument"],
        );
    }
    assert_eq!((count("note"), count("ticket")), before);
    // A semicolon at the end, comments and semicolons in texts are not a second statement.
    desk.query("SELECT 1;").await.unwrap();
    desk.query("SELECT 1 ; -- and that was it").await.unwrap();
    assert_eq!(
        only(desk.query("SELECT 'a; SELECT 2'").await.unwrap()),
        "a; SELECT 2"
    );
}
}

both! {
async fn nothing_is_written_to_a_table_that_is_not_granted(on: On) {
    let desk = Desk::with(on, &["db:read=ticket,queue", "db:write=note,watched"]).await;
    let cases = [
        ("insert", "INSERT INTO queue (name) VALUES ('x')"),
        ("update", "UPDATE ticket SET title = 'x'"),
        ("delete", "DELETE FROM ticket"),
        ("replace", "REPLACE INTO queue (id, name) VALUES (1, 'x')"),
        (
            "upsert",
            "INSERT INTO queue (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'",
        ),
        (
            "a CTE before it",
            "WITH x AS (SELECT 1) UPDATE ticket SET title = 'x'",
        ),
        (
            "a read of what is not granted",
            "INSERT INTO note (text) SELECT word FROM secret",
        ),
        (
            "a read in RETURNING",
            "INSERT INTO note (text) VALUES ('a') RETURNING (SELECT word FROM secret)",
        ),
        (
            "a read in SET",
            "UPDATE note SET text = (SELECT word FROM secret)",
        ),
        (
            "a read in FROM",
            "UPDATE note SET text = secret.word FROM secret",
        ),
        (
            "a trigger that reads what is not granted",
            "INSERT INTO watched (word) VALUES ('a')",
        ),
        (
            "a table outside the scope",
            "CREATE TABLE mine (id INTEGER)",
        ),
        (
            "renaming out of the scope",
            "ALTER TABLE note RENAME TO mine",
        ),
        ("dropping", "DROP TABLE ticket"),
        ("altering", "ALTER TABLE ticket ADD COLUMN x"),
        ("indexing", "CREATE INDEX i ON ticket (title)"),
        ("a view", "CREATE VIEW note_view AS SELECT word FROM secret"),
        (
            "a trigger",
            "CREATE TRIGGER note_trigger AFTER INSERT ON note BEGIN DELETE FROM ticket; END",
        ),
        (
            "a virtual table",
            "CREATE VIRTUAL TABLE note_fts USING fts5(text)",
        ),
        ("ATTACH", "ATTACH DATABASE ':memory:' AS other"),
        ("PRAGMA", "PRAGMA writable_schema = ON"),
        ("the schema", "UPDATE sqlite_master SET sql = ''"),
        ("VACUUM", "VACUUM"),
        (
            "a table of the host's",
            "CREATE TABLE goatherd_plugins (id INTEGER)",
        ),
    ];
    let dump = || {
        let one = |sql: &str| desk.store.number(sql);
        (
            one(on.pick(
                "SELECT COUNT(*) FROM sqlite_master",
                "SELECT COUNT(*) FROM pg_class WHERE relname !~ '^(goatherd|pg_toast)'",
            )),
            one("SELECT COUNT(*) FROM note"),
            one("SELECT COUNT(*) FROM watched"),
            one("SELECT COUNT(*) FROM ticket WHERE title <> 'x'"),
            one("SELECT COUNT(*) FROM queue WHERE name <> 'x'"),
        )
    };
    let before = dump();
    for (name, sql) in cases {
        refused(
            &format!("{name}: {sql}"),
            desk.execute(sql).await,
            DENIED_OR_INVALID,
        );
        assert_eq!(dump(), before, "{name} left something behind");
    }
    desk.execute("INSERT INTO note (text) VALUES ('allowed')")
        .await
        .expect("the connection is as it was");
}
}

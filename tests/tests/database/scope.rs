//! Scopes: which tables a grant covers, what may be done within it, and what a refusal says.

use goatherd::capability::db::{Caps, PostgresSettings};
use goatherd_tests::{call, limits, plugin};
use serde_json::json;

use crate::{DENIED, Desk, On, Store, both, only, refused};

both! {
async fn tables_in_scope_are_read(on: On) {
    let desk = Desk::with(on, &["db:read=ticket,queue"]).await;
    let total = desk.store.number("SELECT COUNT(*) FROM ticket JOIN queue ON queue.id = ticket.queue_id");
    let sql = "SELECT COUNT(*) AS n FROM ticket JOIN queue ON queue.id = ticket.queue_id";
    assert_eq!(
        desk.query(sql).await.unwrap(),
        json!({"columns": ["n"], "rows": [[total]]})
    );
}
}

both! {
async fn a_refusal_names_plugin_table_and_the_grant_that_would_allow_it(on: On) {
    let desk = Desk::with(on, &["db:read=ticket"]).await;
    let sql = "SELECT word FROM secret";
    let text = refused(sql, desk.query(sql).await, DENIED);
    for words in ["plugin \"probe\"", "secret", "db:read=secret"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}
}

both! {
async fn patterns_match_whole_names_in_either_case(on: On) {
    let desk = Desk::with(on, &["db:read=TICK*"]).await;
    desk.query("SELECT id FROM Ticket").await.unwrap();
    for sql in ["SELECT id FROM queue", "SELECT id FROM secret"] {
        refused(sql, desk.query(sql).await, DENIED);
    }
    let desk = Desk::with(on, &["db:read=tick"]).await;
    refused(
        "SELECT id FROM ticket",
        desk.query("SELECT id FROM ticket").await,
        DENIED,
    );
}
}

both! {
async fn a_grant_without_a_scope_covers_no_table(on: On) {
    let desk = Desk::with(on, &["db:read", "db:write"]).await;
    refused("read", desk.query("SELECT id FROM ticket").await, DENIED);
    refused(
        "write",
        desk.execute("DELETE FROM ticket").await,
        DENIED,
    );
}
}

both! {
async fn tables_within_the_scope_may_be_made_changed_and_dropped(on: On) {
    let desk = Desk::with(on, &["db:read=probe_*", "db:write=probe_*"]).await;
    for sql in [
        "CREATE TABLE probe_a (id INTEGER PRIMARY KEY, name TEXT)",
        "ALTER TABLE probe_a ADD COLUMN size INTEGER",
        "CREATE INDEX probe_a_name ON probe_a (name)",
        "INSERT INTO probe_a (id, name, size) VALUES (1, 'a', 1)",
    ] {
        desk.execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    assert_eq!(
        only(desk.query("SELECT size FROM probe_a").await.unwrap()),
        1
    );
    desk.execute("DROP TABLE probe_a").await.unwrap();
    assert_eq!(
        desk.store.number(on.pick(
            "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'probe%'",
            "SELECT COUNT(*) FROM pg_class WHERE relname LIKE 'probe%'"
        )),
        0
    );
}
}

both! {
async fn two_plugins_with_different_grants_keep_to_their_own(on: On) {
    let store = Store::new(on);
    let host = store.host(PostgresSettings::default(), Caps::default());
    let probe = plugin(
        &host,
        "probe",
        &[
            "db:read=secret",
            "db:write=note",
            "cache:readwrite",
            "config",
        ],
        limits(),
    )
    .await;
    let stats = plugin(
        &host,
        "helpdesk-stats",
        &["db:read=ticket", "cache:readwrite"],
        limits(),
    )
    .await;
    let word = call(
        &probe,
        "db.query",
        json!({"sql": "SELECT word FROM secret"}),
    )
    .await
    .unwrap();
    assert_eq!(only(word), "hunter2");
    let error = call(&stats, "stats", json!({}))
        .await
        .expect_err("queue is not granted");
    assert_eq!(error.code(), "permission-denied");
    assert!(error.to_string().contains("queue"), "{error}");
}
}

both! {
async fn what_a_foreign_key_carries_on_needs_a_grant_too(on: On) {
    let schema = "
        CREATE TABLE parent (id INTEGER PRIMARY KEY, word TEXT);
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE);
        CREATE TABLE grandchild (child_id INTEGER REFERENCES child (id) ON DELETE SET NULL);
        CREATE TABLE renamed (parent_id INTEGER REFERENCES parent (id) ON UPDATE CASCADE);
        CREATE TABLE tag (name TEXT PRIMARY KEY);
        CREATE TABLE tagged (name TEXT REFERENCES tag (name) ON UPDATE CASCADE);
        INSERT INTO tag VALUES ('red');
        INSERT INTO tagged VALUES ('red');
        INSERT INTO parent VALUES (1, 'a'), (2, 'b');
        INSERT INTO child VALUES (1, 1);
        INSERT INTO grandchild VALUES (1);
        INSERT INTO renamed VALUES (2);
    ";
    let settings = PostgresSettings::default;
    // SQLite looks into every table that refers, and so asks whether it may be read.
    let desk = Desk::over(Store::with(on, schema), &["db:read=*", "db:write=parent,tag"], settings()).await;
    for (sql, reached) in [
        ("DELETE FROM parent", "child"),
        ("DELETE FROM parent WHERE id = 1", "child"),
        ("UPDATE parent SET id = 3 WHERE id = 2", "renamed"),
        ("UPDATE tag SET name = 'blue'", "tagged"),
    ] {
        let text = refused(sql, desk.execute(sql).await, DENIED);
        assert!(text.contains(&format!("\"{reached}\"")), "{text}");
    }
    desk.execute("UPDATE parent SET word = 'c'").await.unwrap();
    desk.execute("INSERT INTO tag VALUES ('green')").await.unwrap();
    let sql = "INSERT INTO parent VALUES (4, 'd') ON CONFLICT (id) DO UPDATE SET word = 'd'";
    desk.execute(sql).await.unwrap();

    let desk = Desk::over(desk.store, &["db:read=*", "db:write=parent,child"], settings()).await;
    let sql = "DELETE FROM parent WHERE id = 1";
    let text = refused(sql, desk.execute(sql).await, DENIED);
    assert!(text.contains("grandchild"), "{text}");
    assert_eq!(desk.store.number("SELECT count(*) FROM child"), 1);

    let all = ["db:read=*", "db:write=parent,child,grandchild,renamed"];
    let desk = Desk::over(desk.store, &all, settings()).await;
    desk.execute(sql).await.unwrap();
    let sql = "UPDATE parent SET id = 3 WHERE id = 2";
    desk.execute(sql).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM child) + (SELECT count(child_id) FROM grandchild)";
    assert_eq!(desk.store.number(left), 0);
    assert_eq!(desk.store.number("SELECT parent_id FROM renamed"), 3);
    // And back.
    let desk = Desk::over(desk.store, &["db:read=*", "db:write=parent"], settings()).await;
    refused(sql, desk.execute("UPDATE parent SET id = 9").await, DENIED);
    refused(sql, desk.execute("DELETE FROM parent").await, DENIED);
    desk.execute("UPDATE parent SET word = 'e'").await.unwrap();
}
}

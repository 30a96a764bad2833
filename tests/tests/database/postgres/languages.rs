//! The language of the server's messages, which nothing depends on: what is refused, retried and explained is the same in
//! English and in German.

use std::time::{Duration, Instant};

use goatherd::capability::db::{
    Call, Caps, Databases, DbErrorKind, DbReason, OrganisationTables, PostgresSettings, Statement,
};
use goatherd_tests::{call, host_builder, limits, plugin, postgres_helpdesk};
use serde_json::json;

use crate::{DENIED, Desk, On, Store, only, refused};

/// Makes of each function one test in English and one in German.
macro_rules! in_both_languages {
    (async fn $name:ident($on:ident: On) $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($on: On) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn in_english() {
                body(On::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn in_german() {
                body(On::PostgresInGerman).await;
            }
        }
    };
}

fn organised() -> PostgresSettings {
    PostgresSettings::default()
        .organisations(OrganisationTables::new([("ticket", "org_id")]).unwrap())
        .functions(vec!["closed_to_roles".to_owned()])
}

in_both_languages! {
async fn a_refusal_of_the_server_says_what_would_change_it(on: On) {
    let store = Store::new(on);
    store.run(
        "CREATE VIEW asks_secret WITH (security_invoker = true) AS SELECT word FROM secret;
         CREATE TABLE for_good (id INTEGER PRIMARY KEY);
         CREATE TABLE follows (id INTEGER REFERENCES for_good (id) ON DELETE CASCADE);
         CREATE FUNCTION closed_to_roles() RETURNS int LANGUAGE sql AS 'SELECT 1';
         REVOKE ALL ON FUNCTION closed_to_roles FROM PUBLIC;",
    );
    let granted = ["db:read=ticket,asks_*,mine", "db:write=note,mine,ticket,for_good"];
    let desk = Desk::over(store, &granted, organised()).await;
    let queries = [
        ("SELECT word FROM secret", &["read table \"secret\"", "grant db:read=secret"][..]),
        ("SELECT id FROM ticket JOIN secret USING (id)", &["read table \"secret\"", "grant db:read=secret"]),
        // What a view leads to is named by the server alone.
        ("SELECT word FROM asks_secret", &["read table \"secret\"", "grant db:read=secret"]),
        ("SELECT closed_to_roles()", &["call function \"closed_to_roles\"", "owner can grant it"]),
        ("SELECT nextval('queue_id_seq')", &["use sequence \"queue_id_seq\"", "db:write"]),
    ];
    for (sql, parts) in queries {
        let text = refused(sql, desk.query_as(1, sql).await, DENIED);
        for part in parts {
            assert!(text.contains(part), "{sql}: {part} is not in: {text}");
        }
    }
    let changes = [
        ("DELETE FROM queue", &["use table \"queue\"", "db:write=queue for more"][..]),
        ("ALTER TABLE note ADD COLUMN x TEXT", &["alter, index or drop table \"note\"", "made itself"]),
        ("CREATE INDEX n ON note (text)", &["alter, index or drop table \"note\"", "made itself"]),
        ("DROP TABLE IF EXISTS public.note", &["alter, index or drop table \"note\"", "made itself"]),
        ("DELETE FROM for_good", &["foreign keys", "grant db:write=follows"]),
        ("TRUNCATE ticket", &["do this with \"ticket\"", "row security"]),
        ("UPDATE ticket SET org_id = 2", &["write this row", "organisations own the table"]),
    ];
    desk.store.run("UPDATE ticket SET org_id = 1");
    for (sql, parts) in changes {
        let text = refused(sql, desk.execute_as(1, sql).await, DENIED);
        for part in parts {
            assert!(text.contains(part), "{sql}: {part} is not in: {text}");
        }
    }
}
}

in_both_languages! {
async fn what_the_application_makes_meanwhile_is_found(on: On) {
    let store = Store::new(on);
    let desk = Desk::over(store, &["db:read=*", "db:write=*"], PostgresSettings::default()).await;
    desk.query("SELECT count(*) FROM ticket").await.unwrap();
    desk.execute("DELETE FROM note").await.unwrap();
    desk.store.run("CREATE TABLE late_one (id SERIAL PRIMARY KEY, word TEXT); INSERT INTO late_one (word) VALUES ('a')");
    assert_eq!(only(desk.query("SELECT word FROM late_one").await.unwrap()), "a");
    desk.execute("INSERT INTO late_one (word) VALUES ('b')").await.unwrap();
    // Prepared by the connection, with the columns of before.
    let all = "SELECT * FROM late_one ORDER BY id";
    assert_eq!(desk.query(all).await.unwrap()["rows"], json!([[1, "a"], [2, "b"]]));
    desk.store.run("ALTER TABLE late_one ADD COLUMN size INTEGER DEFAULT 7");
    assert_eq!(desk.query(all).await.unwrap()["rows"], json!([[1, "a", 7], [2, "b", 7]]));
    // A refusal that another look at the rights does not change is one, and not tried again for ever.
    desk.store.run("CREATE SCHEMA other; CREATE TABLE other.hidden (word TEXT)");
    let sql = "SELECT word FROM other.hidden";
    refused(sql, desk.query(sql).await, DENIED);
}
}

in_both_languages! {
async fn a_host_that_may_only_make_roles_understands_the_server(on: On) {
    let helpdesk = postgres_helpdesk();
    let helpdesk = if on == On::PostgresInGerman { helpdesk.in_german() } else { helpdesk };
    let name = helpdesk.url().rsplit('/').next().unwrap().to_owned();
    helpdesk.run(&format!(
        "CREATE ROLE host_{name} LOGIN CREATEROLE PASSWORD 'host'; ALTER DATABASE {name} OWNER TO host_{name};
         ALTER SCHEMA public OWNER TO host_{name}; DROP VIEW ticket_with_secret;
         DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
                 EXECUTE format('ALTER TABLE %I OWNER TO host_{name}', t);
             END LOOP;
         END $$"
    ));
    let (_, address) = helpdesk.url().rsplit_once('@').expect("the URL has a login");
    let url = format!("postgres://host_{name}:host@{address}");
    let database = helpdesk.database_as(&url, PostgresSettings::default());
    let builder = host_builder().provider(Databases::new(database, Caps::default()));
    let host = builder.build().unwrap();
    let granted = ["cache:readwrite", "config", "db:read=late_one", "db:write=nothing"];
    let probe = plugin(&host, "probe", &granted, limits()).await;
    let ask = |sql: &str| call(&probe, "db.query", json!({"sql": sql}));
    let text = refused("secret", ask("SELECT word FROM secret").await, DENIED);
    assert!(text.contains("grant db:read=secret"), "{text}");
    helpdesk.run(&format!("CREATE TABLE late_one (id INTEGER); ALTER TABLE late_one OWNER TO host_{name}"));
    assert_eq!(only(ask("SELECT count(*) FROM late_one").await.unwrap()), 0);
}
}

fn change(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: vec![],
    }
}

fn soon() -> Call {
    Call::until(Instant::now() + Duration::from_secs(60))
}

in_both_languages! {
async fn of_two_that_wait_for_each_other_one_is_told_of_a_deadlock(on: On) {
    let store = Store::new(on);
    // Whoever changed its first row waits until the other has.
    store.run(
        "INSERT INTO note (id, text) VALUES (1, 'a'), (2, 'b');
         CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_xact_lock(NEW.id);
             LOOP
                 EXIT WHEN (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                     WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted) >= 2;
                 PERFORM pg_sleep(0.01);
             END LOOP;
             RETURN NULL;
         END $$;
         CREATE TRIGGER meet AFTER UPDATE ON note FOR EACH ROW EXECUTE FUNCTION meet();",
    );
    let caps = Caps::default().statement_time(Duration::from_secs(60));
    let plugin = store.open_within(PostgresSettings::default(), &["db:write=note"], caps);
    let first = change("UPDATE note SET number = 1 WHERE id = 1");
    let second = change("UPDATE note SET number = 2 WHERE id = 2");
    let (one, other) = tokio::join!(
        plugin.transaction(vec![first.clone(), second.clone()], soon()),
        plugin.transaction(vec![second, first], soon()),
    );
    let error = match (one, other) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        other => panic!("exactly one is given up: {other:?}"),
    };
    assert_eq!(
        (error.reason, error.kind, error.code.as_deref(), error.statement),
        (DbReason::Conflict, Some(DbErrorKind::Deadlock), Some("40P01"), Some(2)),
        "{error}"
    );
}
}

in_both_languages! {
async fn a_lost_race_that_the_application_tells_of_is_one(on: On) {
    let store = Store::new(on);
    // Changes of plugins are not repeatable reads, so only the application says so.
    store.run(
        "CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE serialization_failure USING MESSAGE = 'somebody was faster';
         END $$;
         CREATE TRIGGER lost AFTER UPDATE ON note FOR EACH STATEMENT EXECUTE FUNCTION lost();",
    );
    let plugin = store.open(PostgresSettings::default(), &["db:write=note"]);
    let error = plugin.transaction(vec![change("UPDATE note SET number = 1")], soon()).await.unwrap_err();
    assert_eq!(
        (error.reason, error.kind, error.code.as_deref(), error.statement),
        (DbReason::Conflict, Some(DbErrorKind::Serialization), Some("40001"), None),
        "{error}"
    );
}
}

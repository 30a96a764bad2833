//! Ways around the scope that only PostgreSQL has.

use std::time::{Duration, Instant};

use goatherd::capability::db::{Caps, PostgresSettings};
use goatherd_tests::{call, limits};
use serde_json::json;

use super::{desk_on, desk_with};
use crate::{DENIED, DENIED_OR_INVALID, INVALID, On, Store, load, only, refused};

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reaches_what_is_not_granted() {
    let desk = desk_on(
        &["db:read=ticket,queue"],
        PostgresSettings::default(),
        |store| {
            store.run(
                "CREATE SCHEMA other; CREATE TABLE other.ticket (word TEXT); CREATE TABLE other.secret (word TEXT);
                 GRANT USAGE ON SCHEMA other TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA other TO PUBLIC;
                 CREATE TABLE open_secret (word TEXT); GRANT SELECT ON open_secret TO PUBLIC;
                 CREATE FUNCTION peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT word FROM secret';
                 CREATE FUNCTION peek_at(ticket) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT word FROM secret';
                 CREATE FUNCTION peek_for(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word FROM secret';
                 CREATE FUNCTION lower(ticket) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT word FROM secret';",
            );
        },
    )
    .await;
    let cases = [
        "TABLE secret",
        "(SELECT word FROM secret)",
        "SELECT word FROM public.secret",
        "SELECT word FROM \"public\".\"secret\"",
        "SELECT word FROM/**/secret",
        "SELECT word FROM -- x\n secret",
        "SELECT s.word FROM ticket, LATERAL (SELECT word FROM secret) s",
        "SELECT (SELECT array_agg(s) FROM secret s)",
        "SELECT row_to_json(s) FROM secret s",
        "SELECT word FROM ONLY secret",
        "SELECT word FROM secret TABLESAMPLE system (100)",
        "WITH ticket AS MATERIALIZED (SELECT word FROM secret) SELECT word FROM ticket",
        "SELECT word FROM ticket_with_secret",
        "SELECT word FROM other.secret",
        "SELECT word FROM other.ticket",
        "SELECT word FROM open_secret",
        "SELECT o.word FROM ticket JOIN \"open_secret\" o ON true",
        "SELECT peek()",
        "SELECT public.peek()",
        "SELECT \"peek\"()",
        "SELECT public.\"peek\" ()",
        "SELECT peek/**/()",
        "SELECT * FROM peek()",
        "SELECT ticket.peek_at FROM ticket",
        "SELECT (ticket).peek_at FROM ticket",
        "SELECT public.lower(ticket) FROM ticket",
        "SELECT f.peek_for FROM lower('x') AS f",
        "SELECT ('x'::text).peek_for",
        "SELECT (ARRAY['x'])[1].\"peek_for\"",
        "SELECT f.current_setting FROM lower('goatherd.organisation') AS f",
        "SELECT ('work_mem'::text).current_setting",
        "SELECT f.ts_stat FROM concat('SELECT word::tsvector FROM secret') AS f",
        "SELECT ('SELECT word::tsvector FROM ticket'::text) . /* */ ts_stat",
        "SELECT ('secret'::text).to_regclass",
        "SELECT (0).lo_creat",
        "SELECT * FROM pg_class",
        "SELECT * FROM \"pg_class\"",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM PG_CATALOG.PG_TABLES",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM \"information_schema\".columns",
        "SELECT * FROM U&\"\\0070g_class\"",
        "SELECT relname FROM pg_stat_user_tables",
        "SELECT query FROM pg_stat_activity",
        "SELECT 'secret'::regclass",
        "SELECT CAST('secret' AS regclass)",
        "SELECT regclass 'secret'",
        "SELECT 'secret'::pg_catalog.regclass::oid",
        "SELECT to_regclass('secret')",
        "SELECT (NULL::secret).*",
        "SELECT NULL::public.secret",
        "SELECT CAST(NULL AS secret)",
        "SELECT secret '(1,2)'",
        "SELECT query_to_xml('SELECT word FROM secret', true, true, '')",
        "SELECT table_to_xml('secret', true, true, '')",
        "SELECT database_to_xml(true, true, '')",
        "SELECT * FROM ts_stat('SELECT word::tsvector FROM secret')",
        "SELECT ts_rewrite('a'::tsquery, 'SELECT word::tsquery, word::tsquery FROM secret')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT current_setting('goatherd.organisation')",
        "SELECT has_table_privilege('secret', 'SELECT')",
        "SELECT pg_get_viewdef('ticket_with_secret')",
        "SELECT obj_description(1)",
        "SELECT * FROM goatherd_database",
        "SELECT secret FROM public.goatherd_database",
        "SELECT goatherd_seal('1')",
        "SELECT 1 OPERATOR(pg_catalog.+) 1",
        "EXPLAIN (VERBOSE, FORMAT JSON) SELECT word FROM secret",
        "EXPLAIN ANALYZE SELECT 1",
        "SHOW search_path",
        "COPY secret TO STDOUT",
        "COPY (SELECT word FROM secret) TO PROGRAM 'cat'",
        "FETCH ALL FROM c",
        "EXECUTE s0",
        "SELECT 1 AS x UNION SELECT count(*) FROM secret",
        "SELECT id FROM ticket FOR UPDATE",
    ];
    for sql in cases {
        refused(sql, desk.query(sql).await, DENIED_OR_INVALID);
        refused(sql, desk.execute(sql).await, DENIED_OR_INVALID);
    }
    assert_eq!(
        only(desk.query("SELECT count(*) FROM ticket").await.unwrap()),
        80
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_has_no_effect_on_the_session_or_the_server() {
    let desk = desk_with(&["db:read=*", "db:write=*"]).await;
    let cases = [
        "SELECT set_config('role', 'postgres', false)",
        "SELECT set_config('statement_timeout', '0', false)",
        "SELECT set_config('work_mem', '2GB', false)",
        "SELECT pg_catalog.set_config('transaction_read_only', 'off', true)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_sleep(1)",
        "SELECT pg_notify('goatherd_events', 'forged')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT pg_cancel_backend(1)",
        "SELECT lo_create(0)",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lowrite(0, 'x')",
        "SELECT setval('note_id_seq', 1)",
        "SELECT nextval('note_id_seq')",
        "SELECT txid_current()",
        "SELECT dblink('dbname=postgres', 'SELECT 1')",
        "SELECT setseed(0)",
        "SELECT * INTO mine FROM ticket",
        "SELECT * INTO TEMP mine FROM ticket",
        "WITH x AS (INSERT INTO note (text) VALUES ('x') RETURNING id) SELECT * FROM x",
        "WITH x AS (INSERT INTO note (text) VALUES ('x') RETURNING id, now()) SELECT * FROM x",
        "WITH x AS (DELETE FROM ticket RETURNING *) SELECT count(*) FROM x",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "RESET ROLE",
        "SET TRANSACTION READ WRITE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "COMMIT AND CHAIN",
        "ABORT",
        "END",
        "SAVEPOINT a",
        "PREPARE TRANSACTION 'x'",
        "LISTEN goatherd_events",
        "NOTIFY goatherd_events, 'forged'",
        "UNLISTEN *",
        "DO $$ BEGIN DELETE FROM ticket; END $$",
        "CALL nothing()",
        "PREPARE a AS SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "LOCK TABLE ticket",
        "DISCARD ALL",
        "CHECKPOINT",
        "LOAD 'x'",
        "SECURITY LABEL ON TABLE ticket IS 'x'",
        "GRANT SELECT ON ticket TO PUBLIC",
        "ALTER SYSTEM SET fsync = off",
    ];
    for sql in cases {
        refused(sql, desk.query(sql).await, DENIED_OR_INVALID);
        if !sql.contains("nextval") {
            refused(sql, desk.execute(sql).await, DENIED_OR_INVALID);
        }
    }
    let number = |sql: &str| desk.store.number(sql);
    assert_eq!(number("SELECT count(*) FROM ticket"), 80);
    assert_eq!(number("SELECT count(*) FROM note"), 0);
    assert_eq!(
        number(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        0
    );
    assert_eq!(number("SELECT count(*) FROM pg_largeobject_metadata"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_is_one_statement_in_every_disguise() {
    let desk = desk_with(&["db:read=*", "db:write=*"]).await;
    for sql in [
        "SELECT 1; COMMIT; DROP TABLE ticket",
        "SELECT ''; DELETE FROM ticket; --'",
        "SELECT E'\\''; DELETE FROM ticket; --'",
        "SELECT '\\'; DELETE FROM ticket; --'",
        "SELECT $a$ $b$ $a$; DELETE FROM ticket; --$a$",
        "SELECT /* /* */ */ 1; DELETE FROM ticket",
        "SELECT \"a\"\"\"; DELETE FROM ticket; --\"",
        "SELECT 1) AS q(c0); DELETE FROM ticket; SELECT (now()",
        "SELECT E'a'\n'\\'; DELETE FROM ticket; --'",
        "SELECT 1E'\\''; DELETE FROM ticket; --'",
    ] {
        refused(sql, desk.query(sql).await, INVALID);
        refused(sql, desk.execute(sql).await, INVALID);
    }
    // What stands around a query to have its columns as text is not to be left.
    for sql in [
        "SELECT now()) AS q(c0), (SELECT now()",
        "SELECT now()) UNION ALL (SELECT now()",
    ] {
        refused(sql, desk.query(sql).await, INVALID);
    }
    assert_eq!(
        only(
            desk.query("SELECT now()::date > '2000-01-01' -- end")
                .await
                .unwrap()
        ),
        true
    );
    assert_eq!(desk.store.number("SELECT count(*) FROM ticket"), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_question_marks_and_nothing_else_is() {
    let desk = desk_with(&["db:read=*"]).await;
    let answer = desk
        .query_with(
            "SELECT '?' || ? || E'\\'?' || $x$?$x$ /* ? */ -- ?",
            json!(["a"]),
        )
        .await
        .unwrap();
    assert_eq!(only(answer), "?a'??");
    assert_eq!(only(desk.query("SELECT '$1 $$'").await.unwrap()), "$1 $$");
    for sql in ["SELECT $1", "SELECT $1, ?", "SELECT ?, $2"] {
        refused(sql, desk.query_with(sql, json!(["a"])).await, INVALID);
    }
    // A digit behind a parameter is not part of its number.
    refused(
        "SELECT ?5",
        desk.query_with("SELECT ?5", json!([1])).await,
        INVALID,
    );
    for (operator, found) in [("??", true), ("??|", true), ("??&", false)] {
        let right = if operator == "??" {
            "'a'"
        } else {
            "array['a', 'z']"
        };
        let sql = format!("SELECT ?::jsonb {operator} {right}");
        let answer = desk.query_with(&sql, json!(["{\"a\": 1}"])).await.unwrap();
        assert_eq!(only(answer), found, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_ask_as_the_plugin_are_open_and_others_are_not() {
    let desk = desk_on(&["db:read=ticket,v_*,m_*,ruled"], PostgresSettings::default(), |store| {
        store.run(
            "CREATE VIEW v_asks WITH (security_invoker = true) AS SELECT id FROM ticket;
             CREATE VIEW v_asks_secret WITH (security_invoker = true) AS SELECT word FROM secret;
             CREATE VIEW v_owner AS SELECT id FROM ticket;
             CREATE VIEW v_through WITH (security_invoker = true) AS SELECT word FROM ticket_with_secret;
             CREATE MATERIALIZED VIEW m_secret AS SELECT word FROM secret;
             CREATE TABLE ruled (id INTEGER);
             CREATE RULE r AS ON INSERT TO ruled DO ALSO DELETE FROM secret;",
        );
    })
    .await;
    assert_eq!(
        only(desk.query("SELECT count(*) FROM v_asks").await.unwrap()),
        80
    );
    for sql in [
        "SELECT word FROM v_asks_secret",
        "SELECT id FROM v_owner",
        "SELECT word FROM v_through",
        "SELECT word FROM m_secret",
        "SELECT id FROM ruled",
    ] {
        let text = refused(sql, desk.query(sql).await, DENIED);
        if sql.contains("v_owner") {
            assert!(text.contains("security_invoker"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_end_stops_at_the_caps_and_the_server_with_it() {
    let store = Store::new(On::Postgres);
    let caps = Caps::default().statement_time(Duration::from_secs(3));
    let granted = ["db:read=ticket", "db:write=note"];
    let (_host, probe) = load(
        &store,
        &granted,
        PostgresSettings::default(),
        caps,
        limits(),
    )
    .await;
    let ask = |sql: &str| call(&probe, "db.query", json!({"sql": sql}));
    ask("SELECT 1").await.unwrap();
    for (sql, codes) in [
        ("SELECT generate_series(1, 1000000000)", &["too-large"][..]),
        (
            "SELECT g, now() FROM generate_series(1, 1000000000) g",
            &["too-large", "timed-out"],
        ),
        ("SELECT repeat('x', 30000000)", &["too-large"]),
        (
            "SELECT repeat('x', 1000000) FROM generate_series(1, 1000000)",
            &["too-large"],
        ),
        (
            "SELECT '' FROM generate_series(1, 9000) a, generate_series(1, 1000) b",
            &["too-large"],
        ),
        (
            // A fast server fills its temporary files first.
            "SELECT count(*) FROM generate_series(1, 10000000000)",
            &["timed-out", "too-large"],
        ),
    ] {
        refused(sql, ask(sql).await, codes);
    }
    ask("SELECT 1").await.expect("other connections serve");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND application_name LIKE 'goatherd plugin%'";
    let waited = Instant::now();
    while store.number(running) > 0 {
        assert!(
            waited.elapsed() < Duration::from_secs(5),
            "the server goes on"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_its_statement_along() {
    let desk = desk_with(&["db:read=*", "db:write=note"]).await;
    desk.query("SELECT 1").await.unwrap();
    let probe = desk.probe.clone();
    let endless = json!({"sql": "SELECT count(*) FROM generate_series(1, 10000000000)"});
    let gone = tokio::spawn(async move { call(&probe, "db.query", endless).await });
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%10000000000%'
                   AND pid <> pg_backend_pid()";
    let began = Instant::now();
    while desk.store.number(running) == 0 {
        assert!(began.elapsed() < Duration::from_secs(4), "it never ran");
    }
    gone.abort();
    let gone_at = Instant::now();
    while desk.store.number(running) > 0 {
        assert!(gone_at.elapsed() < Duration::from_secs(2), "it goes on");
    }
    // Wherever the server is when they go.
    for place in 0..20 {
        let probe = desk.probe.clone();
        let endless = json!({"sql": "SELECT count(*) FROM generate_series(1, 10000000000)"});
        let gone = tokio::spawn(async move { call(&probe, "db.query", endless).await });
        tokio::time::sleep(Duration::from_micros(700 * place)).await;
        gone.abort();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let gone_at = Instant::now();
    while desk.store.number(running) > 0 {
        assert!(gone_at.elapsed() < Duration::from_secs(2), "one goes on");
    }
    desk.query("SELECT 1").await.expect("others are served");
}

//! Changes of the schema: plain tables of the scope, and nothing else.

use goatherd::capability::db::PostgresSettings;
use serde_json::json;

use super::{desk_on, desk_with};
use crate::{DENIED, DENIED_OR_INVALID, only, refused};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_tables_of_the_scope_is_made() {
    let desk = desk_on(
        &["db:read=*", "db:write=mine_*,note"],
        PostgresSettings::default(),
        |store| {
            store.run("CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO PUBLIC");
        },
    )
    .await;
    desk.execute("CREATE TABLE mine_a (id SERIAL PRIMARY KEY, word TEXT DEFAULT lower('A') CHECK (length(word) < 9))")
        .await
        .unwrap();
    let before = desk.store.number("SELECT count(*) FROM pg_class");
    for sql in [
        "CREATE TABLE other (id INTEGER)",
        "CREATE TABLE other AS SELECT 1 AS a",
        "CREATE TABLE open.mine_b (id INTEGER)",
        "CREATE TABLE pg_temp.mine_b (id INTEGER)",
        "CREATE TABLE goatherd_x (id INTEGER)",
        "CREATE TEMP TABLE mine_b (id INTEGER)",
        "CREATE TEMPORARY TABLE mine_b (id INTEGER)",
        "CREATE UNLOGGED TABLE mine_b (id INTEGER)",
        "CREATE TABLE mine_b AS EXECUTE s1",
        "CREATE VIEW mine_b AS SELECT word FROM secret",
        "CREATE MATERIALIZED VIEW mine_b AS SELECT 1",
        "CREATE SEQUENCE mine_b",
        "CREATE TYPE mine_b AS (a INTEGER)",
        "CREATE DOMAIN mine_b AS INTEGER",
        "CREATE SCHEMA mine_b CREATE TABLE x (id INTEGER)",
        "CREATE FUNCTION mine_b() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION mine_b() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER mine_b AFTER INSERT ON mine_a EXECUTE FUNCTION watch()",
        "CREATE RULE mine_b AS ON INSERT TO mine_a DO ALSO DELETE FROM ticket",
        "CREATE POLICY mine_b ON mine_a",
        "CREATE EXTENSION dblink",
        "CREATE ROLE mine_b SUPERUSER",
        "CREATE TABLE mine_b (LIKE secret INCLUDING ALL, s secret)",
        "CREATE TABLE mine_b (s secret)",
        "CREATE TABLE mine_b (s secret[])",
        "CREATE TABLE mine_b (a TEXT DEFAULT set_config('role', 'x', false))",
        "CREATE TABLE mine_b (a TEXT DEFAULT pg_advisory_lock(1))",
        "CREATE TABLE mine_b (a TEXT CHECK (watch() IS NULL))",
        "CREATE INDEX mine_b ON mine_a (set_config('role', word, false))",
        "CREATE INDEX mine_b ON ticket (title)",
        "CREATE TABLE mine_b PARTITION OF ticket FOR VALUES IN (1)",
        "CREATE TABLE mine_b () INHERITS (ticket)",
        "WITH x AS (SELECT 1 AS a) SELECT a INTO other FROM x",
        "WITH insert AS (SELECT 1 AS a) SELECT a INTO TEMP mine_b FROM insert",
        "ALTER TABLE mine_a RENAME TO other",
        "ALTER TABLE mine_a RENAME TO goatherd_x",
        "ALTER TABLE mine_a SET SCHEMA open",
        "ALTER TABLE mine_a OWNER TO postgres",
        "ALTER TABLE mine_a ADD COLUMN s secret",
        "ALTER TABLE mine_a ALTER COLUMN word TYPE TEXT USING set_config('role', word, false)",
        "ALTER TABLE mine_a INHERIT ticket",
        "ALTER TABLE ticket ADD COLUMN x TEXT",
        "ALTER TABLE note ADD COLUMN x TEXT",
        "ALTER TABLE mine_a DROP COLUMN word CASCADE",
        "DROP TABLE mine_a CASCADE",
        "DROP TABLE ticket",
        "DROP TABLE note",
        "DROP SCHEMA public CASCADE",
        "DROP OWNED BY CURRENT_USER",
        "TRUNCATE ticket",
        "TRUNCATE note CASCADE, ticket",
    ] {
        refused(sql, desk.execute(sql).await, DENIED_OR_INVALID);
        assert_eq!(
            desk.store.number("SELECT count(*) FROM pg_class"),
            before,
            "{sql} left something behind"
        );
    }
    let text = refused(
        "a table of the application's",
        desk.execute("ALTER TABLE note ADD COLUMN x TEXT").await,
        DENIED,
    );
    assert!(
        text.contains("note") && text.contains("application"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_made_in_one_transaction_and_used_at_once() {
    let desk = desk_with(&["db:read=mine_*", "db:write=mine_*"]).await;
    let transaction =
        |statements| desk.call_as(None, "db.transaction", json!({"statements": statements}));
    let outcomes = transaction(json!([
        {"sql": "CREATE TABLE mine_a (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at TIMESTAMPTZ DEFAULT now())"},
        {"sql": "CREATE UNIQUE INDEX IF NOT EXISTS mine_a_at ON mine_a USING btree (at)"},
        {"sql": "ALTER TABLE mine_a ADD COLUMN word VARCHAR(20) NOT NULL DEFAULT ''"},
        {"sql": "CREATE TABLE mine_b (a_id BIGINT REFERENCES mine_a (id) ON DELETE CASCADE)"},
        {"sql": "INSERT INTO mine_a (word) VALUES (?)", "params": ["first"]},
        {"sql": "INSERT INTO mine_b SELECT id FROM mine_a"},
    ]))
    .await
    .unwrap();
    assert_eq!(
        outcomes[4],
        json!({"rows_affected": 1, "last_insert_id": 1})
    );
    assert_eq!(outcomes[0]["rows_affected"], 0);
    assert_eq!(
        only(
            desk.query("SELECT word FROM mine_a JOIN mine_b ON a_id = id")
                .await
                .unwrap()
        ),
        "first"
    );
    let failed = transaction(json!([
        {"sql": "CREATE TABLE mine_c (id INTEGER)"},
        {"sql": "INSERT INTO mine_c VALUES (1)"},
        {"sql": "CREATE TABLE other (id INTEGER)"},
    ]))
    .await;
    refused("the last", failed, DENIED);
    assert_eq!(
        desk.store
            .number("SELECT count(*) FROM pg_class WHERE relname IN ('mine_c', 'other')"),
        0
    );
    for sql in ["DROP TABLE mine_b", "DROP TABLE IF EXISTS mine_a"] {
        desk.execute(sql).await.unwrap();
    }
}

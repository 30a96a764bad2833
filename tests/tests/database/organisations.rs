//! Tables that organisations own, through a guest: what a call for one organisation sees and changes of them, and what
//! no statement gets around.

use goatherd::capability::db::{Caps, Databases, OrganisationTables, SqliteDatabase};
use goatherd::contract::CallContext;
use goatherd::runtime::CallError;
use goatherd::{Host, Plugin};
use goatherd_tests::{call_in, host_builder, limits, plugin};
use serde_json::{Value, json};

use super::{DENIED, DENIED_OR_INVALID, only, refused};

const SCHEMA: &str = "
    CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE ticket (
        id INTEGER PRIMARY KEY, org_id INTEGER, title TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new',
        open BOOLEAN, size INTEGER GENERATED ALWAYS AS (length(title)), queue_id INTEGER REFERENCES queue ON DELETE CASCADE
    );
    CREATE TABLE remark (
        place INTEGER, org INTEGER NOT NULL, ticket_id INTEGER REFERENCES ticket, body TEXT,
        PRIMARY KEY (ticket_id, place)
    ) WITHOUT ROWID;
    CREATE TABLE keyless (org_id INTEGER, body TEXT);
    CREATE TABLE label (ticket_id INTEGER REFERENCES ticket (id), word TEXT);
    CREATE TABLE guess (title TEXT);
    CREATE TABLE log (word TEXT);
    CREATE TABLE watched (word TEXT);
    CREATE VIEW titles AS SELECT title FROM ticket;
    CREATE VIEW howmany AS SELECT count(*) AS n FROM ticket;
    CREATE VIEW guessing AS SELECT 1 AS hit FROM guess NATURAL JOIN ticket;
    CREATE VIEW around AS SELECT hit FROM guessing;
    CREATE TRIGGER leak AFTER INSERT ON watched BEGIN INSERT INTO log SELECT title FROM ticket; END;
    CREATE TRIGGER retitled AFTER UPDATE OF title ON ticket BEGIN INSERT INTO log VALUES (OLD.title || '>' || NEW.title); END;
    INSERT INTO queue VALUES (1, 'Support');
    INSERT INTO ticket (id, org_id, title, state, open, queue_id) VALUES
        (1, 1, 'Printer', 'open', 1, 1), (2, 1, 'Screen', 'new', 0, NULL),
        (3, 2, 'hunter2', 'new', 1, 1), (4, NULL, 'hunter2 too', 'new', 1, NULL);
    INSERT INTO remark VALUES (1, 1, 1, 'mine'), (1, 2, 3, 'hunter2');
    INSERT INTO keyless VALUES (1, 'mine'), (2, 'hunter2');
    INSERT INTO guess VALUES ('hunter2');
";

struct Desk {
    folder: tempfile::TempDir,
    _host: Host,
    probe: Plugin,
}

impl Desk {
    async fn new() -> Self {
        Self::with(&["db:readwrite=*", "cache:readwrite", "config"]).await
    }

    async fn with(grants: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("desk.db");
        let application = rusqlite::Connection::open(&file).expect("a new database");
        application.execute_batch(SCHEMA).expect("the schema");
        let owned = [
            ("Ticket", "ORG_ID"),
            ("remark", "org"),
            ("keyless", "org_id"),
            ("later", "org_id"),
        ];
        let owned = OrganisationTables::new(owned).expect("names");
        let database = SqliteDatabase::open(&file).expect("the database opens");
        let database = database.with_organisations(owned);
        let builder = host_builder().provider(Databases::new(database, Caps::default()));
        let host = builder.build().expect("the host starts");
        let probe = plugin(&host, "probe", grants, limits()).await;
        Self {
            folder,
            _host: host,
            probe,
        }
    }

    /// What the application does by itself.
    fn application(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("desk.db"));
        let connection = connection.expect("the database opens");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn number(&self, sql: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.folder.path().join("desk.db"));
        let connection = connection.expect("the database opens");
        connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// How many rows there are of all organisations but the first, unchanged.
    fn others(&self) -> i64 {
        self.number(
            "SELECT count(*) FROM ticket WHERE (id, title) IN ((3, 'hunter2'), (4, 'hunter2 too'))",
        ) + self.number("SELECT count(*) FROM remark WHERE org = 2 AND body = 'hunter2'")
            + self.number("SELECT count(*) FROM keyless WHERE org_id = 2 AND body = 'hunter2'")
    }

    async fn call(
        &self,
        org: Option<i64>,
        function: &str,
        args: Value,
    ) -> Result<Value, CallError> {
        let context = CallContext {
            org_id: org,
            ..CallContext::default()
        };
        call_in(&self.probe, context, function, args).await
    }

    async fn query(&self, org: impl Into<Option<i64>>, sql: &str) -> Result<Value, CallError> {
        self.call(org.into(), "db.query", json!({ "sql": sql }))
            .await
    }

    async fn execute(&self, org: impl Into<Option<i64>>, sql: &str) -> Result<Value, CallError> {
        self.call(org.into(), "db.execute", json!({ "sql": sql }))
            .await
    }

    async fn one(&self, org: impl Into<Option<i64>>, sql: &str) -> Value {
        let rows = self.query(org, sql).await;
        only(rows.unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    async fn changed(&self, org: impl Into<Option<i64>>, sql: &str) -> Value {
        let outcome = self.execute(org, sql).await;
        outcome.unwrap_or_else(|error| panic!("{sql}: {error}"))["rows_affected"].clone()
    }
}

#[tokio::test]
async fn a_call_sees_the_rows_of_its_own_organisation_and_none_without_one() {
    let desk = Desk::new().await;
    let titles = "SELECT group_concat(title) FROM ticket";
    assert_eq!(desk.one(1, titles).await, "Printer,Screen");
    assert_eq!(desk.one(2, titles).await, "hunter2");
    assert_eq!(desk.one(3, titles).await, Value::Null);
    assert_eq!(desk.one(None, titles).await, Value::Null);
    // The same compiled statement again, the other way around.
    assert_eq!(desk.one(1, titles).await, "Printer,Screen");
}

#[tokio::test]
async fn every_way_of_naming_the_table_in_a_query_is_filtered() {
    let desk = Desk::new().await;
    for sql in [
        "SELECT count(*) FROM ticket",
        "SELECT count(*) FROM \"TICKET\"",
        "SELECT count(*) FROM temp.ticket",
        "WITH t AS (SELECT * FROM ticket) SELECT count(*) FROM t",
        "WITH ticket AS (SELECT * FROM ticket WHERE 0) SELECT 2",
        "SELECT count(*) FROM queue RIGHT JOIN ticket ON queue.id = ticket.queue_id",
        "SELECT count(*) FROM (SELECT id FROM ticket UNION ALL SELECT id FROM ticket WHERE 0)",
        "SELECT count(*) FROM ticket AS a JOIN ticket AS b USING (id)",
        "SELECT count(*) FROM ticket a, ticket b WHERE a.id = b.id",
        "WITH RECURSIVE r(id) AS (SELECT 1 UNION SELECT ticket.id FROM ticket JOIN r) SELECT count(*) FROM r",
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY id) AS n FROM ticket)",
    ] {
        assert_eq!(desk.one(1, sql).await, 2, "{sql}");
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM ticket WHERE title LIKE 'hunter%')";
    assert_eq!(desk.one(1, sql).await, 0);
    assert_eq!(desk.one(1, "SELECT 3 IN (SELECT id FROM ticket)").await, 0);
    let sql = "SELECT count(*) FROM guess NATURAL JOIN ticket";
    assert_eq!(desk.one(1, sql).await, 0, "{sql}");
    assert_eq!(desk.one(2, sql).await, 1, "{sql}");
    let sql = "SELECT open FROM ticket WHERE id = 1";
    assert_eq!(desk.one(1, sql).await, true, "booleans stay booleans");
}

#[tokio::test]
async fn no_statement_reaches_the_table_behind_the_view() {
    let desk = Desk::new().await;
    for sql in [
        "SELECT title FROM main.ticket",
        "SELECT title FROM \"main\".\"ticket\"",
        "SELECT count(*) FROM main.ticket",
        "SELECT 1 FROM main.ticket LIMIT 1",
        "SELECT rowid FROM main.ticket",
        "SELECT EXISTS (SELECT 1 FROM main.ticket)",
        "SELECT 3 IN (SELECT id FROM main.ticket)",
        "SELECT 1 WHERE 'hunter2' IN main.ticket",
        // An expression of its own cannot pass for the view.
        "WITH ticket AS (SELECT * FROM main.ticket) SELECT title FROM ticket",
        "WITH ticket(title) AS (SELECT title FROM main.ticket) SELECT count(*) FROM ticket",
        "WITH goatherd_0 AS (SELECT * FROM main.ticket) SELECT title FROM goatherd_0",
        // Joins of which the engine does not ask about the columns.
        "WITH g(title) AS (VALUES ('hunter2')) SELECT 1 FROM g NATURAL JOIN main.ticket",
        "WITH g(title) AS (VALUES ('hunter2')) SELECT 1 FROM g JOIN [main].ticket USING (title)",
        "WITH g(title) AS (VALUES ('hunter2')) SELECT 1 FROM g NATURAL/**/JOIN'main'.ticket",
        "WITH g(title) AS (VALUES ('hunter2')) SELECT 1 FROM g NATURAL JOIN main.ticket JOIN ticket AS mine",
        // What the application made sees the table itself.
        "SELECT title FROM titles",
        "SELECT count(*) FROM titles",
        "SELECT 1 FROM titles LIMIT 1",
        "SELECT n FROM howmany",
        "SELECT hit FROM guessing",
        "SELECT count(*) FROM guessing",
        "SELECT hit FROM around",
        "SELECT hit FROM around JOIN ticket ON ticket.id = hit",
        "WITH g(title) AS (VALUES ('hunter2')) SELECT 1 FROM g NATURAL JOIN titles",
        "WITH g(n) AS (VALUES (4)) SELECT 1 FROM g NATURAL JOIN howmany",
        // What filters, called by hand.
        "SELECT goatherd_organisation()",
        "SELECT goatherd_write('DELETE', 0, 1)",
        "SELECT sql FROM temp.sqlite_schema",
        "SELECT name FROM sqlite_temp_master",
    ] {
        let outcome = desk.query(1, sql).await;
        let text = refused(sql, outcome, DENIED_OR_INVALID);
        let hexadecimal = |c: char| c.is_ascii_hexdigit();
        let longest = text.split(|c| !hexadecimal(c)).map(str::len).max();
        assert!(
            longest < Some(20),
            "{sql} shows the name of the guard: {text}"
        );
    }
}

#[tokio::test]
async fn an_insertion_gets_the_organisation_defaults_and_its_id() {
    let desk = Desk::new().await;
    let sql = "INSERT INTO ticket (title) VALUES ('New'), ('Newer')";
    let outcome = desk.execute(1, sql).await.unwrap();
    assert_eq!(outcome, json!({ "rows_affected": 2, "last_insert_id": 6 }));
    let sql = "SELECT org_id || state || size FROM ticket WHERE id = 6";
    assert_eq!(desk.one(1, sql).await, "1new5");
    let own = "INSERT INTO ticket (title, org_id, state) VALUES ('Own', 1, 'open')";
    assert_eq!(desk.changed(1, own).await, 1);
    let copy = "INSERT INTO ticket (title) SELECT title FROM ticket";
    assert_eq!(desk.changed(2, copy).await, 1);
    assert_eq!(
        desk.number("SELECT count(*) FROM ticket WHERE org_id = 2"),
        2
    );
}

#[tokio::test]
async fn nothing_is_written_for_another_organisation_or_without_one() {
    let desk = Desk::new().await;
    for (org, sql) in [
        (
            Some(1),
            "INSERT INTO ticket (title, org_id) VALUES ('x', 2)",
        ),
        (
            Some(1),
            "INSERT INTO ticket (title, org_id) VALUES ('x', '2')",
        ),
        (
            Some(1),
            "INSERT INTO ticket (title, org_id) VALUES ('x', 1.5)",
        ),
        (None, "INSERT INTO ticket (title) VALUES ('x')"),
        (None, "INSERT INTO ticket (title, org_id) VALUES ('x', 1)"),
        (Some(1), "INSERT INTO main.ticket (title) VALUES ('x')"),
        (
            Some(1),
            "INSERT INTO main.ticket (title, org_id) VALUES ('x', 1)",
        ),
        (Some(1), "UPDATE ticket SET org_id = 2 WHERE id = 1"),
        (Some(1), "UPDATE ticket SET org_id = NULL"),
        (Some(1), "UPDATE main.ticket SET org_id = 1"),
        (Some(1), "DELETE FROM main.ticket"),
        (Some(1), "UPDATE queue SET name = title FROM main.ticket"),
    ] {
        refused(sql, desk.execute(org, sql).await, DENIED);
    }
    for sql in ["UPDATE ticket SET title = 'x'", "DELETE FROM remark"] {
        assert_eq!(desk.changed(None, sql).await, 0, "{sql}");
    }
    assert_eq!(desk.number("SELECT count(*) FROM ticket"), 4);
    assert_eq!(desk.others(), 4);
}

#[tokio::test]
async fn updates_and_deletions_count_and_touch_the_rows_of_the_organisation_alone() {
    let desk = Desk::new().await;
    let sql = "UPDATE ticket SET title = title || '!' WHERE state = 'new'";
    assert_eq!(desk.changed(1, sql).await, 1);
    assert_eq!(desk.changed(1, "UPDATE ticket SET org_id = 1").await, 2);
    // A trigger on a column fires for what was changed, and not for what was not.
    assert_eq!(
        desk.number("SELECT count(*) FROM log WHERE word = 'Screen>Screen!'"),
        1
    );
    assert_eq!(desk.number("SELECT count(*) FROM log"), 1);
    let sql = "UPDATE remark SET body = 'x', place = 9 WHERE place = 1";
    assert_eq!(desk.changed(1, sql).await, 1);
    assert_eq!(desk.changed(1, "DELETE FROM remark").await, 1);
    assert_eq!(
        desk.changed(1, "DELETE FROM ticket WHERE id IN (1, 3, 4)")
            .await,
        1
    );
    assert_eq!(desk.others(), 4);
    // A row without a key could be another's.
    for sql in ["UPDATE keyless SET body = 'x'", "DELETE FROM keyless"] {
        refused(sql, desk.execute(1, sql).await, DENIED_OR_INVALID);
    }
    assert_eq!(
        desk.changed(1, "INSERT INTO keyless (body) VALUES ('y')")
            .await,
        1
    );
    assert_eq!(desk.one(1, "SELECT count(*) FROM keyless").await, 2);
}

#[tokio::test]
async fn a_conflict_never_replaces_the_row_of_another_organisation() {
    let desk = Desk::new().await;
    for sql in [
        "INSERT INTO ticket (id, title) VALUES (3, 'x')",
        "INSERT OR REPLACE INTO ticket (id, title) VALUES (3, 'x')",
        "REPLACE INTO ticket (id, title) VALUES (3, 'x')",
        "UPDATE OR REPLACE ticket SET id = 3 WHERE id = 1",
        "UPDATE ticket SET id = 3 WHERE id = 1",
        "INSERT INTO ticket (id, title) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET title = 'x'",
        "INSERT INTO ticket (id, title) VALUES (3, 'x') ON CONFLICT DO NOTHING",
    ] {
        let outcome = desk.execute(1, sql).await;
        refused(sql, outcome, &["conflict", "invalid-argument"]);
        assert_eq!(desk.others(), 4, "{sql}");
    }
}

#[tokio::test]
async fn foreign_keys_hold_within_the_organisation() {
    let desk = Desk::new().await;
    let own = "INSERT INTO remark (place, ticket_id, body) VALUES (2, 2, 'x')";
    assert_eq!(desk.changed(1, own).await, 1);
    // As if there were no such ticket, which is what an organisation knows.
    for ticket in [3, 999] {
        let sql = format!("INSERT INTO remark (place, ticket_id) VALUES (2, {ticket})");
        let text = refused(&sql, desk.execute(1, &sql).await, &["conflict"]);
        assert!(text.ends_with("FOREIGN KEY constraint failed"), "{text}");
        let sql = format!("UPDATE remark SET ticket_id = {ticket} WHERE ticket_id = 1");
        refused(&sql, desk.execute(1, &sql).await, &["conflict"]);
    }
    // A ticket with remarks stays.
    let sql = "DELETE FROM ticket WHERE id = 2";
    refused(sql, desk.execute(1, sql).await, &["conflict"]);
    // Ways to other organisations' rows through tables that nobody owns.
    let sql = "DELETE FROM queue";
    refused(sql, desk.execute(1, sql).await, DENIED);
    let sql = "INSERT INTO label VALUES (3, 'x')";
    refused(sql, desk.execute(1, sql).await, DENIED);
    assert_eq!(desk.others(), 4);
}

#[tokio::test]
async fn triggers_of_the_application_do_not_carry_rows_out() {
    let desk = Desk::new().await;
    let sql = "INSERT INTO watched VALUES ('x')";
    refused(sql, desk.execute(1, sql).await, DENIED);
    desk.application(
        "DROP TRIGGER leak;
         CREATE TRIGGER leak AFTER INSERT ON watched BEGIN
             INSERT INTO log SELECT 1 FROM guess NATURAL JOIN ticket;
         END;",
    );
    refused(sql, desk.execute(1, sql).await, DENIED);
    desk.application(
        "DROP TRIGGER leak;
         CREATE TRIGGER touch AFTER INSERT ON ticket BEGIN UPDATE ticket SET state = 'seen'; END;",
    );
    assert_eq!(desk.changed(1, sql).await, 1);
    // Nor does a name of the application's make one of the plugin's mean more.
    let own = "WITH retitled AS (SELECT * FROM main.ticket) SELECT title FROM retitled";
    refused(own, desk.query(1, own).await, DENIED);
    let own =
        "INSERT INTO log WITH retitled AS (SELECT * FROM main.ticket) SELECT title FROM retitled";
    refused(own, desk.execute(1, own).await, DENIED);
    let sql = "INSERT INTO ticket (title) VALUES ('x')";
    refused(sql, desk.execute(1, sql).await, DENIED);
    desk.application(
        "DROP TRIGGER touch;
         CREATE TRIGGER touch AFTER INSERT ON ticket BEGIN
             INSERT INTO log SELECT 1 FROM guess NATURAL JOIN ticket;
         END;",
    );
    refused(sql, desk.execute(1, sql).await, DENIED);
    assert_eq!(
        desk.number("SELECT count(*) FROM ticket WHERE state = 'seen'"),
        0
    );
}

#[tokio::test]
async fn the_schema_of_such_a_table_is_closed_to_plugins_and_follows_the_application() {
    let desk = Desk::new().await;
    for sql in [
        "ALTER TABLE ticket ADD COLUMN x",
        "ALTER TABLE main.ticket ADD COLUMN x",
        "ALTER TABLE main.ticket RENAME TO mine",
        "ALTER TABLE queue RENAME TO later",
        "DROP TABLE ticket",
        "DROP TABLE main.ticket",
        "DROP VIEW ticket",
        "DROP VIEW temp.ticket",
        "CREATE INDEX probe ON ticket (title)",
        "CREATE UNIQUE INDEX main.probe ON ticket (title)",
        "CREATE TABLE later (org_id INTEGER, word TEXT)",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, x INTEGER DEFAULT (goatherd_organisation()))",
        "CREATE TEMP VIEW mine AS SELECT * FROM main.ticket",
    ] {
        refused(sql, desk.execute(1, sql).await, DENIED_OR_INVALID);
    }
    let sql = "SELECT count(*) FROM ticket";
    assert_eq!(desk.one(1, sql).await, 2);
    desk.application("ALTER TABLE ticket ADD COLUMN urgent INTEGER DEFAULT 7");
    assert_eq!(desk.one(1, "SELECT sum(urgent) FROM ticket").await, 14);
    assert_eq!(desk.changed(1, "UPDATE ticket SET urgent = 8").await, 2);
    desk.application("CREATE TABLE later (id INTEGER PRIMARY KEY, org_id INTEGER); INSERT INTO later VALUES (1, 1), (2, 2)");
    assert_eq!(desk.one(2, "SELECT id FROM later").await, 2);
    // Without its column nothing of the table can be filtered, so nothing is to be had.
    desk.application("ALTER TABLE later DROP COLUMN org_id");
    for sql in [
        "SELECT id FROM later",
        "SELECT count(*) FROM later",
        "SELECT 1 FROM later",
    ] {
        refused(sql, desk.query(2, sql).await, DENIED);
    }
    desk.application("ALTER TABLE ticket RENAME COLUMN title TO subject");
    assert_eq!(desk.one(2, "SELECT subject FROM ticket").await, "hunter2");
}

#[tokio::test]
async fn the_grant_is_still_needed_and_enough() {
    let desk = Desk::with(&[
        "db:read=remark",
        "db:write=ticket",
        "cache:readwrite",
        "config",
    ])
    .await;
    refused(
        "read",
        desk.query(1, "SELECT title FROM ticket").await,
        DENIED,
    );
    refused(
        "count",
        desk.query(1, "SELECT count(*) FROM ticket").await,
        DENIED,
    );
    let sql = "UPDATE remark SET body = 'x'";
    refused(sql, desk.execute(1, sql).await, DENIED);
    assert_eq!(desk.one(1, "SELECT body FROM remark").await, "mine");
    assert_eq!(
        desk.changed(1, "UPDATE ticket SET open = 1 WHERE id = 2")
            .await,
        1
    );
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_no_row_of_the_organisation_behind() {
    let desk = Desk::new().await;
    let statements = json!({ "statements": [
        { "sql": "INSERT INTO ticket (title) VALUES ('x')" },
        { "sql": "UPDATE ticket SET title = 'y'" },
        { "sql": "INSERT INTO ticket (title, org_id) VALUES ('z', 2)" },
    ]});
    let outcome = desk.call(Some(1), "db.transaction", statements).await;
    let text = refused("transaction", outcome, DENIED);
    assert!(
        text.contains("statement 3") && text.contains("leave org_id out"),
        "{text}"
    );
    assert_eq!(
        desk.number("SELECT count(*) FROM ticket WHERE title IN ('x', 'y', 'z')"),
        0
    );
    assert_eq!(desk.number("SELECT count(*) FROM log"), 0);
}

#[tokio::test]
async fn a_condition_is_not_tried_on_rows_of_other_organisations() {
    let desk = Desk::new().await;
    let fails =
        |column: &str| format!("CASE WHEN {column} LIKE 'hunter%' THEN json('{{' || {column}) END");
    let (title, body) = (fails("title"), fails("body"));
    let telling = [
        format!("SELECT org FROM remark WHERE body >= 'h' AND {body}"),
        format!("SELECT open FROM ticket WHERE title >= 'h' AND {title}"),
        format!("SELECT open FROM ticket WHERE title IN ('hunter2', 'x') AND {title}"),
        format!("SELECT open FROM ticket WHERE {title} ORDER BY title"),
        format!("SELECT q.id FROM queue q JOIN ticket ON title > 'h' AND {title}"),
        format!("SELECT open FROM ticket WHERE id = 9 OR title > 'h' AND {title}"),
    ];
    for index in [
        "CREATE INDEX by_title ON ticket (title); CREATE INDEX by_body ON remark (body)",
        "CREATE INDEX by_half ON ticket (title) WHERE title > 'a'",
        "CREATE INDEX by_org ON ticket (org_id)",
        "CREATE INDEX by_both ON ticket (title, org_id)",
    ] {
        desk.application(index);
        desk.application("ANALYZE");
        for sql in &telling {
            let rows = desk.query(1, sql).await;
            let rows = rows.unwrap_or_else(|error| panic!("{index}\n{sql}\ntells of it: {error}"));
            assert_eq!(rows["rows"], json!([]), "{sql}");
            // The condition does fail where it is tried.
            let tried = desk.query(2, sql).await;
            refused(sql, tried.map(|_| json!(sql)), DENIED_OR_INVALID);
        }
        let sql = "SELECT title FROM ticket WHERE id = 2 OR title = 'Screen'";
        assert_eq!(desk.one(1, sql).await, "Screen");
        let sql = "SELECT count(*) FROM queue RIGHT JOIN ticket ON queue.id = ticket.queue_id";
        assert_eq!(desk.one(1, sql).await, 2);
    }
}

//! What a query for an organisation sees.

use serde_json::{Value, json};

use super::Desk;
use crate::{DENIED, DENIED_OR_INVALID, On, both, refused};

both! {
async fn a_call_sees_the_rows_of_its_own_organisation_and_none_without_one(on: On) {
    let desk = Desk::new(on).await;
    let titles = on.pick(
        "SELECT group_concat(title) FROM ticket",
        "SELECT string_agg(title, ',' ORDER BY id) FROM ticket",
    );
    assert_eq!(desk.one(1, titles).await, "Printer,Screen");
    assert_eq!(desk.one(2, titles).await, "hunter2");
    assert_eq!(desk.one(3, titles).await, Value::Null);
    assert_eq!(desk.one(None, titles).await, Value::Null);
    // The same compiled statement again, the other way around.
    assert_eq!(desk.one(1, titles).await, "Printer,Screen");
    // The application is not limited.
    assert_eq!(desk.number("SELECT count(*) FROM ticket"), 4);
}
}

both! {
async fn every_way_of_naming_the_table_in_a_query_is_filtered(on: On) {
    let desk = Desk::new(on).await;
    let own = on.pick(
        &["SELECT count(*) FROM \"TICKET\"", "SELECT count(*) FROM temp.ticket"][..],
        &[
            "SELECT count(*) FROM \"ticket\"",
            "SELECT count(*) FROM public.ticket",
            "SELECT count(*) FROM ONLY ticket",
            "SELECT count(*) FROM (TABLE public.ticket) t",
            "SELECT count(*) FROM ticket TABLESAMPLE bernoulli (100)",
            "SELECT count(t) FROM ticket t, LATERAL (SELECT t.title) s",
        ],
    );
    let both = [
        "SELECT count(*) FROM ticket",
        "WITH t AS (SELECT * FROM ticket) SELECT count(*) FROM t",
        "WITH ticket AS (SELECT * FROM ticket WHERE false) SELECT 2",
        "SELECT count(*) FROM queue RIGHT JOIN ticket ON queue.id = ticket.queue_id",
        "SELECT count(*) FROM (SELECT id FROM ticket UNION ALL SELECT id FROM ticket WHERE false) AS t",
        "SELECT count(*) FROM ticket AS a JOIN ticket AS b USING (id)",
        "SELECT count(*) FROM ticket a, ticket b WHERE a.id = b.id",
        "WITH RECURSIVE r(id) AS (SELECT CAST(1 AS BIGINT) UNION SELECT ticket.id FROM ticket, r) SELECT count(*) FROM r",
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY id) AS n FROM ticket) AS t",
    ];
    for sql in own.iter().chain(&both) {
        assert_eq!(desk.one(1, sql).await, 2, "{sql}");
    }
    let guesses = "SELECT count(*) FROM guess NATURAL JOIN ticket";
    for sql in [
        "SELECT count(*) FROM queue WHERE EXISTS (SELECT 1 FROM ticket WHERE title LIKE 'hunter%')",
        "SELECT count(*) FROM queue WHERE 3 IN (SELECT id FROM ticket)",
        guesses,
    ] {
        assert_eq!(desk.one(1, sql).await, 0, "{sql}");
        assert_eq!(desk.one(2, sql).await, 1, "{sql}");
    }
    let sql = "SELECT open FROM ticket WHERE id = 1";
    assert_eq!(desk.one(1, sql).await, true, "booleans stay booleans");
}
}

/// By the names that SQLite gives to what the view hides.
const BEHIND_THE_VIEW: &[&str] = &[
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
    // What filters, called by hand.
    "SELECT goatherd_organisation()",
    "SELECT goatherd_write('DELETE', 0, 1)",
    "SELECT sql FROM temp.sqlite_schema",
    "SELECT name FROM sqlite_temp_master",
];
/// What PostgreSQL's row security is made of.
const BEHIND_THE_POLICY: &[&str] = &[
    "SELECT goatherd_organisation()",
    "SELECT public.goatherd_organisation()",
    "SELECT goatherd_enter('', 2)",
    "SELECT (2).goatherd_seal",
    "SELECT current_setting('goatherd.organisation')",
    "SELECT set_config('row_security', 'off', true)",
    "SELECT most_common_vals FROM pg_stats WHERE tablename = 'ticket'",
    "SELECT qual FROM pg_policies",
];

both! {
async fn no_query_reaches_what_is_filtered_or_what_filters(on: On) {
    let desk = Desk::new(on).await;
    let own = on.pick(BEHIND_THE_VIEW, BEHIND_THE_POLICY);
    // What the application made sees the table itself.
    let both = [
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
    ];
    for sql in own.iter().chain(&both) {
        let text = desk.closed(sql, DENIED_OR_INVALID).await;
        let hexadecimal = |c: char| c.is_ascii_hexdigit();
        let longest = text.split(|c| !hexadecimal(c)).map(str::len).max();
        assert!(
            longest < Some(20),
            "{sql} shows the name of the guard: {text}"
        );
    }
}
}

both! {
async fn the_grant_is_still_needed_and_enough(on: On) {
    let desk = Desk::with(on, &["db:read=remark", "db:write=ticket"]).await;
    desk.closed("SELECT title FROM ticket", DENIED).await;
    desk.closed("SELECT count(*) FROM ticket", DENIED).await;
    desk.fails(1, "UPDATE remark SET body = 'x'", DENIED).await;
    assert_eq!(desk.one(1, "SELECT body FROM remark").await, "mine");
    let sql = "UPDATE ticket SET open = true WHERE id = 2";
    assert_eq!(desk.changed(1, sql).await, 1);
}
}

both! {
async fn a_condition_is_not_tried_on_rows_of_other_organisations(on: On) {
    let desk = Desk::new(on).await;
    let fails = |column: &str| {
        let failing = on.pick(
            format!("json('{{' || {column})"),
            format!("CAST({column} AS INTEGER) = 0"),
        );
        format!("CASE WHEN {column} LIKE 'hunter%' THEN {failing} END")
    };
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
            let rows = desk.0.query_as(1, sql).await;
            let rows = rows.unwrap_or_else(|error| panic!("{index}\n{sql}\ntells of it: {error}"));
            assert_eq!(rows["rows"], json!([]), "{sql}");
            // The condition does fail where it is tried. PostgreSQL says of what; the row is the organisation's own.
            let tried = desk.0.query_as(2, sql).await;
            match on {
                On::Sqlite => {
                    refused(sql, tried.map(|_| json!(sql)), DENIED_OR_INVALID);
                }
                On::Postgres | On::PostgresInGerman => {
                    let error = tried.expect_err(sql);
                    assert_eq!(error.code(), "invalid-argument", "{error}");
                }
            }
        }
        let sql = "SELECT title FROM ticket WHERE id = 2 OR title = 'Screen'";
        assert_eq!(desk.one(1, sql).await, "Screen");
        let sql = "SELECT count(*) FROM queue RIGHT JOIN ticket ON queue.id = ticket.queue_id";
        assert_eq!(desk.one(1, sql).await, 2);
    }
}
}

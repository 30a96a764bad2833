//! What a change for an organisation touches.

use serde_json::json;

use super::Desk;
use crate::{DENIED, DENIED_OR_INVALID, On, both, refused};

both! {
async fn an_insertion_gets_the_organisation_defaults_and_its_id(on: On) {
    let desk = Desk::new(on).await;
    // SQLite writes the organisation of the call where a plugin leaves it out; PostgreSQL wants it written.
    let left_out = "INSERT INTO ticket (title) VALUES ('New'), ('Newer')";
    let sql = match on {
        On::Sqlite => left_out,
        On::Postgres | On::PostgresInGerman => {
            let text = desk.fails(1, left_out, DENIED).await;
            assert!(text.contains("a row must be of the caller's own"), "{text}");
            // The numbers that it drew are gone.
            desk.application("ALTER TABLE ticket ALTER id RESTART WITH 5");
            "INSERT INTO ticket (title, org_id) VALUES ('New', 1), ('Newer', 1)"
        }
    };
    let outcome = desk.0.execute_as(1, sql).await.unwrap();
    assert_eq!(outcome, json!({ "rows_affected": 2, "last_insert_id": 6 }));
    let sql = "SELECT CAST(org_id AS TEXT) || state || CAST(size AS TEXT) FROM ticket WHERE id = 6";
    assert_eq!(desk.one(1, sql).await, "1new5");
    let own = "INSERT INTO ticket (title, org_id, state) VALUES ('Own', 1, 'open')";
    assert_eq!(desk.changed(1, own).await, 1);
    let copy = "INSERT INTO ticket (title, org_id) SELECT title, 2 FROM ticket";
    assert_eq!(desk.changed(2, copy).await, 1);
    assert_eq!(
        desk.number("SELECT count(*) FROM ticket WHERE org_id = 2"),
        2
    );
}
}

both! {
async fn nothing_is_written_for_another_organisation_or_without_one(on: On) {
    let desk = Desk::new(on).await;
    let own: &[(Option<i64>, &str)] = on.pick(
        &[
            (Some(1), "INSERT INTO main.ticket (title) VALUES ('x')"),
            (Some(1), "INSERT INTO main.ticket (title, org_id) VALUES ('x', 1)"),
            (Some(1), "UPDATE main.ticket SET org_id = 1"),
            (Some(1), "DELETE FROM main.ticket"),
            (Some(1), "UPDATE queue SET name = title FROM main.ticket"),
        ],
        &[
            (Some(1), "INSERT INTO public.ticket (title, org_id) VALUES ('x', 2)"),
            (Some(1), "UPDATE public.ticket SET org_id = 2"),
            (Some(1), "TRUNCATE ticket"),
            (Some(1), "TRUNCATE keyless"),
            (
                Some(1),
                "MERGE INTO ticket USING guess ON false WHEN NOT MATCHED THEN INSERT (title, org_id) VALUES ('x', 2)",
            ),
        ],
    );
    let both = [
        (Some(1), "INSERT INTO ticket (title, org_id) VALUES ('x', 2)"),
        (Some(1), "INSERT INTO ticket (title, org_id) VALUES ('x', '2')"),
        (Some(1), "INSERT INTO ticket (title, org_id) VALUES ('x', 1.5)"),
        (None, "INSERT INTO ticket (title) VALUES ('x')"),
        (None, "INSERT INTO ticket (title, org_id) VALUES ('x', 1)"),
        (Some(1), "UPDATE ticket SET org_id = 2 WHERE id = 1"),
        (Some(1), "UPDATE ticket SET org_id = NULL"),
    ];
    for (org, sql) in own.iter().chain(&both) {
        desk.fails(*org, sql, DENIED).await;
    }
    for sql in ["UPDATE ticket SET title = 'x'", "DELETE FROM remark"] {
        assert_eq!(desk.changed(None, sql).await, 0, "{sql}");
    }
    assert_eq!(desk.number("SELECT count(*) FROM ticket"), 4);
    assert_eq!(desk.others(), 4);
}
}

both! {
async fn updates_and_deletions_count_and_touch_the_rows_of_the_organisation_alone(on: On) {
    let desk = Desk::new(on).await;
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
    let sql = "DELETE FROM ticket WHERE id IN (1, 3, 4)";
    assert_eq!(desk.changed(1, sql).await, 1);
    assert_eq!(desk.others(), 4);
    for sql in ["UPDATE keyless SET body = 'x'", "DELETE FROM keyless WHERE body = 'x'"] {
        assert_eq!(desk.changed(1, sql).await, 1, "{sql}");
    }
    assert_eq!(desk.one(1, "SELECT count(*) FROM keyless").await, 0);
    let sql = "INSERT INTO keyless (org_id, body) VALUES (1, 'y')";
    assert_eq!(desk.changed(1, sql).await, 1);
    assert_eq!(desk.one(1, "SELECT count(*) FROM keyless WHERE body = 'y'").await, 1);
    assert_eq!(desk.others(), 4);
}
}

both! {
async fn a_conflict_never_replaces_the_row_of_another_organisation(on: On) {
    let desk = Desk::new(on).await;
    let update = "INSERT INTO ticket (id, title, org_id) VALUES (3, 'x', 1) ON CONFLICT (id) DO UPDATE SET title = 'x'";
    let nothing = "INSERT INTO ticket (id, title, org_id) VALUES (3, 'x', 1) ON CONFLICT DO NOTHING";
    let both = [
        "INSERT INTO ticket (id, title, org_id) VALUES (3, 'x', 1)",
        "UPDATE ticket SET id = 3 WHERE id = 1",
        update,
    ];
    let own: &[&str] = on.pick(
        &[
            "INSERT OR REPLACE INTO ticket (id, title) VALUES (3, 'x')",
            "REPLACE INTO ticket (id, title) VALUES (3, 'x')",
            "UPDATE OR REPLACE ticket SET id = 3 WHERE id = 1",
            "INSERT INTO ticket (id, title) VALUES (3, 'x') ON CONFLICT DO NOTHING",
        ],
        &[],
    );
    let codes = on.pick(
        &["conflict", "invalid-argument"],
        &["conflict", "permission-denied"],
    );
    for sql in own.iter().chain(&both) {
        desk.fails(1, sql, codes).await;
        assert_eq!(desk.others(), 4, "{sql}");
    }
    // SQLite has no upsert for virtual tables; PostgreSQL has it for the organisation's own rows.
    let own = "INSERT INTO ticket (id, title, org_id) VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET title = 'x'";
    match on {
        On::Sqlite => {
            desk.fails(1, own, DENIED_OR_INVALID).await;
        }
        On::Postgres | On::PostgresInGerman => {
            assert_eq!(desk.changed(1, nothing).await, 0);
            assert_eq!(desk.changed(1, own).await, 1);
        }
    }
    assert_eq!(desk.others(), 4);
}
}

both! {
async fn a_transaction_that_fails_leaves_no_row_of_the_organisation_behind(on: On) {
    let desk = Desk::new(on).await;
    let statements = json!({ "statements": [
        { "sql": "INSERT INTO ticket (title, org_id) VALUES ('x', 1)" },
        { "sql": "UPDATE ticket SET title = 'y'" },
        { "sql": "INSERT INTO ticket (title, org_id) VALUES ('z', 2)" },
    ]});
    let outcome = desk.0.call_as(Some(1), "db.transaction", statements).await;
    let text = refused("transaction", outcome, DENIED);
    let why = on.pick("leave org_id out", "must be of the caller's own");
    assert!(text.contains("statement 3") && text.contains(why), "{text}");
    assert_eq!(
        desk.number("SELECT count(*) FROM ticket WHERE title IN ('x', 'y', 'z')"),
        0
    );
    assert_eq!(desk.number("SELECT count(*) FROM log"), 0);
}
}

//! What ordinary SQL means on a table that organisations own, on SQLite, where a virtual table stands for it.

use serde_json::json;

use super::Desk;
use crate::{DENIED, On};

async fn desk() -> Desk {
    let desk = Desk::new(On::Sqlite).await;
    let columns: String = (0..150).map(|n| format!(", c{n} INTEGER")).collect();
    desk.application(&format!(
        "CREATE TABLE later (id INTEGER PRIMARY KEY, org_id INTEGER, opt TEXT DEFAULT 'usual'{columns});"
    ));
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_that_is_given_stays_null_and_a_column_that_is_left_out_gets_its_default() {
    let desk = desk().await;
    for sql in [
        "INSERT INTO later (opt) VALUES (NULL)",
        "WITH x (opt) AS (VALUES (NULL)) INSERT INTO later (\"opt\", org_id) SELECT opt, 1 FROM x",
        "INSERT INTO later (c0) VALUES (5)",
        "INSERT INTO later DEFAULT VALUES",
    ] {
        assert_eq!(desk.changed(1, sql).await, 1, "{sql}");
    }
    let sql =
        "SELECT group_concat(ifnull(opt, 'null'), ' ') FROM (SELECT opt FROM later ORDER BY id)";
    assert_eq!(desk.one(1, sql).await, "null null usual usual");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_many_columns_is_changed_in_all_of_them() {
    let desk = desk().await;
    let sql = "INSERT INTO later (c0, c149) VALUES (1, 149), (2, 150)";
    assert_eq!(desk.changed(1, sql).await, 2);
    let sql = "UPDATE later SET c149 = c149 * 10, c75 = c0, c3 = NULL WHERE c149 = 150";
    assert_eq!(desk.changed(1, sql).await, 1);
    let sql = "SELECT group_concat(c0 || ':' || c149 || ':' || ifnull(c75, '-'), ' ') FROM (SELECT * FROM later ORDER BY id)";
    assert_eq!(desk.one(1, sql).await, "1:149:- 2:1500:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_told_apart_by_their_ids_where_keys_have_nulls() {
    let desk = desk().await;
    desk.application(
        "DROP TABLE later; CREATE TABLE later (org_id INTEGER, name TEXT, title TEXT, PRIMARY KEY (name));
         INSERT INTO later VALUES (1, NULL, 'a'), (1, NULL, 'b'), (2, NULL, 'a');",
    );
    assert_eq!(
        desk.changed(1, "UPDATE later SET title = 'z' WHERE title = 'a'")
            .await,
        1
    );
    assert_eq!(
        desk.changed(1, "DELETE FROM later WHERE title = 'b'").await,
        1
    );
    assert_eq!(
        desk.number("SELECT count(*) FROM later WHERE title IN ('z', 'a')"),
        2
    );
    let sql = "SELECT title FROM later WHERE rowid = 1";
    assert_eq!(desk.one(1, sql).await, "z");
    let sql = "SELECT count(*) FROM later WHERE rowid = 3";
    assert_eq!(desk.one(1, sql).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insertion_passes_over_or_replaces_what_is_there_within_the_organisation() {
    let desk = desk().await;
    // Row 1 is the organisation's own, row 3 another's.
    let sql = "INSERT OR IGNORE INTO ticket (id, title) VALUES (1, 'x'), (3, 'x'), (50, 'new')";
    assert_eq!(desk.changed(1, sql).await, 1);
    let sql = "REPLACE INTO ticket (id, title) VALUES (2, 'replaced')";
    assert_eq!(desk.changed(1, sql).await, 1);
    assert_eq!(
        desk.one(1, "SELECT title FROM ticket WHERE id = 2").await,
        "replaced"
    );
    assert_eq!(desk.others(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_organisation_can_use_up_the_ids_of_all() {
    let desk = desk().await;
    let last = i64::MAX;
    for sql in [
        format!("INSERT INTO ticket (id, title) VALUES ({last}, 'x')"),
        format!("INSERT INTO ticket (rowid, title) VALUES ({last}, 'x')"),
        format!("UPDATE ticket SET id = {last} WHERE id = 1"),
        format!("UPDATE ticket SET rowid = {last} WHERE id = 1"),
        format!("INSERT INTO ticket (id, title) VALUES ('{last}', 'x')"),
        "UPDATE ticket SET id = '9223372036854775807.0' WHERE id = 1".to_owned(),
        "INSERT INTO ticket (id, title) VALUES (9223372036854774784.0, 'x')".to_owned(),
    ] {
        let text = desk.fails(1, &sql, DENIED).await;
        assert!(text.contains("choose a smaller one"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_joined_by_names_and_words_inside_strings_are_not_taken_for_it() {
    let desk = desk().await;
    for (sql, expected) in [
        (
            "SELECT count(*) FROM ticket a JOIN ticket b USING (id)",
            json!(2),
        ),
        (
            "SELECT count(*) FROM ticket NATURAL JOIN (SELECT 1 AS id)",
            json!(1),
        ),
        (
            "SELECT count(*) FROM json_each('[\"housing\"]') WHERE value LIKE '%using%'",
            json!(1),
        ),
        (
            "SELECT count(*) FROM ticket, json_each('[1]') WHERE state <> 'natural main using'",
            json!(2),
        ),
    ] {
        assert_eq!(desk.one(1, sql).await, expected, "{sql}");
    }
    let narrow = Desk::with(On::Sqlite, &["db:read=guess,queue", "db:write=log"]).await;
    for sql in [
        "SELECT 1 FROM guess NATURAL JOIN ticket",
        "SELECT 1 FROM guess JOIN ticket USING (title)",
    ] {
        narrow.closed(sql, DENIED).await;
    }
    for sql in [
        "INSERT INTO log SELECT 'hit' FROM guess NATURAL JOIN ticket",
        "INSERT INTO log SELECT $a(') FROM guess NATURAL JOIN ticket --')",
    ] {
        narrow.fails(1, sql, crate::DENIED_OR_INVALID).await;
    }
}

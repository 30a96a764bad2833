//! Types that only PostgreSQL has: in as text, out as text, and exact.

use serde_json::json;

use super::{desk_on, desk_with};
use crate::{INVALID, only, refused};

#[tokio::test(flavor = "multi_thread")]
async fn types_beyond_the_contract_are_text_both_ways() {
    let desk = desk_with(&["db:read=*"]).await;
    for (kind, text) in [
        ("numeric", "12345678901234567890.123456789"),
        ("numeric(10, 2)", "1.50"),
        ("numeric", "NaN"),
        ("timestamptz", "2026-11-20 13:00:00.123456+00"),
        ("timestamp", "0044-03-15 12:00:00 BC"),
        ("date", "2026-02-28"),
        ("time", "23:59:59.999999"),
        ("interval", "1 year 2 mons 3 days 04:05:06"),
        ("uuid", "b5c3c5de-1b47-4d2a-8f0a-6a8d4f0b2c11"),
        ("json", "{\"b\": 1,  \"a\":[ ]}"),
        ("jsonb", "{\"a\": [], \"b\": 1}"),
        ("int[]", "{1,NULL,3}"),
        ("text[]", "{a,\"b c\",NULL}"),
        ("inet", "10.0.0.0/8"),
        ("int4range", "[1,5)"),
        ("point", "(1,2)"),
        ("bit(3)", "101"),
        ("tsvector", "'a' 'b'"),
    ] {
        let sql = format!("SELECT ?::{kind} AS a, ?::{kind} AS a, 1 AS b");
        let answer = desk.query_with(&sql, json!([text, null])).await.unwrap();
        assert_eq!(
            answer,
            json!({"columns": ["a", "a", "b"], "rows": [[text, null, 1]]}),
            "{kind}"
        );
    }
    let ordered = "SELECT g, now() FROM generate_series(1, 100) g ORDER BY g DESC";
    let answer = desk.query(ordered).await.unwrap();
    assert_eq!(
        (&answer["rows"][0][0], &answer["rows"][99][0]),
        (&json!(100), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_own_types_come_as_text() {
    let desk = desk_on(&["db:read=*"], Default::default(), |store| {
        store.run(
            "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN percent AS INTEGER CHECK (VALUE <= 100);
             CREATE TABLE day (id INTEGER, m mood, p percent); INSERT INTO day VALUES (1, 'ok', 7)",
        );
    })
    .await;
    let sql = "SELECT m, p, 'sad'::mood FROM day WHERE m = ? AND p = ?";
    let answer = desk.query_with(sql, json!(["ok", 7])).await.unwrap();
    assert_eq!(answer["rows"], json!([["ok", 7, "sad"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_fit_exactly_or_are_refused_by_their_number() {
    let desk = desk_on(&["db:read=*"], Default::default(), |store| {
        store.run("CREATE TABLE n (s SMALLINT, i INTEGER, b BIGINT, r REAL, d NUMERIC, f BOOLEAN, t TEXT, y BYTEA);
                      INSERT INTO n VALUES (1, 2, 3, 0.1, 1.10, true, '5', 'ab')");
    })
    .await;
    for (sql, params, count) in [
        ("s = ? AND i = ? AND b = ?", json!([1, 2, 3]), 1),
        ("i = ?", json!([1_i64 << 40]), 0),
        ("i < ?", json!([1_i64 << 40]), 1),
        ("i = ?", json!([2.5]), 0),
        ("i = ?", json!([2.0]), 1),
        ("d = ?", json!([1.1]), 1),
        ("f = ?", json!([true]), 1),
        ("f = ?", json!([1]), 1),
        ("i = ?", json!(["2"]), 1),
        ("t = ?", json!(["5"]), 1),
        ("y = ?", json!([{"blob": [97, 98]}]), 1),
        ("? IS NOT NULL", json!([5]), 1),
        ("coalesce(?, ?) = 'a'", json!([null, "a"]), 1),
        ("left(t, ?) = '5'", json!([1]), 1),
        ("b IN (?, ?)", json!([3, 4]), 1),
    ] {
        let sql = format!("SELECT count(*) FROM n WHERE {sql}");
        let answer = desk.query_with(&sql, params.clone()).await;
        assert_eq!(
            only(answer.unwrap_or_else(|error| panic!("{sql} {params}: {error}"))),
            count,
            "{sql} {params}"
        );
    }
    for (sql, params) in [
        ("i = ? AND i = ?", json!([2, "two"])),
        ("i = ? AND y = ?", json!([2, "ab"])),
        ("t = ?", json!([5])),
        ("i = ?", json!([{"blob": [1]}])),
        ("left(t, ?) = '5'", json!([1_i64 << 40])),
    ] {
        let sql = format!("SELECT count(*) FROM n WHERE {sql}");
        refused(&sql, desk.query_with(&sql, params).await, INVALID);
    }
    let text = refused(
        "y",
        desk.query_with("SELECT 1 FROM n WHERE i = ? AND y = ?", json!([2, "ab"]))
            .await,
        INVALID,
    );
    assert!(text.contains("parameter 2"), "{text}");
}

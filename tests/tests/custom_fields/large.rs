//! Many values: queries that find too many, and what it takes to find few among a million.

use std::time::Instant;

use goatherd::capability::custom_fields::{CustomFields, SqliteFields};
use goatherd::store::SqliteStore;
use goatherd_tests::{fields, until};
use serde_json::{Value, json};

use crate::{Desk, Place, host, on_both, probe, refused};

on_both!(more_than_10000_are_too_many, the_deadline_ends_a_query);

/// Puts a value of the field `number` on many tickets, past the interface.
async fn put_many(place: &Place, count: i64) {
    let key = |number: i64| (number.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec();
    let field = "SELECT id FROM goatherd_custom_field WHERE plugin = 'probe-fields' AND entity_type = 'ticket' AND name = 'number'";
    match place {
        Place::Sqlite(_) => {
            let mut connection = rusqlite::Connection::open(place.file()).unwrap();
            let transaction = connection.transaction().unwrap();
            let field: i64 = transaction.query_row(field, [], |row| row.get(0)).unwrap();
            {
                let mut insert = transaction
                    .prepare("INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (?, ?, '', ?, ?)")
                    .unwrap();
                for id in 1..=count {
                    insert
                        .execute(rusqlite::params![id, field, key(id), id.to_string()])
                        .unwrap();
                }
            }
            transaction.commit().unwrap();
        }
        Place::Postgres(url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            let sql = format!(
                "INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value) \
                 SELECT n, ({field}), '', decode(lpad(to_hex(n), 16, '0'), 'hex'), n::text FROM generate_series(1, {count}) n"
            );
            client.batch_execute(&sql).await.unwrap();
            // The sign bit of what the server wrote: set_byte and not arithmetic, which would overflow.
            client
                .batch_execute("UPDATE goatherd_custom_value SET key = set_byte(key, 0, 128); ANALYZE goatherd_custom_value")
                .await
                .unwrap();
        }
    }
}

async fn more_than_10000_are_too_many(place: Place) {
    let desk = place.desk().await;
    put_many(&place, 10_001).await;
    let all = json!([["number", "gt", {"integer": 0}]]);
    let text = refused(desk.query(all).await, "too-large");
    assert!(text.contains("10000"), "{text}");
    let all = json!([["number", "neq", {"integer": 0}], ["number", "gte", {"integer": 1}]]);
    refused(desk.query(all).await, "too-large");
    let but_one = json!([["number", "gt", {"integer": 1}]]);
    let found = desk.found(but_one).await;
    assert_eq!(found, (2..=10_001).collect::<Vec<_>>());
    assert_eq!(
        desk.found(json!([["number", "in", [{"integer": 9_999}, {"integer": 3}]]]))
            .await,
        [3, 9_999]
    );
}

async fn the_deadline_ends_a_query(place: Place) {
    let desk = place.desk().await;
    put_many(&place, 200_000).await;
    // Neither is selective, and together they find nothing: all of one has to be looked at.
    let filters = json!([["number", "neq", {"integer": -1}], ["number", "neq", {"integer": -2}], ["boolean", "eq", {"boolean": true}]]);
    assert_eq!(
        desk.found(filters).await,
        [0i64; 0],
        "one that finds nothing leads"
    );
    let odd = json!([["number", "lt", {"integer": 150_000}], ["number", "gt", {"integer": 100_000}], ["number", "neq", {"integer": 7}]]);
    let begun = Instant::now();
    let outcome = goatherd_tests::call_in(
        &desk.probe,
        until(5),
        "query",
        json!({"type": "ticket", "filters": odd}),
    )
    .await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(
        desk.found(json!([["number", "eq", {"integer": 77}]])).await,
        [77],
        "it goes on"
    );
}

/// Every kind of condition that finds few, and whom it finds, on what `put_many` wrote.
fn selective() -> Vec<Value> {
    vec![
        json!([["number", "eq", {"integer": 77}]]),
        json!([["number", "in", [{"integer": 77}, {"integer": 78}]]]),
        json!([["number", "between", [{"integer": 100}, {"integer": 110}]]]),
        json!([["number", "lt", {"integer": 10}]]),
        json!([["number", "neq", {"integer": 5}], ["number", "eq", {"integer": 77}]]),
        json!([["point", "near", [48.2, 16.4]]]),
        json!([["text", "like", "ticket%"]]),
        json!([["multi", "eq", {"text": "red"}]]),
        json!([["multi", "neq", {"text": "red"}], ["number", "eq", {"integer": 78}]]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_of_a_server_reads_a_table_from_its_beginning() {
    let place = Place::postgres();
    let Place::Postgres(url) = &place else {
        unreachable!("it was asked for")
    };
    let desk = place.desk().await;
    put_many(&place, 100_000).await;
    desk.set(77, json!([["text", {"text": "Ticket"}], ["multi", {"choices": ["red"]}], ["point", {"point": [48.2, 16.4]}]]))
        .await
        .unwrap();
    let before = scans(url).await;
    for filters in selective() {
        desk.found(filters).await;
    }
    desk.get(77, &[]).await;
    desk.set(77, json!([["number", {"integer": 77}]]))
        .await
        .unwrap();
    desk.apply(
        77,
        json!([["number", "increment", {"by": "1"}], ["multi", "append", "blue"]]),
    )
    .await
    .unwrap();
    drop(desk);
    // A server session tells what it did when it ends, and that can take a moment.
    let mut after = scans(url).await;
    for _ in 0..100 {
        if after.indexed > before.indexed {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        after = scans(url).await;
    }
    assert!(after.indexed > before.indexed, "{before:?} {after:?}");
    assert_eq!(after.sequential, before.sequential, "{before:?} {after:?}");
}

#[derive(Debug, Clone, Copy)]
struct Scans {
    sequential: i64,
    indexed: i64,
}

/// How often tables of values were read from the beginning, and by an index.
async fn scans(url: &str) -> Scans {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let row = client
        .query_one(
            "SELECT sum(seq_scan)::int8, sum(idx_scan)::int8 FROM pg_stat_user_tables \
             WHERE relname IN ('goatherd_custom_value', 'goatherd_custom_choice')",
            &[],
        )
        .await
        .unwrap();
    Scans {
        sequential: row.get(0),
        indexed: row.get(1),
    }
}

/// Not a test: how long queries over a million values take. `cargo test … -- --ignored --nocapture a_million`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and takes a minute"]
async fn a_million_values() {
    const COUNT: i64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("million.db");
    let begun = Instant::now();
    fields::fill(&path, COUNT);
    println!(
        "filled in {:?}, {} MB",
        begun.elapsed(),
        std::fs::metadata(&path).unwrap().len() >> 20
    );
    let store = SqliteFields::open(SqliteStore::open(&path).unwrap()).unwrap();
    let host = host(CustomFields::new(store));
    let probe = probe(&host, &["custom_fields:readwrite=*"]).await;
    let desk = Desk { _host: host, probe };
    let text = fields::text(77);
    let queries = [
        json!([["number", "eq", {"integer": 77}]]),
        json!([["number", "between", [{"integer": 1_000}, {"integer": 1_100}]]]),
        json!([["number", "lt", {"integer": 9_999}]]),
        json!([["text", "eq", {"text": text}]]),
        json!([["text", "like", "ticket 00001%"]]),
        json!([["text", "like", "%0777777%"]]),
        json!([["point", "near", [48.2, 16.4]]]),
        json!([["point", "near", [48.2, 16.4, 500]]]),
        json!([["point", "near", [84.0, 179.9, 100]]]),
        json!([["number", "neq", {"integer": 5}], ["text", "gt", {"text": "a"}], ["point", "near", [48.2, 16.4, 100]]]),
        json!([["number", "between", [{"integer": 0}, {"integer": 500_000}]], ["text", "like", "ticket 000%"]]),
    ];
    for filters in queries {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..20 {
            let begun = Instant::now();
            found = match desk.query(filters.clone()).await {
                Ok(found) => found.as_array().unwrap().len(),
                Err(error) => panic!("{filters}: {error}"),
            };
            times.push(begun.elapsed());
        }
        times.sort();
        println!(
            "{:?} median, {:?} most, {found} found: {filters}",
            times[10], times[19]
        );
    }
}

//! What data cost on their way from a back-end into a guest.
//!
//! Each row is a call of the guest `bench-data` that calls one host function. A query is compared with the same one in plain
//! rusqlite, everything else with an empty call of the same guest, so that what is left is the host function.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use goatherd::capability::custom_fields::{CustomFields, SqliteFields};
use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
use goatherd::capability::http::HttpClient;
use goatherd::contract::{CallContext, Json};
use goatherd::permission::{Grant, Grants};
use goatherd::runtime::Limits;
use goatherd::store::SqliteStore;
use goatherd::{Host, Plugin};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;

use crate::Chosen;
use crate::report::Report;
use crate::rounds;

const QUERY: &str = "SELECT id, name, amount, share, done FROM item ORDER BY id LIMIT 1000";
/// How many values the custom field rows search.
const VALUES: i64 = 1_000_000;
const GRANTS: [&str; 5] = [
    "db:read=item",
    "cache:readwrite",
    "http=api.example.org",
    "custom_fields:readwrite=ticket",
    "plugin_call",
];

/// The rows of this file.
const ROWS: [&str; 5] = [
    "query_1000x5_over_rusqlite",
    "cache_get_1k_us",
    "denied_request_us",
    "fields_equal_of_million_ms",
    "fields_near_of_million_ms",
];

/// Measures the chosen rows.
pub async fn measure(guests: &Path, chosen: &Chosen, report: &mut Report) -> Result<()> {
    if !ROWS.iter().any(|row| chosen.has(row)) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let plain = items(&file)?;
    let store = SqliteStore::open(&file)?;
    let host = Host::builder()
        .provider(Databases::new(SqliteDatabase::open(&file)?, Caps::default()))
        .provider(CustomFields::new(SqliteFields::new(store.clone())?))
        .provider(HttpClient::default())
        .build()?;
    let component = host.compile_file(&guests.join("bench-data.wasm")).await?;
    let grants: Grants = GRANTS
        .iter()
        .map(|text| Grant::parse(text))
        .collect::<Result<_, _>>()?;
    let plugin = host.load(&component, grants, Limits::default()).await?;

    if chosen.has(ROWS[0]) {
        query(&plugin, &plain, report).await?;
    }
    if chosen.has(ROWS[1]) {
        calls(&plugin, "put", &json!("k"), "1", 1).await?;
        over_empty(&plugin, ("get", &json!("k"), "1024"), ROWS[1], report).await?;
    }
    if chosen.has(ROWS[2]) {
        let url = json!("https://evil.example/");
        over_empty(&plugin, ("request", &url, "\"denied\""), ROWS[2], report).await?;
    }
    if chosen.has(ROWS[3]) || chosen.has(ROWS[4]) {
        goatherd_tests::fields::fill(&file, "bench-data", VALUES)?;
        find(&plugin, "find-equal", &json!(123_456), ROWS[3], report).await?;
        find(&plugin, "find-near", &json!([48.2, 11.6, 5.0]), ROWS[4], report).await?;
    }
    Ok(())
}

/// A table of 10,000 rows, and a connection of the benchmark's own.
fn items(file: &Path) -> Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, amount INTEGER, share REAL, done BOOLEAN)",
    )?;
    for id in 0..10_000_i64 {
        transaction.execute(
            "INSERT INTO item VALUES (?1, ?2, ?3, ?4, ?5)",
            (id, format!("item number {id}"), id * 7, id as f64 / 3.0, id % 2),
        )?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// 1,000 rows of 5 columns, against reading the same values out of rusqlite.
async fn query(plugin: &Plugin, plain: &Connection, report: &mut Report) -> Result<()> {
    const QUERIES: u32 = 40;
    let mut statement = plain.prepare(QUERY)?;
    let pair = rounds::compare(
        async || calls(plugin, "query", &json!(QUERY), "1000", QUERIES).await,
        async || {
            let began = Instant::now();
            for _ in 0..QUERIES {
                let mut rows = statement.query([])?;
                let mut all: Vec<Vec<Value>> = Vec::new();
                while let Some(row) = rows.next()? {
                    let columns = (0..5).map(|column| row.get(column));
                    all.push(columns.collect::<rusqlite::Result<_>>()?);
                }
                ensure!(all.len() == 1_000, "the table has too few rows");
            }
            Ok(began.elapsed())
        },
    )
    .await?;
    let microseconds = pair.subject / f64::from(QUERIES) / 1e3;
    report.add(ROWS[0], microseconds, "us", pair.ratio, "plain rusqlite");
    Ok(())
}

/// A host function that takes microseconds, in what it adds to an empty call.
async fn over_empty(
    plugin: &Plugin,
    (function, args, answer): (&str, &serde_json::Value, &str),
    row: &str,
    report: &mut Report,
) -> Result<()> {
    const CALLS: u32 = 5_000;
    let pair = rounds::compare(
        async || calls(plugin, function, args, answer, CALLS).await,
        async || calls(plugin, "nothing", args, "null", CALLS).await,
    )
    .await?;
    let microseconds = pair.difference / f64::from(CALLS) / 1e3;
    report.add(row, microseconds, "µs", pair.ratio, "empty call (value: over it)");
    Ok(())
}

/// A search that takes milliseconds, warm.
async fn find(
    plugin: &Plugin,
    function: &str,
    args: &serde_json::Value,
    row: &str,
    report: &mut Report,
) -> Result<()> {
    let found = plugin
        .call(function, &Json::from_value(args)?, CallContext::default())
        .await?;
    ensure!(found.as_str() != "0", "{function} {args} found nothing");
    let pair = rounds::compare(
        async || calls(plugin, function, args, found.as_str(), 5).await,
        async || calls(plugin, "nothing", args, "null", 5).await,
    )
    .await?;
    report.add(row, pair.subject / 5.0 / 1e6, "ms", pair.ratio, "empty call");
    Ok(())
}

/// Calls a function so often, and checks each answer.
async fn calls(
    plugin: &Plugin,
    function: &str,
    args: &serde_json::Value,
    answer: &str,
    calls: u32,
) -> Result<Duration> {
    let args = Json::from_value(args)?;
    let began = Instant::now();
    for _ in 0..calls {
        let reply = plugin.call(function, &args, CallContext::default()).await?;
        ensure!(
            reply.as_str() == answer,
            "{function} answered {} and not {answer}",
            reply.as_str()
        );
    }
    Ok(began.elapsed())
}

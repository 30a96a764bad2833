//! What data cost on their way from a back-end into a guest.
//!
//! Each row is a call of a guest that calls one host function. A query is compared with the same one in plain rusqlite, what
//! takes microseconds with an empty call of the same guest, so that what is left is the host function.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use goatherd::capability::custom_fields::{CustomFields, SqliteFields};
use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
use goatherd::capability::http::{HttpClient, HttpOptions};
use goatherd::contract::{CallContext, Json};
use goatherd::permission::{Grant, Grants};
use goatherd::store::SqliteStore;
use goatherd::{Host, Plugin};
use goatherd_tests::fields;
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;

use crate::Chosen;
use crate::governed::limits;
use crate::report::Report;
use crate::rounds;

const QUERY: &str = "SELECT id, name, amount, share, done FROM item ORDER BY id LIMIT 1000";
/// How many values the custom field rows search.
const VALUES: i64 = 1_000_000;
const GRANTS: [&str; 3] = ["db:read=item", "cache:readwrite", "http=api.example.org"];

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
    let host = Host::builder()
        .provider(Databases::new(
            SqliteDatabase::open(&file)?,
            Caps::default(),
        ))
        .provider(HttpClient::new(HttpOptions::new(goatherd::tls::client(
            None,
        )?))?)
        .build()?;
    let component = host.compile_file(&guests.join("bench-data.wasm")).await?;
    let plugin = host.load(&component, granted(&GRANTS)?, limits()).await?;

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
        let file = folder.path().join("fields.db");
        fields::fill(&file, VALUES);
        let store = SqliteFields::open(SqliteStore::open(&file)?)?;
        let host = Host::builder().provider(CustomFields::new(store)).build()?;
        let component = host.compile_file(&guests.join("probe-fields.wasm")).await?;
        let grants = granted(&["custom_fields:readwrite=ticket"])?;
        let plugin = host.load(&component, grants, limits()).await?;
        let equal =
            json!({ "type": "ticket", "filters": [["number", "eq", { "integer": 123_456 }]] });
        find(&plugin, &equal, ROWS[3], report).await?;
        let near = json!({ "type": "ticket", "filters": [["point", "near", [48.2, 16.4, 25]]] });
        find(&plugin, &near, ROWS[4], report).await?;
    }
    Ok(())
}

fn granted(texts: &[&str]) -> Result<Grants> {
    let parsed = texts.iter().map(|text| Grant::parse(text));
    Ok(parsed.collect::<Result<_, _>>()?)
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
            (
                id,
                format!("item number {id}"),
                id * 7,
                id as f64 / 3.0,
                id % 2,
            ),
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
    report.add(
        row,
        microseconds,
        "µs",
        pair.ratio,
        "empty call (value: over it)",
    );
    Ok(())
}

/// A search for custom fields through the guest `probe-fields`, warm, against one of another entity type, which is refused.
async fn find(
    plugin: &Plugin,
    args: &serde_json::Value,
    row: &str,
    report: &mut Report,
) -> Result<()> {
    const SEARCHES: u32 = 5;
    let json = Json::from_value(args)?;
    let found = plugin.call("query", &json, CallContext::default()).await?;
    ensure!(found.as_str().len() > 2, "{args} found nothing");
    let pair = rounds::compare(
        async || calls(plugin, "query", args, found.as_str(), SEARCHES).await,
        async || refused(plugin, SEARCHES).await,
    )
    .await?;
    let milliseconds = pair.subject / f64::from(SEARCHES) / 1e6;
    report.add(row, milliseconds, "ms", pair.ratio, "refused search");
    Ok(())
}

async fn refused(plugin: &Plugin, calls: u32) -> Result<Duration> {
    let args = Json::from_value(&json!({ "type": "contact", "filters": [] }))?;
    let began = Instant::now();
    for _ in 0..calls {
        let reply = plugin.call("query", &args, CallContext::default()).await;
        ensure!(reply.is_err(), "contacts are not granted");
    }
    Ok(began.elapsed())
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

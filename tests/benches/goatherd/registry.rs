//! What the plugins table costs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use goatherd::registry::{Kind, Record, Service, SqliteRegistry, Store};
use goatherd::store::SqliteStore;

use crate::Chosen;
use crate::report::Report;
use crate::rounds;

/// The row of this file: a listing as an administrator gets it, in order and as JSON.
const ROW: &str = "registry_list_10000_ms";
const RECORDS: i64 = 10_000;

/// Measures the row, against writing the same records as JSON without the service.
pub async fn measure(chosen: &Chosen, report: &mut Report) -> Result<()> {
    if !chosen.has(ROW) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("registry.db");
    fill(&file)?;
    let store = SqliteRegistry::new(SqliteStore::open(&file)?)?;
    let (_, records) = store.all().await?;
    let service = Service::with_store(store).await?;
    let pair = rounds::compare(
        async || {
            let began = Instant::now();
            let listed = service.list();
            let text = serde_json::to_string(&listed)?;
            let took = began.elapsed();
            ensure!(
                listed.len() as i64 == RECORDS && !text.is_empty(),
                "records are missing"
            );
            Ok(took)
        },
        async || written(&records),
    )
    .await?;
    report.add(
        ROW,
        pair.subject / 1e6,
        "ms",
        pair.ratio,
        "the records as JSON alone",
    );
    Ok(())
}

fn written(records: &[Record]) -> Result<Duration> {
    let began = Instant::now();
    let text = serde_json::to_string(records)?;
    let took = began.elapsed();
    ensure!(!text.is_empty(), "records are missing");
    Ok(took)
}

/// Writes the records into the file in one transaction, which ten thousand changes through the service would not be.
fn fill(file: &std::path::Path) -> Result<()> {
    drop(SqliteRegistry::new(SqliteStore::open(file)?)?);
    let mut connection = rusqlite::Connection::open(file)?;
    let transaction = connection.transaction()?;
    for number in 0..RECORDS {
        transaction.execute(
            "INSERT INTO goatherd_plugin (slug, kind, enabled, config, nav, sort, labels, revision)
             VALUES (?1, ?2, 1, '{\"from\":\"news@example.org\",\"limit\":100}', 1, ?3, '{\"en\":\"A plugin\",\"ar\":\"إضافة\"}', ?4)",
            (format!("plugin-{number}"), Kind::Integration.as_str(), (number * 7_919) % 1_000, number + 1),
        )?;
    }
    transaction.execute("UPDATE goatherd_plugin_version SET version = ?1", [RECORDS])?;
    Ok(transaction.commit()?)
}

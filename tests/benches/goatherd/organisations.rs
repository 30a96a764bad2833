//! What it costs that a plugin sees the rows of one organisation alone.
//!
//! A table of 200,000 rows of ten organisations, read by a plugin's database for one of them, against plain rusqlite with the
//! same condition and the organisation's beside it: by an index that has both, and through all of the organisation's rows.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use goatherd::capability::db::{Call, Caps, Database, OrganisationTables, Scopes, SqliteDatabase};
use goatherd::permission::{Grant, Grants};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::Chosen;
use crate::report::Report;
use crate::rounds;

const ROWS: i64 = 200_000;
const ORGANISATIONS: i64 = 10;

/// Name, the plugin's statement, how often in a round.
const QUERIES: [(&str, &str, u32); 3] = [
    (
        "organisation_by_index_over_rusqlite",
        "SELECT id, title, amount FROM ticket WHERE queue_id = 3",
        40,
    ),
    (
        "organisation_by_key_over_rusqlite",
        "SELECT b.title FROM ticket a JOIN ticket b ON b.id = a.amount WHERE a.queue_id = 3",
        40,
    ),
    (
        "organisation_by_scan_over_rusqlite",
        "SELECT count(*), sum(length(title)) FROM ticket WHERE amount % 7 = 3",
        10,
    ),
];

/// Measures the chosen rows.
pub async fn measure(chosen: &Chosen, report: &mut Report) -> Result<()> {
    if !QUERIES.iter().any(|(name, ..)| chosen.has(name)) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let plain = tickets(&file)?;
    let owned = OrganisationTables::new([("ticket", "org_id")])?;
    let grants: Grants = std::iter::once(Grant::parse("db:read=ticket")?).collect();
    let scopes = Scopes {
        read: grants.db_read().cloned(),
        write: None,
    };
    let database = SqliteDatabase::open(&file)?.with_organisations(owned);
    let plugin = database.open("bench", scopes, Caps::default())?;
    for (name, sql, times) in QUERIES {
        if !chosen.has(name) {
            continue;
        }
        let filtered = with_organisation(sql);
        let mut statement = plain.prepare(&filtered)?;
        let expected = read(&mut statement)?.len();
        let pair = rounds::compare(
            async || {
                let began = Instant::now();
                for _ in 0..times {
                    let mut call = Call::until(Instant::now() + Duration::from_secs(30));
                    call.org_id = Some(1);
                    let rows = plugin.query(sql.to_owned(), Vec::new(), call).await?;
                    ensure!(
                        rows.rows.len() == expected,
                        "{sql}: {} rows",
                        rows.rows.len()
                    );
                }
                Ok(began.elapsed())
            },
            async || {
                let began = Instant::now();
                for _ in 0..times {
                    ensure!(read(&mut statement)?.len() == expected, "{filtered}");
                }
                Ok(began.elapsed())
            },
        )
        .await?;
        let microseconds = pair.subject / f64::from(times) / 1e3;
        report.add(name, microseconds, "us", pair.ratio, "plain rusqlite");
    }
    Ok(())
}

/// The same with the organisation in its condition, for each name that the table has in it.
fn with_organisation(sql: &str) -> String {
    if sql.contains(" b ON ") {
        format!("{sql} AND a.org_id = 1 AND b.org_id = 1")
    } else {
        format!("{sql} AND org_id = 1")
    }
}

fn read(statement: &mut rusqlite::Statement<'_>) -> Result<Vec<Vec<Value>>> {
    let count = statement.column_count();
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = (0..count).map(|column| row.get(column));
        all.push(columns.collect::<rusqlite::Result<_>>()?);
    }
    Ok(all)
}

fn tickets(file: &Path) -> Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE ticket (id INTEGER PRIMARY KEY, org_id INTEGER, queue_id INTEGER, title TEXT, amount INTEGER);
         CREATE INDEX ticket_queue ON ticket (org_id, queue_id);",
    )?;
    for id in 0..ROWS {
        transaction.execute(
            "INSERT INTO ticket VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                id,
                id % ORGANISATIONS,
                id / ORGANISATIONS % 20,
                format!("ticket number {id}"),
                // Of the same organisation.
                (id * 37) % (ROWS / ORGANISATIONS) * ORGANISATIONS + id % ORGANISATIONS,
            ),
        )?;
    }
    transaction.commit()?;
    Ok(connection)
}

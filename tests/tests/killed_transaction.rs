//! A process that is killed in the middle of a plugin's transaction leaves all of it or nothing, in either database, and
//! never loses what was reported as done.

use std::collections::BTreeMap;

use goatherd::Plugin;
use goatherd::capability::db::{
    Caps, Databases, PostgresDatabase, PostgresSettings, SqliteDatabase,
};
use goatherd::store::PostgresStore;
use goatherd_tests::{call, host_builder, kill, limits, servers};
use rusqlite::Connection;
use serde_json::{Value, json};

/// How many rows each transaction writes, beside the one that it updates.
const ROWS: i64 = 8;
const TABLES: &str = "CREATE TABLE entry (batch BIGINT NOT NULL, number BIGINT NOT NULL);
     CREATE TABLE total (id BIGINT PRIMARY KEY, entries BIGINT NOT NULL);
     INSERT INTO total VALUES (1, 0);";

/// Writes batch after batch, each in one transaction: its rows, and the count of all rows.
async fn write(plugin: Plugin, first: i64) -> ! {
    kill::say("ready");
    for batch in first.. {
        let mut statements: Vec<Value> = (0..ROWS)
            .map(|number| {
                json!({ "sql": "INSERT INTO entry (batch, number) VALUES (?, ?)", "params": [batch, number] })
            })
            .collect();
        let count = "UPDATE total SET entries = entries + ? WHERE id = 1";
        statements.insert(4, json!({ "sql": count, "params": [ROWS] }));
        let done = call(
            &plugin,
            "db.transaction",
            json!({ "statements": statements }),
        )
        .await;
        done.unwrap_or_else(|error| panic!("{error}"));
        kill::say(&batch.to_string());
    }
    unreachable!("there are more numbers than rounds")
}

async fn probe(database: Databases) -> Plugin {
    let host = host_builder().provider(database).build().unwrap();
    goatherd_tests::plugin(&host, "probe", goatherd_tests::PROBE_GRANTS, limits()).await
}

/// Fails unless every batch is whole, the total counts them, and all that were reported are there. Returns the number of
/// the next batch.
fn check(batches: &BTreeMap<i64, i64>, total: i64, said: &[String]) -> i64 {
    for (batch, rows) in batches {
        assert_eq!(*rows, ROWS, "batch {batch} is not whole");
    }
    let rows: i64 = batches.values().sum();
    assert_eq!(total, rows, "the total is of another time than the rows");
    for reported in said {
        let batch: i64 = reported.parse().unwrap();
        assert!(
            batches.contains_key(&batch),
            "batch {batch} was reported and is gone"
        );
    }
    batches.keys().next_back().map_or(0, |last| last + 1)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// What a child works on: the place of the database, and the number of its first batch.
fn place(text: &str) -> (String, i64) {
    let (place, first) = text.rsplit_once('|').unwrap();
    (place.to_owned(), first.parse().unwrap())
}

#[test]
fn a_killed_process_leaves_whole_transactions_in_sqlite() {
    if let Some(work) = kill::child() {
        let (file, first) = place(&work);
        runtime().block_on(async {
            let database = SqliteDatabase::open(file).unwrap();
            write(
                probe(Databases::new(database, Caps::default())).await,
                first,
            )
            .await
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch(TABLES).unwrap();
    let next = std::cell::Cell::new(0);
    let work = || format!("{}|{}", file.display(), next.get());
    let test = "a_killed_process_leaves_whole_transactions_in_sqlite";
    let done = kill::Kills::rounds(200).run(
        || kill::again(test, &work()),
        |said| {
            let mut statement = connection
                .prepare("SELECT batch, COUNT(*) FROM entry GROUP BY batch")
                .unwrap();
            let batches = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            let batches = batches.unwrap().collect::<Result<_, _>>().unwrap();
            let total = connection
                .query_row("SELECT entries FROM total", [], |row| row.get(0))
                .unwrap();
            next.set(check(&batches, total, said));
        },
    );
    assert!(done > 0, "no transaction was ever finished");
}

#[test]
fn a_killed_process_leaves_whole_transactions_in_postgresql() {
    if let Some(work) = kill::child() {
        let (url, first) = place(&work);
        runtime().block_on(async {
            let store = PostgresStore::new(&url, goatherd::tls::client(None).unwrap()).unwrap();
            let database = PostgresDatabase::new(store, PostgresSettings::default());
            write(
                probe(Databases::new(database, Caps::default())).await,
                first,
            )
            .await
        });
    }
    let url = servers::postgres();
    let runtime = runtime();
    let (client, connection) = runtime
        .block_on(tokio_postgres::connect(&url, tokio_postgres::NoTls))
        .unwrap();
    runtime.spawn(connection);
    runtime.block_on(client.batch_execute(TABLES)).unwrap();
    let next = std::cell::Cell::new(0);
    let test = "a_killed_process_leaves_whole_transactions_in_postgresql";
    let done = kill::Kills::rounds(60)
        .within(std::time::Duration::from_millis(60))
        .run(
            || kill::again(test, &format!("{url}|{}", next.get())),
            |said| {
                // The server may still be at the statement that it was given last; afterwards it notices that nobody is
                // there and rolls back. A lock on the tables waits for that.
                let counted = runtime.block_on(async {
                    client
                        .batch_execute("BEGIN; LOCK TABLE entry, total IN EXCLUSIVE MODE")
                        .await?;
                    let rows = client
                        .query("SELECT batch, COUNT(*) FROM entry GROUP BY batch", &[])
                        .await?;
                    let total = client.query_one("SELECT entries FROM total", &[]).await?;
                    client.batch_execute("COMMIT").await?;
                    Ok::<_, tokio_postgres::Error>((rows, total))
                });
                let (rows, total) = counted.unwrap();
                let batches = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
                next.set(check(&batches, total.get(0), said));
            },
        );
    assert!(done > 0, "no transaction was ever finished");
}

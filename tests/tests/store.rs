//! What all back-ends on one database share.

use std::time::{Duration, Instant};

use goatherd::store::PostgresStore;
use goatherd_tests::servers;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS first (id bigint)",
    "CREATE INDEX IF NOT EXISTS first_by_id ON first (id)",
    "CREATE TABLE IF NOT EXISTS second (id bigint)",
    "CREATE INDEX IF NOT EXISTS second_by_id ON second (id)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_and_one_that_writes_in_another_order_do_not_lock_each_other() {
    let tls = goatherd::tls::client(None).unwrap();
    let store = PostgresStore::new(&servers::postgres(), tls).unwrap();
    store.ensure(SCHEMA).await.unwrap();
    let mut session = store
        .session(Instant::now() + Duration::from_secs(30))
        .await
        .unwrap();
    let writing = session.transaction().await.unwrap();
    writing
        .execute("INSERT INTO second VALUES (1)", &[])
        .await
        .unwrap();
    let starting = tokio::spawn({
        let store = store.clone();
        async move { store.ensure(SCHEMA).await }
    });
    // Until it waits for the writer.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        !starting.is_finished(),
        "it waits for nothing, so this shows nothing"
    );
    writing
        .execute("INSERT INTO first VALUES (1)", &[])
        .await
        .unwrap();
    writing.commit().await.unwrap();
    starting.await.unwrap().unwrap();
}

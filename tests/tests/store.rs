//! What all back-ends on one database share.

use std::time::{Duration, Instant};

use goatherd::store::{Family, PostgresStore};
use goatherd_tests::servers;
use tokio_postgres::{Client, NoTls};

const TABLES: &str = "CREATE TABLE first (id bigint); CREATE TABLE second (id bigint);";
const INDEXES: &str =
    "CREATE INDEX first_by_id ON first (id); CREATE INDEX second_by_id ON second (id);";
const NAMES: &[&str] = &["first", "second"];
const BEFORE: Family = Family::new("test", NAMES, &[], &[TABLES]);
const AFTER: Family = Family::new("test", NAMES, &[], &[TABLES, INDEXES]);

/// Asks the server until it answers yes.
async fn until(client: &Client, sql: &str) {
    let latest = Instant::now() + Duration::from_secs(60);
    while !client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < latest, "never: {sql}");
        tokio::task::yield_now().await;
    }
}

/// A node that upgrades two tables, and a writer that has one of them and then wants the other. The writer is never the
/// victim of a deadlock, and the upgrade is made when it is done.
async fn upgrade_beside_a_writer(has: &str, wants: &str, meanwhile: &str) {
    let url = servers::postgres();
    let store = PostgresStore::new(&url, goatherd::tls::client(None).unwrap()).unwrap();
    store.migrate(&BEFORE).await.unwrap();
    let (observer, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut session = store
        .session(Instant::now() + Duration::from_secs(90))
        .await
        .unwrap();
    let writing = session.transaction().await.unwrap();
    let insert = |table: &str| format!("INSERT INTO {table} (id) VALUES (1)");
    writing.execute(&insert(has), &[]).await.unwrap();
    let upgrading = tokio::spawn({
        let store = store.clone();
        async move { store.migrate(&AFTER).await }
    });
    until(&observer, meanwhile).await;
    assert!(!upgrading.is_finished());
    writing.execute(&insert(wants), &[]).await.unwrap();
    writing.commit().await.unwrap();
    upgrading.await.unwrap().unwrap();
    let made = "SELECT count(*) = 2 FROM pg_indexes WHERE tablename IN ('first', 'second')";
    until(&observer, made).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_upgrades_waits_for_a_writer_before_it_has_any_table() {
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'first'::regclass)";
    upgrade_beside_a_writer("first", "second", waits).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_upgrades_lets_go_of_its_tables_for_a_writer_that_has_another_one() {
    let let_go =
        "SELECT xact_rollback > 0 FROM pg_stat_database WHERE datname = current_database()";
    upgrade_beside_a_writer("second", "first", let_go).await;
}

//! Caps: how many rows and bytes and how much time a call may use, and that one over them harms no other.

use std::time::{Duration, Instant};

use goatherd::capability::db::{Caps, PostgresSettings};
use goatherd_tests::{call, call_in, limits, plugin, until};
use serde_json::json;

use crate::{Desk, On, Store, both, only, refused};

/// As many rows as asked for, without a table.
fn series(rows: u64) -> String {
    format!(
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {rows}) SELECT n FROM r"
    )
}

both! {
async fn rows_over_the_cap_are_too_large_and_not_cut(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    let whole = desk.query(&series(10_000)).await.unwrap();
    assert_eq!(whole["rows"].as_array().unwrap().len(), 10_000);
    let text = refused(
        "10,001 rows",
        desk.query(&series(10_001)).await,
        &["too-large"],
    );
    assert!(
        text.contains("\"probe\"") && text.contains("10000 rows"),
        "{text}"
    );
}
}

both! {
async fn bytes_over_the_cap_are_too_large(on: On) {
    let caps = Caps::default().max_bytes(100_000);
    let desk = Desk::within(on, &["db:read=*", "db:write=note"], caps, limits()).await;
    let zeros = |bytes: usize| {
        let theirs = format!("SELECT decode(repeat('00', {bytes}), 'hex')");
        on.pick(&format!("SELECT zeroblob({bytes})"), &theirs).to_owned()
    };
    desk.query(&zeros(90_000)).await.unwrap();
    refused(
        "one value",
        desk.query(&zeros(200_000)).await,
        &["too-large"],
    );
    let wide = on.pick("printf('%01000d', n)", "lpad(n::text, 1000, '0')");
    let many = format!("SELECT {wide} FROM ({}) AS s", series(200));
    refused("many values", desk.query(&many).await, &["too-large"]);
    let huge = "x".repeat(200_000);
    refused(
        "a parameter",
        desk.query_with("SELECT ?", json!([huge])).await,
        &["too-large"],
    );
    refused(
        "a change",
        desk.execute_with("INSERT INTO note (text) VALUES (?)", json!([huge]))
            .await,
        &["too-large"],
    );
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 0);
}
}

both! {
async fn sql_over_a_mebibyte_is_too_large(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    let sql = |bytes: usize| format!("SELECT 1 --{}", "x".repeat(bytes - 11));
    desk.query(&sql(1 << 20)).await.unwrap();
    refused("SQL", desk.query(&sql((1 << 20) + 1)).await, &["too-large"]);
}
}

both! {
async fn a_query_that_runs_too_long_is_stopped(on: On) {
    let caps = Caps::default().statement_time(Duration::from_millis(300));
    let desk = Desk::within(on, &["db:read=*"], caps, limits()).await;
    let endless = format!("SELECT COUNT(*) FROM ({}) AS s", series(u64::MAX / 4));
    let began = Instant::now();
    refused(
        "an endless query",
        desk.query(&endless).await,
        &["timed-out"],
    );
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(250) && took < Duration::from_secs(3),
        "{took:?}"
    );
    desk.query("SELECT 1")
        .await
        .expect("the connection is as it was");
}
}

both! {
async fn the_deadline_of_the_call_stops_a_query_too(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    let endless = json!({"sql": format!("SELECT COUNT(*) FROM ({}) AS s", series(u64::MAX / 4))});
    let began = Instant::now();
    let error = call_in(&desk.probe, until(300), "db.query", endless)
        .await
        .expect_err("it is endless");
    assert_eq!(error.code(), "timed-out");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    desk.query("SELECT 1")
        .await
        .expect("the connection is as it was");
}
}

both! {
async fn a_change_that_runs_too_long_leaves_nothing_behind(on: On) {
    let caps = Caps::default().statement_time(Duration::from_millis(300));
    let desk = Desk::within(on, &["db:write=note"], caps, limits()).await;
    let endless = format!(
        "INSERT INTO note (text) SELECT 'n' || n FROM ({}) AS s",
        series(u64::MAX / 4)
    );
    refused(
        "an endless insert",
        desk.execute(&endless).await,
        &["timed-out"],
    );
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 0);
    desk.execute("INSERT INTO note (text) VALUES ('a')")
        .await
        .expect("the connection is as it was");
}
}

both! {
async fn a_dropped_call_undoes_its_change_and_frees_the_connection(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    let endless = json!({"sql": format!("INSERT INTO note (text) SELECT 'n' || n FROM ({}) AS s", series(u64::MAX / 4))});
    let probe = desk.probe.clone();
    let abandoned = tokio::spawn(async move { call(&probe, "db.execute", endless).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    abandoned.abort();
    let began = Instant::now();
    desk.execute("INSERT INTO note (text) VALUES ('a')")
        .await
        .expect("the connection is free");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 1);
}
}

both! {
async fn a_lock_of_somebody_elses_is_waited_for_and_then_a_conflict(on: On) {
    // A tenth of it is left when the lock is given up, which a busy machine must be able to say in.
    let caps = Caps::default().statement_time(Duration::from_secs(4));
    let desk = Desk::within(on, &["db:write=note", "db:read=note"], caps, limits()).await;
    let other = desk.store.hold_writers();
    let sql = "INSERT INTO note (text) VALUES ('ours')";
    let text = refused(sql, desk.execute(sql).await, &["conflict"]);
    assert!(text.contains("lock of the database"), "{text}");
    assert_eq!(
        only(desk.query("SELECT COUNT(*) FROM note").await.unwrap()),
        0,
        "readers do not wait"
    );
    drop(other);
    desk.execute("INSERT INTO note (text) VALUES ('ours')")
        .await
        .unwrap();
}
}

both! {
async fn a_slow_query_of_one_plugin_does_not_hold_up_another(on: On) {
    let store = Store::new(on);
    let caps = Caps::default().statement_time(Duration::from_secs(4));
    let host = store.host(PostgresSettings::default(), caps);
    let slow = plugin(
        &host,
        "probe",
        &["db:readwrite=note", "cache:readwrite", "config"],
        limits(),
    )
    .await;
    let stats = plugin(
        &host,
        "helpdesk-stats",
        &["db:read=ticket,queue", "cache:readwrite"],
        limits(),
    )
    .await;
    let endless = json!({"sql": format!("SELECT COUNT(*) FROM ({}) AS s", series(u64::MAX / 4))});
    let running = tokio::spawn(async move { call(&slow, "db.query", endless).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    call(&stats, "stats", json!({})).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    running.abort();
}
}

//! How often a plugin may use the database.

use std::num::NonZeroU32;

use goatherd::capability::db::Caps;
use goatherd::contract::{Error, RateLimited};
use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{limits, plugin};
use serde_json::{Value, json};

use crate::{DENIED, Desk, On, both, refused};

const ONE: &str = "SELECT 1";
const NOTE: &str = "INSERT INTO note (text) VALUES (?)";

fn a_minute(rate: u32) -> Limits {
    limits().rates(limits().rates.database_per_minute(NonZeroU32::new(rate)))
}

async fn desk(on: On, granted: &[&str], rate: u32) -> Desk {
    Desk::within(on, granted, Caps::default(), a_minute(rate)).await
}

/// When it may try again, in milliseconds.
fn limited(outcome: Result<Value, CallError>) -> u64 {
    match outcome {
        Err(CallError::Plugin {
            error: Error::RateLimited(RateLimited { retry_after_ms }),
            ..
        }) => retry_after_ms,
        other => panic!("this is over the rate: {other:?}"),
    }
}

both! {
async fn queries_changes_and_transactions_are_counted_together(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 3).await;
    desk.query(ONE).await.unwrap();
    desk.execute_with(NOTE, json!(["a"])).await.unwrap();
    let statements = |words: &[&str]| {
        let one = |word| json!({"sql": NOTE, "params": [word]});
        words.iter().map(one).collect::<Value>()
    };
    // As one, however many statements it has.
    let several = statements(&["b", "c", "d", "e", "f"]);
    desk.transaction(several).await.unwrap();

    for outcome in [
        desk.query(ONE).await,
        desk.execute_with(NOTE, json!(["late"])).await,
        desk.transaction(statements(&["late", "too late"])).await,
    ] {
        let wait = limited(outcome);
        assert!((1..=20_001).contains(&wait), "three a minute, and {wait} ms");
    }
    assert_eq!(desk.store.number("SELECT count(*) FROM note"), 6);
}
}

both! {
async fn over_the_rate_a_plugin_is_told_when_there_is_room_again(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 60).await;
    let mut allowed = 0;
    let wait = loop {
        match desk.query(ONE).await {
            Ok(_) => allowed += 1,
            over => break limited(over),
        }
        assert!(allowed < 200, "a rate is a rate");
    };
    assert!(allowed >= 60, "{allowed}");
    assert!((1..=1_001).contains(&wait), "{wait} ms");
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    desk.query(ONE).await.expect("it is as it was told");
}
}

both! {
async fn what_is_refused_before_it_runs_is_not_counted_and_does_not_wait_for_the_rate(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 1).await;
    // SQLite compiles under the scope; of what PostgreSQL is sent, its server decides about tables.
    let table = on.pick("secret", "goatherd_secret");
    let secret = format!("SELECT word FROM {table}");
    let theft = format!("DELETE FROM {table}");
    for _ in 0..3 {
        refused(&secret, desk.query(&secret).await, DENIED);
        refused(&theft, desk.execute(&theft).await, DENIED);
        let twice = json!([{"sql": theft}, {"sql": theft}]);
        refused(&theft, desk.transaction(twice).await, DENIED);
    }
    desk.query(ONE).await.expect("it is the first");
    limited(desk.query(ONE).await);
    refused(&secret, desk.query(&secret).await, DENIED);
    refused(&theft, desk.execute(&theft).await, DENIED);
}
}

both! {
async fn what_the_database_had_to_do_is_counted_even_if_it_failed(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 3).await;
    let twice = json!([{"sql": NOTE, "params": ["a"]}, {"sql": NOTE, "params": ["a"]}]);
    refused("twice", desk.transaction(twice).await, &["conflict"]);
    let theft = json!([{"sql": NOTE, "params": ["b"]}, {"sql": "DELETE FROM secret"}]);
    refused("theft", desk.transaction(theft).await, DENIED);
    let wrong = on.pick("SELECT abs(-9223372036854775807 - 1)", "SELECT 1 / 0");
    refused(wrong, desk.query(wrong).await, &["invalid-argument", "conflict"]);
    limited(desk.query(ONE).await);
    assert_eq!(desk.store.number("SELECT count(*) FROM note"), 0);
}
}

both! {
async fn a_statement_over_the_rate_does_not_wait_for_a_lock(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 1).await;
    desk.query(ONE).await.unwrap();
    let held = desk.store.hold_writers();
    let began = std::time::Instant::now();
    limited(desk.execute_with(NOTE, json!(["late"])).await);
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    drop(held);
}
}

both! {
async fn loading_a_plugin_again_gives_it_no_fresh_allowance(on: On) {
    let desk = desk(on, &["db:readwrite=note"], 1).await;
    desk.query(ONE).await.unwrap();
    desk.probe.shutdown().await;
    let granted = ["cache:readwrite", "config", "db:readwrite=note"];
    let again = plugin(&desk.host, "probe", &granted, a_minute(1)).await;
    let query = json!({"sql": ONE, "params": []});
    limited(goatherd_tests::call(&again, "db.query", query).await);
}
}

//! Deadlines: one for all of a call, from its place in line to the host functions that it waits in.

use std::time::{Duration, Instant};

use goatherd::runtime::CallError;
use goatherd_tests::{Gate, call, call_in, probe, probe_host, until, until_waiting};
use serde_json::json;

use crate::back_ends::Stuck;
use crate::{caching_host, start, timed_out, with_instances, within};

/// Less than the plugin's own limit of 20 s, and more than a deadline of milliseconds takes on any machine.
const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_in_line_is_told_as_being_busy() {
    let gate = Gate::default();
    let host = caching_host(gate.clone());
    let plugin = probe(&host, with_instances(1)).await;
    let served = start(&plugin, "cache.get", json!({"key": "k"}));
    gate.until_arrived(1).await;
    let began = Instant::now();
    let error = call_in(&plugin, until(100), "echo", json!({}))
        .await
        .expect_err("the only instance is in use");
    assert!(began.elapsed() >= Duration::from_millis(100));
    within(SOON, began);
    assert!(matches!(error, CallError::Busy { .. }), "{error}");
    assert_eq!(error.code(), "rate-limited");
    assert!(!served.is_finished());
    gate.open();
    served.await.unwrap().unwrap();
    call(&plugin, "echo", json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_in_line_counts_towards_the_deadline() {
    const DEADLINE: u64 = 15_000;
    const IN_LINE: u64 = 400;
    let gate = Gate::default();
    let host = caching_host(gate.clone());
    let plugin = probe(&host, with_instances(1)).await;
    let served = start(&plugin, "cache.get", json!({"key": "k"}));
    gate.until_arrived(1).await;
    let waiting = tokio::spawn({
        let plugin = plugin.clone();
        async move { call_in(&plugin, until(DEADLINE), "context", json!({})).await }
    });
    until_waiting(&plugin, 1).await;
    // Not to wait for anything: this is the time that it spends in line, at least.
    tokio::time::sleep(Duration::from_millis(IN_LINE)).await;
    gate.open();
    served.await.unwrap().unwrap();
    let context = waiting.await.unwrap().unwrap();
    let left = context["deadline_ms"].as_u64().unwrap();
    // The host reckons deadlines by a clock that is some milliseconds late.
    assert!(left <= DEADLINE - IN_LINE + 100, "{left} ms are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deadline_covers_the_host_functions_too() {
    let host = caching_host(Stuck);
    let plugin = probe(&host, with_instances(1)).await;
    let began = Instant::now();
    let error = call_in(&plugin, until(200), "cache.get", json!({"key": "k"}))
        .await
        .expect_err("the cache never answers");
    timed_out(&error);
    assert_eq!(error.code(), "timed-out");
    assert!(began.elapsed() >= Duration::from_millis(200));
    within(SOON, began);
    assert_eq!(plugin.instances(), 0);
    call(&plugin, "echo", json!({}))
        .await
        .expect("a fresh instance serves");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugins_own_limit_holds_when_the_callers_is_longer() {
    let plugin = probe(
        probe_host(),
        with_instances(1).call_timeout(Duration::from_millis(200)),
    )
    .await;
    let began = Instant::now();
    let error = call_in(&plugin, until(60_000), "spin", json!({"ms": 60_000}))
        .await
        .expect_err("200 ms are its limit");
    timed_out(&error);
    within(Duration::from_secs(30), began);
}

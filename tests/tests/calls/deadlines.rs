//! Deadlines: one for all of a call, from its place in line to the host functions that it waits in.

use std::time::{Duration, Instant};

use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{call, call_in, probe, probe_host, until};
use serde_json::json;

use crate::back_ends::Stuck;
use crate::{caching_host, start, timed_out, with_instances, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_in_line_is_told_as_being_busy() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let served = start(&plugin, "spin", json!({"ms": 600}));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let error = call_in(&plugin, until(100), "echo", json!({}))
        .await
        .expect_err("the only instance is in use");
    assert!(
        began.elapsed() >= Duration::from_millis(100)
            && began.elapsed() < Duration::from_millis(450)
    );
    assert!(matches!(error, CallError::Busy { .. }), "{error}");
    assert_eq!(error.code(), "rate-limited");
    served.await.unwrap().unwrap();
    call(&plugin, "echo", json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_in_line_counts_towards_the_deadline() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let served = start(&plugin, "spin", json!({"ms": 400}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    // It waits for 350 ms and then needs 400, which is more than 600.
    let began = Instant::now();
    let error = call_in(&plugin, until(600), "spin", json!({"ms": 400}))
        .await
        .expect_err("it had too little time left");
    timed_out(&error);
    within(Duration::from_millis(900), began);
    served.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deadline_covers_the_host_functions_too() {
    let host = caching_host(Stuck);
    let plugin = probe(&host, with_instances(1)).await;
    let began = Instant::now();
    let error = call_in(&plugin, until(200), "cache.get", json!({"key": "k"}))
        .await
        .expect_err("the cache never answers");
    let took = began.elapsed();
    timed_out(&error);
    assert_eq!(error.code(), "timed-out");
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(2),
        "{took:?}"
    );
    assert_eq!(plugin.instances(), 0);
    call(&plugin, "echo", json!({}))
        .await
        .expect("a fresh instance serves");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugins_own_limit_holds_when_the_callers_is_longer() {
    let plugin = probe(
        probe_host(),
        Limits {
            call_timeout: Duration::from_millis(200),
            ..with_instances(1)
        },
    )
    .await;
    let began = Instant::now();
    let error = call_in(&plugin, until(10_000), "spin", json!({"ms": 5_000}))
        .await
        .expect_err("200 ms are its limit");
    timed_out(&error);
    within(Duration::from_secs(3), began);
}

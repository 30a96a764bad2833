//! The line before a plugin's instances: who is served from it, who is refused, and what a caller that leaves frees.

use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{Gate, call, probe, probe_host, until_served, until_waiting};
use serde_json::json;

use crate::{caching_host, start, with_instances};

/// Longer than any call may take, so that a call which is busy for so long does not end by itself.
const LONG: u64 = 120_000;

/// One instance, and room for one call in line.
fn one_served_and_one_in_line() -> Limits {
    with_instances(1).queue(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_instances_stand_in_line_and_are_all_served() {
    let plugin = probe(probe_host(), with_instances(2)).await;
    let calls: Vec<_> = (0..20)
        .map(|_| start(&plugin, "spin", json!({"ms": 15})))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
        assert!(plugin.instances() <= 2);
    }
    assert_eq!(plugin.metrics().calls, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_the_queue_full_is_refused_at_once() {
    let gate = Gate::default();
    let host = caching_host(gate.clone());
    let plugin = probe(&host, one_served_and_one_in_line()).await;
    let served = start(&plugin, "cache.get", json!({"key": "k"}));
    gate.until_arrived(1).await;
    let waiting = start(&plugin, "echo", json!({"waited": true}));
    until_waiting(&plugin, 1).await;
    let error = call(&plugin, "echo", json!({}))
        .await
        .expect_err("one is served and one waits");
    // One that had waited until its deadline would be told so.
    let full = "the queue of waiting calls is full";
    assert!(
        matches!(&error, CallError::Busy { why, .. } if why.contains(full)),
        "{error}"
    );
    assert_eq!(error.code(), "rate-limited");
    let text = error.to_string();
    assert!(
        text.contains("plugin \"probe\" is busy: 1 instances"),
        "{text}"
    );
    assert!(!served.is_finished() && !waiting.is_finished());
    gate.open();
    served.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), json!({"waited": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_more_frees_its_place() {
    let host = caching_host(Gate::default());
    let plugin = probe(&host, one_served_and_one_in_line()).await;
    // Busy in the guest, and waiting in the host.
    let abandoned = [
        ("spin", json!({ "ms": LONG })),
        ("cache.get", json!({"key": "k"})),
    ];
    for (function, args) in abandoned.iter().cycle().take(6) {
        let abandoned = start(&plugin, function, args.clone());
        until_served(&plugin).await;
        let in_line = start(&plugin, "echo", json!({}));
        until_waiting(&plugin, 1).await;
        // First who stands in line, then who is being served.
        in_line.abort();
        assert!(in_line.await.is_err_and(|error| error.is_cancelled()));
        until_waiting(&plugin, 0).await;
        abandoned.abort();
        assert!(abandoned.await.is_err_and(|error| error.is_cancelled()));
        let answer = call(&plugin, "echo", json!({"after": function})).await;
        assert_eq!(answer.unwrap(), json!({"after": function}));
    }
    assert_eq!(plugin.instances(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_in_line_gets_the_place_of_a_call_that_is_dropped() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let abandoned = start(&plugin, "spin", json!({ "ms": LONG }));
    until_served(&plugin).await;
    let next = start(&plugin, "count", json!({}));
    until_waiting(&plugin, 1).await;
    abandoned.abort();
    let answer = next.await.unwrap().unwrap();
    assert_eq!(answer, json!({"count": 1}), "in a fresh instance");
}

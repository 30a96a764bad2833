//! The line before a plugin's instances: who is served from it, who is refused, and what a caller that leaves frees.

use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{call, probe, probe_host};
use serde_json::json;

use crate::{start, with_instances};

/// The probe with one instance and room for one call in line.
async fn one_served_and_one_in_line() -> Plugin {
    let limits = Limits {
        queue: 1,
        ..with_instances(1)
    };
    probe(probe_host(), limits).await
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
    let plugin = one_served_and_one_in_line().await;
    let served = start(&plugin, "spin", json!({"ms": 700}));
    let plugin_calls = plugin.clone();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waiting = start(&plugin_calls, "echo", json!({"waited": true}));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let error = call(&plugin, "echo", json!({}))
        .await
        .expect_err("one is served and one waits");
    assert!(
        began.elapsed() < Duration::from_millis(300),
        "it waited for {:?}",
        began.elapsed()
    );
    assert!(matches!(error, CallError::Busy { .. }), "{error}");
    assert_eq!(error.code(), "rate-limited");
    let text = error.to_string();
    assert!(
        text.contains("plugin \"probe\" is busy: 1 instances") && text.contains("queue"),
        "{text}"
    );
    served.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), json!({"waited": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_more_frees_its_place() {
    let plugin = one_served_and_one_in_line().await;
    for round in 0..5 {
        let abandoned = start(&plugin, "spin", json!({"ms": 15_000}));
        tokio::time::sleep(Duration::from_millis(60)).await;
        let in_line = start(&plugin, "echo", json!({}));
        tokio::time::sleep(Duration::from_millis(60)).await;
        // First who stands in line, then who is being served.
        in_line.abort();
        assert!(in_line.await.is_err_and(|error| error.is_cancelled()));
        abandoned.abort();
        assert!(abandoned.await.is_err_and(|error| error.is_cancelled()));
        let answer = tokio::time::timeout(
            Duration::from_secs(5),
            call(&plugin, "echo", json!({"round": round})),
        )
        .await;
        assert_eq!(
            answer.expect("the place is free").unwrap(),
            json!({"round": round})
        );
    }
    assert_eq!(plugin.instances(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_in_line_gets_the_place_of_a_call_that_is_dropped() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let abandoned = start(&plugin, "spin", json!({"ms": 15_000}));
    tokio::time::sleep(Duration::from_millis(60)).await;
    let next = start(&plugin, "count", json!({}));
    tokio::time::sleep(Duration::from_millis(60)).await;
    abandoned.abort();
    let answer = tokio::time::timeout(Duration::from_secs(5), next)
        .await
        .expect("it is served");
    assert_eq!(
        answer.unwrap().unwrap(),
        json!({"count": 1}),
        "in a fresh instance"
    );
}

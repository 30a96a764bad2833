//! Calls to plugins that end, are loaded again, outlive their host, or have a neighbour of the same name in another.

use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::runtime::CallError;
use goatherd_tests::{
    Gate, NoDatabase, PATIENCE, call, call_in, host_builder, limits, probe, probe_host, until,
    until_waiting,
};
use serde_json::json;

use crate::{caching_host, start, timed_out, with_instances, within};

#[tokio::test]
async fn two_hosts_in_one_process_share_neither_caches_nor_logs() {
    let (one, two) = (
        host_builder().provider(NoDatabase).build().unwrap(),
        host_builder().provider(NoDatabase).build().unwrap(),
    );
    let (in_one, in_two) = (probe(&one, limits()).await, probe(&two, limits()).await);
    call(&in_one, "cache.set", json!({"key": "k", "value": "one"}))
        .await
        .unwrap();
    assert_eq!(
        call(&in_two, "cache.get", json!({"key": "k"}))
            .await
            .unwrap(),
        json!({"value": null})
    );
    call(
        &in_one,
        "log",
        json!({"level": "info", "message": "only in one"}),
    )
    .await
    .unwrap();
    let said = |plugin: &Plugin| {
        plugin
            .log()
            .entries()
            .iter()
            .any(|entry| entry.message == "only in one")
    };
    assert!(said(&in_one) && !said(&in_two));
    assert!(
        two.logs()
            .of(in_two.name())
            .entries()
            .iter()
            .all(|entry| entry.message != "only in one")
    );
    drop(in_one);
    drop(one);
    call(&in_two, "echo", json!({}))
        .await
        .expect("the other host goes on");
}

#[tokio::test]
async fn a_plugin_serves_on_after_its_host_was_dropped() {
    let host = host_builder().provider(NoDatabase).build().unwrap();
    let plugin = probe(&host, limits()).await;
    drop(host);
    call(&plugin, "echo", json!({})).await.unwrap();
    // Deadlines hold, and not only that of 20 s which the plugin has itself.
    let began = Instant::now();
    let error = call_in(&plugin, until(100), "spin", json!({"ms": 120_000})).await;
    timed_out(&error.unwrap_err());
    within(Duration::from_secs(15), began);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_lets_running_calls_finish_and_refuses_new_ones() {
    let gate = Gate::default();
    let host = caching_host(gate.clone());
    let limits = with_instances(1).shutdown_timeout(PATIENCE);
    let plugin = probe(&host, limits).await;
    let running = start(&plugin, "cache.get", json!({"key": "k"}));
    gate.until_arrived(1).await;
    let waiting = start(&plugin, "echo", json!({}));
    until_waiting(&plugin, 1).await;
    let stopping = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.shutdown().await }
    });
    let refused = waiting.await.unwrap().unwrap_err();
    assert!(matches!(refused, CallError::ShutDown { .. }), "{refused}");
    let error = call(&plugin, "echo", json!({}))
        .await
        .expect_err("it is shutting down");
    assert!(matches!(error, CallError::ShutDown { .. }), "{error}");
    assert!(!running.is_finished() && !stopping.is_finished());
    gate.open();
    assert_eq!(running.await.unwrap().unwrap(), json!({"value": null}));
    stopping.await.unwrap();
    assert_eq!(plugin.instances(), 0);
}

#[tokio::test]
async fn the_same_plugin_can_be_loaded_again_after_it_was_shut_down() {
    let mut before: Option<Plugin> = None;
    for _ in 0..3 {
        let plugin = probe(probe_host(), with_instances(1)).await;
        let count = call(&plugin, "count", json!({})).await.unwrap();
        assert_eq!(
            count,
            json!({"count": 1}),
            "nothing is left of the load before"
        );
        if let Some(before) = &before {
            let error = call(before, "count", json!({})).await.unwrap_err();
            assert!(matches!(error, CallError::ShutDown { .. }), "{error}");
        }
        plugin.shutdown().await;
        assert_eq!(plugin.instances(), 0);
        before = Some(plugin);
    }
}

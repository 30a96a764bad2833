//! Calls to plugins that end, are loaded again, outlive their host, or have a neighbour of the same name in another.

use std::time::Duration;

use goatherd::Plugin;
use goatherd::contract::CallContext;
use goatherd::runtime::CallError;
use goatherd_tests::{
    NoDatabase, PROBE_GRANTS, call, call_in, host_builder, json, limits, load, probe, probe_host,
    until,
};
use serde_json::json;

use crate::{start, with_instances};

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
    let error = call_in(&plugin, until(100), "spin", json!({"ms": 5_000}));
    let ended = tokio::time::timeout(Duration::from_secs(5), error).await;
    assert!(ended.expect("deadlines hold without the host").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_lets_running_calls_finish_and_refuses_new_ones() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let running = start(&plugin, "spin", json!({"ms": 400}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = start(&plugin, "echo", json!({}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopping = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.shutdown().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = call(&plugin, "echo", json!({}))
        .await
        .expect_err("it is shutting down");
    assert!(matches!(error, CallError::ShutDown { .. }), "{error}");
    assert_eq!(running.await.unwrap().unwrap(), json!({"ms": 400}));
    assert!(matches!(
        waiting.await.unwrap(),
        Err(CallError::ShutDown { .. })
    ));
    stopping.await.unwrap();
    assert_eq!(plugin.instances(), 0);
}

#[tokio::test]
async fn the_same_plugin_can_be_loaded_again_after_it_was_shut_down() {
    for _ in 0..3 {
        let loaded = load(
            probe_host(),
            "probe.wasm",
            goatherd_tests::guest("probe"),
            PROBE_GRANTS,
            limits(),
        )
        .await
        .unwrap();
        loaded
            .call("echo", &json(&json!({})), CallContext::default())
            .await
            .unwrap();
        loaded.shutdown().await;
    }
}

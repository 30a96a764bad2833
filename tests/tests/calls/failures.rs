//! Calls that fail: how the caller is told, and whether it costs the instance.

use goatherd::runtime::{CallError, Trap};
use goatherd_tests::{call, call_in, limits, probe, probe_host, until};
use serde_json::json;

use crate::back_ends::Panicking;
use crate::{caching_host, warm, with_instances};

#[tokio::test]
async fn a_trap_costs_the_instance_and_its_state_and_an_error_does_not() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let count = async || call(&plugin, "count", json!({})).await.unwrap()["count"].clone();
    assert_eq!(count().await, 1);
    assert_eq!(count().await, 2);
    for error in [
        "permission-denied",
        "not-found",
        "conflict",
        "timed-out",
        "other",
    ] {
        call(&plugin, "fail", json!({"error": error}))
            .await
            .expect_err(error);
    }
    assert_eq!(count().await, 3, "errors keep the instance");
    let error = call_in(&plugin, until(50), "spin", json!({"ms": 5_000}))
        .await
        .expect_err("it runs out of time");
    assert!(matches!(error, CallError::Trapped { .. }), "{error}");
    assert_eq!(count().await, 1, "a trap starts afresh");
}

#[tokio::test]
async fn a_trap_costs_no_other_instance() {
    let plugin = probe(probe_host(), with_instances(2)).await;
    warm(&plugin, 2).await;
    call_in(&plugin, until(50), "spin", json!({"ms": 5_000}))
        .await
        .expect_err("it runs out of time");
    assert_eq!(plugin.instances(), 1);
    call(&plugin, "echo", json!({})).await.unwrap();
    assert_eq!(plugin.instances(), 1, "the other one served");
}

#[tokio::test]
async fn every_error_of_a_plugin_reaches_its_caller_unchanged() {
    let plugin = probe(probe_host(), limits()).await;
    let cases = [
        "permission-denied",
        "not-found",
        "invalid-argument",
        "conflict",
        "rate-limited",
        "timed-out",
        "too-large",
        "unavailable",
        "other",
    ];
    for case in cases {
        let error = call(&plugin, "fail", json!({"error": case}))
            .await
            .expect_err(case);
        let CallError::Plugin { error, .. } = &error else {
            panic!("{case}: {error}")
        };
        assert_eq!(
            error.code(),
            if case == "other" { "as-asked" } else { case }
        );
        match case {
            "rate-limited" => assert_eq!(
                serde_json::to_value(error).unwrap()["retry_after_ms"],
                1_500
            ),
            "timed-out" => {}
            _ => assert_eq!(error.message(), format!("{case} as asked")),
        }
    }
    let error = call(&plugin, "no-such-function", json!({}))
        .await
        .expect_err("there is none");
    assert_eq!(error.code(), "not-found");
}

#[tokio::test]
async fn a_panic_in_a_host_function_is_a_typed_error_and_costs_the_instance() {
    let host = caching_host(Panicking);
    let plugin = probe(&host, with_instances(1)).await;
    assert_eq!(call(&plugin, "count", json!({})).await.unwrap()["count"], 1);
    for key in ["at-once", "later"] {
        let error = call(&plugin, "cache.get", json!({"key": key}))
            .await
            .expect_err("the back-end panics");
        assert!(
            matches!(
                error,
                CallError::Trapped {
                    trap: Trap::HostPanicked,
                    ..
                }
            ),
            "{key}: {error}"
        );
        assert_eq!(error.code(), "unavailable");
        assert!(error.to_string().contains("plugin \"probe\""), "{error}");
        assert_eq!(plugin.instances(), 0, "{key}");
    }
    assert_eq!(
        call(&plugin, "count", json!({})).await.unwrap()["count"],
        1,
        "a fresh instance"
    );
}

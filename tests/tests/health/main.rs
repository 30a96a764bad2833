//! Plugins that fail repeatedly: when they are left alone, how they come back, and what is not held against them.

mod blame;
mod breaker;

use std::time::{Duration, Instant};

use goatherd::runtime::{BreakerPolicy, CallError, Health, Limits};
use goatherd::{Host, Plugin};
use goatherd_tests::{call, call_in, host_builder, limits, plugin, until};
use serde_json::{Value, json};

/// The rules, with times that a test can wait for.
fn quick() -> BreakerPolicy {
    BreakerPolicy::default()
        .first_probe(Duration::from_millis(250))
        .last_probe(Duration::from_millis(500))
}

fn host_with(policy: BreakerPolicy) -> Host {
    host_builder().breaker(policy).build().unwrap()
}

/// A plugin that panics in `trap`, fails with an error in `fail` and is busy in `spin`.
async fn relay_with(policy: BreakerPolicy, limits: Limits) -> Plugin {
    plugin(&host_with(policy), "relay", &["plugin_call=*"], limits).await
}

async fn relay() -> Plugin {
    relay_with(quick(), limits()).await
}

async fn trap(plugin: &Plugin) -> CallError {
    let ended = call(plugin, "trap", json!({})).await;
    ended.expect_err("it panics")
}

/// Lets it panic until it is left alone.
async fn trip(plugin: &Plugin) {
    for _ in 0..5 {
        let error = trap(plugin).await;
        assert!(matches!(error, CallError::Trapped { .. }), "{error}");
    }
    assert!(
        matches!(plugin.health(), Health::Tripped { .. }),
        "{:?}",
        plugin.health()
    );
}

async fn echo(plugin: &Plugin) -> Result<Value, CallError> {
    call(plugin, "echo", json!({"still": "here"})).await
}

/// The error of a call that was not let through.
#[track_caller]
fn left_alone(result: Result<Value, CallError>) -> CallError {
    match result {
        Err(error @ CallError::LeftAlone { .. }) => error,
        other => panic!("it was let through: {other:?}"),
    }
}

/// Waits until the next call is a probe.
async fn probe_time(plugin: &Plugin) {
    if let Health::Tripped { retry_in, .. } = plugin.health() {
        tokio::time::sleep(retry_in + Duration::from_millis(30)).await;
    }
}

//! How often a plugin may be called.

use std::num::NonZeroU32;

use goatherd::contract::{Error, RateLimited};
use goatherd::{Host, Plugin};
use goatherd_tests::{Managed, NoDatabase, call, call_text, host_builder, limits, probe, relay};

use super::*;

fn rated(per_second: u32) -> Limits {
    let rates = limits().rates.calls_per_second(NonZeroU32::new(per_second));
    limits().rates(rates)
}

/// A host of the test's own, since a host counts by name.
fn own_host() -> Host {
    host_builder().provider(NoDatabase).build().unwrap()
}

async fn echo(plugin: &Plugin) -> Result<Value, CallError> {
    call(plugin, "echo", json!({})).await
}

/// How many calls are served at once before one is refused, and the refusal.
async fn served(plugin: &Plugin) -> (usize, CallError) {
    for number in 0..10_000 {
        if let Err(error) = echo(plugin).await {
            return (number, error);
        }
    }
    panic!("no call was refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_too_many_is_told_when_to_come_back_and_served_then() {
    let plugin = probe(&own_host(), rated(2)).await;
    let (number, error) = served(&plugin).await;
    assert_eq!(number, 2);
    assert_eq!(error.code(), "rate-limited");
    let text = error.to_string();
    assert!(
        text.contains("plugin \"probe\"") && text.contains("2 calls a second"),
        "{text}"
    );
    let Error::RateLimited(RateLimited { retry_after_ms }) = error.to_contract() else {
        panic!("{error}")
    };
    assert!((300..=520).contains(&retry_after_ms), "{retry_after_ms}");
    assert_eq!(plugin.metrics().calls, 2, "it touched no instance");
    tokio::time::sleep(Duration::from_millis(retry_after_ms + 20)).await;
    echo(&plugin).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_a_plugin_again_gives_it_no_fresh_allowance() {
    let host = own_host();
    let slow = rated(1);
    let first = probe(&host, slow.clone()).await;
    assert_eq!(served(&first).await.0, 1);
    let second = probe(&host, slow.clone()).await;
    let error = echo(&second).await.expect_err("the first used it up");
    assert_eq!(error.code(), "rate-limited");
    first.shutdown().await;
    drop(first);
    second.shutdown().await;
    drop(second);
    let third = probe(&host, slow).await;
    let (number, _) = served(&third).await;
    assert!(number <= 1, "not more than came free meanwhile: {number}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_count_apart() {
    for _ in 0..2 {
        let plugin = probe(&own_host(), rated(1)).await;
        assert_eq!(served(&plugin).await.0, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_changes_for_the_next_call_and_what_was_used_stays_used() {
    let plugin = probe(&own_host(), rated(1)).await;
    assert_eq!(served(&plugin).await.0, 1);
    plugin.set_limits(rated(0));
    for _ in 0..300 {
        echo(&plugin).await.expect("there is no limit");
    }
    let changed = Instant::now();
    plugin.set_limits(rated(1_000));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (number, _) = served(&plugin).await;
    assert!(
        (80..1_000).contains(&number) || changed.elapsed() > Duration::from_millis(300),
        "they come free a thousand times as fast, and one after the other: {number}"
    );
    plugin.set_limits(rated(1));
    echo(&plugin).await.expect_err("the second is used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_leaves_the_rate_of_the_one_that_serves() {
    let host = own_host();
    let plugin = probe(&host, rated(3)).await;
    let too_small = rated(1_000)
        .memory_bytes(1 << 16)
        .init_timeout(Duration::from_secs(5));
    let bytes = goatherd_tests::guest("probe");
    let granted = goatherd_tests::PROBE_GRANTS;
    goatherd_tests::load(&host, "probe.wasm", bytes, granted, too_small)
        .await
        .expect_err("it does not fit into 64 KiB");
    assert_eq!(served(&plugin).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_from_other_plugins_count_too() {
    let managed = Managed::new(
        &own_host(),
        &[
            ("relay-a", &["plugin_call=*"]),
            ("relay-b", &["plugin_call=*"]),
        ],
        &limits(),
    );
    for letter in ['a', 'b'] {
        managed
            .load(&format!("relay-{letter}"), relay(letter))
            .await;
    }
    managed.plugin("relay-b").set_limits(rated(4));
    let a = managed.plugin("relay-a");
    let gather = async |width: u64| {
        let args = json!({ "path": ["relay-b"], "width": width });
        call(&a, "gather", args).await
    };
    gather(4).await.unwrap();
    let Err(CallError::Plugin { error, .. }) = gather(4).await else {
        panic!("the fifth was not refused")
    };
    assert!(matches!(error, Error::RateLimited(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_its_size_is_not_counted() {
    let limits = rated(1).args_bytes(100);
    let plugin = probe(&own_host(), limits).await;
    for _ in 0..5 {
        let error = call_text(&plugin, "echo", json!("x".repeat(200))).await;
        assert_eq!(error.unwrap_err().code(), "too-large");
    }
    assert_eq!(served(&plugin).await.0, 1);
}

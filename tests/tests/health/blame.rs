//! What is not a plugin's fault, and what is though it looks like somebody else's.

use std::num::NonZeroU32;

use futures::poll;
use goatherd_tests::Managed;

use super::*;

fn with_timeout(milliseconds: u64) -> Limits {
    limits().call_timeout(Duration::from_millis(milliseconds))
}

async fn spin(plugin: &Plugin, milliseconds: u64) -> Result<Value, CallError> {
    call(plugin, "spin", json!({ "ms": milliseconds })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_plugins_own_do_not_count() {
    let plugin = relay().await;
    for code in [
        "conflict",
        "timed-out",
        "unavailable",
        "rate-limited",
        "other",
    ] {
        for _ in 0..6 {
            let ended = call(&plugin, "fail", json!({ "error": code })).await;
            assert!(matches!(ended, Err(CallError::Plugin { .. })), "{ended:?}");
        }
    }
    assert_eq!(plugin.health(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_do_not_count() {
    let plugin = relay().await;
    for _ in 0..12 {
        let mut leaving = Box::pin(spin(&plugin, 10_000));
        assert!(poll!(&mut leaving).is_pending());
        drop(leaving);
    }
    assert_eq!(plugin.health(), Health::Healthy);
    echo(&plugin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_counts_if_the_plugin_had_all_of_its_time() {
    let plugin = relay_with(BreakerPolicy::default(), with_timeout(120)).await;
    for _ in 0..5 {
        let error = spin(&plugin, 10_000).await.unwrap_err();
        assert_eq!(error.code(), "timed-out");
    }
    let error = left_alone(echo(&plugin).await);
    assert!(error.to_string().contains("before its deadline"), "{error}");
    assert_eq!(plugin.metrics().timeouts, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impatient_caller_cannot_trip_anothers_breaker() {
    let plugin = relay().await;
    for _ in 0..12 {
        let args = json!({"ms": 10_000});
        let error = call_in(&plugin, until(30), "spin", args).await.unwrap_err();
        assert_eq!(error.code(), "timed-out");
    }
    assert_eq!(plugin.health(), Health::Healthy);
    assert_eq!(
        plugin.metrics().timeouts,
        12,
        "they are counted as what they are"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impatient_caller_cannot_keep_a_probe_from_others() {
    let plugin = relay().await;
    trip(&plugin).await;
    probe_time(&plugin).await;
    for _ in 0..5 {
        let args = json!({"ms": 10_000});
        let error = call_in(&plugin, until(30), "spin", args).await.unwrap_err();
        assert_eq!(error.code(), "timed-out", "it was the probe");
    }
    echo(&plugin).await.expect("this is the probe");
    assert_eq!(plugin.health(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_spent_in_line_is_not_the_plugins() {
    let single = with_timeout(600).instances(1);
    let plugin = relay_with(BreakerPolicy::default(), single).await;
    for _ in 0..6 {
        // The first takes 400 ms, so the second has 200 of its 600 ms left and needs 400.
        let (first, second) = futures::join!(spin(&plugin, 400), spin(&plugin, 400));
        first.unwrap();
        second.unwrap_err();
    }
    let health = plugin.health();
    assert!(matches!(health, Health::Healthy), "{health:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_the_host_refuses_do_not_count() {
    let rates = limits().rates.calls_per_second(NonZeroU32::new(1));
    let limits = limits().rates(rates).args_bytes(100).queue(0).instances(1);
    let plugin = relay_with(quick(), limits.clone()).await;
    for _ in 0..10 {
        let _ = echo(&plugin).await;
        let large = call(&plugin, "echo", json!("x".repeat(200))).await;
        assert_eq!(large.unwrap_err().code(), "too-large");
    }
    plugin.set_limits(limits.rates(goatherd_tests::limits().rates));
    let mut busy = Box::pin(spin(&plugin, 300));
    assert!(poll!(&mut busy).is_pending());
    for _ in 0..10 {
        let error = echo(&plugin).await.unwrap_err();
        assert!(matches!(error, CallError::Busy { .. }), "{error}");
    }
    busy.await.unwrap();
    assert_eq!(plugin.health(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_hangs_is_blamed_though_another_plugin_called_it() {
    let grants: &[&str] = &["plugin_call=*"];
    let managed = Managed::new(
        &host_with(BreakerPolicy::default()),
        &[("relay-a", grants), ("relay-b", grants)],
        &with_timeout(500),
    );
    for letter in ['a', 'b'] {
        managed
            .load(&format!("relay-{letter}"), goatherd_tests::relay(letter))
            .await;
    }
    let (a, b) = (managed.plugin("relay-a"), managed.plugin("relay-b"));
    let args = json!({ "path": ["relay-b"], "then": "spin", "with": { "ms": 20_000 } });
    for failures in 1..=3 {
        call(&a, "relay", args.clone()).await.unwrap_err();
        let health = b.health();
        assert!(
            matches!(health, Health::Failing { failures: told, .. } if told == failures),
            "{health:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_gets_an_error_from_a_broken_one_stays_healthy() {
    let grants: &[&str] = &["plugin_call=*"];
    let managed = Managed::new(
        &host_with(BreakerPolicy::default()),
        &[("relay-a", grants), ("relay-b", grants)],
        &limits(),
    );
    for letter in ['a', 'b'] {
        managed
            .load(&format!("relay-{letter}"), goatherd_tests::relay(letter))
            .await;
    }
    let a = managed.plugin("relay-a");
    let args = json!({ "plugin": "relay-b", "function": "trap", "args": {} });
    for _ in 0..8 {
        let error = call(&a, "call", args.clone()).await.unwrap_err();
        assert_eq!(error.code(), "unavailable");
    }
    assert_eq!(a.health(), Health::Healthy);
    let b = managed.plugin("relay-b");
    assert!(matches!(b.health(), Health::Tripped { .. }));
    assert_eq!(b.metrics().traps, 5);
}

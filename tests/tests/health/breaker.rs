//! The breaker at work.

use futures::future::join_all;
use futures::poll;
use goatherd::contract::Error;
use goatherd::runtime::InstanceMode;
use goatherd_tests::{Phase, host, hostile, load};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn after_five_traps_in_a_row_calls_fail_at_once_and_touch_no_instance() {
    let plugin = relay_with(BreakerPolicy::default(), limits()).await;
    assert_eq!(plugin.health(), Health::Healthy);
    for failures in 1..=4 {
        trap(&plugin).await;
        let Health::Failing { failures: told, .. } = plugin.health() else {
            panic!("{:?}", plugin.health())
        };
        assert_eq!(told, failures);
    }
    trap(&plugin).await;
    let before = plugin.metrics();
    assert_eq!((before.traps, before.trips), (5, 1));
    let began = Instant::now();
    for _ in 0..1_000 {
        left_alone(echo(&plugin).await);
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(plugin.metrics(), before);
    assert_eq!(plugin.instances(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_names_the_plugin_what_failed_last_and_when_it_is_tried_again() {
    let plugin = relay_with(BreakerPolicy::default(), limits()).await;
    trip(&plugin).await;
    let error = left_alone(echo(&plugin).await);
    assert_eq!(error.code(), "unavailable");
    let Error::Unavailable(text) = error.to_contract() else {
        panic!("{error}")
    };
    for part in [
        "plugin \"relay-a\"",
        "it panicked or aborted",
        "one call tries it again in",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    let CallError::LeftAlone {
        retry_in: Some(retry_in),
        ..
    } = error
    else {
        panic!("it is tried again")
    };
    assert!(
        retry_in > Duration::from_secs(3) && retry_in <= Duration::from_secs(5),
        "{retry_in:?}"
    );
    let entries = plugin.log().entries();
    assert!(
        entries
            .iter()
            .any(|entry| entry.message.contains("left alone for 5 s")),
        "{entries:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_probe_lets_all_calls_through_again() {
    let plugin = relay().await;
    trip(&plugin).await;
    probe_time(&plugin).await;
    echo(&plugin).await.expect("it is the probe");
    assert_eq!(plugin.health(), Health::Healthy);
    for answer in join_all((0..20).map(|_| echo(&plugin))).await {
        answer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_probe_doubles_the_time_until_the_next() {
    let plugin = relay().await;
    trip(&plugin).await;
    probe_time(&plugin).await;
    assert!(matches!(trap(&plugin).await, CallError::Trapped { .. }));
    let Health::Tripped { retry_in, .. } = plugin.health() else {
        panic!("{:?}", plugin.health())
    };
    assert!(retry_in > Duration::from_millis(350), "{retry_in:?}");
    left_alone(echo(&plugin).await);
    assert_eq!(plugin.metrics().trips, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_one_is_the_probe_and_the_others_fail_at_once() {
    let plugin = relay().await;
    trip(&plugin).await;
    let before = plugin.metrics().calls;
    probe_time(&plugin).await;
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { call(&plugin, "spin", json!({"ms": 300})).await })
        })
        .collect();
    let mut served = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => served += 1,
            Err(error) => assert!(matches!(error, CallError::LeftAlone { .. }), "{error}"),
        }
    }
    assert_eq!(served, 1);
    assert_eq!(plugin.metrics().calls, before + 1);
    echo(&plugin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_cancelled_makes_room_for_the_next() {
    let plugin = relay().await;
    trip(&plugin).await;
    probe_time(&plugin).await;
    for _ in 0..10 {
        let mut probe = Box::pin(call(&plugin, "spin", json!({"ms": 10_000})));
        assert!(poll!(&mut probe).is_pending());
        assert!(matches!(plugin.health(), Health::Probing { .. }));
        left_alone(echo(&plugin).await);
        drop(probe);
    }
    assert_eq!(plugin.metrics().trips, 1);
    echo(&plugin).await.expect("it is the probe");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_half_of_the_last_calls_trip_it_though_good_ones_lie_between() {
    let plugin = relay().await;
    let mut calls = 0;
    while !matches!(plugin.health(), Health::Tripped { .. }) {
        calls += 1;
        assert!(calls < 40, "it was never left alone");
        if calls % 3 == 0 {
            echo(&plugin).await.unwrap();
        } else {
            trap(&plugin).await;
        }
    }
    assert_eq!(plugin.metrics().traps, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_trips_too_often_is_exhausted_and_says_so_until_it_is_reset() {
    let plugin = relay().await;
    let waiting = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.exhausted().await }
    });
    trip(&plugin).await;
    for trips in 2..=6 {
        assert!(!waiting.is_finished(), "after {trips} trips");
        probe_time(&plugin).await;
        trap(&plugin).await;
        assert_eq!(plugin.metrics().trips, trips);
    }
    let told = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert!(told.expect("it is told").unwrap());
    assert!(plugin.exhausted().await, "there is nothing to wait for");
    assert!(matches!(plugin.health(), Health::Exhausted { .. }));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let error = left_alone(echo(&plugin).await);
    assert!(
        error.to_string().contains("an operator has to reset"),
        "{error}"
    );
    let entries = plugin.log().entries();
    assert!(
        entries
            .iter()
            .any(|entry| entry.message.contains("not called any more")),
        "{entries:?}"
    );
    plugin.reset_health();
    assert_eq!(plugin.health(), Health::Healthy);
    echo(&plugin).await.expect("it is called again");
    let mut again = Box::pin(plugin.exhausted());
    assert!(poll!(&mut again).is_pending());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_exhaustion_is_told_of_a_shutdown() {
    let plugin = relay().await;
    let waiting = tokio::spawn({
        let plugin = plugin.clone();
        async move { plugin.exhausted().await }
    });
    plugin.shutdown().await;
    let told = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert!(!told.expect("it is told").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_in_line_are_sent_away_when_it_trips() {
    let single = limits().mode(InstanceMode::Single);
    let plugin = relay_with(BreakerPolicy::default(), single).await;
    let mut busy = Box::pin(call(&plugin, "spin", json!({"ms": 200})));
    assert!(poll!(&mut busy).is_pending());
    let failing = join_all((0..5).map(|_| trap(&plugin)));
    let behind = join_all((0..20).map(|_| echo(&plugin)));
    let mut both = std::pin::pin!(futures::future::join(failing, behind));
    assert!(poll!(&mut both).is_pending());
    let ((_, behind), busy) = futures::join!(both, busy);
    for answer in behind {
        left_alone(answer);
    }
    busy.unwrap();
    assert_eq!(plugin.metrics().calls, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_fail_counts() {
    for (code, memory) in [(b'p', 64), (b'r', 64), (b'o', 8), (b'u', 64), (b'H', 256)] {
        let limits = limits().memory_bytes(memory << 20);
        let guest = hostile(&[(Phase::Call, code)]);
        let plugin = load(host(), "hostile.wasm", guest, &[], limits).await;
        let plugin = plugin.unwrap();
        for _ in 0..5 {
            let error = echo(&plugin).await.unwrap_err();
            assert!(matches!(error, CallError::Trapped { .. }), "{error}");
        }
        left_alone(echo(&plugin).await);
        let metrics = plugin.metrics();
        assert_eq!(metrics.traps, 5, "{}", char::from(code));
        assert_eq!(metrics.memory_refusals > 0, code == b'o');
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_cannot_be_started_count() {
    let plugin = relay().await;
    let whole = plugin.limits();
    plugin.set_limits(Limits::clone(&whole).memory_bytes(1 << 16));
    for number in 1..=5 {
        let error = echo(&plugin).await.unwrap_err();
        assert!(matches!(error, CallError::Start { .. }), "{error}");
        assert_eq!(plugin.metrics().failed_starts, number);
    }
    left_alone(echo(&plugin).await);
    // A probe that cannot start is a bad one.
    probe_time(&plugin).await;
    let error = echo(&plugin).await.unwrap_err();
    assert!(matches!(error, CallError::Start { .. }), "{error}");
    assert_eq!(plugin.metrics().trips, 2);
    plugin.set_limits(Limits::clone(&whole));
    probe_time(&plugin).await;
    echo(&plugin).await.expect("it is the probe");
    assert_eq!(plugin.health(), Health::Healthy);
}

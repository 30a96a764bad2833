//! Limits that change while a plugin serves.

use std::num::NonZeroU32;

use futures::future::join_all;
use goatherd::runtime::{InstanceMode, Trap};
use goatherd_tests::{call, call_text, limits, probe, probe_host};

use super::*;

const MIB: usize = 1 << 20;

async fn pooled(instances: usize) -> Plugin {
    probe(probe_host(), in_mode(InstanceMode::Pooled, instances)).await
}

/// Changes some limits of a plugin.
fn change(plugin: &Plugin, change: impl FnOnce(&mut Limits)) {
    let mut limits = Limits::clone(&plugin.limits());
    change(&mut limits);
    plugin.set_limits(limits.clone());
    assert_eq!(*plugin.limits(), limits);
}

/// A call that takes so many bytes of memory.
async fn fill(plugin: &Plugin, bytes: usize) -> Result<usize, CallError> {
    let echoed = call_text(plugin, "echo", json!("x".repeat(bytes))).await;
    echoed.map(|text| text.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn less_memory_holds_for_the_next_call_of_an_instance_that_has_more() {
    let plugin = pooled(1).await;
    assert_eq!(count(&plugin).await, 1);
    fill(&plugin, 4 * MIB - 100).await.unwrap();
    change(&plugin, |limits| limits.memory_bytes = 48 * MIB);
    assert_eq!(count(&plugin).await, 2, "it uses less than that and stays");
    change(&plugin, |limits| limits.memory_bytes = 4 * MIB);
    assert_eq!(count(&plugin).await, 1, "it used more and was replaced");
    let error = fill(&plugin, 4 * MIB - 100).await.unwrap_err();
    let out_of_memory = |error: &CallError, limit| matches!(error, CallError::Trapped { trap: Trap::OutOfMemory { limit_bytes }, .. } if *limit_bytes == limit);
    assert!(out_of_memory(&error, 4 * MIB), "{error}");
    assert!(plugin.metrics().memory_refusals > 0);
    assert_eq!(count(&plugin).await, 1);
    change(&plugin, |limits| limits.memory_bytes = 64 * MIB);
    fill(&plugin, 4 * MIB - 100).await.unwrap();
    assert_eq!(count(&plugin).await, 2, "the same instance got more");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_keeps_its_memory_may_not_have_more_than_it_now_may() {
    let plugin = pooled(1).await;
    assert_eq!(count(&plugin).await, 1);
    change(&plugin, |limits| limits.memory_bytes = 4 * MIB);
    assert_eq!(count(&plugin).await, 2, "it is small enough");
    let error = fill(&plugin, 4 * MIB - 100).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("more memory than its limit of 4 MiB"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_call_timeout_holds_for_the_next_call() {
    let plugin = pooled(1).await;
    let spin = async |ms: u64| call(&plugin, "spin", json!({ "ms": ms })).await;
    change(&plugin, |limits| {
        limits.call_timeout = Duration::from_millis(150);
    });
    let error = spin(10_000).await.expect_err("it has 150 ms");
    assert_eq!(error.code(), "timed-out");
    change(&plugin, |limits| {
        limits.call_timeout = Duration::from_secs(10);
    });
    spin(400).await.expect("it has more now");
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_of_arguments_and_results_change_for_the_next_call() {
    let plugin = pooled(1).await;
    fill(&plugin, 2_000).await.unwrap();
    change(&plugin, |limits| limits.args_bytes = 1_000);
    let error = fill(&plugin, 2_000).await.unwrap_err();
    assert!(matches!(error, CallError::ArgsTooLarge { .. }), "{error}");
    change(&plugin, |limits| {
        limits.args_bytes = 10_000;
        limits.result_bytes = 1_000;
    });
    let error = fill(&plugin, 2_000).await.unwrap_err();
    assert!(matches!(error, CallError::ResultTooLarge { .. }), "{error}");
    change(&plugin, |limits| {
        limits.result_bytes = 10_000;
        limits.transfer_bytes = 1_000;
    });
    let error = fill(&plugin, 2_000).await.unwrap_err();
    let too_large = |error: &CallError| matches!(error, CallError::Trapped { trap: Trap::TransferTooLarge { limit_bytes }, .. } if *limit_bytes == 1_000);
    assert!(too_large(&error), "{error}");
    change(&plugin, |limits| limits.transfer_bytes = MIB);
    fill(&plugin, 2_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_instances_become_one_and_four_again() {
    let plugin = pooled(4).await;
    let warm = async || {
        let calls: Vec<_> = (0..4)
            .map(|_| start(&plugin, "spin", json!({"ms": 80})))
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    };
    warm().await;
    assert_eq!(plugin.instances(), 4);
    change(&plugin, |limits| limits.instances = 1);
    wait_for("the end of three idle instances", || {
        plugin.instances() == 1
    })
    .await;
    let began = Instant::now();
    warm().await;
    assert!(
        began.elapsed() >= Duration::from_millis(310),
        "four calls of 80 ms, one after the other"
    );
    assert_eq!(plugin.instances(), 1);
    change(&plugin, |limits| limits.instances = 4);
    warm().await;
    assert_eq!(plugin.instances(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_in_calls_end_them_before_they_go() {
    let plugin = pooled(4).await;
    let calls: Vec<_> = (0..4)
        .map(|_| start(&plugin, "spin", json!({"ms": 300})))
        .collect();
    wait_for("four instances", || plugin.instances() == 4).await;
    change(&plugin, |limits| limits.instances = 1);
    let later = start(&plugin, "echo", json!({"waited": true}));
    for call in calls {
        call.await.unwrap().expect("it runs to its end");
    }
    assert_eq!(later.await.unwrap().unwrap(), json!({"waited": true}));
    wait_for("three ends", || plugin.instances() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_instances_serve_those_who_wait_already() {
    let plugin = pooled(1).await;
    let busy = occupy(&plugin, 1_500);
    let waiting: Vec<_> = (0..5).map(|_| start(&plugin, "count", json!({}))).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    change(&plugin, |limits| limits.instances = 2);
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    assert!(!busy.is_finished(), "they waited for the first instance");
    busy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_line_holds_for_who_comes_next() {
    let plugin = pooled(1).await;
    let busy = occupy(&plugin, 500);
    let waiting = begin(&plugin, "count", json!({}));
    change(&plugin, |limits| limits.queue = 1);
    let error = call(&plugin, "count", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "rate-limited");
    waiting.await.unwrap().expect("it waited before");
    busy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_served_more_calls_than_it_now_may_is_replaced() {
    let plugin = pooled(1).await;
    for expected in 1..=5 {
        assert_eq!(count(&plugin).await, expected);
    }
    change(&plugin, |limits| {
        limits.max_invocations = NonZeroU32::new(6)
    });
    assert_eq!(count(&plugin).await, 6);
    assert_eq!(count(&plugin).await, 1);
    change(&plugin, |limits| {
        limits.max_invocations = NonZeroU32::new(1)
    });
    for _ in 0..3 {
        assert_eq!(count(&plugin).await, 1);
    }
    change(&plugin, |limits| limits.max_invocations = None);
    for expected in 1..=3 {
        assert_eq!(count(&plugin).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_and_modes_change_under_load_and_no_call_fails() {
    let plugin = pooled(3).await;
    let changes = async {
        for round in 0..60_u32 {
            let mode = match round % 4 {
                0 => InstanceMode::Single,
                1 => InstanceMode::PerCall,
                _ => InstanceMode::Pooled,
            };
            change(&plugin, |limits| {
                limits.mode = mode;
                limits.instances = 1 + round as usize % 3;
                limits.max_invocations = NonZeroU32::new(round % 5);
                limits.memory_bytes = (32 + round as usize) * MIB;
            });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    among_many(&plugin, 6, changes).await;
    let limits = limits();
    plugin.set_limits(limits.clone());
    wait_for("a rest", || plugin.instances() <= limits.instances).await;
    assert_eq!(plugin.metrics().failed_starts, 0);
    plugin.shutdown().await;
    assert_eq!(plugin.instances(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_mode_single_one_call_runs_at_a_time_from_the_next_call_on() {
    let plugin = pooled(4).await;
    join_all((0..4).map(|_| call(&plugin, "spin", json!({"ms": 50})))).await;
    change(&plugin, |limits| limits.mode = InstanceMode::Single);
    wait_for("one instance", || plugin.instances() == 1).await;
    let began = Instant::now();
    let calls: Vec<_> = (0..4)
        .map(|_| start(&plugin, "spin", json!({"ms": 80})))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
        assert_eq!(plugin.instances(), 1);
    }
    assert!(began.elapsed() >= Duration::from_millis(310));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_plugin_that_is_shut_down_change_nothing() {
    let plugin = pooled(2).await;
    count(&plugin).await;
    plugin.shutdown().await;
    change(&plugin, |limits| limits.instances = 8);
    assert_eq!(plugin.instances(), 0);
    let error = call(&plugin, "count", json!({})).await.unwrap_err();
    assert!(matches!(error, CallError::ShutDown { .. }), "{error}");
}

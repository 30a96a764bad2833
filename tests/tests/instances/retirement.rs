//! Instances that served as many calls as one may.

use std::num::NonZeroU32;

use futures::future::join_all;
use goatherd::runtime::InstanceMode;
use goatherd_tests::{Phase, call, host, hostile, load, probe, probe_host};

use super::*;

fn retiring(mode: InstanceMode, instances: usize, most: u32) -> Limits {
    in_mode(mode, instances).max_invocations(NonZeroU32::new(most))
}

/// A plugin that takes 200 ms to shut down.
async fn slow_to_leave(limits: Limits) -> Plugin {
    let slow = hostile(&[(Phase::Shutdown, b's')]);
    let loaded = load(host(), "hostile.wasm", slow, &[], limits).await;
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_is_lost_when_instances_are_replaced_under_load() {
    for (mode, instances) in [(InstanceMode::Pooled, 3), (InstanceMode::Single, 1)] {
        let plugin = probe(probe_host(), retiring(mode, instances, 7)).await;
        let calls: Vec<_> = (0..350)
            .map(|_| start(&plugin, "count", json!({})))
            .collect();
        let mut fresh = 0;
        for call in calls {
            let answer = call
                .await
                .unwrap()
                .unwrap_or_else(|error| panic!("{error}"));
            let count = answer["count"].as_u64().unwrap();
            assert!(count <= 7, "{mode:?}: an instance served its call {count}");
            fresh += usize::from(count == 1);
        }
        assert!(fresh >= 50, "{mode:?}: {fresh} instances for 350 calls");
        assert!(fresh <= 50 + instances, "{mode:?}: {fresh} instances");
        let metrics = plugin.metrics();
        assert_eq!((metrics.calls, metrics.failed_starts), (350, 0));
        wait_for("a rest", || plugin.instances() <= instances).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_instance_is_gone_before_the_next_one_comes() {
    let plugin = slow_to_leave(retiring(InstanceMode::Single, 1, 1)).await;
    let began = Instant::now();
    let watched = plugin.clone();
    let most = tokio::spawn(async move {
        let mut most = 0;
        while began.elapsed() < Duration::from_millis(500) {
            most = most.max(watched.instances());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        most
    });
    for answer in join_all((0..4).map(|_| call(&plugin, "echo", json!({})))).await {
        answer.unwrap();
    }
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(590),
        "three shutdowns of 200 ms lie between four calls: {took:?}"
    );
    assert_eq!(most.await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_take_their_time_to_leave_do_not_pile_up() {
    for mode in [InstanceMode::Pooled, InstanceMode::PerCall] {
        let plugin = slow_to_leave(retiring(mode, 2, 1)).await;
        let calls: Vec<_> = (0..12).map(|_| start(&plugin, "echo", json!({}))).collect();
        let mut most = 0;
        while !calls.iter().all(JoinHandle::is_finished) {
            most = most.max(plugin.instances());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert!(most <= 4, "{mode:?}: {most} at a time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_instances_that_are_leaving() {
    let plugin = slow_to_leave(retiring(InstanceMode::Pooled, 2, 1)).await;
    call(&plugin, "echo", json!({})).await.unwrap();
    assert!(plugin.instances() > 0, "it is on its way out");
    plugin.shutdown().await;
    assert_eq!(plugin.instances(), 0);
    let entries = plugin.log().entries();
    assert!(
        !entries
            .iter()
            .any(|entry| entry.message.contains("still in use")),
        "{entries:?}"
    );
}

//! Calls at the same time: they overlap, in the guest and in the host, and never share an instance.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::runtime::CallError;
use goatherd_tests::{call, call_in, probe, probe_host, until, wait_for};
use serde_json::json;

use crate::back_ends::Meeting;
use crate::{caching_host, start, warm, with_instances};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_slow_calls_to_one_plugin_overlap_in_time() {
    const BUSY: Duration = Duration::from_millis(300);
    let plugin = probe(probe_host(), with_instances(2)).await;
    // Both instances are there before the time is taken.
    warm(&plugin, 2).await;
    let spin = |plugin: Plugin| {
        tokio::spawn(async move {
            let began = Instant::now();
            call(&plugin, "spin", json!({"ms": BUSY.as_millis() as u64}))
                .await
                .unwrap();
            (began, Instant::now())
        })
    };
    let (first, second) = (spin(plugin.clone()), spin(plugin.clone()));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    // A call is busy for the whole of the time before it ends, so the guest's own work lies within these bounds, however
    // long the call may have waited first.
    let busy = |(began, ended): (Instant, Instant)| (began.max(ended - BUSY), ended);
    let (first, second) = (busy(first), busy(second));
    assert!(
        first.0 < second.1 && second.0 < first.1,
        "one was over before the other began: {first:?}, {second:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_are_inside_the_host_at_the_same_time() {
    // Each waits in the cache for the other: if only one could be there, both would wait until their deadline.
    let meeting = Meeting::of(2);
    let host = caching_host(meeting);
    let plugin = probe(&host, with_instances(2)).await;
    let (first, second) = (
        start(&plugin, "cache.get", json!({"key": "a"})),
        start(&plugin, "cache.get", json!({"key": "b"})),
    );
    assert_eq!(first.await.unwrap().unwrap(), json!({"value": null}));
    assert_eq!(second.await.unwrap().unwrap(), json!({"value": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_calls_never_share_an_instance() {
    let plugin = probe(probe_host(), with_instances(4)).await;
    let calls: Vec<_> = (0..100)
        .map(|_| start(&plugin, "count", json!({})))
        .collect();
    let mut seen = BTreeMap::new();
    for call in calls {
        let count = call.await.unwrap().unwrap()["count"].as_u64().unwrap();
        *seen.entry(count).or_insert(0usize) += 1;
    }
    // Each instance counts 1, 2, 3 and so on without a gap and without saying a number twice. So every number was said by
    // at most as many instances as there are, and by no more than the number before it.
    assert_eq!(seen.values().sum::<usize>(), 100);
    let instances = seen[&1];
    assert!(
        instances <= 4 && instances == plugin.instances(),
        "{seen:?}"
    );
    let numbers: Vec<_> = seen.keys().copied().collect();
    assert_eq!(
        numbers,
        (1..=numbers.len() as u64).collect::<Vec<_>>(),
        "{seen:?}"
    );
    let sayings: Vec<_> = seen.values().copied().collect();
    assert!(
        sayings.windows(2).all(|pair| pair[0] >= pair[1]),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_waits_in_the_host_is_not_entered() {
    let meeting = Meeting::of(2);
    let arrived = meeting.arrived();
    let host = caching_host(meeting);
    let plugin = probe(&host, with_instances(1)).await;
    assert_eq!(call(&plugin, "count", json!({})).await.unwrap()["count"], 1);
    let waiting = start(&plugin, "cache.get", json!({"key": "a"}));
    wait_for("the call's arrival in the cache", || {
        arrived.load(Ordering::SeqCst) == 1
    })
    .await;
    let error = call_in(&plugin, until(100), "count", json!({}))
        .await
        .expect_err("its only instance waits");
    assert!(matches!(error, CallError::Busy { .. }), "{error}");
    waiting.abort();
}

//! A fresh instance for each call.

use futures::future::join_all;
use futures::poll;
use goatherd::runtime::InstanceMode;
use goatherd_tests::{Managed, Phase, call, host, hostile, load, probe, probe_host, relay};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn no_call_finds_anything_of_an_earlier_one() {
    let plugin = probe(probe_host(), in_mode(InstanceMode::PerCall, 3)).await;
    for _ in 0..20 {
        assert_eq!(count(&plugin).await, 1);
    }
    let counts = join_all((0..60).map(|_| count(&plugin))).await;
    assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
    assert_eq!(plugin.metrics().calls, 80);
    wait_for("the end of every instance", || plugin.instances() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_plugins_own_costs_its_instance_too() {
    let plugin = probe(probe_host(), in_mode(InstanceMode::PerCall, 1)).await;
    call(&plugin, "fail", json!({"error": "conflict"}))
        .await
        .unwrap_err();
    assert_eq!(count(&plugin).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_calls_run_at_once_as_there_may_be_instances_and_the_others_wait() {
    let plugin = probe(probe_host(), in_mode(InstanceMode::PerCall, 2)).await;
    let began = Instant::now();
    let calls: Vec<_> = (0..6)
        .map(|_| start(&plugin, "spin", json!({"ms": 120})))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
        // Two in calls, and at most as many on their way out.
        assert!(plugin.instances() <= 4, "{}", plugin.instances());
    }
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(340),
        "six calls of 120 ms, two at a time, took {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_are_served_in_the_order_in_which_they_came() {
    let plugin = probe(probe_host(), in_mode(InstanceMode::PerCall, 1)).await;
    let busy = occupy(&plugin, 300);
    let served = std::sync::Mutex::new(Vec::new());
    let calls = (0..30).map(|number| {
        let (plugin, served) = (&plugin, &served);
        async move {
            call(plugin, "spin", json!({"ms": 2})).await.unwrap();
            served.lock().unwrap().push(number);
        }
    });
    let mut calls = std::pin::pin!(join_all(calls));
    assert!(poll!(&mut calls).is_pending());
    let before = plugin.metrics().calls;
    calls.await;
    assert_eq!(plugin.metrics().calls, before + 31);
    assert_eq!(*served.lock().unwrap(), (0..30).collect::<Vec<_>>());
    busy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_instance_is_shut_down() {
    let limits = in_mode(InstanceMode::PerCall, 2);
    let rude = hostile(&[(Phase::Shutdown, b'e')]);
    let plugin = load(host(), "hostile.wasm", rude, &[], limits).await;
    let plugin = plugin.unwrap();
    let before = plugin.log().entries().len();
    for _ in 0..5 {
        call(&plugin, "echo", json!({})).await.unwrap();
    }
    let said = || {
        let entries = plugin.log().entries();
        let new = entries.iter().skip(before);
        new.filter(|entry| entry.message == "shutdown answered: hostile: as told")
            .count()
    };
    wait_for("the fifth shutdown", || said() == 5).await;
    plugin.shutdown().await;
    assert_eq!(said(), 5, "there was nothing left to shut down");
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_need_no_more_instances_than_there_are() {
    let managed = Managed::new(
        host(),
        &[
            ("relay-a", &["plugin_call=*"]),
            ("relay-b", &["plugin_call=*"]),
        ],
        &in_mode(InstanceMode::PerCall, 1),
    );
    for letter in ['a', 'b'] {
        managed
            .load(&format!("relay-{letter}"), relay(letter))
            .await;
    }
    let (a, b) = (managed.plugin("relay-a"), managed.plugin("relay-b"));
    let way: Vec<&str> = ["relay-b", "relay-a"].into_iter().cycle().take(9).collect();
    let calls = (0..12).map(|number| {
        let from = if number % 2 == 0 { &a } else { &b };
        call(from, "relay", json!({ "path": way }))
    });
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap()["plugin"], "relay-b");
    }
}

//! A single instance: its line, and who must not stand in it.

use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::poll;
use goatherd::Plugin;
use goatherd::contract::Error;
use goatherd::runtime::{CallError, InstanceMode};
use goatherd_tests::{Managed, call, call_in, host, probe, probe_host, relay, until};
use serde_json::{Value, json};

use super::*;

async fn single_probe() -> Plugin {
    probe(probe_host(), in_mode(InstanceMode::Single, 8)).await
}

/// Relays whose instances are single.
async fn relays(letters: &[char]) -> Managed {
    let names: Vec<String> = letters
        .iter()
        .map(|letter| format!("relay-{letter}"))
        .collect();
    let decided: Vec<(&str, &[&str])> = names
        .iter()
        .map(|name| (name.as_str(), &["plugin_call=*"][..]))
        .collect();
    let managed = Managed::new(host(), &decided, &in_mode(InstanceMode::Single, 8));
    for letter in letters {
        managed
            .load(&format!("relay-{letter}"), relay(*letter))
            .await;
    }
    managed
}

fn path(names: &[&str]) -> Value {
    json!({ "path": names })
}

/// The contract's error that a call ended with.
#[track_caller]
fn refused(result: Result<Value, CallError>) -> Error {
    match result {
        Err(CallError::Plugin { error, .. }) => error,
        other => panic!("expected an error that the plugin passed on, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_are_served_in_the_order_in_which_they_came_and_nobody_overtakes() {
    let plugin = single_probe().await;
    for _ in 0..12 {
        let first = count(&plugin).await + 1;
        let busy = occupy(&plugin, 120);
        let calls = (0..50).map(|_| call(&plugin, "count", json!({})));
        let mut calls = std::pin::pin!(join_all(calls));
        // Now all of them stand in line.
        assert!(poll!(&mut calls).is_pending());
        let answers = among_pushers(&plugin, calls).await;
        let served: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.unwrap()["count"].as_u64().unwrap())
            .collect();
        // The instance counts whom it serves. Had anybody who came later been served in between, a number would be missing.
        assert_eq!(served, (first..first + 50).collect::<Vec<_>>());
        busy.await.unwrap().unwrap();
    }
    assert_eq!(plugin.instances(), 1);
}

/// Runs something while callers without patience try to get in.
async fn among_pushers<T>(plugin: &Plugin, work: impl Future<Output = T>) -> T {
    let over = Arc::new(AtomicBool::new(false));
    let running: Vec<_> = (0..3)
        .map(|_| {
            let (plugin, over) = (plugin.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let _ = call_in(&plugin, until(0), "count", json!({})).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let done = work.await;
    over.store(true, Ordering::SeqCst);
    for pusher in running {
        pusher.await.unwrap();
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_line_is_passed_over_and_the_order_stays() {
    let plugin = single_probe().await;
    let busy = occupy(&plugin, 300);
    let mut calls: Vec<_> = (0..20)
        .map(|_| Box::pin(call(&plugin, "count", json!({}))))
        .collect();
    for call in &mut calls {
        assert!(poll!(call).is_pending());
    }
    let staying: Vec<_> = calls
        .into_iter()
        .enumerate()
        .filter(|(number, _)| number % 3 != 0)
        .map(|(_, call)| call)
        .collect();
    let served: Vec<_> = join_all(staying)
        .await
        .into_iter()
        .map(|answer| answer.unwrap()["count"].as_u64().unwrap())
        .collect();
    assert_eq!(served, (1..=13).collect::<Vec<_>>());
    busy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_bounded_and_each_waits_no_longer_than_its_deadline() {
    let limits = in_mode(InstanceMode::Single, 8).queue(2);
    let plugin = probe(probe_host(), limits).await;
    let busy = occupy(&plugin, 900);
    let patient = begin(&plugin, "count", json!({}));
    let began = Instant::now();
    let mut impatient = Box::pin(call_in(&plugin, until(150), "count", json!({})));
    assert!(poll!(&mut impatient).is_pending());
    let error = call(&plugin, "count", json!({}))
        .await
        .expect_err("two wait already");
    assert!(began.elapsed() < Duration::from_millis(140), "at once");
    assert_eq!(error.code(), "rate-limited");
    assert!(error.to_string().contains("queue"), "{error}");
    let error = impatient.await.expect_err("its deadline passed");
    assert!(began.elapsed() < Duration::from_millis(600));
    assert_eq!(error.code(), "rate-limited");
    assert!(error.to_string().contains("mode single"), "{error}");
    assert_eq!(patient.await.unwrap().unwrap(), json!({"count": 1}));
    busy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_gives_the_place_to_the_first_in_line() {
    let plugin = single_probe().await;
    count(&plugin).await;
    let mut doomed = Box::pin({
        let plugin = plugin.clone();
        async move { call_in(&plugin, until(200), "spin", json!({"ms": 10_000})).await }
    });
    assert!(poll!(&mut doomed).is_pending());
    let doomed = tokio::spawn(doomed);
    let mut calls = std::pin::pin!(join_all((0..10).map(|_| count(&plugin))));
    assert!(poll!(&mut calls).is_pending());
    assert_eq!(
        among_many(&plugin, 2, calls).await,
        (1..=10).collect::<Vec<_>>(),
        "in a fresh instance"
    );
    doomed.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_plugin_that_calls_itself_gets_a_conflict_with_the_way() {
    let managed = relays(&['a']).await;
    let a = managed.plugin("relay-a");
    let began = Instant::now();
    let error = refused(call(&a, "relay", path(&["relay-a"])).await);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "it waited for itself"
    );
    let Error::Conflict(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("plugin \"relay-a\" has a single instance")
            && text.contains("relay-a → relay-a"),
        "{text}"
    );
    assert_eq!(a.instances(), 1);
}

#[tokio::test]
async fn a_circle_back_into_a_single_plugin_gets_a_conflict_with_the_way() {
    let managed = relays(&['a', 'b', 'c']).await;
    let a = managed.plugin("relay-a");
    let way = ["relay-b", "relay-c", "relay-a"];
    let error = refused(call(&a, "relay", path(&way)).await);
    let Error::Conflict(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("relay-a → relay-b → relay-c → relay-a"),
        "{text}"
    );
    // A way without a circle is open, and nobody holds anything.
    let seen = call(&a, "relay", path(&["relay-b", "relay-c"])).await;
    assert_eq!(seen.unwrap()["plugin"], "relay-c");
    for letter in ["relay-a", "relay-b", "relay-c"] {
        assert_eq!(managed.plugin(letter).instances(), 1, "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_chains_that_wait_for_each_other_end_with_the_first_deadline() {
    let managed = relays(&['a', 'b']).await;
    let (a, b) = (managed.plugin("relay-a"), managed.plugin("relay-b"));
    // While both are busy, a chain stands in each line. Each will hold what the other then waits for.
    let busy = [occupy(&a, 300), occupy(&b, 300)];
    let began = Instant::now();
    let mut impatient = Box::pin(call_in(&a, until(1_200), "relay", path(&["relay-b"])));
    let mut patient = Box::pin(call(&b, "relay", path(&["relay-a"])));
    assert!(poll!(&mut impatient).is_pending() && poll!(&mut patient).is_pending());
    let (ended, answered) = futures::join!(impatient, patient);
    let error = ended.expect_err("it waited for the other until its deadline");
    assert!(
        ["rate-limited", "timed-out"].contains(&error.code().as_str()),
        "{error}"
    );
    assert_eq!(answered.unwrap()["plugin"], "relay-a", "then this went on");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(1_150) && took < Duration::from_secs(8),
        "{took:?}"
    );
    for busy in busy {
        busy.await.unwrap().unwrap();
    }
    for (from, to) in [(&a, "relay-b"), (&b, "relay-a")] {
        assert_eq!(
            call(from, "relay", path(&[to])).await.unwrap()["plugin"],
            to
        );
    }
}

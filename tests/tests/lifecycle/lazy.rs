//! Plugins that their first call loads.

use std::time::Duration;

use goatherd_tests::{steady, wait_for};
use serde_json::{Value, json};

use crate::{Home, ask, generation};

const LONG: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_call_loads_it_and_callers_at_the_same_time_load_it_once() {
    let home = Home::lazy(LONG);
    home.put("a.wasm", &steady('a', 1, b'n'));
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 1);
    assert_eq!(home.state("steady-a"), "enabled");
    assert!(!home.is_loaded("steady-a"));
    let plugin = home.handle("steady-a");
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { generation(&plugin).await })
        })
        .collect();
    let mut loads = Vec::new();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "1");
        let table = home.manager().snapshot();
        loads.push(table.get("steady-a").unwrap().plugin().unwrap().clone());
    }
    assert!(loads.windows(2).all(|two| two[0].is(&two[1])));
}

#[tokio::test]
async fn what_it_adds_is_served_before_it_is_loaded() {
    let home = Home::lazy(LONG);
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    assert_eq!(plugin.description().registration.routes.len(), 1);
    assert!(!home.is_loaded("steady-a"));
}

#[tokio::test]
async fn one_that_does_not_start_answers_each_caller_with_the_reason() {
    let home = Home::lazy(LONG);
    home.put("a.wasm", &steady('a', 1, b'i'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    for _ in 0..2 {
        let error = ask(&plugin, "generation", Value::Null).await.unwrap_err();
        assert!(error.to_string().contains("init fails as asked"), "{error}");
    }
    assert_eq!(home.state("steady-a"), "failed");
}

#[tokio::test]
async fn a_file_that_is_another_one_by_then_is_not_loaded_in_the_place_of_the_described_one() {
    let home = Home::lazy(LONG);
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    home.put("a.wasm", &steady('a', 2, b'n'));
    let error = ask(&plugin, "generation", Value::Null).await.unwrap_err();
    assert!(error.to_string().contains("reload"), "{error}");
    home.manager().reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_not_called_is_unloaded_and_the_next_call_loads_it_again() {
    let home = Home::lazy(Duration::from_millis(20));
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    // Each time, however the threads of loading and watching come upon each other.
    for _ in 0..50 {
        let count = ask(&plugin, "count", Value::Null).await.unwrap();
        assert_eq!(count["count"], 1, "a fresh instance");
        wait_for("its being unloaded", || !home.is_loaded("steady-a")).await;
        assert_eq!(home.state("steady-a"), "enabled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_longer_than_the_idle_time_keeps_its_plugin_loaded() {
    let home = Home::lazy(Duration::from_millis(200));
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let long = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, "spin", json!({ "ms": 2_000 })).await }
    });
    let mut looks = 0;
    while !long.is_finished() {
        looks += usize::from(home.is_loaded("steady-a"));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(looks > 50, "it was loaded at {looks} looks only");
    assert_eq!(long.await.unwrap().unwrap()["generation"], "1");
    // And no longer than that.
    wait_for("its being unloaded", || !home.is_loaded("steady-a")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_it_is_unloaded_and_loaded_again_and_again() {
    let home = Home::lazy(Duration::from_millis(1));
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    for _ in 0..100 {
        assert_eq!(generation(&plugin).await, "1");
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
}

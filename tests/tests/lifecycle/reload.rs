//! Replacing a plugin while it serves.

use std::time::Duration;

use goatherd::runtime::Limits;
use goatherd_tests::{limits, steady};
use serde_json::{Value, json};

use crate::{Home, Load, ask, generation, none_failed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_flight_finish_on_the_old_one_and_later_ones_reach_the_new_one() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let slow = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, "spin", json!({ "ms": 1_500 })).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    home.put("a.wasm", &steady('a', 2, b'n'));
    let reloading = tokio::spawn({
        let manager = home.manager().clone();
        async move { manager.reload("steady-a").await }
    });
    while generation(&plugin).await != "2" {
        assert!(!slow.is_finished(), "the reload waited for the slow call");
    }
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(answer["generation"], "1");
    let new = reloading.await.unwrap().unwrap();
    assert_eq!(new.description().registration.version.major, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_a_plugin_is_reloaded_under_load() {
    let home = Home::of(
        Limits {
            instances: 4,
            ..limits()
        },
        |loader| loader,
    );
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let load = Load::of(&plugin, 200, "spin", json!({ "ms": 2 }));
    for generation in 2..=9 {
        home.put("a.wasm", &steady('a', generation, b'n'));
        home.manager().reload("steady-a").await.unwrap();
    }
    let answers = load.stop().await;
    none_failed(&answers);
    let last = answers
        .iter()
        .flatten()
        .filter(|one| one["generation"] == "9");
    assert!(last.count() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_calls_itself_while_it_is_replaced_reaches_the_new_one() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let nested = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, "nested", json!({ "ms": 1_000 })).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    home.put("a.wasm", &steady('a', 2, b'n'));
    home.manager().reload("steady-a").await.unwrap();
    assert_eq!(nested.await.unwrap().unwrap(), json!({ "generation": "2" }));
}

#[tokio::test]
async fn a_reload_that_fails_leaves_the_old_one_serving_and_says_why() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let cut = steady('a', 2, b'n');
    let bad: [(&[u8], &str); 4] = [
        (&steady('a', 2, b'i'), "init fails as asked"),
        (&steady('a', 2, b't'), "steady-a"),
        (&steady('b', 2, b'n'), "\"steady-b\" now"),
        (&cut[..cut.len() / 2], "a.wasm"),
    ];
    for (bytes, why) in bad {
        home.put("a.wasm", bytes);
        let error = home.manager().reload("steady-a").await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(generation(&plugin).await, "1");
        let table = home.manager().snapshot();
        let entry = table.get("steady-a").unwrap();
        let shown = entry.reload_failure.as_ref().expect("it is shown");
        assert!(shown.message.contains(why), "{}", shown.message);
        assert_eq!(entry.state.name(), "enabled");
    }
    home.put("a.wasm", &steady('a', 3, b'n'));
    home.manager().reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "3");
    let table = home.manager().snapshot();
    assert!(table.get("steady-a").unwrap().reload_failure.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_at_the_same_time_are_made_one_after_the_other() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let reloads: Vec<_> = (0..10)
        .map(|_| {
            let manager = home.manager().clone();
            tokio::spawn(async move { manager.reload("steady-a").await })
        })
        .collect();
    for reload in reloads {
        reload.await.unwrap().unwrap();
    }
    assert_eq!(generation(&home.handle("steady-a")).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_is_disabled_during_its_reload_stays_disabled() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    for _ in 0..20 {
        let manager = home.manager().clone();
        let reload = tokio::spawn(async move { manager.reload("steady-a").await });
        tokio::task::yield_now().await;
        home.manager().disable("steady-a").await.unwrap();
        // Whether it came before or after, the operator's last word holds.
        let _ = reload.await.unwrap();
        assert_eq!(home.state("steady-a"), "disabled");
        let error = ask(&plugin, "generation", Value::Null).await.unwrap_err();
        assert!(error.to_string().contains("disabled"), "{error}");
        home.manager().enable("steady-a").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_whose_caller_goes_away_is_made_to_the_end() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    let slow = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, "spin", json!({ "ms": 500 })).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    home.put("a.wasm", &steady('a', 2, b'n'));
    let asked = tokio::time::timeout(
        Duration::from_millis(200),
        home.manager().reload("steady-a"),
    );
    drop(asked.await);
    slow.await.unwrap().unwrap();
    while generation(&plugin).await != "2" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

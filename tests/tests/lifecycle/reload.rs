//! Replacing a plugin while it serves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use goatherd::capability::cache::Caching;
use goatherd::manager::{
    Applier, Candidate, Configured, Decision, Entry, Loader, Manager, Policy, Table,
};
use goatherd::runtime::Description;
use goatherd_tests::{
    Gate, Managed, NoDatabase, PATIENCE, PROBE_GRANTS, guest, host, host_builder, limits, steady,
    until_served, wait_for, wait_for_async,
};
use serde_json::{Value, json};

use crate::{Home, Load, ask, generation, none_failed, terms};

/// A policy that lets decisions come to a gate first, once it is told to.
struct Gated {
    decided: Configured,
    gate: Gate,
    /// How many more decisions come to the gate.
    held: Arc<AtomicUsize>,
}

impl Gated {
    fn new() -> Self {
        let name = "steady-a".parse().unwrap();
        Self {
            decided: Configured::new([(name, terms(limits()))].into()),
            gate: Gate::default(),
            held: Arc::default(),
        }
    }
}

#[async_trait]
impl Policy for Gated {
    async fn decide(&self, candidate: Candidate<'_>) -> Decision {
        let less = |held: usize| held.checked_sub(1);
        let held = self
            .held
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if held.is_ok() {
            self.gate.pass().await;
        }
        self.decided.decide(candidate).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_flight_finish_on_the_old_one_and_later_ones_reach_the_new_one() {
    let gate = Gate::default();
    let host = host_builder().provider(NoDatabase);
    let host = host.provider(Caching::new(gate.clone())).build().unwrap();
    let limits = limits().shutdown_timeout(PATIENCE);
    let managed = Managed::new(&host, &[("probe", PROBE_GRANTS)], &limits);
    let old = managed.load("probe", guest("probe")).await;
    let plugin = managed.manager.plugin("probe").unwrap();
    let slow = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, "cache.get", json!({ "key": "k" })).await }
    });
    gate.until_arrived(1).await;
    // The same with a section more is another plugin.
    let mut changed = guest("probe");
    changed.extend(b"\0\x06\x05stamp");
    std::fs::write(managed.folder().join("probe.wasm"), changed).unwrap();
    let reloading = tokio::spawn({
        let manager = managed.manager.clone();
        async move { manager.reload("probe").await }
    });
    wait_for("the new one", || !managed.plugin("probe").is(&old)).await;
    let calls = |plugin: &goatherd::Plugin| plugin.metrics().calls;
    let new = managed.plugin("probe");
    assert_eq!(
        (calls(&old), calls(&new)),
        (0, 0),
        "the slow one still runs"
    );
    ask(&plugin, "echo", json!({})).await.unwrap();
    assert_eq!((calls(&old), calls(&new)), (0, 1));
    assert!(!slow.is_finished() && !reloading.is_finished());
    gate.open();
    assert_eq!(slow.await.unwrap().unwrap(), json!({ "value": null }));
    let reloaded = reloading.await.unwrap().unwrap();
    assert_eq!((calls(&old), calls(&new)), (1, 1));
    assert_ne!(reloaded.description().hash, old.description().hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_a_plugin_is_reloaded_under_load() {
    let home = Home::of(limits().instances(4), |loader| loader);
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
    // It is to call itself after it was replaced. Where it was not busy for long enough before, that shows nothing, and is
    // tried with more.
    for busy_ms in [500, 2_000, 8_000] {
        let home = Home::new();
        home.put("a.wasm", &steady('a', 1, b'n'));
        home.loader.load_all().await.unwrap();
        let plugin = home.handle("steady-a");
        let nested = tokio::spawn({
            let plugin = plugin.clone();
            async move { ask(&plugin, "nested", json!({ "ms": busy_ms })).await }
        });
        until_served(&home.loaded("steady-a")).await;
        home.put("a.wasm", &steady('a', 2, b'n'));
        let old = home.loaded("steady-a");
        let reload = tokio::spawn({
            let manager = home.manager().clone();
            async move { manager.reload("steady-a").await }
        });
        wait_for("the new one", || !home.loaded("steady-a").is(&old)).await;
        let in_time = !nested.is_finished();
        let answer = nested.await.unwrap().unwrap();
        reload.await.unwrap().unwrap();
        if in_time {
            assert_eq!(answer, json!({ "generation": "2" }));
            return;
        }
    }
    panic!("each reload took longer than the plugin was busy");
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

/// What a manager tells of a description, in its order.
#[derive(Default)]
struct Told(Mutex<Vec<(&'static str, Arc<Description>)>>);

impl Applier for Told {
    fn check(&self, _: &Table, candidate: &Entry) -> Result<(), String> {
        let told = ("checked", Arc::clone(&candidate.description));
        self.0.lock().unwrap().push(told);
        Ok(())
    }

    fn apply(&self, table: &Table) {
        let served = table.enabled().map(|entry| &entry.description);
        let told = served.map(|served| ("served", Arc::clone(served)));
        self.0.lock().unwrap().extend(told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_at_the_same_time_are_made_one_after_the_other() {
    const RELOADS: usize = 10;
    let folder = tempfile::tempdir().unwrap();
    crate::put(&folder.path().join("a.wasm"), &steady('a', 1, b'n'));
    let (policy, told) = (Gated::new(), Arc::<Told>::default());
    let (gate, held) = (policy.gate.clone(), Arc::clone(&policy.held));
    let manager = Manager::applying(host().clone(), policy, Arc::clone(&told) as _);
    let loader = Loader::new(folder.path(), manager.clone(), goatherd_tests::reader());
    loader.load_all().await.unwrap();
    told.0.lock().unwrap().clear();
    // All are read and described, and go on together from there.
    held.store(RELOADS, Ordering::SeqCst);
    let reloads: Vec<_> = (0..RELOADS)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move { manager.reload("steady-a").await })
        })
        .collect();
    gate.until_arrived(RELOADS).await;
    gate.open();
    for reload in reloads {
        reload.await.unwrap().unwrap();
    }
    // Each is checked before its init, checked again after it, and served then, before the next one's turn.
    let told = told.0.lock().unwrap();
    let whats: Vec<_> = told.iter().map(|(what, _)| *what).collect();
    assert_eq!(whats, ["checked", "checked", "served"].repeat(RELOADS));
    for of_one in told.chunks(3) {
        let first = &of_one[0].1;
        assert!(of_one.iter().all(|(_, of)| Arc::ptr_eq(of, first)));
    }
    let last = &told.last().unwrap().1;
    let serves = manager.plugin("steady-a").unwrap();
    assert!(Arc::ptr_eq(serves.description(), last));
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
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wasm");
    crate::put(&file, &steady('a', 1, b'n'));
    let policy = Gated::new();
    let (gate, held) = (policy.gate.clone(), Arc::clone(&policy.held));
    let manager = Manager::new(host().clone(), policy);
    let loader = Loader::new(folder.path(), manager.clone(), goatherd_tests::reader());
    loader.load_all().await.unwrap();
    crate::put(&file, &steady('a', 2, b'n'));
    held.store(1, Ordering::SeqCst);
    let asked = tokio::spawn({
        let manager = manager.clone();
        async move { manager.reload("steady-a").await }
    });
    // It was begun: the new one is described, and is being decided about.
    gate.until_arrived(1).await;
    asked.abort();
    assert!(asked.await.is_err_and(|error| error.is_cancelled()));
    gate.open();
    let plugin = manager.plugin("steady-a").unwrap();
    wait_for_async("the new one", async || generation(&plugin).await == "2").await;
}

//! Plugins in the plugins table: wishes, capabilities, settings, and what other nodes see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use goatherd::contract::CallContext;
use goatherd::manager::{Applier, Entry, Hosting, Loader, Manager, Reviewed, Table};
use goatherd::registry::policy::{By, Note, Policies, PolicyChange, PostgresPolicies};
use goatherd::registry::{MemoryStore, PostgresRegistry, SqliteRegistry, Store};
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd_tests::{grants, host, reader, servers, steady, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ask, generation, none_failed, put};

struct Nothing;

impl Applier for Nothing {
    fn check(&self, _present: &Table, _candidate: &Entry) -> Result<(), String> {
        Ok(())
    }

    fn apply(&self, _table: &Table) {}
}

/// A node: plugins in a directory, decided about and wanted by what is in a store.
struct Node {
    folder: TempDir,
    manager: Manager,
    loader: Loader,
    hosting: Hosting,
    policies: Policies,
    following: Vec<tokio::task::JoinHandle<()>>,
}

impl Node {
    async fn new(store: impl Store, policies: Policies) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hosting = Hosting::with_store(store).await.unwrap();
        let policy = Reviewed::new(policies.clone());
        let manager =
            Manager::with_registry(host().clone(), policy, Arc::new(Nothing), hosting.clone());
        let following = vec![
            tokio::spawn(policies.follow()),
            tokio::spawn(manager.follow_policies(policies.changes())),
            tokio::spawn(manager.follow_registry()),
        ];
        Self {
            loader: Loader::new(folder.path(), manager.clone(), reader()),
            folder,
            manager,
            hosting,
            policies,
            following,
        }
    }

    async fn in_memory() -> Self {
        Self::new(MemoryStore::default(), Policies::new()).await
    }

    async fn on_postgres(url: &str) -> Self {
        let tls = goatherd::tls::client(None).unwrap();
        let store = PostgresStore::new(url, tls).unwrap();
        let registry = PostgresRegistry::new(store.clone()).await.unwrap();
        let policies = PostgresPolicies::new(store).await.unwrap();
        Self::new(registry, Policies::with_store(policies).await.unwrap()).await
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        put(&self.folder.path().join(file), bytes);
    }

    async fn approve(&self, plugin: &str, granted: &[&str]) {
        let change = PolicyChange::grants(grants(granted));
        let name = plugin.parse().unwrap();
        self.policies
            .approve(&name, &change, &note())
            .await
            .unwrap();
    }

    fn state(&self, name: &str) -> &'static str {
        let table = self.manager.snapshot();
        table
            .get(name)
            .map_or("unknown", |entry| entry.state.name())
    }

    /// Waits until a plugin is in a state, and says how long that took.
    async fn until(&self, name: &str, state: &str) -> Duration {
        let began = Instant::now();
        let what = format!("{name} {state}");
        wait_for(&what, || self.state(name) == state).await;
        began.elapsed()
    }

    async fn greet(&self) -> Result<Value, String> {
        let registry = &self.hosting.registry;
        let input = json!({ "name": "Ada" });
        let ran = registry.run_capability("steady-a.greet", input, CallContext::default());
        ran.await.map_err(|error| error.to_string())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for task in &self.following {
            task.abort();
        }
    }
}

fn note() -> Note {
    Note::new(By::operator("anna").unwrap(), "a test").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_waits_runs_is_switched_off_and_on_and_blocked_as_operators_say() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.loader.load_all().await.unwrap();
    assert_eq!(node.state("steady-a"), "waiting");
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.until("steady-a", "enabled").await;
    let plugin = node.manager.plugin("steady-a").unwrap();
    assert_eq!(generation(&plugin).await, "1");
    node.hosting.registry.disable("steady-a").await.unwrap();
    node.until("steady-a", "disabled").await;
    assert!(ask(&plugin, "generation", Value::Null).await.is_err());
    node.hosting.registry.enable("steady-a").await.unwrap();
    node.until("steady-a", "enabled").await;
    let name = "steady-a".parse().unwrap();
    node.policies.block(&name, &note()).await.unwrap();
    node.until("steady-a", "blocked").await;
    let error = ask(&plugin, "generation", Value::Null).await.unwrap_err();
    assert!(error.to_string().contains("blocked"), "{error}");
    let error = node.manager.enable("steady-a").await.unwrap_err();
    assert_eq!(error.code(), "permission-denied");
    node.policies.unblock(&name, &note()).await.unwrap();
    node.until("steady-a", "waiting").await;
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.until("steady-a", "enabled").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lower_limit_holds_for_the_next_call_without_loading_the_plugin_again() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.loader.load_all().await.unwrap();
    let loaded = |node: &Node| {
        let table = node.manager.snapshot();
        table.get("steady-a").unwrap().plugin().unwrap().clone()
    };
    let before = loaded(&node);
    let change: PolicyChange = serde_json::from_value(json!({ "call_timeout": "200ms" })).unwrap();
    let name = "steady-a".parse().unwrap();
    node.policies
        .set_limits(&name, &change, &note())
        .await
        .unwrap();
    let lower = Duration::from_millis(200);
    wait_for("the lower limit", || {
        loaded(&node).limits().call_timeout == lower
    })
    .await;
    let plugin = node.manager.plugin("steady-a").unwrap();
    assert!(ask(&plugin, "spin", json!({ "ms": 5_000 })).await.is_err());
    assert!(loaded(&node).is(&before), "it is the same load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_is_taken_away_takes_out_a_plugin_that_cannot_do_without_it() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.loader.load_all().await.unwrap();
    node.approve("steady-a", &["cache:read"]).await;
    node.until("steady-a", "failed").await;
    let table = node.manager.snapshot();
    let failure = table.get("steady-a").unwrap().failure().unwrap().clone();
    assert!(
        failure.message.contains("plugin_call"),
        "{}",
        failure.message
    );
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.until("steady-a", "enabled").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrower_scope_links_the_plugin_anew_under_load_and_no_call_fails() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.loader.load_all().await.unwrap();
    let plugin = node.manager.plugin("steady-a").unwrap();
    let unlimited: PolicyChange =
        serde_json::from_value(json!({ "max_calls_per_second": 0 })).unwrap();
    let name = "steady-a".parse().unwrap();
    node.policies
        .set_limits(&name, &unlimited, &note())
        .await
        .unwrap();
    let limits = || {
        let table = node.manager.snapshot();
        table.get("steady-a").unwrap().plugin().unwrap().limits()
    };
    wait_for("no limit", || limits().rates.calls_per_second.is_none()).await;
    let load = crate::Load::of(&plugin, 50, "spin", json!({ "ms": 1 }));
    for scope in [
        "plugin_call=steady-a",
        "plugin_call=steady-b",
        "plugin_call=*",
    ] {
        node.approve("steady-a", &[scope]).await;
        let granted = |node: &Node| {
            let table = node.manager.snapshot();
            table
                .get("steady-a")
                .unwrap()
                .grants
                .iter()
                .any(|grant| grant.to_string() == scope)
        };
        wait_for("the new scope", || granted(&node)).await;
    }
    let answers = load.stop().await;
    none_failed(&answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_capabilities_run_while_it_is_enabled() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.approve("steady-a", &["plugin_call=*"]).await;
    let error = node.greet().await.unwrap_err();
    assert!(error.contains("no capability"), "{error}");
    node.loader.load_all().await.unwrap();
    assert_eq!(
        node.greet().await.unwrap(),
        json!({ "greeting": "Hello, Ada!" })
    );
    node.manager.disable("steady-a").await.unwrap();
    assert!(node.greet().await.is_err());
    node.manager.enable("steady-a").await.unwrap();
    assert_eq!(
        node.greet().await.unwrap(),
        json!({ "greeting": "Hello, Ada!" })
    );
    node.put("a.wasm", &steady('a', 2, b'n'));
    node.manager.reload("steady-a").await.unwrap();
    assert_eq!(
        node.greet().await.unwrap(),
        json!({ "greeting": "Hello, Ada!" })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_does_not_fit_is_refused_before_the_plugin_runs() {
    let node = Node::in_memory().await;
    node.put("a.wasm", &steady('a', 1, b'n'));
    node.approve("steady-a", &["plugin_call=*"]).await;
    node.loader.load_all().await.unwrap();
    let calls = || {
        let table = node.manager.snapshot();
        let plugin = table.get("steady-a").unwrap().plugin().unwrap().clone();
        plugin.metrics().calls
    };
    let before = calls();
    for input in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": 7 }),
        json!("Ada"),
    ] {
        let context = CallContext::default();
        let ran = node
            .hosting
            .registry
            .run_capability("steady-a.greet", input.clone(), context);
        let error = ran.await.unwrap_err();
        assert_eq!(error.code(), "invalid-argument", "{input}: {error}");
        assert!(error.to_string().contains("steady-a.greet"), "{error}");
    }
    assert_eq!(calls(), before);
    // After a reload that failed, too: the new one would not take a name of three letters.
    node.put("a.wasm", &steady('a', 4, b'i'));
    node.manager.reload("steady-a").await.unwrap_err();
    assert!(node.greet().await.is_ok());
    node.manager.disable("steady-a").await.unwrap();
    node.manager.enable("steady-a").await.unwrap();
    assert!(node.greet().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_inputs_are_checked_as_the_new_one_says_loaded_or_not() {
    for lazy in [false, true] {
        let node = Node::in_memory().await;
        node.put("a.wasm", &steady('a', 1, b'n'));
        node.approve("steady-a", &["plugin_call=*"]).await;
        let loader = match lazy {
            true => node
                .loader
                .clone()
                .with_lazy_loading(Duration::from_secs(600)),
            false => node.loader.clone(),
        };
        loader.load_all().await.unwrap();
        node.put("a.wasm", &steady('a', 4, b'n'));
        node.manager.reload("steady-a").await.unwrap();
        let error = node.greet().await.unwrap_err();
        assert!(error.contains("/name"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_an_administrator_switched_off_stays_off_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    drop(std::fs::File::create(&file).unwrap());
    let policies = Policies::new();
    for round in 0..2 {
        let store = SqliteStore::open(&file).unwrap();
        let node = Node::new(SqliteRegistry::new(store).unwrap(), policies.clone()).await;
        node.put("a.wasm", &steady('a', 1, b'n'));
        node.approve("steady-a", &["plugin_call=*"]).await;
        node.loader.load_all().await.unwrap();
        if round == 0 {
            assert_eq!(node.state("steady-a"), "enabled");
            node.manager.disable("steady-a").await.unwrap();
        }
        assert_eq!(node.state("steady-a"), "disabled");
        let error = node.loader.ensure_loaded("steady-a").await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        node.manager.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_on_postgresql_follows_a_toggle_and_a_decision_within_a_second() {
    let url = servers::postgres();
    let (here, there) = (Node::on_postgres(&url).await, Node::on_postgres(&url).await);
    for node in [&here, &there] {
        node.put("a.wasm", &steady('a', 1, b'n'));
        node.loader.load_all().await.unwrap();
        assert_eq!(node.state("steady-a"), "waiting");
    }
    here.approve("steady-a", &["plugin_call=*"]).await;
    there.until("steady-a", "enabled").await;
    here.until("steady-a", "enabled").await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        here.manager.disable("steady-a").await.unwrap();
        waits.push(there.until("steady-a", "disabled").await);
        here.manager.enable("steady-a").await.unwrap();
        waits.push(there.until("steady-a", "enabled").await);
    }
    waits.sort();
    // The median: a machine that is busy elsewhere may be late once.
    assert!(waits[waits.len() / 2] < Duration::from_secs(1), "{waits:?}");
}

//! The loader's functions, by the names that they have in the Go package.

use goatherd_tests::{guest, steady};

use crate::{Home, generation};

#[tokio::test]
async fn discover_all_counts_what_is_there_and_loads_nothing() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.put("b.wasm", b"not a component");
    assert_eq!(home.loader.discover_all().await.unwrap(), 2);
    assert_eq!(home.loader.discovered(), ["a", "b"]);
    assert_eq!(home.manager().snapshot().plugins().count(), 0);
}

#[tokio::test]
async fn discovered_plugins_show_what_is_loaded_and_since_when() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.put("b.wasm", &steady('b', 1, b'i'));
    home.loader.load_all().await.unwrap();
    let found = home.loader.discovered_plugins();
    assert_eq!(found[0].name, "steady-a");
    assert!(found[0].loaded && found[0].loaded_at.is_some());
    assert_eq!(found[1].name, "steady-b");
    assert!(!found[1].loaded && found[1].loaded_at.is_none());
    home.loader.unload("steady-a").await.unwrap();
    assert!(!home.loader.discovered_plugins()[0].loaded);
}

#[tokio::test]
async fn load_all_reports_each_failure_and_loads_the_others() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.put("b.wasm", &steady('b', 1, b't'));
    home.put("c.wasm", b"\0asm");
    home.put("d.wasm", &steady('a', 2, b'n'));
    home.put("e.wasm", &steady('e', 1, b'n'));
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 2);
    let failed: Vec<_> = report
        .failures()
        .map(|(file, _)| file.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(failed, ["b.wasm", "c.wasm", "d.wasm"]);
    assert_eq!(generation(&home.handle("steady-a")).await, "1");
}

#[tokio::test]
async fn ensure_loaded_finds_a_plugin_that_was_put_there_later_and_loads_it_once() {
    let home = Home::new();
    home.loader.load_all().await.unwrap();
    home.put("called-otherwise.wasm", &steady('b', 1, b'n'));
    home.put("a.wasm", &steady('a', 1, b'n'));
    let first = home.loader.ensure_loaded("steady-b").await.unwrap();
    let loaded = home
        .manager()
        .snapshot()
        .get("steady-b")
        .unwrap()
        .plugin()
        .unwrap()
        .clone();
    home.loader.ensure_loaded("steady-b").await.unwrap();
    let again = home
        .manager()
        .snapshot()
        .get("steady-b")
        .unwrap()
        .plugin()
        .unwrap()
        .clone();
    assert!(loaded.is(&again));
    assert_eq!(generation(&first).await, "1");
}

#[tokio::test]
async fn ensure_loaded_of_nothing_says_what_there_is() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    let error = home.loader.ensure_loaded("nobody").await.unwrap_err();
    assert_eq!(error.code(), "not-found");
    assert!(error.to_string().contains("steady-a"), "{error}");
}

#[tokio::test]
async fn load_brings_an_unloaded_plugin_back() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    home.loader.unload("steady-a").await.unwrap();
    assert_eq!(home.state("steady-a"), "unloaded");
    assert!(home.manager().plugin("steady-a").is_none());
    let plugin = home.loader.load("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "1");
}

#[tokio::test]
async fn load_from_path_takes_a_plugin_from_anywhere() {
    let home = Home::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("x.wasm");
    std::fs::write(&file, steady('c', 1, b'n')).unwrap();
    let plugin = home.loader.load_from_path(&file).await.unwrap();
    assert_eq!(generation(&plugin).await, "1");
    let again = home.loader.load_from_path(&file).await.unwrap_err();
    assert_eq!(again.code(), "conflict");
    let text = elsewhere.path().join("x.txt");
    std::fs::write(&text, "text").unwrap();
    let error = home.loader.load_from_path(&text).await.unwrap_err();
    assert_eq!(error.code(), "invalid-argument");
}

#[tokio::test]
async fn load_or_reload_takes_a_new_plugin_and_the_new_version_of_a_loaded_one() {
    let home = Home::new();
    home.loader.load_all().await.unwrap();
    home.put("a.wasm", &steady('a', 1, b'n'));
    let plugin = home.loader.load_or_reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "1");
    home.put("a.wasm", &steady('a', 2, b'n'));
    home.loader.load_or_reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "2");
}

#[tokio::test]
async fn reload_of_a_plugin_that_failed_enables_it() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'i'));
    home.loader.load_all().await.unwrap();
    assert_eq!(home.state("steady-a"), "failed");
    home.put("a.wasm", &steady('a', 2, b'n'));
    let plugin = home.loader.reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "2");
}

#[tokio::test]
async fn reload_of_a_disabled_plugin_leaves_it_disabled() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.load_all().await.unwrap();
    home.manager().disable("steady-a").await.unwrap();
    home.put("a.wasm", &steady('a', 2, b'n'));
    home.loader.reload("steady-a").await.unwrap();
    assert_eq!(home.state("steady-a"), "disabled");
    home.manager().enable("steady-a").await.unwrap();
    assert_eq!(generation(&home.handle("steady-a")).await, "2");
}

#[tokio::test]
async fn a_plugin_that_nobody_decided_about_waits() {
    let home = Home::new();
    home.put("probe.wasm", &guest("probe"));
    home.loader.load_all().await.unwrap();
    assert_eq!(home.state("probe"), "waiting");
    let error = home.loader.ensure_loaded("probe").await.unwrap_err();
    assert_eq!(error.code(), "permission-denied");
}

//! Plugins in folders and packages: what they depend on, who signed them, and those without a component.

use std::path::Path;

use goatherd::loader::signature::{SecretKey, TrustedKeys};
use goatherd::loader::{PackageLimits, content_to_sign, pack};
use goatherd_tests::{limits, reader_trusting, steady};

use crate::{Home, generation};

/// Makes a plugin's folder.
fn folder(home: &Home, name: &str, version: u8, more: &str) -> std::path::PathBuf {
    let letter = name.chars().last().unwrap();
    let path = home.path(name);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(
        path.join(format!("{name}.wasm")),
        steady(letter, version, b'n'),
    )
    .unwrap();
    let manifest = format!("name: {name}\nversion: {version}.0.0\nruntime: wasm\n{more}");
    std::fs::write(path.join("plugin.yaml"), manifest).unwrap();
    path
}

fn failure(home: &Home, name: &str) -> String {
    let table = home.manager().snapshot();
    let entry = table.get(name).expect("it is described");
    entry.failure().expect("it failed").message.clone()
}

#[tokio::test]
async fn what_a_plugin_depends_on_is_enabled_before_it() {
    let home = Home::new();
    folder(&home, "steady-a", 1, "dependencies: [\"steady-b >=1\"]\n");
    folder(&home, "steady-b", 1, "dependencies: [\"steady-c\"]\n");
    folder(&home, "steady-c", 1, "");
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 3, "{report:?}");
}

#[tokio::test]
async fn a_dependency_that_is_missing_too_old_or_a_circle_is_named_and_stops_no_other() {
    let home = Home::new();
    folder(&home, "steady-a", 1, "dependencies: [\"steady-b >=2\"]\n");
    folder(&home, "steady-b", 1, "");
    folder(&home, "steady-c", 1, "dependencies: [nobody]\n");
    folder(&home, "steady-d", 1, "dependencies: [steady-e]\n");
    folder(&home, "steady-e", 1, "dependencies: [steady-d]\n");
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 1);
    assert!(
        failure(&home, "steady-a").contains("steady-b 1.0.0"),
        "{}",
        failure(&home, "steady-a")
    );
    assert!(failure(&home, "steady-c").contains("nobody"));
    assert!(
        failure(&home, "steady-d").contains("steady-d -> steady-e -> steady-d"),
        "{}",
        failure(&home, "steady-d")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_for_want_of_a_dependency_is_enabled_when_that_comes() {
    let home = Home::new();
    folder(&home, "steady-a", 1, "dependencies: [\"steady-b >=2\"]\n");
    folder(&home, "steady-c", 1, "dependencies: [steady-a]\n");
    home.loader.load_all().await.unwrap();
    assert_eq!(
        (home.state("steady-a"), home.state("steady-c")),
        ("failed", "failed")
    );
    // Too old, and then new enough.
    folder(&home, "steady-b", 1, "");
    home.loader.load_all().await.unwrap();
    assert_eq!(home.state("steady-a"), "failed");
    folder(&home, "steady-b", 2, "");
    home.manager().reload("steady-b").await.unwrap();
    let began = std::time::Instant::now();
    while home.state("steady-c") != "enabled" {
        assert!(
            began.elapsed().as_secs() < 30,
            "steady-c is {}",
            home.state("steady-c")
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(home.state("steady-a"), "enabled");
    // One that an operator has switched off stays so.
    home.manager().disable("steady-a").await.unwrap();
    home.manager().reload("steady-b").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(home.state("steady-a"), "disabled");
}

#[tokio::test]
async fn a_manifest_that_disagrees_with_its_component_is_refused() {
    let home = Home::new();
    let path = folder(&home, "steady-a", 1, "");
    std::fs::write(
        path.join("plugin.yaml"),
        "name: steady-a\nversion: 9.0.0\nruntime: wasm\n",
    )
    .unwrap();
    let report = home.loader.load_all().await.unwrap();
    let (_, failure) = report.failures().next().expect("it is refused");
    assert!(
        failure.message.contains("9.0.0") && failure.message.contains("1.0.0"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_package_is_loaded_and_reloaded() {
    let home = Home::new();
    let elsewhere = Home::new();
    let source = folder(&elsewhere, "steady-a", 1, "");
    let package = home.path("steady-a.zip");
    pack(&source, &package, &PackageLimits::default()).unwrap();
    home.loader.load_all().await.unwrap();
    let plugin = home.handle("steady-a");
    assert_eq!(generation(&plugin).await, "1");
    folder(&elsewhere, "steady-a", 2, "");
    let next = home.path("next");
    pack(&source, &next, &PackageLimits::default()).unwrap();
    std::fs::rename(next, package).unwrap();
    home.loader.reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "2");
}

fn sign(path: &Path, key: &SecretKey) {
    let content = content_to_sign(path, &PackageLimits::default()).unwrap();
    let mut signature = path.as_os_str().to_owned();
    signature.push(".sig");
    std::fs::write(signature, key.sign(&content).to_string()).unwrap();
}

#[tokio::test]
async fn where_signatures_are_required_each_load_reload_and_upload_needs_one() {
    let key = SecretKey::generate().unwrap();
    let trusted = TrustedKeys::new([key.public()], []);
    let home = Home::reading(limits(), reader_trusting(trusted, true), |loader| loader);
    let a = home.put("a.wasm", &steady('a', 1, b'n'));
    sign(&a, &key);
    home.put("b.wasm", &steady('b', 1, b'n'));
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 1);
    let (file, failure) = report.failures().next().unwrap();
    assert!(file.ends_with("b.wasm"));
    assert_eq!(failure.code, "permission-denied");
    let plugin = home.handle("steady-a");
    home.put("a.wasm", &steady('a', 2, b'n'));
    let error = home.loader.reload("steady-a").await.unwrap_err();
    assert_eq!(error.code(), "permission-denied", "{error}");
    assert_eq!(generation(&plugin).await, "1");
    sign(&a, &key);
    home.loader.reload("steady-a").await.unwrap();
    assert_eq!(generation(&plugin).await, "2");
    let c = home.put("c.wasm", &steady('c', 1, b'n'));
    assert!(home.loader.load_or_reload("steady-c").await.is_err());
    sign(&c, &key);
    home.loader.load_or_reload("steady-c").await.unwrap();
}

#[tokio::test]
async fn a_theme_is_enabled_without_anything_to_run() {
    let home = Home::new();
    let path = home.path("steady-e");
    std::fs::create_dir_all(path.join("static")).unwrap();
    std::fs::write(path.join("static/theme.css"), "body { color: teal }").unwrap();
    std::fs::write(
        path.join("plugin.yaml"),
        "name: steady-e\nversion: 1.0.0\ntype: theme\n",
    )
    .unwrap();
    let report = home.loader.load_all().await.unwrap();
    assert_eq!(report.enabled(), 1, "{report:?}");
    let plugin = home.handle("steady-e");
    let error = crate::ask(&plugin, "generation", serde_json::Value::Null)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("files only"), "{error}");
    let table = home.manager().snapshot();
    let files = table
        .get("steady-e")
        .unwrap()
        .files
        .clone()
        .expect("its files");
    let css = files
        .read(&"static/theme.css".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(css, b"body { color: teal }");
}

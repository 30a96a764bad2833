//! Following what happens in the directory.

use std::time::{Duration, Instant};

use goatherd_tests::steady;

use crate::{Home, generation};

/// Waits until something is true of the plugins.
async fn until(what: &str, home: &Home, is: impl AsyncFn(&Home) -> bool) {
    let began = Instant::now();
    while !is(home).await {
        assert!(
            began.elapsed().as_secs() < 30,
            "{what}: {:?}",
            home.loader.discovered()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn serves(home: &Home, name: &str, expected: &str) -> bool {
    match home.manager().plugin(name) {
        Some(plugin) => generation(&plugin).await == expected,
        None => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_changed_and_removed_there_is_loaded_reloaded_and_taken_out() {
    let home = Home::new();
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    home.put("a.wasm", &steady('a', 1, b'n'));
    until("it is loaded", &home, async |home| {
        serves(home, "steady-a", "1").await
    })
    .await;
    home.put("a.wasm", &steady('a', 2, b'n'));
    until("it is reloaded", &home, async |home| {
        serves(home, "steady-a", "2").await
    })
    .await;
    std::fs::remove_file(home.path("a.wasm")).unwrap();
    until("it is gone", &home, async |home| {
        home.state("steady-a") == "unknown"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_still_being_written_is_never_loaded() {
    let home = Home::new();
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    let bytes = steady('a', 1, b'n');
    let path = home.path("a.wasm");
    let mut written = Vec::new();
    for part in bytes.chunks(bytes.len() / 8) {
        written.extend_from_slice(part);
        std::fs::write(&path, &written).unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        let table = home.manager().snapshot();
        let refused = table.refused().count();
        assert!(
            refused == 0 || written.len() == bytes.len(),
            "half of it was tried"
        );
    }
    until("it is loaded", &home, async |home| {
        serves(home, "steady-a", "1").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_new_version_leaves_the_old_one_serving() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    home.put("a.wasm", &steady('a', 2, b'i'));
    until("the failure is shown", &home, async |home| {
        let table = home.manager().snapshot();
        table
            .get("steady-a")
            .is_some_and(|entry| entry.reload_failure.is_some())
    })
    .await;
    assert!(serves(&home, "steady-a", "1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_refused_for_its_name_gets_it_when_the_first_is_removed() {
    let home = Home::new();
    home.put("a.wasm", &steady('a', 1, b'n'));
    home.put("b.wasm", &steady('a', 2, b'n'));
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    assert!(serves(&home, "steady-a", "1").await);
    std::fs::remove_file(home.path("a.wasm")).unwrap();
    until("the second serves", &home, async |home| {
        serves(home, "steady-a", "2").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_watch_ends_it() {
    let home = Home::new();
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    home.loader.stop_watch();
    home.put("a.wasm", &steady('a', 1, b'n'));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(home.state("steady-a"), "unknown");
}

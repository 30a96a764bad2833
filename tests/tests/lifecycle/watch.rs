//! Following what happens in the directory.

use std::time::Duration;

use goatherd_tests::{steady, wait_for, wait_for_async};

use crate::{Home, generation};

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
    wait_for_async("it is loaded", async || {
        serves(&home, "steady-a", "1").await
    })
    .await;
    home.put("a.wasm", &steady('a', 2, b'n'));
    wait_for_async("it is reloaded", async || {
        serves(&home, "steady-a", "2").await
    })
    .await;
    std::fs::remove_file(home.path("a.wasm")).unwrap();
    wait_for("it is gone", || home.state("steady-a") == "unknown").await;
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
    wait_for_async("it is loaded", async || {
        serves(&home, "steady-a", "1").await
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
    wait_for("the failure is shown", || {
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
    wait_for_async("the second serves", async || {
        serves(&home, "steady-a", "2").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_watch_ends_it() {
    let home = Home::new();
    home.loader.watch().await.unwrap();
    home.loader.load_all().await.unwrap();
    home.loader.stop_watch();
    // Another one, which follows the same directory from now on, tells when the change would have been taken up.
    let witness = home.beside();
    witness.loader.watch().await.unwrap();
    for generation in ["1", "2", "3"] {
        let number = generation.parse().unwrap();
        home.put("a.wasm", &steady('a', number, b'n'));
        let seen = async || serves(&witness, "steady-a", generation).await;
        wait_for_async("the witness sees it", seen).await;
        assert_eq!(home.state("steady-a"), "unknown");
    }
}

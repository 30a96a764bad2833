//! Several instances at once, and calls that are cut off: the count stays what is there.

use std::time::Duration;

use goatherd::Plugin;
use goatherd_tests::{call, call_in, guest, limits, load, until};
use serde_json::{Value, json};

use crate::{Place, create, last, run, usage};

const KIB: u64 = 1024;

/// How many bytes the plugin can still add, by trying.
async fn room(plugin: &Plugin, quota: u64) -> u64 {
    let (mut low, mut high) = (0, quota + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let done = run(
            plugin,
            json!([
                create("room", "f"),
                {"do": "set-size", "fd": "f", "bytes": middle},
                {"do": "unlink", "path": "room"},
            ]),
        )
        .await;
        if done[1] == "ok" {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn spawn(plugin: &Plugin, steps: Value) -> tokio::task::JoinHandle<Vec<Value>> {
    let plugin = plugin.clone();
    tokio::spawn(async move { run(&plugin, steps).await })
}

async fn probe(place: &Place, grant: &str, instances: usize) -> Plugin {
    let limits = limits().instances(instances);
    let bytes = guest("probe-files");
    load(&place.host, "p", bytes, &[grant], limits)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_write_at_once_do_not_exceed_it_together() {
    const QUOTA: u64 = 200 * KIB;
    let place = Place::new();
    let plugin = probe(&place, "files=200KiB", 4).await;
    let write = |task: usize| -> Value {
        let mut steps = Vec::new();
        for number in 0..20 {
            let file = format!("{task}-{number}");
            steps.push(create(&file, "own"));
            steps.push(create("shared", "shared"));
            steps.push(json!({"do": "write", "fd": "own", "offset": 0, "bytes": 3_000}));
            steps.push(json!({"do": "stream", "fd": "shared", "bytes": 5_000}));
            steps.push(
                json!({"do": "write", "fd": "shared", "offset": number * 4_000, "bytes": 4_000}),
            );
            steps.push(json!({"do": "set-size", "fd": "own", "bytes": 4_000 + task * 10}));
            if number % 3 == 0 {
                steps.push(json!({"do": "unlink", "path": file}));
            }
        }
        json!(steps)
    };
    let tasks: Vec<_> = (0..4).map(|task| spawn(&plugin, write(task))).collect();
    let mut full = 0;
    for task in tasks {
        let answers = task.await.unwrap();
        full += answers
            .iter()
            .filter(|answer| *answer == "insufficient-space")
            .count();
    }
    assert!(full > 0, "the quota was reached");
    let (bytes, _) = usage(&place.data());
    assert!(bytes <= QUOTA, "{bytes}");
    assert_eq!(
        room(&plugin, QUOTA).await,
        QUOTA - bytes,
        "and the count is exact"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_instances_fight_for_are_counted_once() {
    const QUOTA: u64 = 1_000 * KIB;
    let place = Place::new();
    let plugin = probe(&place, "files=1000KiB", 4).await;
    let fight = |task: usize| -> Value {
        let mut steps = Vec::new();
        for number in 0..30 {
            let name = ["x", "y", "z"][(number + task) % 3];
            let other = ["x", "y", "z"][(number + task + 1) % 3];
            steps.push(create(name, "f"));
            steps.push(json!({"do": "write", "fd": "f", "offset": 0, "bytes": 1_000 * (task + 1)}));
            steps.push(json!({"do": "rename", "from": name, "path": other}));
            steps.push(json!({"do": "link", "from": other, "path": name}));
            steps.push(
                json!({"do": "open", "path": name, "as": "t", "write": true, "truncate": true}),
            );
            steps.push(json!({"do": "stream", "fd": "t", "bytes": 2_000}));
            steps.push(json!({"do": "unlink", "path": other}));
        }
        json!(steps)
    };
    let tasks: Vec<_> = (0..4).map(|task| spawn(&plugin, fight(task))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    drop(run(&plugin, json!([])).await);
    let (bytes, entries) = usage(&place.data());
    // The same file under two names counts once.
    let unique = unique_bytes(&place.data());
    assert!(unique <= bytes && entries <= 3);
    assert_eq!(room(&plugin, QUOTA).await, QUOTA - unique);
}

fn unique_bytes(folder: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let files = std::fs::read_dir(folder).unwrap();
    let files: std::collections::HashMap<u64, u64> = files
        .map(|entry| entry.unwrap().metadata().unwrap())
        .map(|metadata| (metadata.ino(), metadata.len()))
        .collect();
    files.values().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_cut_off_leave_nothing_uncounted() {
    const QUOTA: u64 = 4_000 * KIB;
    let place = Place::new();
    let plugin = probe(&place, "files=4000KiB", 2).await;
    let mut cut = 0;
    for round in 0..60 {
        let name = format!("f{}", round % 7);
        let steps: Vec<Value> = (0..40)
            .flat_map(|number| {
                [
                    create(&name, "f"),
                    json!({"do": "write", "fd": "f", "offset": number * 1_000, "bytes": 60_000}),
                    json!({"do": "start", "fd": "f", "offset": number * 2_000, "bytes": 3_000}),
                    json!({"do": "rename", "from": name, "path": format!("g{}", number % 5)}),
                    json!({"do": "hold", "fd": "f", "as": "h"}),
                    json!({"do": "unlink", "path": format!("g{}", (number + 1) % 5)}),
                ]
            })
            .collect();
        let context = until(1 + round % 9);
        let ended = call_in(&plugin, context, "run", json!({ "steps": steps })).await;
        cut += usize::from(ended.is_err());
    }
    assert!(cut > 20, "only {cut} calls were cut off");
    // What was under way when the last one was cut off ends by itself.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bytes = unique_bytes(&place.data());
    assert_eq!(room(&plugin, QUOTA).await, QUOTA - bytes);
}

#[tokio::test]
async fn two_versions_of_a_plugin_share_one_count_while_one_takes_over() {
    let place = Place::new();
    let old = place.probe("files=100KiB").await;
    crate::make(&old, "a", 60 * KIB).await;
    let new = place.probe("files=100KiB").await;
    assert_eq!(crate::make(&old, "b", 40 * KIB).await, 40 * KIB);
    assert_eq!(crate::make(&new, "c", 1).await, "insufficient-space");
    old.shutdown().await;
    drop(old);
    assert_eq!(
        last(&new, json!([{"do": "unlink", "path": "b"}])).await,
        "ok"
    );
    assert_eq!(crate::make(&new, "c", 40 * KIB).await, 40 * KIB);
}

#[tokio::test]
async fn other_plugins_quotas_are_their_own() {
    let place = Place::new();
    let full = place.probe("files=1KiB").await;
    assert_eq!(crate::make(&full, "a", KIB).await, KIB);
    let other = crate::named("other-files", &place.host, "files=1KiB").await;
    assert_eq!(crate::make(&other, "a", KIB).await, KIB);
    let answer = call(
        &other,
        "run",
        json!({"steps": [{"do": "list", "fd": "data"}]}),
    )
    .await;
    assert_eq!(answer.unwrap()[0]["ok"], json!(["a"]));
}

//! The quota: nothing makes the folder larger than it, and what is given back is there again.

use std::fs;

use goatherd::capability::files::{ENTRIES, OPEN, QUOTA};
use serde_json::{Value, json};

use crate::{Place, create, last, make, run, usage};

const KIB: u64 = 1024;
const FULL: &str = "insufficient-space";

/// That so many bytes more fit, and not one byte beyond.
async fn left(plugin: &goatherd::Plugin, bytes: u64) {
    let done = run(
        plugin,
        json!([
            create("left", "l"),
            {"do": "set-size", "fd": "l", "bytes": bytes + 1},
            {"do": "set-size", "fd": "l", "bytes": bytes},
            {"do": "unlink", "path": "left"},
        ]),
    )
    .await;
    assert_eq!(json!(done), json!(["ok", FULL, "ok", "ok"]));
}

#[tokio::test]
async fn a_write_beyond_it_fails_and_changes_nothing() {
    let place = Place::new();
    let plugin = place.probe("files=100KiB").await;
    assert_eq!(make(&plugin, "a", 100 * KIB).await, 100 * KIB);
    assert_eq!(make(&plugin, "b", 1).await, FULL);
    let beyond = [
        json!({"do": "write", "fd": "f", "offset": 100 * KIB, "bytes": 1}),
        json!({"do": "write", "fd": "f", "offset": 100 * KIB - 1, "bytes": 2}),
        json!({"do": "write", "fd": "f", "offset": 1_u64 << 40, "bytes": 1}),
        json!({"do": "set-size", "fd": "f", "bytes": 100 * KIB + 1}),
        json!({"do": "set-size", "fd": "f", "bytes": 1_u64 << 62}),
        json!({"do": "stream", "fd": "f", "bytes": 1}),
        json!({"do": "stream", "fd": "f", "bytes": 1, "zeroes": true}),
        json!({"do": "stream", "fd": "f", "offset": 100 * KIB, "bytes": 1}),
        json!({"do": "stream", "fd": "f", "offset": 1_u64 << 40, "bytes": 1}),
        json!({"do": "splice", "from": "f", "fd": "f", "bytes": 1}),
    ];
    for step in beyond {
        let answer = last(&plugin, json!([create("a", "f"), step])).await;
        assert_eq!(answer, FULL, "{step}");
    }
    for step in [
        json!({"do": "write", "fd": "f", "offset": u64::MAX, "bytes": 2}),
        json!({"do": "stream", "fd": "f", "offset": u64::MAX, "bytes": 2}),
    ] {
        let answer = last(&plugin, json!([create("a", "f"), step])).await;
        assert_eq!(answer, "file-too-large", "{step}");
    }
    let within = json!([create("a", "f"), {"do": "write", "fd": "f", "offset": 100 * KIB - 2, "text": "ok"}]);
    assert_eq!(last(&plugin, within).await, 2);
    assert_eq!(usage(&place.data()), (100 * KIB, 2));
}

#[tokio::test]
async fn a_stream_that_reaches_it_has_written_what_fitted() {
    let place = Place::new();
    let plugin = place.probe("files=10000B").await;
    let answer = last(
        &plugin,
        json!([create("a", "f"), {"do": "stream", "fd": "f", "bytes": 20_000}]),
    )
    .await;
    assert_eq!(answer, FULL);
    assert_eq!(
        usage(&place.data()),
        (8_192, 1),
        "it is written 4,096 bytes at a time"
    );
    left(&plugin, 10_000 - 8_192).await;
}

#[tokio::test]
async fn a_hole_counts_like_what_could_fill_it() {
    let place = Place::new();
    let plugin = place.probe("files=1GiB").await;
    let gib = 1_u64 << 30;
    let done = run(
        &plugin,
        json!([
            create("sparse", "f"),
            {"do": "set-size", "fd": "f", "bytes": gib + 1},
            {"do": "set-size", "fd": "f", "bytes": gib},
            {"do": "write", "fd": "f", "offset": gib - 5, "text": "there"},
            create("other", "o"),
            {"do": "write", "fd": "o", "offset": 0, "text": "x"},
            {"do": "set-size", "fd": "f", "bytes": gib - 1},
            {"do": "write", "fd": "o", "offset": 0, "text": "x"},
        ]),
    )
    .await;
    assert_eq!(
        json!(done),
        json!(["ok", FULL, "ok", 5, "ok", FULL, "ok", 1])
    );
}

#[tokio::test]
async fn what_is_cut_off_emptied_removed_or_replaced_is_free_again() {
    let place = Place::new();
    let plugin = place.probe("files=100KiB").await;
    let all = 100 * KIB;
    make(&plugin, "a", all).await;
    let cut = json!([create("a", "f"), {"do": "set-size", "fd": "f", "bytes": 40 * KIB}]);
    assert_eq!(last(&plugin, cut).await, "ok");
    left(&plugin, 60 * KIB).await;
    let emptied = json!([{"do": "open", "path": "a", "as": "f", "write": true, "truncate": true}]);
    assert_eq!(last(&plugin, emptied).await, "ok");
    left(&plugin, all).await;
    make(&plugin, "a", 70 * KIB).await;
    make(&plugin, "b", 30 * KIB).await;
    left(&plugin, 0).await;
    let replaced = json!([{"do": "rename", "from": "b", "path": "a"}]);
    assert_eq!(last(&plugin, replaced).await, "ok");
    left(&plugin, 70 * KIB).await;
    let nothing = json!([{"do": "rename", "from": "a", "path": "a"}]);
    assert_eq!(last(&plugin, nothing).await, "ok");
    left(&plugin, 70 * KIB).await;
    assert_eq!(
        last(&plugin, json!([{"do": "unlink", "path": "a"}])).await,
        "ok"
    );
    left(&plugin, all).await;
    assert_eq!(
        last(&plugin, json!([{"do": "unlink", "path": "a"}])).await,
        "no-entry"
    );
    left(&plugin, all).await;
    assert_eq!(usage(&place.data()), (0, 0));
}

#[tokio::test]
async fn a_second_name_for_a_file_costs_no_bytes_and_frees_none_until_the_last_is_gone() {
    let place = Place::new();
    let plugin = place.probe("files=100KiB").await;
    make(&plugin, "a", 60 * KIB).await;
    let done = run(
        &plugin,
        json!([
            {"do": "link", "from": "a", "path": "b"},
            {"do": "link", "from": "a", "path": "c"},
            {"do": "link", "from": "a", "path": "b"},
            {"do": "rename", "from": "a", "path": "b"},
            {"do": "unlink", "path": "c"},
        ]),
    )
    .await;
    assert_eq!(json!(done), json!(["ok", "ok", "exist", "ok", "ok"]));
    left(&plugin, 40 * KIB).await;
    make(&plugin, "other", 10).await;
    let done = run(
        &plugin,
        json!([{"do": "rename", "from": "other", "path": "a"}, {"do": "stat", "path": "b"}]),
    )
    .await;
    assert_eq!(done[0], "ok");
    assert_eq!(done[1]["links"], 1, "a was replaced and b remains");
    left(&plugin, 40 * KIB - 10).await;
    run(&plugin, json!([{"do": "unlink", "path": "b"}])).await;
    left(&plugin, 100 * KIB - 10).await;
}

#[tokio::test]
async fn a_file_without_a_name_counts_as_long_as_anything_has_it_open() {
    let place = Place::new();
    let plugin = place.probe("files=100KiB").await;
    let full = 100 * KIB;
    for held in [
        json!({"do": "open", "path": "a", "as": "h"}),
        json!({"do": "hold", "fd": "f", "as": "h"}),
    ] {
        let done = run(
            &plugin,
            json!([
                create("a", "f"),
                {"do": "set-size", "fd": "f", "bytes": full},
                held,
                {"do": "unlink", "path": "a"},
                create("b", "b"),
                {"do": "set-size", "fd": "b", "bytes": 1},
                {"do": "close", "fd": "f"},
                {"do": "set-size", "fd": "b", "bytes": 1},
                {"do": "close", "fd": "h"},
                {"do": "set-size", "fd": "b", "bytes": full},
                {"do": "unlink", "path": "b"},
            ]),
        )
        .await;
        let expected = json!([
            "ok", "ok", "ok", "ok", "ok", FULL, "ok", FULL, "ok", "ok", "ok"
        ]);
        assert_eq!(json!(done), expected, "{held}");
    }
    // What the call left open is closed, and free.
    left(&plugin, full).await;
}

#[tokio::test]
async fn many_empty_files_folders_and_links_are_bounded_by_number() {
    let place = Place::new();
    fs::create_dir_all(place.data()).unwrap();
    for number in 0..ENTRIES - 3 {
        fs::write(place.data().join(format!("f{number}")), "").unwrap();
    }
    let plugin = place.probe("files").await;
    let done = run(
        &plugin,
        json!([
            create("one", "f"),
            create("one", "f"),
            {"do": "mkdir", "path": "two"},
            {"do": "symlink", "target": "one", "path": "three"},
            create("four", "f"),
            {"do": "mkdir", "path": "four"},
            {"do": "symlink", "target": "one", "path": "four"},
            {"do": "link", "from": "one", "path": "four"},
            create("one", "f"),
            {"do": "rename", "from": "one", "path": "uno"},
            {"do": "unlink", "path": "three"},
            create("four", "f"),
            create("five", "f"),
            {"do": "rmdir", "path": "two"},
            {"do": "rename", "from": "uno", "path": "f0"},
            create("five", "f"),
            create("six", "f"),
            create("seven", "f"),
        ]),
    )
    .await;
    let expected = json!([
        "ok", "ok", "ok", "ok", FULL, FULL, FULL, FULL, "ok", "ok", "ok", "ok", FULL, "ok", "ok",
        "ok", "ok", FULL
    ]);
    assert_eq!(json!(done), expected);
    assert_eq!(usage(&place.data()).1 as u64, ENTRIES);
}

#[tokio::test]
async fn open_descriptors_are_bounded_and_given_back_when_the_call_ends() {
    let place = Place::new();
    let plugin = place.probe("files").await;
    make(&plugin, "a", 1).await;
    let open = |count: usize| -> Value {
        (0..count)
            .map(|number| json!({"do": "open", "path": "a", "as": format!("d{number}")}))
            .collect()
    };
    for _ in 0..3 {
        let done = run(&plugin, open(OPEN + 2)).await;
        assert!(done[..OPEN].iter().all(|answer| answer == "ok"));
        assert_eq!(done[OPEN..], ["insufficient-memory", "insufficient-memory"]);
    }
}

#[tokio::test]
async fn what_is_there_when_it_is_loaded_counts() {
    let place = Place::new();
    fs::create_dir_all(place.data().join("deep/er")).unwrap();
    fs::write(place.data().join("deep/er/file"), vec![0; 60_000]).unwrap();
    fs::hard_link(
        place.data().join("deep/er/file"),
        place.data().join("again"),
    )
    .unwrap();
    std::os::unix::fs::symlink("/usr", place.data().join("elsewhere")).unwrap();
    let plugin = place.probe("files=100000B").await;
    left(&plugin, 40_000).await;
    drop(plugin);
    let plugin = place.probe("files=70000B").await;
    left(&plugin, 10_000).await;
    drop(plugin);
    // A quota that is smaller than what is there lets nothing be added, and everything be removed.
    let plugin = place.probe("files=10B").await;
    assert_eq!(make(&plugin, "new", 1).await, FULL);
    let done = run(
        &plugin,
        json!([
            {"do": "open", "path": "again", "as": "f", "write": true},
            {"do": "write", "fd": "f", "offset": 0, "text": "over what is there"},
            {"do": "set-size", "fd": "f", "bytes": 5},
        ]),
    )
    .await;
    assert_eq!(json!(done), json!(["ok", 18, "ok"]));
    left(&plugin, 5).await;
}

#[tokio::test]
async fn a_grant_that_names_no_quota_has_the_default_one() {
    let place = Place::new();
    let plugin = place.probe("files").await;
    left(&plugin, QUOTA).await;
    assert_eq!(QUOTA, 64 << 20);
}

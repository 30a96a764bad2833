//! What a plugin with the grant can do in its folder, and what one without it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use goatherd::Host;
use goatherd::runtime::LoadError;
use goatherd_tests::{guest, host_builder, limits, load};
use serde_json::json;

use crate::{Place, create, last, named, run};

#[tokio::test]
async fn without_the_grant_no_folder_is_opened_and_none_is_made() {
    let place = Place::new();
    let bytes = guest("probe-files");
    let plugin = load(&place.host, "p", bytes, &[], limits()).await.unwrap();
    assert_eq!(last(&plugin, json!([{"do": "preopens"}])).await, json!([]));
    assert!(!place.data().exists());
}

#[tokio::test]
async fn with_the_grant_the_plugins_own_folder_is_opened_as_data() {
    let place = Place::new();
    let plugin = place.probe("files").await;
    assert_eq!(
        last(&plugin, json!([{"do": "preopens"}])).await,
        json!(["/data"])
    );
    let mode = fs::metadata(place.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    let parent = place.data().parent().unwrap().to_owned();
    let mode = fs::metadata(parent).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[tokio::test]
async fn a_host_without_a_folder_for_data_does_not_load_what_is_granted_one() {
    let host: Host = host_builder().build().unwrap();
    let refused = load(&host, "p", guest("probe-files"), &["files"], limits()).await;
    let error = refused.err().unwrap();
    assert!(matches!(error, LoadError::Prepare { .. }), "{error}");
    let text = error.to_string();
    for words in ["without a folder for plugins' data", "set data"] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn files_are_written_read_listed_renamed_and_removed() {
    let place = Place::new();
    let plugin = place.probe("files").await;
    let done = run(
        &plugin,
        json!([
            create("notes.txt", "f"),
            {"do": "write", "fd": "f", "offset": 0, "text": "hello"},
            {"do": "stream", "fd": "f", "text": ", world"},
            {"do": "stream", "fd": "f", "offset": 0, "text": "J"},
            {"do": "read", "fd": "f", "offset": 0, "bytes": 100},
            {"do": "read-stream", "fd": "f", "offset": 7, "bytes": 100},
            {"do": "close", "fd": "f"},
            {"do": "mkdir", "path": "folder"},
            {"do": "rename", "from": "notes.txt", "path": "folder/n"},
            {"do": "list", "fd": "data"},
            {"do": "open", "path": "folder", "as": "d", "directory": true},
            {"do": "list", "fd": "d"},
            {"do": "stat", "at": "d", "path": "n"},
            {"do": "rmdir", "path": "folder"},
            {"do": "unlink", "path": "folder/n"},
            {"do": "rmdir", "path": "folder"},
            {"do": "list", "fd": "data"},
            {"do": "open", "path": "notes.txt", "as": "x"},
        ]),
    )
    .await;
    let expected = json!([
        "ok", 5, "ok", "ok", "Jello, world", "world", "ok", "ok", "ok", ["folder"], "ok", ["n"],
        {"size": 12, "links": 1, "type": "DescriptorType::RegularFile"},
        "not-empty", "ok", "ok", [], "no-entry"
    ]);
    assert_eq!(json!(done), expected);
}

#[tokio::test]
async fn what_a_plugin_wrote_is_there_after_it_was_loaded_again_and_in_the_next_host() {
    let place = Place::new();
    let write =
        json!([create("kept", "f"), {"do": "write", "fd": "f", "offset": 0, "text": "kept"}]);
    let read = json!([
        {"do": "open", "path": "kept", "as": "f"},
        {"do": "read", "fd": "f", "offset": 0, "bytes": 10}
    ]);
    let before = place.probe("files").await;
    run(&before, write).await;
    before.shutdown().await;
    drop(before);
    assert_eq!(
        last(&place.probe("files").await, read.clone()).await,
        "kept"
    );
    let next = crate::host_on(place.data().parent().unwrap());
    let plugin = named("probe-files", &next, "files").await;
    assert_eq!(last(&plugin, read).await, "kept");
}

#[tokio::test]
async fn opening_keeps_its_promises_about_what_is_there_already() {
    let place = Place::new();
    let plugin = place.probe("files").await;
    let open = |more: serde_json::Value| {
        let mut step = json!({"do": "open", "path": "f", "as": "f"});
        step.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        step
    };
    let done = run(
        &plugin,
        json!([
            open(json!({})),
            open(json!({"truncate": true, "write": true})),
            open(json!({"create": true, "exclusive": true, "write": true})),
            {"do": "write", "fd": "f", "offset": 0, "text": "hello"},
            open(json!({"create": true, "exclusive": true})),
            open(json!({"create": true, "write": true})),
            {"do": "read", "fd": "f", "offset": 0, "bytes": 9},
            open(json!({})),
            {"do": "write", "fd": "f", "offset": 0, "text": "x"},
            {"do": "set-size", "fd": "f", "bytes": 1},
            open(json!({"truncate": true})),
            {"do": "stat", "path": "f"},
            open(json!({"directory": true})),
            open(json!({"directory": true, "truncate": true})),
            {"do": "mkdir", "path": "f"},
            {"do": "mkdir", "path": "d"},
            {"do": "open", "path": "d", "as": "d", "truncate": true, "write": true},
        ]),
    )
    .await;
    let stat = json!({"size": 0, "links": 1, "type": "DescriptorType::RegularFile"});
    let expected = json!([
        "no-entry",
        "no-entry",
        "ok",
        5,
        "exist",
        "ok",
        "hello",
        "ok",
        "bad-descriptor",
        "invalid",
        "ok",
        stat,
        "not-directory",
        "invalid",
        "exist",
        "ok",
        "is-directory"
    ]);
    assert_eq!(json!(done), expected);
}

//! Out of the folder: no path and no link leads there, whoever made it.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::{Place, create, last, named, run};

/// Every way to say where the file outside is, as seen from the plugin's folder.
fn ways_out(place: &Place) -> Vec<String> {
    let outside = place.outside().join("secret.txt");
    let absolute = outside.to_str().unwrap().to_owned();
    vec![
        "../../secret.txt".into(),
        "../probe-files/../../secret.txt".into(),
        "folder/../../../secret.txt".into(),
        "./.././../secret.txt".into(),
        format!("/{absolute}"),
        format!("..{absolute}"),
        absolute,
        "/data/../../secret.txt".into(),
        "..".into(),
        "/".into(),
        "/etc/passwd".into(),
        "/proc/self/root/etc/passwd".into(),
    ]
}

fn refused(answer: &Value) -> bool {
    ["not-permitted", "no-entry", "access"]
        .iter()
        .any(|code| answer == code)
}

#[tokio::test]
async fn neither_dots_nor_absolute_paths_lead_out() {
    let place = Place::new();
    fs::write(place.outside().join("secret.txt"), "secret").unwrap();
    let plugin = place.probe("files").await;
    run(&plugin, json!([{"do": "mkdir", "path": "folder"}])).await;
    for path in ways_out(&place) {
        let done = run(
            &plugin,
            json!([
                {"do": "open", "path": path, "as": "f"},
                create(&path, "f"),
                {"do": "open", "path": path, "as": "f", "truncate": true, "write": true},
                {"do": "open", "path": path, "as": "f", "directory": true},
                {"do": "stat", "path": path},
                {"do": "unlink", "path": path},
                {"do": "rmdir", "path": path},
                {"do": "mkdir", "path": format!("{path}/made")},
                {"do": "readlink", "path": path},
                {"do": "rename", "from": path, "path": "here"},
                {"do": "rename", "from": "folder", "path": path},
                {"do": "link", "from": path, "path": "here"},
            ]),
        )
        .await;
        for (index, answer) in done.iter().enumerate() {
            assert!(refused(answer), "{path}: step {index}: {answer}");
        }
    }
    assert_eq!(
        fs::read_to_string(place.outside().join("secret.txt")).unwrap(),
        "secret"
    );
    assert_eq!(
        last(&plugin, json!([{"do": "list", "fd": "data"}])).await,
        json!(["folder"])
    );
}

#[tokio::test]
async fn a_link_that_the_operator_made_does_not_lead_out_either() {
    let place = Place::new();
    let outside = place.outside().join("secret.txt");
    fs::write(&outside, "secret").unwrap();
    let plugin = place.probe("files").await;
    symlink(&outside, place.data().join("absolute")).unwrap();
    symlink("../../secret.txt", place.data().join("relative")).unwrap();
    symlink(place.outside(), place.data().join("folder")).unwrap();
    symlink("..", place.data().join("up")).unwrap();
    symlink("relative", place.data().join("chain")).unwrap();
    symlink("../../new.txt", place.data().join("dangling")).unwrap();
    for path in [
        "absolute",
        "relative",
        "folder/secret.txt",
        "up/../secret.txt",
        "chain",
        "dangling",
    ] {
        let done = run(
            &plugin,
            json!([
                {"do": "open", "path": path, "as": "f"},
                create(path, "f"),
                {"do": "open", "path": path, "as": "f", "truncate": true, "write": true},
                {"do": "stat", "path": path},
            ]),
        )
        .await;
        for (index, answer) in done.iter().enumerate() {
            assert!(refused(answer), "{path}: step {index}: {answer}");
        }
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "secret");
    assert!(!place.outside().join("new.txt").exists());
    // The link itself is the plugin's to remove.
    assert_eq!(
        last(&plugin, json!([{"do": "unlink", "path": "absolute"}])).await,
        "ok"
    );
    assert!(outside.exists());
}

#[tokio::test]
async fn a_link_that_the_plugin_made_is_followed_inside_only() {
    let place = Place::new();
    fs::write(place.outside().join("secret.txt"), "secret").unwrap();
    let plugin = place.probe("files").await;
    let done = run(
        &plugin,
        json!([
            create("inside", "f"),
            {"do": "write", "fd": "f", "offset": 0, "text": "mine"},
            {"do": "symlink", "target": "inside", "path": "good"},
            {"do": "open", "path": "good", "as": "g"},
            {"do": "read", "fd": "g", "offset": 0, "bytes": 9},
            {"do": "open", "path": "good", "as": "g", "no-follow": true},
            {"do": "symlink", "target": "good", "path": "round"},
        ]),
    )
    .await;
    assert_eq!(
        json!(done),
        json!(["ok", 4, "ok", "ok", "mine", "loop", "ok"])
    );
    for target in ["/etc/passwd", "../../secret.txt", "../.."] {
        // Making it may be allowed; nothing comes of it.
        run(
            &plugin,
            json!([{"do": "symlink", "target": target, "path": "bad"}]),
        )
        .await;
        for path in ["bad", "bad/secret.txt", "bad/."] {
            let answer = last(&plugin, json!([{"do": "open", "path": path, "as": "b"}])).await;
            assert!(refused(&answer), "{target} {path}: {answer}");
        }
        run(&plugin, json!([{"do": "unlink", "path": "bad"}])).await;
    }
}

#[tokio::test]
async fn another_plugins_folder_is_out_of_reach() {
    let place = Place::new();
    let other = named("other-files", &place.host, "files").await;
    run(
        &other,
        json!([create("theirs", "f"), {"do": "write", "fd": "f", "offset": 0, "text": "x"}]),
    )
    .await;
    let plugin = place.probe("files").await;
    assert_eq!(
        last(&plugin, json!([{"do": "list", "fd": "data"}])).await,
        json!([])
    );
    for path in [
        "../other-files/theirs".to_owned(),
        "other-files/theirs".to_owned(),
        "/data/theirs".to_owned(),
        place
            .data()
            .with_file_name("other-files/theirs")
            .display()
            .to_string(),
    ] {
        let answer = last(&plugin, json!([{"do": "open", "path": path, "as": "f"}])).await;
        assert!(refused(&answer), "{path}: {answer}");
    }
    symlink("../other-files", place.data().join("link")).unwrap();
    let answer = last(
        &plugin,
        json!([{"do": "open", "path": "link/theirs", "as": "f"}]),
    )
    .await;
    assert!(refused(&answer), "{answer}");
}

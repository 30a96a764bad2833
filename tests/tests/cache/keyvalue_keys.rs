//! `list-keys` of `wasi:keyvalue`: which keys are listed, and that all of them are.

use std::collections::BTreeSet;

use goatherd::Plugin;
use goatherd::capability::cache::QUOTA;
use goatherd_tests::{limits, probe, wait_for_async};
use serde_json::{Value, json};

use crate::{MakeHost, get, keyvalue, probe_with, set, set_for, standard};

on_both!(
    all_keys_are_listed_a_page_at_a_time,
    keys_that_come_and_go_meanwhile_hide_no_other,
    a_bucket_lists_its_own_keys_without_its_name,
    only_keys_in_scope_are_listed,
    what_looks_like_a_pattern_is_taken_for_what_it_is,
    what_expired_is_not_listed,
    plugins_never_see_each_others_keys,
    a_cursor_that_was_never_given_is_refused_or_harmless,
);

/// A page: its keys, and the cursor of the next.
async fn page(plugin: &Plugin, draft: &str, bucket: &str, cursor: Value) -> (Vec<String>, Value) {
    let args = json!({"cursor": cursor});
    let listed = keyvalue(plugin, draft, bucket, "list", args).await.unwrap();
    let keys = serde_json::from_value(listed["keys"].clone()).unwrap();
    (keys, listed["cursor"].clone())
}

/// All keys, and in how many pages they came.
async fn list(plugin: &Plugin, draft: &str, bucket: &str) -> (BTreeSet<String>, usize) {
    let (mut all, mut pages, mut cursor) = (BTreeSet::new(), 0, Value::Null);
    loop {
        let (keys, next) = page(plugin, draft, bucket, cursor).await;
        pages += 1;
        all.extend(keys);
        if next.is_null() {
            return (all, pages);
        }
        cursor = next;
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Sets this many keys, `k0` and so on.
async fn fill(plugin: &Plugin, count: usize) -> BTreeSet<String> {
    let keys: Vec<String> = (0..count).map(|number| format!("k{number}")).collect();
    for some in keys.chunks(1_000) {
        let entries: Vec<_> = some.iter().map(|key| [key, "v"]).collect();
        let args = json!({"entries": entries});
        keyvalue(plugin, "draft2", "", "set-many", args)
            .await
            .unwrap();
    }
    keys.into_iter().collect()
}

async fn all_keys_are_listed_a_page_at_a_time(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &["cache:readwrite"]).await;
    assert_eq!(list(&plugin, "draft", "").await, (BTreeSet::new(), 1));
    let keys = fill(&plugin, 3_500).await;
    for draft in ["draft", "draft2"] {
        let (listed, pages) = list(&plugin, draft, "").await;
        assert_eq!(listed, keys);
        assert!((3..100).contains(&pages), "{pages}");
    }
}

async fn keys_that_come_and_go_meanwhile_hide_no_other(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &["cache:readwrite"]).await;
    let there = fill(&plugin, 3_500).await;
    let stays: BTreeSet<_> = there.iter().filter(|key| !key.ends_with('7')).collect();
    let (mut listed, mut cursor, mut pages) = (BTreeSet::new(), Value::Null, 0);
    loop {
        let (keys, next) = page(&plugin, "draft2", "", cursor).await;
        // What was listed is used, and others go and come.
        let gone = there.iter().filter(|key| key.ends_with('7'));
        let gone: Vec<&String> = gone.skip(pages * 50).take(50).collect();
        let args = json!({"keys": gone});
        keyvalue(&plugin, "draft2", "", "delete-many", args)
            .await
            .unwrap();
        let used: Vec<&String> = keys.iter().take(100).collect();
        keyvalue(&plugin, "draft2", "", "get-many", json!({"keys": used}))
            .await
            .unwrap();
        let come: Vec<_> = (0..100)
            .map(|number| [format!("new {pages} {number}"), "v".into()])
            .collect();
        keyvalue(&plugin, "draft2", "", "set-many", json!({"entries": come}))
            .await
            .unwrap();
        listed.extend(keys);
        pages += 1;
        if next.is_null() {
            break;
        }
        cursor = next;
    }
    let hidden: Vec<_> = stays.iter().filter(|key| !listed.contains(**key)).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

async fn a_bucket_lists_its_own_keys_without_its_name(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    for key in ["users:7", "users:8:name", "user:9", "users", "x"] {
        set(&ours, key, json!("v")).await;
    }
    let theirs = standard(&host, "probe", &["cache:readwrite"]).await;
    for draft in ["draft", "draft2"] {
        let listed = async |bucket: &str| list(&theirs, draft, bucket).await.0;
        assert_eq!(listed("users").await, names(&["7", "8:name"]));
        assert_eq!(listed("user").await, names(&["9"]));
        assert_eq!(listed("nobody").await, names(&[]));
        let all = names(&["users:7", "users:8:name", "user:9", "users", "x"]);
        assert_eq!(listed("default").await, all);
    }
}

async fn only_keys_in_scope_are_listed(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    for key in ["a:1", "a:2", "ab:1", "b:1", "b:21", "b:22", "c:1"] {
        set(&ours, key, json!("v")).await;
    }
    let granted = ["cache:read=a:,b:2", "cache:write"];
    let theirs = standard(&host, "probe", &granted).await;
    let listed = async |bucket: &str| list(&theirs, "draft2", bucket).await.0;
    assert_eq!(listed("").await, names(&["a:1", "a:2", "b:21", "b:22"]));
    assert_eq!(listed("a").await, names(&["1", "2"]));
    assert_eq!(listed("b").await, names(&["21", "22"]));
    // It may be written, and so opened, but not looked at.
    let (case, _) = keyvalue(&theirs, "draft2", "c", "list", json!({}))
        .await
        .unwrap_err();
    assert_eq!(case, "access-denied");
}

async fn what_looks_like_a_pattern_is_taken_for_what_it_is(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    for key in [
        r"a[b]?\:1",
        r"a[b]?\:2",
        r"ab?\:1",
        "ab1:",
        "a[b]x:",
        r"a[b]?:",
    ] {
        set(&ours, key, json!("v")).await;
    }
    let theirs = standard(&host, "probe", &[r"cache:readwrite=a[b]?\"]).await;
    let (listed, _) = list(&theirs, "draft2", "").await;
    assert_eq!(listed, names(&[r"a[b]?\:1", r"a[b]?\:2"]));
}

async fn what_expired_is_not_listed(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe_with(&host, &["cache:readwrite", "config"]).await;
    set_for(&ours, "short", json!("v"), 1).await;
    set_for(&ours, "long", json!("v"), 3_600).await;
    let theirs = standard(&host, "probe", &["cache:readwrite"]).await;
    // Only listing looks at it, so that nothing else removes it.
    wait_for_async("the time of expiry", async || {
        list(&theirs, "draft2", "").await.0 == names(&["long"])
    })
    .await;
    assert_eq!(get(&ours, "short").await, Value::Null);
}

async fn plugins_never_see_each_others_keys(make: MakeHost) {
    let host = make(QUOTA);
    let other = probe(&host, limits()).await;
    set(&other, "secret", json!("of another")).await;
    set(&other, "probe:secret", json!("of another")).await;
    let theirs = standard(&host, "probe-standard", &["cache:readwrite"]).await;
    for draft in ["draft", "draft2"] {
        for bucket in ["", "default", "probe", "probe-standard"] {
            assert_eq!(list(&theirs, draft, bucket).await, (BTreeSet::new(), 1));
            for key in ["secret", "probe:secret", "{probe}:secret"] {
                let got = keyvalue(&theirs, draft, bucket, "get", json!({"key": key})).await;
                assert_eq!(got.unwrap(), Value::Null, "{bucket} {key}");
            }
        }
    }
    let args = json!({"key": "secret", "value": "mine"});
    keyvalue(&theirs, "draft2", "", "set", args).await.unwrap();
    assert_eq!(get(&other, "secret").await, "of another");
}

async fn a_cursor_that_was_never_given_is_refused_or_harmless(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &["cache:readwrite=k"]).await;
    let keys = fill(&plugin, 10).await;
    for cursor in ["", "x", "-1", "18446744073709551616"] {
        let args = json!({"cursor": cursor});
        let refused = keyvalue(&plugin, "draft2", "", "list", args)
            .await
            .unwrap_err();
        assert!(refused.1.contains("list-keys never gave"), "{refused:?}");
    }
    for cursor in ["1", "4711", "18446744073709551615"] {
        let (listed, _) = page(&plugin, "draft", "", json!(cursor)).await;
        assert!(listed.iter().all(|key| keys.contains(key)), "{listed:?}");
    }
}

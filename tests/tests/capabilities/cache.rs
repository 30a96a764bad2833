//! The cache: what is kept, for how long and how much, and that no plugin gets at another's keys.

use std::time::Duration;

use goatherd::Plugin;
use goatherd::capability::cache::{Caching, MemoryCache};
use goatherd_tests::{NoDatabase, call, host_builder, limits, plugin, probe, probe_host};
use serde_json::{Value, json};

use crate::{probe_with, refusal};

async fn get(plugin: &Plugin, key: &str) -> Value {
    call(plugin, "cache.get", json!({"key": key}))
        .await
        .unwrap()["value"]
        .clone()
}

async fn set(plugin: &Plugin, key: &str, value: Value) {
    call(plugin, "cache.set", json!({"key": key, "value": value}))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_plugin_that_is_loaded_again_finds_what_it_left() {
    let before = probe(probe_host(), limits()).await;
    set(&before, "left", json!("here")).await;
    before.shutdown().await;
    let after = probe(probe_host(), limits()).await;
    assert_eq!(get(&after, "left").await, "here");
}

#[tokio::test]
async fn what_was_set_is_there_until_it_is_replaced_or_deleted() {
    let plugin = probe(probe_host(), limits()).await;
    assert_eq!(get(&plugin, "replaced").await, Value::Null);
    set(&plugin, "replaced", json!("one")).await;
    assert_eq!(get(&plugin, "replaced").await, "one");
    set(&plugin, "replaced", json!("two")).await;
    assert_eq!(get(&plugin, "replaced").await, "two");
    set(&plugin, "empty", json!("")).await;
    assert_eq!(get(&plugin, "empty").await, "");
    call(&plugin, "cache.delete", json!({"key": "replaced"}))
        .await
        .unwrap();
    assert_eq!(get(&plugin, "replaced").await, Value::Null);
    call(&plugin, "cache.delete", json!({"key": "replaced"}))
        .await
        .expect("nothing is there, which is no error");
}

#[tokio::test]
async fn an_entry_expires_by_itself_and_setting_it_again_starts_afresh() {
    let plugin = probe(probe_host(), limits()).await;
    let set_for = |key: &'static str, ttl: u64| {
        call(
            &plugin,
            "cache.set",
            json!({"key": key, "value": "v", "ttl": ttl}),
        )
    };
    set_for("short", 1).await.unwrap();
    set_for("for ever", 0).await.unwrap();
    set_for("extended", 1).await.unwrap();
    set_for("extended", 60).await.unwrap();
    assert_eq!(get(&plugin, "short").await, "v");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(get(&plugin, "short").await, Value::Null);
    assert_eq!(get(&plugin, "for ever").await, "v");
    assert_eq!(get(&plugin, "extended").await, "v");
}

#[tokio::test]
async fn a_scope_limits_a_plugin_to_keys_with_its_beginnings() {
    let plugin = probe_with(
        probe_host(),
        &["cache:read=a:,shared:", "cache:write=a:", "config"],
    )
    .await;
    set(&plugin, "a:1", json!("v")).await;
    assert_eq!(get(&plugin, "a:1").await, "v");
    assert_eq!(get(&plugin, "shared:1").await, Value::Null);
    let denied = [
        ("cache.get", json!({"key": "b:1"}), "read"),
        ("cache.get", json!({"key": "a"}), "read"),
        ("cache.get", json!({"key": "A:1"}), "read"),
        (
            "cache.set",
            json!({"key": "shared:1", "value": "v"}),
            "write",
        ),
        ("cache.delete", json!({"key": "shared:1"}), "write"),
    ];
    for (function, args, access) in denied {
        let key = args["key"].as_str().unwrap().to_owned();
        let (code, text) = refusal(&plugin, function, args).await;
        assert_eq!(code, "permission-denied", "{function} {key}");
        for words in [
            "plugin \"probe\"",
            &format!("\"{key}\""),
            &format!("grant cache:{access}="),
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}

#[tokio::test]
async fn keys_have_1_to_512_bytes_and_values_up_to_a_mebibyte() {
    let plugin = probe(probe_host(), limits()).await;
    let long = "k".repeat(512);
    set(&plugin, &long, json!({"bytes": 1 << 20})).await;
    assert_eq!(get(&plugin, &long).await, json!({"bytes": 1 << 20}));
    let longer = "k".repeat(513);
    for (function, args, code) in [
        ("cache.get", json!({"key": ""}), "invalid-argument"),
        (
            "cache.set",
            json!({"key": "", "value": "v"}),
            "invalid-argument",
        ),
        ("cache.delete", json!({"key": ""}), "invalid-argument"),
        ("cache.get", json!({"key": longer}), "too-large"),
        (
            "cache.set",
            json!({"key": longer, "value": "v"}),
            "too-large",
        ),
        (
            "cache.set",
            json!({"key": "refused", "value": {"bytes": (1 << 20) + 1}}),
            "too-large",
        ),
    ] {
        assert_eq!(
            refusal(&plugin, function, args.clone()).await.0,
            code,
            "{function}"
        );
    }
    assert_eq!(
        get(&plugin, "refused").await,
        Value::Null,
        "a value that was refused is not there"
    );
}

#[tokio::test]
async fn a_full_quota_makes_room_with_the_plugins_own_oldest_entries_only() {
    const QUOTA: u64 = 1 << 20;
    let host = host_builder()
        .provider(NoDatabase)
        .provider(Caching::new(MemoryCache::new(QUOTA)))
        .build()
        .unwrap();
    let hello = plugin(&host, "hello-js", &["cache:readwrite"], limits()).await;
    assert_eq!(call(&hello, "hello", json!({})).await.unwrap()["visits"], 1);
    let probe = probe(&host, limits()).await;
    for number in 0..60 {
        set(&probe, &format!("k{number}"), json!({"bytes": 100_000})).await;
        assert_eq!(
            get(&probe, &format!("k{number}")).await,
            json!({"bytes": 100_000}),
            "a new entry is taken"
        );
    }
    // Housekeeping may lag behind by a fraction of a second.
    tokio::time::sleep(Duration::from_millis(500)).await;
    set(&probe, "last", json!("v")).await;
    let mut kept = Vec::new();
    for number in 0..60 {
        if get(&probe, &format!("k{number}")).await != Value::Null {
            kept.push(number);
        }
    }
    assert!(
        kept.len() as u64 * 100_000 <= QUOTA,
        "{} entries are kept",
        kept.len()
    );
    assert!(kept.len() > 5 && kept.contains(&59), "{kept:?}");
    assert!(!kept.contains(&0), "{kept:?}");
    assert_eq!(
        call(&hello, "hello", json!({})).await.unwrap()["visits"],
        2,
        "others lost nothing"
    );
}

#[tokio::test]
async fn plugins_never_see_each_others_keys() {
    let host = host_builder().provider(NoDatabase).build().unwrap();
    let probe = probe(&host, limits()).await;
    set(&probe, "visits", json!("1000")).await;
    let hello = plugin(&host, "hello-js", &["cache:readwrite"], limits()).await;
    assert_eq!(call(&hello, "hello", json!({})).await.unwrap()["visits"], 1);
    assert_eq!(get(&probe, "visits").await, "1000");
    for key in [
        "hello-js:visits",
        "hello-js/visits",
        "../hello-js/visits",
        "hello-js.visits",
    ] {
        assert_eq!(get(&probe, key).await, Value::Null, "{key}");
    }
}

#[tokio::test]
async fn all_instances_of_a_plugin_share_its_cache() {
    let plugin = probe(probe_host(), limits()).await;
    let spin = |plugin: Plugin| {
        tokio::spawn(async move { call(&plugin, "spin", json!({"ms": 30})).await })
    };
    let spins = [spin(plugin.clone()), spin(plugin.clone())];
    for spin in spins {
        spin.await.unwrap().unwrap();
    }
    set(&plugin, "k", json!("v")).await;
    let reads: Vec<_> = (0..10)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { get(&plugin, "k").await })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await.unwrap(), "v");
    }
}

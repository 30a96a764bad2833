//! What every cache keeps, for how long and how much, and that no plugin gets at another's keys.

use std::time::Duration;

use goatherd::Plugin;
use goatherd::capability::cache::QUOTA;
use goatherd_tests::{call, limits, plugin, probe};
use serde_json::{Value, json};

use crate::{MakeHost, get, probe_with, refusal, set};

on_both!(
    a_plugin_that_is_loaded_again_finds_what_it_left,
    what_was_set_is_there_until_it_is_replaced_or_deleted,
    an_entry_expires_by_itself_and_setting_it_again_starts_afresh,
    a_scope_limits_a_plugin_to_keys_with_its_beginnings,
    keys_have_1_to_512_bytes_and_values_up_to_a_mebibyte,
    a_full_quota_makes_room_with_the_plugins_own_oldest_entries_only,
    plugins_never_see_each_others_keys,
    all_instances_of_a_plugin_share_its_cache,
    any_text_is_a_key_and_each_is_another,
    the_least_recently_used_entry_makes_room_first,
    an_entry_over_the_whole_quota_is_not_kept_and_costs_no_other,
);

async fn a_plugin_that_is_loaded_again_finds_what_it_left(make: MakeHost) {
    let host = make(QUOTA);
    let before = probe(&host, limits()).await;
    set(&before, "left", json!("here")).await;
    before.shutdown().await;
    let after = probe(&host, limits()).await;
    assert_eq!(get(&after, "left").await, "here");
}

async fn what_was_set_is_there_until_it_is_replaced_or_deleted(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe(&host, limits()).await;
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

async fn an_entry_expires_by_itself_and_setting_it_again_starts_afresh(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe(&host, limits()).await;
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

async fn a_scope_limits_a_plugin_to_keys_with_its_beginnings(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe_with(
        &host,
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

async fn keys_have_1_to_512_bytes_and_values_up_to_a_mebibyte(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe(&host, limits()).await;
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

async fn a_full_quota_makes_room_with_the_plugins_own_oldest_entries_only(make: MakeHost) {
    const SMALL: u64 = 1 << 20;
    let host = make(SMALL);
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
        kept.len() as u64 * 100_000 <= SMALL,
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

async fn plugins_never_see_each_others_keys(make: MakeHost) {
    let host = make(QUOTA);
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

async fn all_instances_of_a_plugin_share_its_cache(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe(&host, limits()).await;
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

async fn any_text_is_a_key_and_each_is_another(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = probe(&host, limits()).await;
    let keys = [
        "a",
        "A",
        "a ",
        " a",
        "a:b",
        "a:*",
        "*",
        "?",
        "[a-z]",
        "{probe}",
        "{}",
        "a}b{",
        "values",
        "bytes",
        "clock",
        "goatherd:cache:{probe}:values",
        "goatherd:cache:{hello-js}:values",
        "../a",
        "\0",
        "a\0",
        "a\r\nDEL a\r\n",
        "\"a\"",
        "'a'",
        "ä",
        "a\u{308}",
        "\u{e4}x",
        "🦀",
        "1",
        "01",
        "1.0",
        "-1",
        "nil",
        "false",
    ];
    for (number, key) in keys.iter().enumerate() {
        set(&plugin, key, json!(format!("value {number}"))).await;
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(
            get(&plugin, key).await,
            format!("value {number}"),
            "{key:?}"
        );
    }
    call(&plugin, "cache.delete", json!({"key": "*"}))
        .await
        .unwrap();
    call(&plugin, "cache.delete", json!({"key": "a"}))
        .await
        .unwrap();
    for key in keys {
        let gone = matches!(key, "*" | "a");
        assert_eq!(get(&plugin, key).await.is_null(), gone, "{key:?}");
    }
}

/// Housekeeping of a cache may lag behind by a fraction of a second, and be done when there is something else to do.
async fn settle(plugin: &Plugin) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    set(plugin, "another", json!("v")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn the_least_recently_used_entry_makes_room_first(make: MakeHost) {
    let host = make(1 << 20);
    let plugin = probe(&host, limits()).await;
    for key in ["a", "b", "c", "d"] {
        set(&plugin, key, json!({"bytes": 200_000})).await;
    }
    settle(&plugin).await;
    for key in ["b", "a", "d"] {
        assert!(!get(&plugin, key).await.is_null());
    }
    settle(&plugin).await;
    set(&plugin, "e", json!({"bytes": 200_000})).await;
    set(&plugin, "f", json!({"bytes": 200_000})).await;
    settle(&plugin).await;
    assert!(get(&plugin, "c").await.is_null(), "it was used longest ago");
    for key in ["a", "d", "e", "f"] {
        assert!(!get(&plugin, key).await.is_null(), "{key}");
    }
}

async fn an_entry_over_the_whole_quota_is_not_kept_and_costs_no_other(make: MakeHost) {
    let host = make(100_000);
    let plugin = probe(&host, limits()).await;
    set(&plugin, "small", json!("v")).await;
    set(&plugin, "large", json!("before")).await;
    set(&plugin, "large", json!({"bytes": 100_000})).await;
    settle(&plugin).await;
    assert!(
        get(&plugin, "large").await.is_null(),
        "the old value is not there either"
    );
    assert_eq!(get(&plugin, "small").await, "v");
}

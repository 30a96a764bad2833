//! The cache as `wasi:keyvalue`: one cache with `cache-read` and `cache-write`, under the same rules.

use goatherd::capability::cache::QUOTA;
use goatherd::capability::log::Source;
use goatherd_tests::{call, limits, probe};
use serde_json::{Value, json};

use crate::{MakeHost, get, keyvalue, probe_with, set, standard};

on_both!(
    what_one_side_puts_is_there_for_the_other,
    a_bucket_is_the_part_of_the_cache_with_its_name_before_its_keys,
    a_name_that_no_bucket_can_have_is_no_such_store,
    what_is_out_of_scope_is_denied_and_said_in_the_log,
    numbers_are_added_to_and_what_is_none_is_left_alone,
    a_batch_gets_sets_and_deletes_many,
    a_batch_with_anything_that_is_refused_changes_nothing,
    a_swap_succeeds_only_over_the_value_that_its_handle_saw,
    sizes_are_those_of_the_cache,
    an_instance_holds_no_more_buckets_and_swaps_than_resources,
);

const DRAFTS: [&str; 2] = ["draft", "draft2"];
const ALL: [&str; 1] = ["cache:readwrite"];

async fn what_one_side_puts_is_there_for_the_other(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    let theirs = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let theirs = async |function: &str, args: Value| {
            keyvalue(&theirs, draft, "", function, args).await.unwrap()
        };
        set(&ours, "ours", json!("by us")).await;
        assert_eq!(theirs("get", json!({"key": "ours"})).await, "by us");
        assert_eq!(theirs("exists", json!({"key": "ours"})).await, true);
        theirs("set", json!({"key": "theirs", "value": "by them"})).await;
        assert_eq!(get(&ours, "theirs").await, "by them");
        theirs("delete", json!({"key": "ours"})).await;
        assert_eq!(get(&ours, "ours").await, Value::Null);
        assert_eq!(theirs("exists", json!({"key": "ours"})).await, false);
        assert_eq!(theirs("get", json!({"key": "ours"})).await, Value::Null);
        theirs("delete", json!({"key": "ours"})).await;
    }
}

async fn a_bucket_is_the_part_of_the_cache_with_its_name_before_its_keys(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    let theirs = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let at = async |bucket: &str, key: &str| {
            let got = keyvalue(&theirs, draft, bucket, "get", json!({"key": key})).await;
            got.unwrap()
        };
        set(&ours, "users:7", json!("Ada")).await;
        assert_eq!(at("users", "7").await, "Ada");
        assert_eq!(at("", "users:7").await, "Ada");
        assert_eq!(at("default", "users:7").await, "Ada");
        assert_eq!(at("user", "7").await, Value::Null);
        let args = json!({"key": "s:8", "value": "Bob"});
        keyvalue(&theirs, draft, "user", "set", args).await.unwrap();
        assert_eq!(get(&ours, "user:s:8").await, "Bob");
        assert_eq!(at("users", "8").await, Value::Null);
    }
}

async fn a_name_that_no_bucket_can_have_is_no_such_store(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let open = async |name: &str| {
            let got = keyvalue(&plugin, draft, name, "get", json!({"key": "k"})).await;
            got.map_err(|(case, _)| case)
        };
        for name in ["a", "Sessions_2.eu-west", &"n".repeat(64)] {
            assert_eq!(open(name).await, Ok(Value::Null), "{name}");
        }
        for name in ["a:b", "a b", "*", "ü", "../a", "{other}", &"n".repeat(65)] {
            assert_eq!(open(name).await, Err("no-such-store".to_owned()), "{name}");
        }
    }
}

async fn what_is_out_of_scope_is_denied_and_said_in_the_log(make: MakeHost) {
    let host = make(QUOTA);
    let whole = probe(&host, limits()).await;
    for key in ["a:1", "b:1", "shared:1"] {
        set(&whole, key, json!("v")).await;
    }
    let granted = ["cache:read=a:,shared:", "cache:write=a:"];
    let plugin = standard(&host, "probe", &granted).await;
    for draft in DRAFTS {
        let there = async |bucket: &str, function: &str, args: Value| {
            let answer = keyvalue(&plugin, draft, bucket, function, args).await;
            answer.map_err(|(case, _)| case)
        };
        let value = |key: &str| json!({"key": key, "value": "v", "delta": 1});
        assert_eq!(there("", "get", value("shared:1")).await.unwrap(), "v");
        assert_eq!(there("shared", "get", value("1")).await.unwrap(), "v");
        there("a", "set", value("1")).await.unwrap();
        let keys = json!({"keys": ["a:1", "b:1"], "entries": [["a:1", "new"], ["b:1", "new"]]});
        for (bucket, function, args) in [
            ("", "get", value("b:1")),
            ("", "get", value("a")),
            ("", "exists", value("b:1")),
            ("", "set", value("shared:1")),
            ("shared", "set", value("1")),
            ("", "delete", value("shared:1")),
            ("", "increment", value("shared:2")),
            ("", "get-many", keys.clone()),
            ("", "set-many", keys.clone()),
            ("", "delete-many", keys.clone()),
            ("b", "get", value("1")),
            ("b", "list", json!({})),
        ] {
            let denied = there(bucket, function, args).await;
            assert_eq!(
                denied,
                Err("access-denied".to_owned()),
                "{bucket} {function}"
            );
        }
    }
    for args in [value("b:1"), value("shared:1")] {
        let denied = keyvalue(&plugin, "draft2", "", "swap", args).await;
        assert_eq!(denied.unwrap_err().0, "access-denied");
    }
    let entries = plugin.log().entries();
    let said = entries.iter().filter(|entry| entry.source == Source::Host);
    let said: Vec<&str> = said.map(|entry| entry.message.as_str()).collect();
    for words in [
        "plugin \"probe\" may not read the cache key \"b:1\"",
        "plugin \"probe\" may not write the cache key \"shared:1\"",
        "grant cache:write=shared:1 to allow it",
        "may not open the bucket whose cache keys begin with \"b:\"",
        "grant cache:readwrite=b: to allow it",
    ] {
        assert!(
            said.iter().any(|said| said.contains(words)),
            "{words}: {said:#?}"
        );
    }
    assert_eq!(get(&whole, "shared:1").await, "v");
    assert_eq!(get(&whole, "a:1").await, "v", "a batch does all or nothing");
}

fn value(key: &str) -> Value {
    json!({"key": key, "value": "new"})
}

async fn numbers_are_added_to_and_what_is_none_is_left_alone(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe_with(&host, &["cache:readwrite", "config"]).await;
    let theirs = standard(&host, "probe", &ALL).await;
    let add = async |draft: &str, key: &str, delta: Value| {
        let args = json!({"key": key, "delta": delta});
        keyvalue(&theirs, draft, "", "increment", args).await
    };
    assert_eq!(add("draft2", "n", json!(5)).await.unwrap(), 5);
    assert_eq!(add("draft", "n", json!(2)).await.unwrap(), 7);
    assert_eq!(get(&ours, "n").await, "7");
    assert_eq!(add("draft2", "n", json!(-10)).await.unwrap(), -3);
    let (case, text) = add("draft", "n", json!(1)).await.unwrap_err();
    assert!(case == "other" && text.contains("is now -2"), "{text}");
    assert_eq!(add("draft", "n", json!(3)).await.unwrap(), 1);

    set(&ours, "text", json!("7 apples")).await;
    set(&ours, "most", json!(i64::MAX.to_string())).await;
    for draft in DRAFTS {
        let (case, text) = add(draft, "text", json!(1)).await.unwrap_err();
        assert!(case == "other" && text.contains("is no number"), "{text}");
        let (case, text) = add(draft, "most", json!(1)).await.unwrap_err();
        assert!(case == "other" && text.contains("64 bits"), "{text}");
    }
    let (_, text) = add("draft", "n", json!(u64::MAX)).await.unwrap_err();
    assert!(text.contains("at most 9223372036854775807"), "{text}");
    assert_eq!(get(&ours, "text").await, "7 apples");
    assert_eq!(get(&ours, "most").await, i64::MAX.to_string());
    assert_eq!(get(&ours, "n").await, "1");
}

async fn a_batch_gets_sets_and_deletes_many(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let batch = async |function: &str, args: Value| {
            let answer = keyvalue(&plugin, draft, "b", function, args).await;
            answer.unwrap()
        };
        let absent = match draft {
            "draft" => Value::Null,
            _ => json!(["none", null]),
        };
        batch("set-many", json!({"entries": [["one", "1"], ["two", "2"]]})).await;
        let got = batch("get-many", json!({"keys": ["two", "none", "one", "two"]})).await;
        assert_eq!(
            got,
            json!([["two", "2"], absent, ["one", "1"], ["two", "2"]])
        );
        batch("delete-many", json!({"keys": ["one", "none"]})).await;
        assert_eq!(batch("get", json!({"key": "one"})).await, Value::Null);
        assert_eq!(batch("get", json!({"key": "two"})).await, "2");
        batch("delete-many", json!({"keys": []})).await;
        assert_eq!(batch("get-many", json!({"keys": []})).await, json!([]));
    }
}

async fn a_batch_with_anything_that_is_refused_changes_nothing(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let batch = async |function: &str, args: Value| {
            let answer = keyvalue(&plugin, draft, "", function, args).await;
            answer.map_err(|(case, text)| format!("{case}: {text}"))
        };
        let long = "k".repeat(513);
        let refused = batch("set-many", json!({"entries": [["k", "v"], [long, "v"]]})).await;
        assert!(refused.unwrap_err().contains("cache key of 513 bytes"));
        assert_eq!(batch("exists", json!({"key": "k"})).await.unwrap(), false);

        batch("set", json!({"key": "k", "value": "v"}))
            .await
            .unwrap();
        let refused = batch("delete-many", json!({"keys": ["k", ""]})).await;
        assert!(refused.unwrap_err().contains("empty cache key"));
        assert_eq!(batch("exists", json!({"key": "k"})).await.unwrap(), true);

        let keys: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
        let entries: Vec<_> = keys.iter().map(|key| [key, "v"]).collect();
        let many = json!({"keys": keys, "entries": entries});
        for function in ["get-many", "set-many", "delete-many"] {
            let refused = batch(function, many.clone()).await.unwrap_err();
            assert!(refused.contains("1001 keys at once"), "{refused}");
        }
        assert_eq!(batch("exists", json!({"key": "0"})).await.unwrap(), false);

        batch("set", json!({"key": "large", "bytes": 1 << 20}))
            .await
            .unwrap();
        let whole = batch("get-many", json!({"keys": vec!["large"; 16]}))
            .await
            .unwrap();
        assert_eq!(whole[15], json!(["large", {"bytes": 1 << 20}]));
        let refused = batch("get-many", json!({"keys": vec!["large"; 17]})).await;
        assert!(refused.unwrap_err().contains("ask for fewer keys"));
        batch("delete-many", json!({"keys": ["k", "large"]}))
            .await
            .unwrap();
    }
}

async fn a_swap_succeeds_only_over_the_value_that_its_handle_saw(make: MakeHost) {
    let host = make(QUOTA);
    let ours = probe(&host, limits()).await;
    let theirs = standard(&host, "probe", &ALL).await;
    let swap = async |args: Value| {
        let answer = keyvalue(&theirs, "draft2", "", "swap", args).await;
        answer.unwrap()
    };
    // Where nothing is, that is what must still be.
    let done = swap(json!({"key": "k", "value": "one"})).await;
    assert_eq!(done, json!({"swapped": true}));
    assert_eq!(get(&ours, "k").await, "one");
    let done = swap(json!({"key": "k", "value": "two", "look": true})).await;
    assert_eq!(done, json!({"swapped": true}));

    let failed = swap(json!({"key": "k", "value": "three", "meanwhile": "theirs"})).await;
    let expected = json!({"swapped": false, "current": "theirs", "again": true});
    assert_eq!(
        failed, expected,
        "and the new handle is for what is there now"
    );
    assert_eq!(get(&ours, "k").await, "three");
    let failed = swap(json!({"key": "absent", "value": "v", "meanwhile": "theirs"})).await;
    assert_eq!(failed, expected);
    // Who looks again has seen it.
    let args = json!({"key": "k", "value": "four", "meanwhile": "theirs", "look": true});
    assert_eq!(swap(args).await, json!({"swapped": true}));
    assert_eq!(get(&ours, "k").await, "four");
    // The same value is the same.
    let args = json!({"key": "k", "value": "five", "meanwhile": "four"});
    assert_eq!(swap(args).await, json!({"swapped": true}));
}

async fn sizes_are_those_of_the_cache(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &ALL).await;
    for draft in DRAFTS {
        let set = async |bucket: &str, key: &str, bytes: usize| {
            let args = json!({"key": key, "bytes": bytes});
            keyvalue(&plugin, draft, bucket, "set", args).await
        };
        set("", &"k".repeat(512), 1 << 20).await.unwrap();
        set("b", &"k".repeat(510), 0).await.unwrap();
        for (bucket, key, bytes, words) in [
            ("", "k".repeat(513), 0, "cache key of 513 bytes"),
            ("b", "k".repeat(511), 0, "cache key of 513 bytes"),
            ("", String::new(), 0, "empty cache key"),
            (
                "",
                "k".to_owned(),
                (1 << 20) + 1,
                "a value has at most 1048576",
            ),
        ] {
            let (case, text) = set(bucket, &key, bytes).await.unwrap_err();
            assert!(case == "other" && text.contains(words), "{text}");
        }
    }
}

async fn an_instance_holds_no_more_buckets_and_swaps_than_resources(make: MakeHost) {
    let host = make(QUOTA);
    let plugin = standard(&host, "probe", &ALL).await;
    for args in [
        json!({"buckets": 2_000, "swaps": 0}),
        json!({"buckets": 0, "swaps": 2_000}),
        json!({"buckets": 600, "swaps": 600}),
    ] {
        // What is held is given back with the call, so each of them finds the same room.
        let answer = keyvalue(&plugin, "draft2", "", "hold", args).await.unwrap();
        assert_eq!(answer["held"], 999);
        let said = answer["error"].as_str().unwrap();
        assert!(said.contains("as many resources as it may have"), "{said}");
    }
    call(
        &plugin,
        "get",
        json!({"draft": "draft", "bucket": "", "key": "k"}),
    )
    .await
    .expect("the instance is whole");
}

//! Redis, seen from several hosts and plugins.

use goatherd::capability::cache::{QUOTA, RedisCache};
use goatherd_tests::front::Front;
use goatherd_tests::{call, limits, plugin, probe, servers};
use serde_json::json;

use crate::books::Redis;
use crate::{get, host_of, own_prefix, set, store};

#[tokio::test]
async fn hosts_with_the_same_prefix_share_entries_and_one_quota() {
    const SMALL: u64 = 1 << 20;
    let prefix = own_prefix();
    let host = || {
        host_of(RedisCache::new(
            store(&servers::redis()),
            prefix.clone(),
            SMALL,
        ))
    };
    let (one, other) = (host(), host());
    let (one, other) = (probe(&one, limits()).await, probe(&other, limits()).await);
    set(&one, "shared", json!("v")).await;
    assert_eq!(get(&other, "shared").await, "v");
    for number in 0..10 {
        let plugin = if number % 2 == 0 { &one } else { &other };
        set(plugin, &format!("k{number}"), json!({"bytes": 200_000})).await;
    }
    let mut kept = Vec::new();
    for number in 0..10 {
        let key = format!("k{number}");
        let here = get(&one, &key).await;
        assert_eq!(here, get(&other, &key).await, "both see the same");
        if !here.is_null() {
            kept.push(number);
        }
    }
    assert_eq!(kept, [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn hosts_with_different_prefixes_share_nothing() {
    let host = || {
        host_of(RedisCache::new(
            store(&servers::redis()),
            own_prefix(),
            QUOTA,
        ))
    };
    let (one, other) = (host(), host());
    let (one, other) = (probe(&one, limits()).await, probe(&other, limits()).await);
    set(&one, "k", json!("one")).await;
    assert!(get(&other, "k").await.is_null());
    set(&other, "k", json!("other")).await;
    assert_eq!(get(&one, "k").await, "one");
}

#[tokio::test]
async fn nothing_else_in_the_server_can_be_reached_by_any_key() {
    let prefix = own_prefix();
    let mut redis = Redis::connect().await;
    let host = host_of(RedisCache::new(
        store(&servers::redis()),
        prefix.clone(),
        QUOTA,
    ));
    let probe = probe(&host, limits()).await;
    let hello = plugin(&host, "hello-js", &["cache:readwrite"], limits()).await;
    call(&hello, "hello", json!({})).await.unwrap();
    redis
        .run(&["SET", &format!("{prefix}-secret"), "of another"])
        .await;
    for key in [
        format!("{prefix}-secret"),
        format!("{prefix}:cache:{{hello-js}}:values"),
        format!("}}:values {prefix}:cache:{{hello-js"),
        "visits".to_owned(),
    ] {
        assert!(get(&probe, &key).await.is_null(), "{key}");
        set(&probe, &key, json!("mine")).await;
    }
    assert_eq!(
        redis.text(&["GET", &format!("{prefix}-secret")]).await,
        "of another"
    );
    assert_eq!(call(&hello, "hello", json!({})).await.unwrap()["visits"], 2);
    let names = redis.names(&prefix).await;
    let own = |plugin: &str| {
        let own = names
            .iter()
            .filter(|name| name.starts_with(&format!("{prefix}:cache:{{{plugin}}}:")));
        own.count()
    };
    // Neither has entries that expire.
    assert_eq!(
        (own("probe"), own("hello-js"), names.len()),
        (3, 3, 7),
        "{names:?}"
    );
    redis.run(&["DEL", &format!("{prefix}-secret")]).await;
}

#[tokio::test]
async fn calls_at_a_time_use_one_connection() {
    let front = Front::start(servers::redis().trim_start_matches("redis://")).await;
    let url = format!("redis://127.0.0.1:{}", front.port());
    let host = host_of(RedisCache::new(store(&url), own_prefix(), QUOTA));
    let plugin = probe(&host, limits()).await;
    let calls = (0..100).map(|number| {
        let plugin = plugin.clone();
        tokio::spawn(async move {
            let key = format!("k{number}");
            set(&plugin, &key, json!(key)).await;
            assert_eq!(get(&plugin, &key).await, key, "no answer is another's");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(front.connections(), 1);
}

//! Redis that is not there, goes away, or says nothing.

use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::capability::cache::{QUOTA, RedisCache};
use goatherd::store::RedisStore;
use goatherd_tests::front::{Front, TlsFront};
use goatherd_tests::{call, limits, probe, servers};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{get, host_of, own_prefix, refusal, set, store};

fn address() -> String {
    servers::redis().trim_start_matches("redis://").to_owned()
}

async fn probe_of(store: RedisStore) -> Plugin {
    let host = host_of(RedisCache::new(store, own_prefix(), QUOTA));
    probe(&host, limits()).await
}

/// How long each kind of call takes to be `unavailable`.
async fn unavailable(plugin: &Plugin) -> Vec<Duration> {
    let mut took = Vec::new();
    for (function, args) in [
        ("cache.get", json!({"key": "k"})),
        ("cache.set", json!({"key": "k", "value": "v"})),
        ("cache.delete", json!({"key": "k"})),
    ] {
        let began = Instant::now();
        let (code, text) = refusal(plugin, function, args).await;
        took.push(began.elapsed());
        assert_eq!(code, "unavailable", "{function}: {text}");
        assert!(text.contains("Redis cannot be used"), "{text}");
    }
    took
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_at_once_and_found_when_it_comes() {
    let front = Front::start(&address()).await;
    front.stop().await;
    let plugin = probe_of(store(&format!("redis://127.0.0.1:{}", front.port()))).await;
    for took in unavailable(&plugin).await {
        assert!(took < Duration::from_millis(900), "{took:?}");
    }
    front.start_again().await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    set(&plugin, "k", json!("v")).await;
    assert_eq!(get(&plugin, "k").await, "v");
}

#[tokio::test]
async fn a_server_that_was_restarted_is_found_again_by_the_same_host() {
    let front = Front::start(&address()).await;
    let plugin = probe_of(store(&format!("redis://127.0.0.1:{}", front.port()))).await;
    for round in 0..3 {
        set(&plugin, "k", json!(format!("v{round}"))).await;
        front.stop().await;
        unavailable(&plugin).await;
        front.start_again().await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(get(&plugin, "k").await, format!("v{round}"));
    }
}

#[tokio::test]
async fn a_restart_that_nobody_noticed_costs_no_call() {
    let front = Front::start(&address()).await;
    let plugin = probe_of(store(&format!("redis://127.0.0.1:{}", front.port()))).await;
    set(&plugin, "k", json!("v")).await;
    front.stop().await;
    front.start_again().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(get(&plugin, "k").await, "v");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unavailable_within_its_time_and_then_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let plugin = probe_of(store(&url)).await;
    let took = unavailable(&plugin).await;
    assert!(took[0] < Duration::from_millis(2_500), "{took:?}");
    assert!(took[1] + took[2] < Duration::from_millis(450), "{took:?}");
}

#[tokio::test]
async fn a_call_whose_time_is_shorter_ends_with_it() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let plugin = probe_of(store(&url)).await;
    let began = Instant::now();
    let until = goatherd_tests::until(200);
    let ended = goatherd_tests::call_in(&plugin, until, "cache.get", json!({"key": "k"})).await;
    assert!(ended.is_err());
    assert!(began.elapsed() < Duration::from_millis(900));
}

#[tokio::test]
async fn denials_do_not_ask_the_server() {
    let front = Front::start(&address()).await;
    let url = format!("redis://127.0.0.1:{}", front.port());
    let host = host_of(RedisCache::new(store(&url), own_prefix(), QUOTA));
    let granted = ["cache:read=a:", "cache:write=a:", "config"];
    let plugin = crate::probe_with(&host, &granted).await;
    let (code, _) = refusal(&plugin, "cache.get", json!({"key": "b:"})).await;
    assert_eq!(code, "permission-denied");
    let (code, _) = refusal(&plugin, "cache.set", json!({"key": "b:", "value": "v"})).await;
    assert_eq!(code, "permission-denied");
    assert_eq!(front.connections(), 0);
}

#[tokio::test]
async fn tls_is_used_with_certificates_that_are_believed() {
    let front = TlsFront::start("localhost", &address()).await;
    let url = format!("rediss://localhost:{}", front.port);
    let tls = goatherd::tls::client(Some(&front.certificate)).unwrap();
    let plugin = probe_of(RedisStore::new(&url, tls).unwrap()).await;
    set(&plugin, "k", json!({"bytes": 1 << 20})).await;
    assert_eq!(get(&plugin, "k").await, json!({"bytes": 1 << 20}));

    let stranger = probe_of(store(&url)).await;
    let (code, text) = refusal(&stranger, "cache.get", json!({"key": "k"})).await;
    assert_eq!(code, "unavailable");
    assert!(text.contains("certificate"), "{text}");

    let elsewhere = TlsFront::start("redis.example", &address()).await;
    let url = format!("rediss://localhost:{}", elsewhere.port);
    let tls = goatherd::tls::client(Some(&elsewhere.certificate)).unwrap();
    let misled = probe_of(RedisStore::new(&url, tls).unwrap()).await;
    let (code, _) = refusal(&misled, "cache.get", json!({"key": "k"})).await;
    assert_eq!(code, "unavailable");
}

#[tokio::test]
async fn the_password_is_in_no_error_and_no_debug_output() {
    let url = format!("redis://anna:hunter2@{}", address());
    let store = store(&url);
    let shown = format!("{store:?} {store:#?}");
    assert!(
        !shown.contains("hunter2") && shown.contains("127.0.0.1"),
        "{shown}"
    );
    let plugin = probe_of(store).await;
    let (code, text) = refusal(&plugin, "cache.get", json!({"key": "k"})).await;
    assert_eq!(code, "unavailable");
    assert!(!text.contains("hunter2"), "{text}");
    for url in [
        "redis//:hunter2@host",
        "http://anna:hunter2@host",
        "redis://anna:hunter2@host:port",
        "redis://anna:hunter2@host/database",
        "rediss://anna:hunter2@host/#insecure",
    ] {
        let tls = goatherd::tls::client(None).unwrap();
        let error = RedisStore::new(url, tls).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn values_of_any_bytes_come_back_as_they_were() {
    let plugin = probe_of(store(&servers::redis())).await;
    for text in ["", "\0", "a\r\n$5\r\nb", "*1\r\n$4\r\nPING\r\n", "ä🦀"] {
        set(&plugin, "k", json!(text)).await;
        let got = call(&plugin, "cache.get", json!({"key": "k"}))
            .await
            .unwrap();
        let expected = if text == "\0" {
            json!({"bytes": 1})
        } else {
            json!(text)
        };
        assert_eq!(got["value"], expected);
    }
}

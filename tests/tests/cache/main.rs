//! The cache, through a guest's imports.
//!
//! What holds for every back-end is written once, as functions of what makes a host, and run against the one in this
//! process and against Redis.

/// Makes a test of each of these functions for each back-end.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::in_memory).await;
            })+
        }

        mod in_redis {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::in_redis).await;
            })+
        }
    };
}

mod books;
mod both;
mod failing;
mod shared;

use std::sync::atomic::{AtomicU32, Ordering};

use goatherd::capability::cache::{Cache, Caching, MemoryCache, RedisCache};
use goatherd::store::RedisStore;
use goatherd::{Host, Plugin};
use goatherd_tests::{NoDatabase, call, host_builder, limits, plugin, servers};
use serde_json::{Value, json};

/// Makes a host with an empty cache and this quota.
type MakeHost = fn(u64) -> Host;

fn in_memory(quota: u64) -> Host {
    host_of(MemoryCache::new(quota))
}

fn in_redis(quota: u64) -> Host {
    host_of(RedisCache::new(
        store(&servers::redis()),
        own_prefix(),
        quota,
    ))
}

fn host_of(cache: impl Cache) -> Host {
    host_builder()
        .provider(NoDatabase)
        .provider(Caching::new(cache))
        .build()
        .expect("the host starts")
}

fn store(url: &str) -> RedisStore {
    let tls = goatherd::tls::client(None).expect("TLS");
    RedisStore::new(url, tls).expect("a URL")
}

/// A beginning of names in Redis that no other test uses.
fn own_prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("t{}x{number}", std::process::id())
}

/// The probe with these grants beside a database's.
async fn probe_with(host: &Host, granted: &[&str]) -> Plugin {
    let granted: Vec<_> = ["db:readwrite=*"].iter().chain(granted).copied().collect();
    plugin(host, "probe", &granted, limits()).await
}

async fn get(plugin: &Plugin, key: &str) -> Value {
    call(plugin, "cache.get", json!({"key": key}))
        .await
        .unwrap()["value"]
        .clone()
}

async fn set(plugin: &Plugin, key: &str, value: Value) {
    set_for(plugin, key, value, 0).await;
}

async fn set_for(plugin: &Plugin, key: &str, value: Value, seconds: u32) {
    let args = json!({"key": key, "value": value, "ttl": seconds});
    call(plugin, "cache.set", args).await.unwrap();
}

/// The code and text of a call that must fail.
async fn refusal(plugin: &Plugin, function: &str, args: Value) -> (String, String) {
    let error = call(plugin, function, args)
        .await
        .expect_err("it is refused");
    (error.code(), error.to_string())
}

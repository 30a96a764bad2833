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
mod keyvalue;
mod keyvalue_keys;
mod shared;

use std::sync::atomic::{AtomicU32, Ordering};

use goatherd::capability::cache::{Cache, Caching, MemoryCache, RedisCache};
use goatherd::store::RedisStore;
use goatherd::{Host, Plugin};
use goatherd_tests::{
    NoDatabase, call, host_builder, limits, load, plugin, probe_standard, servers,
};
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

/// The guest that knows the cache as `wasi:keyvalue`, under this name.
async fn standard(host: &Host, name: &str, granted: &[&str]) -> Plugin {
    let bytes = probe_standard(name, b'n');
    let granted: Vec<_> = ["config"].iter().chain(granted).copied().collect();
    load(host, "probe-standard.wasm", bytes, &granted, limits())
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a function of `wasi:keyvalue`.
async fn keyvalue(
    plugin: &Plugin,
    draft: &str,
    bucket: &str,
    function: &str,
    mut args: Value,
) -> Result<Value, (String, String)> {
    args["draft"] = json!(draft);
    args["bucket"] = json!(bucket);
    let answer = call(plugin, function, args).await;
    answer.map_err(|error| {
        // What stands before it is the plugin.
        let code = error.code();
        let case = code.split_once(':').map_or(&*code, |(_, case)| case);
        (case.to_owned(), error.to_string())
    })
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

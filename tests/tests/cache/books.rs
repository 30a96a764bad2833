//! What Redis keeps for a plugin, and that it is counted right whatever happens.

use std::collections::HashMap;

use goatherd::Plugin;
use goatherd::capability::cache::RedisCache;
use goatherd_tests::{call, limits, probe, servers, wait_for_async};
use redis::aio::MultiplexedConnection;
use serde_json::json;

use crate::{get, host_of, own_prefix, set, set_for, store};

/// What an entry costs beside its key and value.
const OVERHEAD: usize = 64;

/// The server, as its operator sees it.
pub struct Redis(MultiplexedConnection);

impl Redis {
    pub async fn connect() -> Self {
        let client = redis::Client::open(servers::redis()).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        Self(connection.expect("Redis answers"))
    }

    async fn ask<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.0).await.expect("an answer")
    }

    pub async fn run(&mut self, words: &[&str]) {
        let _: redis::Value = self.ask(words).await;
    }

    pub async fn text(&mut self, words: &[&str]) -> String {
        self.ask(words).await
    }

    /// Names of what begins with this.
    pub async fn names(&mut self, prefix: &str) -> Vec<String> {
        self.ask(&["KEYS", &format!("{prefix}*")]).await
    }
}

/// One plugin's cache with this quota, and a look at what is behind it.
struct Kept {
    plugin: Plugin,
    prefix: String,
    redis: Redis,
}

impl Kept {
    async fn new(quota: u64) -> Self {
        let prefix = own_prefix();
        let host = host_of(RedisCache::new(
            store(&servers::redis()),
            prefix.clone(),
            quota,
        ));
        Self {
            plugin: probe(&host, limits()).await,
            prefix,
            redis: Redis::connect().await,
        }
    }

    fn name(&self, part: &str) -> String {
        format!("{}:cache:{{probe}}:{part}", self.prefix)
    }

    /// When the last of the entries that are there now expires, in the server's milliseconds.
    async fn last_expiry(&mut self) -> f64 {
        let name = self.name("expires");
        let last: Vec<(String, f64)> = self
            .redis
            .ask(&["ZREVRANGE", &name, "0", "0", "WITHSCORES"])
            .await;
        last.first().expect("something expires").1
    }

    /// Waits until it is later than that for the server.
    async fn until_past(&mut self, time: f64) {
        let redis = &mut self.redis;
        wait_for_async("the time of expiry", async || {
            let (seconds, micros): (f64, f64) = redis.ask(&["TIME"]).await;
            seconds * 1_000.0 + (micros / 1_000.0).floor() > time
        })
        .await;
    }

    /// Waits until all has expired of what is meant to.
    async fn until_expired(&mut self) {
        let last = self.last_expiry().await;
        self.until_past(last).await;
    }

    /// Checks the books against the values, and says how many bytes there are.
    async fn audit(&mut self) -> usize {
        let values: HashMap<String, Vec<u8>> =
            self.redis.ask(&["HGETALL", &self.name("values")]).await;
        let used: Vec<String> = self
            .redis
            .ask(&["ZRANGE", &self.name("used"), "0", "-1"])
            .await;
        let expires: Vec<String> = self
            .redis
            .ask(&["ZRANGE", &self.name("expires"), "0", "-1"])
            .await;
        let books: HashMap<String, i64> = self.redis.ask(&["HGETALL", &self.name("books")]).await;
        let bytes: usize = values
            .iter()
            .map(|(key, value)| key.len() + value.len() + OVERHEAD)
            .sum();
        assert_eq!(
            books.get("bytes").copied().unwrap_or_default(),
            bytes as i64
        );
        assert_eq!(
            books.get("expiring").copied().unwrap_or_default(),
            expires.len() as i64
        );
        assert_eq!(used.len(), values.len());
        for key in used.iter().chain(&expires) {
            assert!(values.contains_key(key), "{key}");
        }
        bytes
    }
}

#[tokio::test]
async fn the_books_are_right_after_any_order_of_calls() {
    const SMALL: u64 = 20_000;
    let mut kept = Kept::new(SMALL).await;
    let mut random = 4711_u64;
    let mut next = |most: u64| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) % most
    };
    for round in 0..600 {
        let key = format!("key {}", next(40));
        match next(10) {
            0..=5 => {
                let bytes = next(3_000);
                let seconds = if next(3) == 0 { 1 } else { 0 };
                set_for(&kept.plugin, &key, json!({"bytes": bytes}), seconds).await;
            }
            6 | 7 => drop(get(&kept.plugin, &key).await),
            _ => {
                call(&kept.plugin, "cache.delete", json!({"key": key}))
                    .await
                    .unwrap();
            }
        }
        if round % 60 == 0 {
            assert!(kept.audit().await <= SMALL as usize);
        }
        if round == 300 {
            kept.until_expired().await;
        }
    }
    assert!(kept.audit().await > 5_000, "it was used");
}

#[tokio::test]
async fn what_expired_makes_room_before_what_is_only_old() {
    let mut kept = Kept::new(1 << 20).await;
    set(&kept.plugin, "old", json!({"bytes": 200_000})).await;
    for number in 0..4 {
        set_for(
            &kept.plugin,
            &format!("short {number}"),
            json!({"bytes": 200_000}),
            1,
        )
        .await;
    }
    kept.until_expired().await;
    for number in 0..4 {
        set(
            &kept.plugin,
            &format!("new {number}"),
            json!({"bytes": 200_000}),
        )
        .await;
    }
    assert!(!get(&kept.plugin, "old").await.is_null());
    assert_eq!(kept.audit().await / 200_000, 5);
}

#[tokio::test]
async fn when_all_of_it_expired_nothing_is_left_in_the_server() {
    const HOUR: u32 = 3_600;
    let mut kept = Kept::new(1 << 20).await;
    // The last of them decides, whichever comes first.
    set_for(&kept.plugin, "one", json!("v"), 1).await;
    let one_expires = kept.last_expiry().await;
    set_for(&kept.plugin, "other", json!("v"), HOUR).await;
    let other_expires = kept.last_expiry().await;
    kept.until_past(one_expires).await;
    assert!(get(&kept.plugin, "one").await.is_null());
    assert_eq!(get(&kept.plugin, "other").await, "v");
    for name in kept.redis.names(&kept.prefix).await {
        let at: f64 = kept.redis.ask(&["PEXPIRETIME", &name]).await;
        assert_eq!(at, other_expires, "{name}");
    }
    // And it happens, though nobody asks.
    set_for(&kept.plugin, "other", json!("v"), 1).await;
    let (prefix, mut redis) = (kept.prefix.clone(), Redis::connect().await);
    wait_for_async("an empty server", async || {
        redis.names(&prefix).await.is_empty()
    })
    .await;
    // But what is to stay for ever keeps them.
    set_for(&kept.plugin, "one", json!("v"), 1).await;
    set(&kept.plugin, "stays", json!("v")).await;
    kept.until_expired().await;
    assert_eq!(get(&kept.plugin, "stays").await, "v");
    for name in kept.redis.names(&kept.prefix).await {
        let at: i64 = kept.redis.ask(&["PEXPIRETIME", &name]).await;
        assert_eq!(at, -1, "{name} never expires");
    }
}

#[tokio::test]
async fn a_cache_that_lost_a_part_starts_over_and_counts_right() {
    for part in ["values", "used", "expires", "books"] {
        let mut kept = Kept::new(1 << 20).await;
        set(&kept.plugin, "for ever", json!({"bytes": 300_000})).await;
        set_for(&kept.plugin, "for a second", json!({"bytes": 300_000}), 1).await;
        let expires = kept.last_expiry().await;
        let name = kept.name(part);
        kept.redis.run(&["DEL", &name]).await;
        kept.until_past(expires).await;
        assert!(
            get(&kept.plugin, "for a second").await.is_null(),
            "{part}: it expired"
        );
        kept.audit().await;
        for number in 0..20 {
            set(
                &kept.plugin,
                &format!("k{number}"),
                json!({"bytes": 100_000}),
            )
            .await;
        }
        assert_eq!(kept.audit().await / 100_000, 10, "{part}");
    }
}

#[tokio::test]
async fn scripts_that_the_server_forgets_at_any_moment_are_told_again() {
    let mut kept = Kept::new(1 << 20).await;
    let mut forgetting = Redis::connect().await;
    let forgetting = tokio::spawn(async move {
        for _ in 0..2_000 {
            forgetting.run(&["SCRIPT", "FLUSH"]).await;
        }
    });
    for number in 0..200 {
        set(&kept.plugin, "k", json!(format!("v{number}"))).await;
        assert_eq!(get(&kept.plugin, "k").await, format!("v{number}"));
    }
    call(&kept.plugin, "cache.delete", json!({"key": "k"}))
        .await
        .unwrap();
    forgetting.await.unwrap();
    assert_eq!(kept.audit().await, 0);
}

//! The embedded cache: in this process, gone when it ends.
//!
//! Each plugin has a cache of its own with a quota in bytes, so a plugin that fills it evicts nobody else's entries. A new
//! entry is always taken, unless it alone is over the quota; the least recently used ones make room.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;

use super::backend::{Cache, IncrementError, Keys, PART, PluginCache, Unavailable, number};
use crate::contract::PluginName;

/// How many bytes each plugin may keep, unless said otherwise.
pub const QUOTA: u64 = 16 * 1024 * 1024;
/// What an entry costs beside its key and value.
const OVERHEAD: usize = 64;

/// A cache in memory. A plugin that is loaded again finds what it left.
pub struct MemoryCache {
    quota: u64,
    plugins: Mutex<HashMap<PluginName, Arc<PluginMemory>>>,
}

impl MemoryCache {
    /// A cache in which each plugin may keep `quota` bytes of keys and values.
    pub fn new(quota: u64) -> Self {
        Self {
            quota,
            plugins: Mutex::default(),
        }
    }
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::new(QUOTA)
    }
}

impl Cache for MemoryCache {
    fn open(&self, plugin: &PluginName) -> Arc<dyn PluginCache> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = plugins
            .entry(plugin.clone())
            .or_insert_with(|| Arc::new(PluginMemory::new(self.quota)));
        Arc::clone(memory) as Arc<dyn PluginCache>
    }
}

struct PluginMemory {
    entries: moka::sync::Cache<String, Entry>,
    quota: u64,
    /// Gives each key its place in the order in which keys are listed.
    places: RandomState,
}

/// What an entry costs.
fn weight(key: &str, value: &[u8]) -> u32 {
    let bytes = key.len() + value.len() + OVERHEAD;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl PluginMemory {
    fn new(quota: u64) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(quota)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|key: &String, entry: &Entry| weight(key, &entry.value))
            .expire_after(Expiry)
            .build();
        Self {
            entries,
            quota,
            places: RandomState::new(),
        }
    }
}

/// The next keys, in the order of their places. The order is the same at each time, so that what comes and goes in between
/// moves no other key past the place from which the next part goes on.
fn part(
    entries: &moka::sync::Cache<String, Entry>,
    places: &RandomState,
    beginnings: &[String],
    after: Option<u64>,
) -> Keys {
    let mut found: BTreeMap<u64, Vec<Arc<String>>> = BTreeMap::new();
    let mut next = None;
    for (key, _) in entries {
        let place = places.hash_one(&*key);
        if after.is_some_and(|after| place <= after)
            || !beginnings
                .iter()
                .any(|beginning| key.starts_with(beginning))
        {
            continue;
        }
        found.entry(place).or_default().push(key);
        if found.len() > PART {
            found.pop_last();
            next = found.last_key_value().map(|(place, _)| *place);
        }
    }
    Keys {
        keys: found
            .into_values()
            .flatten()
            .map(Arc::unwrap_or_clone)
            .collect(),
        next,
    }
}

#[derive(Clone)]
struct Entry {
    value: Arc<[u8]>,
    /// When it goes; never without.
    expires: Option<Instant>,
}

fn expiry(ttl: Option<Duration>) -> Option<Instant> {
    Instant::now().checked_add(ttl?)
}

/// Each entry lives until the time that it was set to, also when it takes another's place.
struct Expiry;

impl moka::Expiry<String, Entry> for Expiry {
    fn expire_after_create(&self, _: &String, entry: &Entry, now: Instant) -> Option<Duration> {
        Some(entry.expires?.saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.expires?.saturating_duration_since(now))
    }
}

#[async_trait]
impl PluginCache for PluginMemory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.entries.get(key).map(|entry| entry.value.to_vec()))
    }

    async fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), Unavailable> {
        if u64::from(weight(key, &value)) > self.quota {
            // In place of an older value it would be taken, and all others would go for it.
            self.entries.invalidate(key);
        } else {
            let (value, expires) = (value.into(), expiry(ttl));
            self.entries
                .insert(key.to_owned(), Entry { value, expires });
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        self.entries.invalidate(key);
        Ok(())
    }

    async fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, IncrementError> {
        let mut sum = by;
        let added = self
            .entries
            .entry_by_ref(key)
            .and_try_compute_with(|present| {
                let (before, expires) = match present.map(moka::Entry::into_value) {
                    Some(entry) => (number(&entry.value)?, entry.expires),
                    None => (0, expiry(ttl)),
                };
                sum = before.checked_add(by).ok_or(IncrementError::Overflow)?;
                let value = sum.to_string().into_bytes().into();
                Ok::<_, IncrementError>(Op::Put(Entry { value, expires }))
            });
        added.map(|_| sum)
    }

    async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<bool, Unavailable> {
        let mut is_expected = false;
        let fits = |value: &[u8]| u64::from(weight(key, value)) <= self.quota;
        self.entries.entry_by_ref(key).and_compute_with(|present| {
            let present = present.map(moka::Entry::into_value);
            let present = present.as_ref().map(|entry| &*entry.value);
            is_expected = present == expected.as_deref();
            match new {
                _ if !is_expected => Op::Nop,
                Some(value) if fits(&value) => Op::Put(Entry {
                    value: value.into(),
                    expires: expiry(ttl),
                }),
                // In place of an older value it would be taken, and all others would go for it.
                Some(_) | None => Op::Remove,
            }
        });
        Ok(is_expected)
    }

    async fn keys(&self, beginnings: &[String], after: Option<u64>) -> Result<Keys, Unavailable> {
        let (entries, places) = (self.entries.clone(), self.places.clone());
        let beginnings = beginnings.to_vec();
        // Going through a full cache takes longer than others may wait for this thread.
        let part = tokio::task::spawn_blocking(move || part(&entries, &places, &beginnings, after));
        part.await.map_err(|error| Unavailable(error.to_string()))
    }
}

//! `cache-read`, `cache-write` and `wasi:keyvalue`: a cache of its own for each plugin.
//!
//! Keys live in the plugin's namespace, so there is no key by which another plugin's entries could be named. A scope
//! limits a plugin further, to keys with certain beginnings. Sizes and scope are checked here, before a back-end is asked.
//! WASI's interfaces are put on ours, so that there is one cache and one set of rules, whatever a plugin calls it.

mod backend;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod wasi;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "redis")]
pub use self::redis::RedisCache;
pub use backend::{Cache, IncrementError, Keys, PluginCache, Unavailable};
pub use memory::{MemoryCache, QUOTA};

use crate::capability::table::{
    CACHE_READ, CACHE_WRITE, WASI_KEYVALUE_ATOMICS, WASI_KEYVALUE_BATCH, WASI_KEYVALUE_STORE,
};
use crate::capability::{Caller, Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{CacheRead, CacheWrite};
use crate::permission::{KeyPrefix, Scope};

/// How long a key may be, in bytes.
pub const KEY_BYTES: usize = 512;
/// How long a value may be, in bytes.
pub const VALUE_BYTES: usize = 1024 * 1024;

/// Serves `cache-read`, `cache-write` and `wasi:keyvalue` from a back-end.
pub struct Caching(Box<dyn Cache>);

impl Caching {
    /// Serves from this back-end.
    pub fn new(cache: impl Cache) -> Self {
        Self(Box::new(cache))
    }
}

impl Provider for Caching {
    type State = CacheAccess;

    fn interfaces(&self) -> Vec<Interface<CacheAccess>> {
        vec![
            Interface::known(CACHE_READ, link::cache_read::<_, Of<CacheAccess>>),
            Interface::known(CACHE_WRITE, link::cache_write::<_, Of<CacheAccess>>),
            Interface::known(WASI_KEYVALUE_STORE, |linker, _| wasi::link_store(linker)),
            Interface::known(WASI_KEYVALUE_ATOMICS, |linker, _| {
                wasi::link_atomics(linker)
            }),
            Interface::known(WASI_KEYVALUE_BATCH, |linker, _| wasi::link_batch(linker)),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<CacheAccess, PrepareError> {
        Ok(CacheAccess {
            cache: self.0.open(setup.plugin),
            read: setup.grants.cache_read().cloned(),
            write: setup.grants.cache_write().cloned(),
        })
    }
}

/// What one plugin may do with its cache.
pub struct CacheAccess {
    cache: Arc<dyn PluginCache>,
    read: Option<Scope<KeyPrefix>>,
    write: Option<Scope<KeyPrefix>>,
}

/// Checks a key against size and scope; `access` is the word for the scope's access level.
fn check(
    caller: &Caller,
    scope: Option<&Scope<KeyPrefix>>,
    access: &str,
    key: &str,
) -> Result<(), Error> {
    let plugin = caller.plugin();
    if key.is_empty() {
        return Err(Error::InvalidArgument(format!(
            "plugin \"{plugin}\" used an empty cache key; a key has 1 to {KEY_BYTES} bytes"
        )));
    }
    if key.len() > KEY_BYTES {
        return Err(Error::TooLarge(format!(
            "plugin \"{plugin}\" used a cache key of {} bytes; a key has 1 to {KEY_BYTES}",
            key.len()
        )));
    }
    if !scope.is_some_and(|scope| scope.allows(key)) {
        return Err(Error::PermissionDenied(format!(
            "plugin \"{plugin}\" may not {access} the cache key \"{key}\": its cache grant covers only keys with \
             other beginnings; grant cache:{access}={key} to allow it"
        )));
    }
    Ok(())
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Error::Unavailable(error.to_string())
    }
}

/// How long an entry lives; without a time it does not expire.
fn lifetime(ttl_sec: Option<u32>) -> Option<Duration> {
    let seconds = ttl_sec.filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds.into()))
}

impl<'a> View<'a, CacheAccess> {
    /// The cache, where the value under this key may be read.
    fn reading(&self, key: &str) -> Result<&'a dyn PluginCache, Error> {
        let access = self.state()?;
        check(self.caller, access.read.as_ref(), "read", key)?;
        Ok(&*access.cache)
    }

    /// The cache, where this may be put under this key.
    fn writing(&self, key: &str, value: Option<&[u8]>) -> Result<&'a dyn PluginCache, Error> {
        let access = self.state()?;
        check(self.caller, access.write.as_ref(), "write", key)?;
        if let Some(value) = value.filter(|value| value.len() > VALUE_BYTES) {
            return Err(Error::TooLarge(format!(
                "plugin \"{}\" tried to cache {} bytes under \"{key}\"; a value has at most {VALUE_BYTES}",
                self.caller.plugin(),
                value.len()
            )));
        }
        Ok(&*access.cache)
    }
}

impl CacheRead for View<'_, CacheAccess> {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let cache = self.reading(&key)?;
        Ok(cache.get(&key).await?)
    }
}

impl CacheWrite for View<'_, CacheAccess> {
    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_sec: Option<u32>,
    ) -> Result<(), Error> {
        let cache = self.writing(&key, Some(&value))?;
        Ok(cache.set(&key, value, lifetime(ttl_sec)).await?)
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        let cache = self.writing(&key, None)?;
        Ok(cache.delete(&key).await?)
    }

    async fn increment(
        &mut self,
        key: String,
        by: i64,
        ttl_sec: Option<u32>,
    ) -> Result<i64, Error> {
        let cache = self.writing(&key, None)?;
        let sum = cache.increment(&key, by, lifetime(ttl_sec)).await;
        sum.map_err(|error| match error {
            IncrementError::Unavailable(error) => error.into(),
            IncrementError::NotANumber => Error::Conflict(format!(
                "plugin \"{}\" tried to add to what is cached under \"{key}\", which is no number",
                self.caller.plugin()
            )),
            IncrementError::Overflow => Error::Conflict(format!(
                "plugin \"{}\" tried to add {by} to what is cached under \"{key}\"; the sum has more than 64 bits",
                self.caller.plugin()
            )),
        })
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl_sec: Option<u32>,
    ) -> Result<bool, Error> {
        let cache = self.writing(&key, new.as_deref())?;
        let set = cache.compare_and_set(&key, expected, new, lifetime(ttl_sec));
        Ok(set.await?)
    }
}

//! `cache-read` and `cache-write`: a cache of its own for each plugin.
//!
//! Keys live in the plugin's namespace, so there is no key by which another plugin's entries could be named. A scope
//! limits a plugin further, to keys with certain beginnings. Sizes and scope are checked here, before a back-end is asked.

mod backend;
mod memory;
mod redis;

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Linker;

pub use self::redis::RedisCache;
pub use backend::{Cache, PluginCache, Unavailable};
pub use memory::{MemoryCache, QUOTA};

use crate::capability::{Caller, Guest, Of, PrepareError, Provider, Setup, Slot, View};
use crate::contract::Error;
use crate::contract::v0_1::goatherd::plugin::{cache_read, cache_write, types};
use crate::permission::{KeyPrefix, Scope};

/// How long a key may be, in bytes.
pub const KEY_BYTES: usize = 512;
/// How long a value may be, in bytes.
pub const VALUE_BYTES: usize = 1024 * 1024;

/// Serves `cache-read` and `cache-write` from a back-end.
pub struct Caching(Box<dyn Cache>);

impl Caching {
    /// Serves from this back-end.
    pub fn new(cache: impl Cache) -> Self {
        Self(Box::new(cache))
    }
}

impl Provider for Caching {
    fn interfaces(&self) -> &'static [&'static str] {
        &["cache-read", "cache-write"]
    }

    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        Ok(Slot::new(CacheAccess {
            cache: self.0.open(setup.plugin),
            read: setup.grants.cache_read().cloned(),
            write: setup.grants.cache_write().cloned(),
        }))
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

impl View<'_, CacheAccess> {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let access = self.state()?;
        check(self.caller, access.read.as_ref(), "read", key)?;
        Ok(access.cache.get(key).await?)
    }

    async fn write(&self, key: &str, value: Vec<u8>, ttl_seconds: u32) -> Result<(), Error> {
        let access = self.state()?;
        check(self.caller, access.write.as_ref(), "write", key)?;
        if value.len() > VALUE_BYTES {
            return Err(Error::TooLarge(format!(
                "plugin \"{}\" tried to cache {} bytes under \"{key}\"; a value has at most {VALUE_BYTES}",
                self.caller.plugin(),
                value.len()
            )));
        }
        let ttl = (ttl_seconds > 0).then(|| Duration::from_secs(ttl_seconds.into()));
        Ok(access.cache.set(key, value, ttl).await?)
    }

    async fn remove(&self, key: &str) -> Result<(), Error> {
        let access = self.state()?;
        check(self.caller, access.write.as_ref(), "write", key)?;
        Ok(access.cache.delete(key).await?)
    }
}

/// Adds `cache-read` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_read(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    cache_read::add_to_linker::<_, Of<CacheAccess>>(linker, Guest::view::<CacheAccess>)
}

/// Adds `cache-write` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_write(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    cache_write::add_to_linker::<_, Of<CacheAccess>>(linker, Guest::view::<CacheAccess>)
}

impl cache_read::Host for View<'_, CacheAccess> {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, types::Error> {
        Ok(self.read(&key).await?)
    }
}

impl cache_write::Host for View<'_, CacheAccess> {
    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_seconds: u32,
    ) -> Result<(), types::Error> {
        Ok(self.write(&key, value, ttl_seconds).await?)
    }

    async fn delete(&mut self, key: String) -> Result<(), types::Error> {
        Ok(self.remove(&key).await?)
    }
}

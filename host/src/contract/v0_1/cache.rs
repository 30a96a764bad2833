//! `cache-read` and `cache-write`.

use super::generated::plugin::goatherd::plugin::{cache_read, cache_write};
use crate::contract::Error;
use crate::contract::host::{CacheRead, CacheWrite};

impl<V: CacheRead> cache_read::Host for V {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        CacheRead::get(self, key).await
    }
}

impl<V: CacheWrite> cache_write::Host for V {
    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_sec: Option<u32>,
    ) -> Result<(), Error> {
        CacheWrite::set(self, key, value, ttl_sec).await
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        CacheWrite::delete(self, key).await
    }

    async fn increment(
        &mut self,
        key: String,
        by: i64,
        ttl_sec: Option<u32>,
    ) -> Result<i64, Error> {
        CacheWrite::increment(self, key, by, ttl_sec).await
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        change: cache_write::Swap,
        ttl_sec: Option<u32>,
    ) -> Result<bool, Error> {
        CacheWrite::compare_and_set(self, key, change.expected, change.new, ttl_sec).await
    }
}

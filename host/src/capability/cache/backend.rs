//! What a cache back-end has to do.
//!
//! A back-end gives each plugin a cache of its own, in which no other plugin's keys exist. Keys and values arrive
//! checked against scope and size. What a back-end promises: a value is returned until it expires or is evicted, never
//! after, and a plugin that fills its quota evicts only its own entries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::contract::PluginName;

/// A cache that plugins share the use of, but not the contents.
pub trait Cache: Send + Sync + 'static {
    /// The part of the cache that is one plugin's.
    fn open(&self, plugin: &PluginName) -> Arc<dyn PluginCache>;
}

/// One plugin's cache.
#[async_trait]
pub trait PluginCache: Send + Sync + 'static {
    /// The value under a key.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Puts a value under a key; without a time to live it does not expire.
    async fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), Unavailable>;

    /// Removes what is under a key.
    async fn delete(&self, key: &str) -> Result<(), Unavailable>;
}

/// The cache does not answer.
#[derive(Debug, Error)]
#[error("the cache does not answer: {0}")]
pub struct Unavailable(pub String);

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

    /// Adds to the number under a key, in decimal digits, and gives the sum; in one step. Where nothing is, it counts from
    /// 0, and only then the entry gets this time to live.
    async fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, IncrementError>;

    /// Puts a value under a key if the expected one is there, in one step, and says whether it did. None is no entry.
    async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<bool, Unavailable>;

    /// Some of the keys that begin with one of these; which come next is said by [`Keys::next`], and `after` is that of the
    /// part before, or nothing for the first part. A key that is there from the first part to the last is in at least one of
    /// them. Looking at keys is no use of their entries, and holds up nobody else.
    async fn keys(&self, beginnings: &[String], after: Option<u64>) -> Result<Keys, Unavailable>;
}

/// A part of the keys that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys, in no order; none only in the last part.
    pub keys: Vec<String>,
    /// What the next part comes after; none for the last part.
    pub next: Option<u64>,
}

/// How many keys a part has, about.
pub(super) const PART: usize = 1_000;

/// Why nothing was added to a number.
#[derive(Debug, Error)]
pub enum IncrementError {
    /// The cache does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is there is no number of 64 bits in decimal digits.
    #[error("what is there is no number")]
    NotANumber,
    /// The sum is none of 64 bits.
    #[error("the sum has more than 64 bits")]
    Overflow,
}

/// The number that a value is: what [`PluginCache::increment`] takes for one. Only what it would write itself is one, which
/// `+1`, `007` and `-0` are not, as Redis has it.
pub(super) fn number(value: &[u8]) -> Result<i64, IncrementError> {
    let text = std::str::from_utf8(value).ok();
    let number = text.and_then(|text| text.parse().ok().filter(|n: &i64| n.to_string() == text));
    number.ok_or(IncrementError::NotANumber)
}

/// The cache does not answer.
#[derive(Debug, Error)]
#[error("the cache does not answer: {0}")]
pub struct Unavailable(pub String);

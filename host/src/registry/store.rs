//! Where records are kept.

use async_trait::async_trait;

use super::{Record, StoreFault};
use crate::contract::PluginName;

/// Keeps records. Implement it to keep them elsewhere. Each function happens wholly or not at all, and each can fail.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts a record in the place of the one with its slug, with a revision that no record of the store ever had.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Stale`] unless the store has the record's revision, or has no such record and the revision is 0.
    async fn upsert(&self, record: &Record) -> Result<(), StoreFault>;

    /// The record with this slug.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault>;

    /// All records, by slug.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn all(&self) -> Result<Vec<Record>, StoreFault>;

    /// Removes the record with this slug, and says whether there was one.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn delete(&self, slug: &PluginName) -> Result<bool, StoreFault>;

    /// A number that is another one after each change by whomever. Asked twice a second where others share the store.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn version(&self) -> Result<u64, StoreFault>;
}

#[async_trait]
impl Store for Box<dyn Store> {
    async fn upsert(&self, record: &Record) -> Result<(), StoreFault> {
        (**self).upsert(record).await
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        (**self).get(slug).await
    }

    async fn all(&self) -> Result<Vec<Record>, StoreFault> {
        (**self).all().await
    }

    async fn delete(&self, slug: &PluginName) -> Result<bool, StoreFault> {
        (**self).delete(slug).await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        (**self).version().await
    }
}

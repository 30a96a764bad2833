//! Where records are kept.

use async_trait::async_trait;

use super::{Record, StoreFault};
use crate::contract::PluginName;

/// Keeps records. Implement it to keep them elsewhere. Each function happens wholly or not at all, and each can fail.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts a record in the place of the one with its slug; gives its new revision, which is the store's new version.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Stale`] unless the store has the record's revision, or has no such record and the revision is 0.
    async fn upsert(&self, record: &Record) -> Result<u64, StoreFault>;

    /// The record with this slug.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault>;

    /// All records by slug, and the version at which they are these.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault>;

    /// Removes the record of this slug and revision; gives the new version.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Stale`] unless the store has this revision.
    async fn delete(&self, slug: &PluginName, revision: u64) -> Result<u64, StoreFault>;

    /// A number that is higher after each change by whomever. Asked twice a second where others share the store.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn version(&self) -> Result<u64, StoreFault>;
}

#[async_trait]
impl Store for Box<dyn Store> {
    async fn upsert(&self, record: &Record) -> Result<u64, StoreFault> {
        (**self).upsert(record).await
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        (**self).get(slug).await
    }

    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault> {
        (**self).all().await
    }

    async fn delete(&self, slug: &PluginName, revision: u64) -> Result<u64, StoreFault> {
        (**self).delete(slug, revision).await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        (**self).version().await
    }
}

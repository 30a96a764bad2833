//! Where policies and the audit trail are kept.

use async_trait::async_trait;

use super::{AuditEntry, AuditEvent, AuditPage, ResourcePolicy};
use crate::contract::PluginName;
use crate::registry::StoreFault;

/// Keeps policies. Implement it to keep them elsewhere. Each function happens wholly or not at all, and each can fail.
///
/// Revisions, versions and the numbers of entries are one sequence: the change that makes version 7 gives its policy
/// revision 7 and its entry the number 7.
#[async_trait]
pub trait PolicyStore: Send + Sync + 'static {
    /// Puts a policy in the place of the plugin's present one, and enters what happened into the audit trail; gives the new version.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Stale`] unless the store has the policy's revision, or has no policy of the plugin and the revision is 0.
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault>;

    /// Removes the policy of this plugin and revision, and enters what happened into the audit trail; gives the new version.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Stale`] unless the store has this revision.
    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault>;

    /// The policy of a plugin.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault>;

    /// All policies by plugin, and the version at which they are these.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault>;

    /// A number that is higher after each change by whomever. Asked twice a second where others share the store.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn version(&self) -> Result<u64, StoreFault>;

    /// Entries of the audit trail, newest first.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault>;
}

#[async_trait]
impl PolicyStore for Box<dyn PolicyStore> {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        (**self).put(policy, event).await
    }

    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault> {
        (**self).remove(plugin, revision, event).await
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        (**self).get(plugin).await
    }

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        (**self).all().await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        (**self).version().await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        (**self).audit(page).await
    }
}

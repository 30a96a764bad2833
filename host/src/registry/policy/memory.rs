//! Policies in this process, gone when it ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{AuditEntry, AuditEvent, AuditPage, PolicyStore, ResourcePolicy};
use crate::contract::PluginName;
use crate::registry::StoreFault;

/// How many policies it takes, and how many entries it remembers, unless said otherwise.
const LIMIT: usize = 10_000;

/// A bounded store in memory. It takes a number of policies, and remembers as many of the newest entries of the audit trail;
/// who must keep all of them keeps them in a database.
pub struct MemoryPolicies {
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    policies: BTreeMap<PluginName, ResourcePolicy>,
    entries: VecDeque<AuditEntry>,
    version: u64,
}

impl MemoryPolicies {
    /// A store of at most `limit` policies.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryPolicies {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Kept {
    fn revision(&self, plugin: &PluginName) -> u64 {
        self.policies
            .get(plugin)
            .map_or(0, |policy| policy.revision)
    }

    /// The next version, with its entry.
    fn next(&mut self, event: &AuditEvent, limit: usize) -> u64 {
        self.version += 1;
        self.entries.push_front(AuditEntry {
            id: self.version,
            event: event.clone(),
        });
        self.entries.truncate(limit);
        self.version
    }
}

#[async_trait]
impl PolicyStore for MemoryPolicies {
    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        let mut kept = self.lock();
        if kept.revision(&policy.plugin) != policy.revision {
            return Err(StoreFault::Stale);
        }
        if policy.revision == 0 && kept.policies.len() >= self.limit {
            return Err(StoreFault::Full { limit: self.limit });
        }
        let mut next = policy.clone();
        next.revision = kept.next(event, self.limit);
        kept.policies.insert(next.plugin.clone(), next);
        Ok(kept.version)
    }

    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault> {
        let mut kept = self.lock();
        if revision == 0 || kept.revision(plugin) != revision {
            return Err(StoreFault::Stale);
        }
        kept.policies.remove(plugin);
        Ok(kept.next(event, self.limit))
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        Ok(self.lock().policies.get(plugin).cloned())
    }

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        let kept = self.lock();
        Ok((kept.version, kept.policies.values().cloned().collect()))
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        Ok(self.lock().version)
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreFault> {
        let kept = self.lock();
        let wanted = kept.entries.iter().filter(|entry| {
            page.before.is_none_or(|before| entry.id < before)
                && page
                    .plugin
                    .as_ref()
                    .is_none_or(|plugin| *plugin == entry.event.plugin)
        });
        Ok(wanted.take(page.limit()).cloned().collect())
    }
}

//! Records in this process, gone when it ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Record, Store, StoreFault};
use crate::contract::PluginName;

/// How many records it takes, unless said otherwise.
const LIMIT: usize = 10_000;

/// A bounded store in memory.
pub struct MemoryStore {
    limit: usize,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_slug: BTreeMap<PluginName, Record>,
    version: u64,
}

impl MemoryStore {
    /// A store of at most `limit` records.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            records: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn upsert(&self, record: &Record) -> Result<(), StoreFault> {
        let mut records = self.lock();
        let present = records.by_slug.get(&record.slug);
        if present.map_or(0, |present| present.revision) != record.revision {
            return Err(StoreFault::Stale);
        }
        if present.is_none() && records.by_slug.len() >= self.limit {
            return Err(StoreFault::Full { limit: self.limit });
        }
        records.version += 1;
        let mut next = record.clone();
        next.revision = records.version;
        records.by_slug.insert(next.slug.clone(), next);
        Ok(())
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        Ok(self.lock().by_slug.get(slug).cloned())
    }

    async fn all(&self) -> Result<Vec<Record>, StoreFault> {
        Ok(self.lock().by_slug.values().cloned().collect())
    }

    async fn delete(&self, slug: &PluginName) -> Result<bool, StoreFault> {
        let mut records = self.lock();
        let removed = records.by_slug.remove(slug).is_some();
        records.version += u64::from(removed);
        Ok(removed)
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        Ok(self.lock().version)
    }
}

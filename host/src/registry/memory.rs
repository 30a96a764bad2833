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

impl Records {
    fn revision(&self, slug: &PluginName) -> u64 {
        self.by_slug.get(slug).map_or(0, |record| record.revision)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn upsert(&self, record: &Record) -> Result<u64, StoreFault> {
        let mut records = self.lock();
        if records.revision(&record.slug) != record.revision {
            return Err(StoreFault::Stale);
        }
        if record.revision == 0 && records.by_slug.len() >= self.limit {
            return Err(StoreFault::Full { limit: self.limit });
        }
        records.version += 1;
        let mut next = record.clone();
        next.revision = records.version;
        records.by_slug.insert(next.slug.clone(), next);
        Ok(records.version)
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        Ok(self.lock().by_slug.get(slug).cloned())
    }

    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault> {
        let records = self.lock();
        Ok((records.version, records.by_slug.values().cloned().collect()))
    }

    async fn delete(&self, slug: &PluginName, revision: u64) -> Result<u64, StoreFault> {
        let mut records = self.lock();
        if revision == 0 || records.revision(slug) != revision {
            return Err(StoreFault::Stale);
        }
        records.by_slug.remove(slug);
        records.version += 1;
        Ok(records.version)
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        Ok(self.lock().version)
    }
}

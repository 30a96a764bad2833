//! The plugins table in use.
//!
//! Readers get what is in memory. Each change goes to the store first and is in memory when it returns; what others changed
//! is seen within half a second ([`Service::follow`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use serde_json::{Map, Value};

use super::replicated::{Changes, Next, Replica, Replicated, Source};
use super::{
    Arrangement, Capability, CapabilitySlug, MemoryStore, Record, RegistryError, Store, StoreFault,
    Workflow,
};
use crate::contract::PluginName;

/// The plugins table and the capabilities. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Service(pub(super) Arc<Shared>);

pub(super) struct Shared {
    records: Replicated<Record, Stored>,
    check: Option<Box<dyn ConfigCheck>>,
    pub(super) capabilities: ArcSwap<BTreeMap<CapabilitySlug, Capability>>,
    pub(super) workflows: ArcSwap<BTreeMap<String, Arc<Workflow>>>,
}

/// The store.
struct Stored(Box<dyn Store>);

/// Tells which records changed, also by other nodes.
pub type RecordChanges = Changes<Record>;

impl Replica for Record {
    fn name(&self) -> &PluginName {
        &self.slug
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn with_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn place(&self) -> i32 {
        self.sort
    }
}

#[async_trait]
impl Source<Record> for Stored {
    type Note = ();

    async fn all(&self) -> Result<(u64, Vec<Record>), StoreFault> {
        self.0.all().await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        self.0.version().await
    }

    async fn get(&self, slug: &PluginName) -> Result<Option<Record>, StoreFault> {
        self.0.get(slug).await
    }

    async fn put(&self, record: &Record, (): &()) -> Result<u64, StoreFault> {
        self.0.upsert(record).await
    }

    async fn remove(&self, slug: &PluginName, revision: u64, (): &()) -> Result<u64, StoreFault> {
        self.0.delete(slug, revision).await
    }
}

/// Says whether settings fit, by what the plugin said about them.
pub trait ConfigCheck: Send + Sync + 'static {
    /// Checks the whole settings of a plugin before they are stored.
    ///
    /// # Errors
    ///
    /// What does not fit, one line for each field.
    fn check(&self, slug: &PluginName, config: &Map<String, Value>) -> Result<(), String>;
}

impl Default for Service {
    fn default() -> Self {
        Self::new()
    }
}

impl Service {
    /// A service whose records are in memory and gone when it ends.
    #[must_use]
    pub fn new() -> Self {
        Self::assemble(Box::new(MemoryStore::default()), None)
    }

    /// A service whose records are in a store, all of which it reads.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn with_store(store: impl Store) -> Result<Self, RegistryError> {
        let service = Self::assemble(Box::new(store), None);
        service.refresh().await?;
        Ok(service)
    }

    /// The same, with settings checked by what plugins say about them.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn with_checked_store(
        store: impl Store,
        check: impl ConfigCheck,
    ) -> Result<Self, RegistryError> {
        let service = Self::assemble(Box::new(store), Some(Box::new(check)));
        service.refresh().await?;
        Ok(service)
    }

    fn assemble(store: Box<dyn Store>, check: Option<Box<dyn ConfigCheck>>) -> Self {
        Self(Arc::new(Shared {
            records: Replicated::new(Stored(store), "the plugins table"),
            check,
            capabilities: ArcSwap::default(),
            workflows: ArcSwap::default(),
        }))
    }

    /// Adds a record, or takes over everything but the settings into the one that is there; settings are merged.
    ///
    /// # Errors
    ///
    /// When the settings do not fit or the store refuses.
    pub async fn register(&self, record: Record) -> Result<(), RegistryError> {
        let slug = record.slug.clone();
        self.change(&slug, |present| {
            let mut next = record.clone();
            if let Some(present) = present {
                next.config = merged(&present.config, &record.config);
            }
            Ok(next)
        })
        .await
    }

    /// Adds a record unless there is one with its slug, which stays as an administrator left it. What an application calls
    /// when it starts.
    ///
    /// # Errors
    ///
    /// When the settings do not fit or the store refuses.
    pub async fn ensure(&self, record: Record) -> Result<(), RegistryError> {
        if self.get(record.slug.as_str()).is_some() {
            return Ok(());
        }
        let slug = record.slug.clone();
        self.change(&slug, |present| {
            Ok(present.unwrap_or_else(|| record.clone()))
        })
        .await
    }

    /// Switches a record on.
    ///
    /// # Errors
    ///
    /// When there is none or the store refuses.
    pub async fn enable(&self, slug: &str) -> Result<(), RegistryError> {
        self.update(slug, |record| record.enabled = true).await
    }

    /// Switches a record off; its capabilities run no more.
    ///
    /// # Errors
    ///
    /// When there is none or the store refuses.
    pub async fn disable(&self, slug: &str) -> Result<(), RegistryError> {
        self.update(slug, |record| record.enabled = false).await
    }

    /// Merges settings into a record's: what is given replaces what is there, null removes it, the rest stays.
    ///
    /// # Errors
    ///
    /// When there is none, the settings do not fit, or the store refuses.
    pub async fn configure(
        &self,
        slug: &str,
        config: &Map<String, Value>,
    ) -> Result<(), RegistryError> {
        self.update(slug, |record| {
            record.config = merged(&record.config, config)
        })
        .await
    }

    /// Changes how a record is shown: whether it is in the navigation, where it stands there, what it is called.
    ///
    /// # Errors
    ///
    /// When there is none or the store refuses.
    pub async fn arrange(&self, slug: &str, change: &Arrangement) -> Result<(), RegistryError> {
        self.update(slug, |record| record.arrange(change)).await
    }

    /// Removes a record.
    ///
    /// # Errors
    ///
    /// When there is none or the store refuses.
    pub async fn remove(&self, slug: &str) -> Result<(), RegistryError> {
        let name = self.known(slug)?;
        let decide = |present: Option<&Record>| match present {
            Some(_) => Ok(Next::Remove(())),
            None => Err(self.unknown(slug)),
        };
        let removed = self
            .0
            .records
            .change(&name, decide, |fault| refused(slug, fault));
        removed.await.map(drop)
    }

    /// One setting of a record.
    #[must_use]
    pub fn config_value(&self, slug: &str, key: &str) -> Option<Value> {
        self.get(slug)?.config.get(key).cloned()
    }

    /// A record.
    #[must_use]
    pub fn get(&self, slug: &str) -> Option<Arc<Record>> {
        self.0.records.known().get(slug).cloned()
    }

    /// Whether there is such a record and it is on.
    #[must_use]
    pub fn is_enabled(&self, slug: &str) -> bool {
        self.get(slug).is_some_and(|record| record.enabled)
    }

    /// All records in their order.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Record>> {
        self.0.records.known().listed().to_vec()
    }

    /// The records that are on and in the navigation, in their order.
    #[must_use]
    pub fn nav(&self) -> Vec<Arc<Record>> {
        let records = self.0.records.known();
        let shown = records.listed().iter();
        shown
            .filter(|record| record.enabled && record.nav)
            .cloned()
            .collect()
    }

    /// Reads all records again, after somebody else changed the store.
    ///
    /// # Errors
    ///
    /// When the store cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), RegistryError> {
        let refreshed = self.0.records.refresh().await;
        refreshed.map_err(|fault| refused("the plugins table", fault))
    }

    /// Tells of changes from now on; also of those by other nodes, while somebody [follows](Self::follow) them.
    #[must_use]
    pub fn changes(&self) -> RecordChanges {
        self.0.records.changes()
    }

    /// Looks every half second whether another node changed something, until nobody has the service any more or the future
    /// is dropped. A store that does not answer is asked again; what was known stays.
    pub fn follow(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.records.follow()
    }

    async fn update(&self, slug: &str, change: impl Fn(&mut Record)) -> Result<(), RegistryError> {
        let name = self.known(slug)?;
        self.change(&name, |present| {
            let mut next = present.ok_or_else(|| self.unknown(slug))?;
            change(&mut next);
            Ok(next)
        })
        .await
    }

    /// Changes what the store has, not what is known of it here.
    async fn change(
        &self,
        slug: &PluginName,
        change: impl Fn(Option<Record>) -> Result<Record, RegistryError>,
    ) -> Result<(), RegistryError> {
        let decide = |present: Option<&Record>| {
            let next = change(present.cloned())?;
            if let Some(check) = &self.0.check {
                let fits = check.check(slug, &next.config);
                fits.map_err(|reason| RegistryError::Config {
                    slug: slug.clone(),
                    reason,
                })?;
            }
            Ok(Next::Put(next, ()))
        };
        let changed = self
            .0
            .records
            .change(slug, decide, |fault| refused(slug.as_str(), fault));
        changed.await.map(drop)
    }

    fn known(&self, slug: &str) -> Result<PluginName, RegistryError> {
        slug.parse().map_err(|_| self.unknown(slug))
    }

    fn unknown(&self, slug: &str) -> RegistryError {
        let records = self.0.records.known();
        RegistryError::Unknown {
            slug: slug.to_owned(),
            known: listed(records.names().map(PluginName::as_str)),
        }
    }
}

fn refused(slug: &str, fault: StoreFault) -> RegistryError {
    RegistryError::Store {
        slug: slug.to_owned(),
        fault,
    }
}

pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.take(50).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn merged(present: &Map<String, Value>, change: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = present.clone();
    for (key, value) in change {
        if value.is_null() {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

//! The plugins table in use.
//!
//! Readers get what is in memory. Each change goes to the store first, as a change of one revision that is tried again when
//! somebody else was faster, and is in memory when the change returns. No lock is held while the store works: what was read
//! from it later replaces what was read earlier, whichever arrives first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::back_off::{TRIES, back_off};
use super::{
    Arrangement, Capability, CapabilitySlug, MemoryStore, Record, RegistryError, Store, StoreFault,
    Workflow,
};
use crate::contract::PluginName;

/// How often the store is asked whether another node changed something.
const INTERVAL: Duration = Duration::from_millis(500);

/// The plugins table and the capabilities. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Service(pub(super) Arc<Parts>);

pub(super) struct Parts {
    store: Box<dyn Store>,
    check: Option<Box<dyn ConfigCheck>>,
    records: ArcSwap<Snapshot>,
    pub(super) capabilities: ArcSwap<BTreeMap<CapabilitySlug, Capability>>,
    pub(super) workflows: ArcSwap<BTreeMap<String, Arc<Workflow>>>,
    reads: AtomicU64,
    changes: watch::Sender<()>,
}

/// All records as they were read at some time.
#[derive(Default)]
struct Snapshot {
    by_slug: BTreeMap<PluginName, Arc<Record>>,
    /// The same in their order.
    sorted: Vec<Arc<Record>>,
    /// The number of the reading. Of two, the later one knows more.
    read: u64,
    version: u64,
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
        Self(Arc::new(Parts {
            store,
            check,
            records: ArcSwap::default(),
            capabilities: ArcSwap::default(),
            workflows: ArcSwap::default(),
            reads: AtomicU64::new(0),
            changes: watch::Sender::new(()),
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
                next.revision = present.revision;
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
        let removed = self.0.store.delete(&name).await;
        if !removed.map_err(|fault| refused(slug, fault))? {
            return Err(self.unknown(slug));
        }
        self.refresh().await
    }

    /// One setting of a record.
    #[must_use]
    pub fn config_value(&self, slug: &str, key: &str) -> Option<Value> {
        self.get(slug)?.config.get(key).cloned()
    }

    /// A record.
    #[must_use]
    pub fn get(&self, slug: &str) -> Option<Arc<Record>> {
        self.0.records.load().by_slug.get(slug).cloned()
    }

    /// Whether there is such a record and it is on.
    #[must_use]
    pub fn is_enabled(&self, slug: &str) -> bool {
        self.get(slug).is_some_and(|record| record.enabled)
    }

    /// All records in their order.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Record>> {
        self.0.records.load().sorted.clone()
    }

    /// The records that are on and in the navigation, in their order.
    #[must_use]
    pub fn nav(&self) -> Vec<Arc<Record>> {
        let records = self.0.records.load();
        let shown = records.sorted.iter();
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
        let read = self.0.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = |fault| refused("the plugins table", fault);
        // The version first: a change between the two is seen again rather than missed.
        let version = self.0.store.version().await.map_err(fault)?;
        let all = self.0.store.all().await.map_err(fault)?;
        let mut sorted: Vec<_> = all.into_iter().map(Arc::new).collect();
        let by_slug: BTreeMap<_, _> = sorted
            .iter()
            .map(|record| (record.slug.clone(), Arc::clone(record)))
            .collect();
        sorted.sort_by(|one, other| (one.sort, &one.slug).cmp(&(other.sort, &other.slug)));
        let next = Arc::new(Snapshot {
            by_slug,
            sorted,
            read,
            version,
        });
        self.0.records.rcu(|present| {
            if present.read < read {
                Arc::clone(&next)
            } else {
                Arc::clone(present)
            }
        });
        self.0.changes.send_replace(());
        Ok(())
    }

    /// Tells of every change of the records, after it; also of those by other nodes, while somebody
    /// [follows](Self::follow) them.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// Looks every half second whether another node changed something, until nobody has the service any more or the future
    /// is dropped. A store that does not answer is asked again; what was known stays.
    pub fn follow(&self) -> impl Future<Output = ()> + Send + use<> {
        Self::follow_weakly(Arc::downgrade(&self.0))
    }

    async fn follow_weakly(parts: Weak<Parts>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            ticks.tick().await;
            let Some(service) = Weak::upgrade(&parts).map(Self) else {
                return;
            };
            let looked = service.look().await;
            match &looked {
                Err(error) if !silent => tracing::warn!("changes by others are not seen: {error}"),
                Ok(()) if silent => tracing::info!("changes by others are seen again"),
                _ => {}
            }
            silent = looked.is_err();
        }
    }

    async fn look(&self) -> Result<(), RegistryError> {
        let version = self.0.store.version().await;
        let version = version.map_err(|fault| refused("the plugins table", fault))?;
        if version == self.0.records.load().version {
            return Ok(());
        }
        self.refresh().await
    }

    async fn update(&self, slug: &str, change: impl Fn(&mut Record)) -> Result<(), RegistryError> {
        let name: PluginName = slug.parse().map_err(|_| self.unknown(slug))?;
        self.change(&name, |present| {
            let mut next = present.ok_or_else(|| self.unknown(slug))?;
            change(&mut next);
            Ok(next)
        })
        .await
    }

    /// Changes what the store has, not what is known of it here, and tries again when somebody else was faster.
    async fn change(
        &self,
        slug: &PluginName,
        change: impl Fn(Option<Record>) -> Result<Record, RegistryError>,
    ) -> Result<(), RegistryError> {
        let fault = |fault| refused(slug.as_str(), fault);
        for attempt in 0..TRIES {
            let next = change(self.0.store.get(slug).await.map_err(fault)?)?;
            if let Some(check) = &self.0.check {
                let fits = check.check(slug, &next.config);
                fits.map_err(|reason| RegistryError::Config {
                    slug: slug.clone(),
                    reason,
                })?;
            }
            match self.0.store.upsert(&next).await {
                Ok(()) => return self.refresh().await,
                Err(StoreFault::Stale) => back_off(attempt).await,
                Err(other) => return Err(fault(other)),
            }
        }
        Err(fault(StoreFault::Stale))
    }

    fn known(&self, slug: &str) -> Result<PluginName, RegistryError> {
        slug.parse().map_err(|_| self.unknown(slug))
    }

    fn unknown(&self, slug: &str) -> RegistryError {
        let records = self.0.records.load();
        RegistryError::Unknown {
            slug: slug.to_owned(),
            known: listed(records.by_slug.keys().map(PluginName::as_str)),
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

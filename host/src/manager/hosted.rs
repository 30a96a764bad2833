//! Plugins in the plugins table.
//!
//! Each plugin has a record in the registry, made when it is first seen. The record says whether an administrator wants the
//! plugin on, and outlives restarts; the manager's table says what became of that wish. Switching a record, here or on
//! another node, switches the plugin. While a plugin is enabled, what it registered as capabilities can be run under its
//! name; capabilities of the application under that name stay as they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;

use super::error::{Failure, ManagerError};
use super::handle::Handle;
use super::table::{Entry, State, Table};
use super::{Manager, Parts};
use crate::contract::registration::Registration;
use crate::contract::{Error, Json};
use crate::registry::{
    Capability, CapabilitySlug, Kind, Record, RecordChanges, RegistryError, Schema, Schemas,
    Service, Store,
};

/// A plugins table that a manager keeps in step with its plugins.
#[derive(Clone)]
pub struct Hosting {
    /// The records, and the capabilities that hang on them.
    pub registry: Service,
    /// What the settings of loaded plugins have to look like. The service must have been made with it.
    schemas: Schemas,
    /// What the inputs of plugins' capabilities have to look like.
    inputs: Arc<ArcSwap<BTreeMap<CapabilitySlug, Arc<Schema>>>>,
}

impl Hosting {
    /// A plugins table in a store, all of which is read. Settings are checked by the schemas of plugins.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn with_store(store: impl Store) -> Result<Self, RegistryError> {
        let schemas = Schemas::default();
        let registry = Service::with_checked_store(store, schemas.clone()).await?;
        Ok(Self {
            registry,
            schemas,
            inputs: Arc::default(),
        })
    }

    /// The record of a plugin that is seen for the first time.
    pub(crate) fn record_of(registration: &Registration) -> Record {
        Record::new(registration.name.clone(), kind(registration))
    }

    /// Sees to it that a plugin has a record, and that its settings and the inputs of its capabilities are checked by what it
    /// says about them.
    ///
    /// # Errors
    ///
    /// When a schema is none, and when the store refuses.
    pub async fn host(&self, registration: &Registration) -> Result<(), Failure> {
        self.use_schemas(registration).await?;
        let ensured = self.registry.ensure(Self::record_of(registration)).await;
        ensured.map_err(Failure::from)
    }

    /// Checks by a plugin's schemas from now on.
    async fn use_schemas(&self, registration: &Registration) -> Result<(), Failure> {
        let name = &registration.name;
        let settings = match &registration.config_schema {
            Some(text) => {
                let what = || format!("the settings of plugin \"{name}\"");
                Some(compile(text.clone(), what).await?)
            }
            None => None,
        };
        let mut inputs = BTreeMap::new();
        for capability in &registration.capabilities {
            let slug = capability.slug.parse::<CapabilitySlug>();
            if let (Ok(slug), Some(text)) = (slug, &capability.input_schema) {
                let what = || format!("the input of capability \"{slug}\"");
                let schema = compile(text.clone(), what).await?;
                inputs.insert(slug, Arc::new(schema));
            }
        }
        match settings {
            Some(schema) => self.schemas.set(name.clone(), schema),
            None => self.schemas.remove(name.as_str()),
        }
        self.inputs.rcu(|present| {
            let mut next = (**present).clone();
            next.retain(|slug, _| slug.owner() != name.as_str());
            next.extend(inputs.clone());
            next
        });
        Ok(())
    }
}

/// Compiles a schema where that delays nobody.
async fn compile(text: Json, of: impl FnOnce() -> String) -> Result<Schema, Failure> {
    let compiled = tokio::task::spawn_blocking(move || Schema::compile(&text)).await;
    let compiled = compiled.map_err(|stopped| stopped.to_string());
    let schema = compiled.and_then(|schema| schema.map_err(|error| error.to_string()));
    schema.map_err(|reason| {
        let message = format!("{} cannot be checked: {reason}", of());
        Failure::new("invalid-argument", message)
    })
}

impl Manager {
    /// The plugins table, if the manager has one.
    pub fn registry(&self) -> Option<&Service> {
        self.0.hosting.as_ref().map(|hosting| &hosting.registry)
    }

    /// Whether an administrator wants a plugin on. Without a plugins table, everybody wants every plugin on.
    pub(super) fn is_wished(&self, name: &str) -> bool {
        let record = self.registry().and_then(|registry| registry.get(name));
        record.is_none_or(|record| record.enabled)
    }

    /// Sees to it that a plugin has a record, and that its settings are checked by what it says about them.
    pub(super) async fn record(&self, registration: &Registration) -> Result<(), Failure> {
        let Some(hosting) = &self.0.hosting else {
            return Ok(());
        };
        hosting.host(registration).await
    }

    /// Writes down what an administrator wants.
    pub(super) async fn wish(&self, name: &str, enabled: bool) -> Result<(), ManagerError> {
        let (Some(registry), Some(entry)) = (self.registry(), self.snapshot().get(name).cloned())
        else {
            return Ok(());
        };
        self.record(&entry.description.registration)
            .await
            .map_err(ManagerError::Failed)?;
        if registry.is_enabled(name) == enabled {
            return Ok(());
        }
        let written = if enabled {
            registry.enable(name).await
        } else {
            registry.disable(name).await
        };
        written.map_err(|error| ManagerError::Failed(Failure::from(error)))
    }

    /// Switches plugins as their records are switched, here or elsewhere, until the manager is gone. Looks for changes of
    /// other nodes every half second.
    pub fn follow_registry(&self) -> impl Future<Output = ()> + Send + use<> {
        let registry = self.registry().cloned();
        let manager = Arc::downgrade(&self.0);
        async move {
            if let Some(registry) = registry {
                let changes = registry.changes();
                let elsewhere = registry.follow();
                drop(registry);
                tokio::join!(elsewhere, follow(manager, changes));
            }
        }
    }

    /// Brings each plugin into the state that its record wants.
    async fn heed(&self) {
        let table = self.snapshot();
        let switches = table.plugins().map(|entry| async move {
            let name = entry.name().as_str();
            let wished = self.is_wished(name);
            let switched = match (wished, &entry.state) {
                (true, State::Disabled) => self.resume(name).await.map(drop),
                (
                    false,
                    State::Enabled(_) | State::Starting { .. } | State::Failed(_) | State::Unloaded,
                ) => self.take_back(name, State::Disabled).await,
                _ => Ok(()),
            };
            if let Err(error) = switched {
                tracing::warn!(plugin = name, "after its record was switched: {error}");
            }
        });
        futures::future::join_all(switches).await;
    }
}

async fn follow(manager: Weak<Parts>, mut changes: RecordChanges) {
    loop {
        let Some(manager) = manager.upgrade().map(Manager) else {
            return;
        };
        manager.heed().await;
        drop(manager);
        if changes.next().await.is_none() {
            return;
        }
    }
}

/// Offers the capabilities of the plugins that are enabled in `next`, and takes back those of plugins that were and are not.
pub(super) fn offer(hosting: &Hosting, present: &Table, next: &Table) {
    let registry = &hosting.registry;
    let inputs = hosting.inputs.load();
    for entry in present.enabled() {
        if !next
            .get(entry.name().as_str())
            .is_some_and(Entry::is_enabled)
        {
            for (slug, _) in capabilities(entry) {
                registry.unregister_capability(&slug);
            }
        }
    }
    for entry in next.enabled() {
        let before = present
            .get(entry.name().as_str())
            .filter(|before| before.is_enabled());
        if before.is_some_and(|before| Arc::ptr_eq(&before.description, &entry.description)) {
            continue;
        }
        let offered: Vec<_> = capabilities(entry).collect();
        for (slug, _) in before.into_iter().flat_map(capabilities) {
            if !offered.iter().any(|(kept, _)| *kept == slug) {
                registry.unregister_capability(&slug);
            }
        }
        for (slug, capability) in offered {
            let capability = match inputs.get(&slug) {
                Some(schema) => capability.taking(Arc::clone(schema)),
                None => capability,
            };
            registry.register_capability(slug, capability);
        }
    }
}

/// A plugin's capabilities, each of which calls whichever load of it serves.
fn capabilities(entry: &Entry) -> impl Iterator<Item = (CapabilitySlug, Capability)> {
    let handle = Handle::of(entry);
    let registered = entry.description.registration.capabilities.iter();
    registered.filter_map(move |one| {
        let slug: CapabilitySlug = one.slug.parse().ok()?;
        let (handle, function) = (handle.clone(), one.function.to_string());
        let capability = Capability::new(move |run, input| {
            let (handle, function) = (handle.clone(), function.clone());
            async move {
                let args = Json::from_value(&input)
                    .map_err(|error| Error::InvalidArgument(error.to_string()))?;
                let answer = handle.call_json(&function, &args, run.context).await;
                answer.map_err(|error| error.to_contract())
            }
        });
        Some((slug, capability.described(&*one.title, &*one.description)))
    })
}

/// What a plugin is, by what it adds.
fn kind(registration: &Registration) -> Kind {
    let shows = !registration.uis.is_empty()
        || !registration.menu_items.is_empty()
        || !registration.widgets.is_empty();
    if shows {
        Kind::Ui
    } else if registration.capabilities.is_empty() {
        Kind::Integration
    } else {
        Kind::Capability
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

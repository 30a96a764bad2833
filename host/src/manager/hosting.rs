//! What a manager keeps in a plugins table: a record for each plugin, and the capabilities of those that are enabled.
//!
//! Each plugin has a record in the registry, made when it is first seen, which outlives restarts. While a plugin is enabled,
//! what it registered as capabilities can be run under its name; capabilities of the application under that name stay as
//! they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use serde_json::Value;

use super::error::Failure;
use super::handle::Handle;
use super::table::{Entry, Table};
use crate::contract::registration::{CapabilityBody, Registration, WorkflowStep};
use crate::contract::{Error, Json};
use crate::registry::{
    Capability, CapabilitySlug, Kind, Record, RegistryError, Run, Schema, Schemas, Service, Step,
    Store, Undo, Workflow, WorkflowError,
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
        check_workflows(registration)?;
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
    let handle = entry.any_handle();
    let registered = entry.description.registration.capabilities.iter();
    registered.filter_map(move |one| {
        let slug: CapabilitySlug = one.slug.parse().ok()?;
        let capability = match &one.body {
            CapabilityBody::Function(function) => {
                Capability::new(calling(handle.clone(), function.to_string()))
            }
            // Whether its inputs mean only what is before them was checked when the plugin was loaded.
            CapabilityBody::Workflow(steps) => {
                Capability::of_workflow(workflow(&one.slug, steps).ok()?)
            }
        };
        Some((slug, capability.described(&*one.title, &*one.description)))
    })
}

/// What calls a function of a plugin with the input of a run.
fn calling(
    handle: Handle,
    function: String,
) -> impl Fn(Run, Value) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync + 'static {
    move |run, input| {
        let (handle, function) = (handle.clone(), function.clone());
        Box::pin(async move {
            let args = Json::from_value(&input)
                .map_err(|error| Error::InvalidArgument(error.to_string()))?;
            let answer = handle.call_json(&function, &args, run.context).await;
            answer.map_err(|error| error.to_contract())
        })
    }
}

/// The workflow that a plugin registered.
fn workflow(slug: &str, steps: &[WorkflowStep]) -> Result<Workflow, WorkflowError> {
    let value = |input: &Json| input.parse_as().unwrap_or(Value::Null);
    let steps = steps.iter().map(|step| Step {
        name: step.name.clone(),
        capability: step.capability.clone(),
        input: value(&step.input),
        undo: step.undo.as_ref().map(|undo| Undo {
            capability: undo.capability.clone(),
            input: value(&undo.input),
        }),
    });
    Workflow::new(slug, &steps.collect::<Vec<_>>())
}

/// Checks the workflows that a plugin registers.
fn check_workflows(registration: &Registration) -> Result<(), Failure> {
    for capability in &registration.capabilities {
        if let CapabilityBody::Workflow(steps) = &capability.body {
            workflow(&capability.slug, steps)
                .map_err(|error| Failure::new("invalid-argument", error.to_string()))?;
        }
    }
    Ok(())
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

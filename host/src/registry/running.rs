//! Capabilities in use: offered, taken back, run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::capability::DEPTH;
use super::service::listed;
use super::{Capability, CapabilitySlug, Run, RunError, Service, Workflow};
use crate::contract::CallContext;

impl Service {
    /// Offers a capability, in the place of an earlier one of that name.
    pub fn register_capability(&self, slug: CapabilitySlug, capability: Capability) {
        self.0.capabilities.rcu(|present| {
            let mut next = (**present).clone();
            next.insert(slug.clone(), capability.clone());
            next
        });
    }

    /// Takes back all capabilities that a record owns.
    pub fn unregister_capabilities(&self, owner: &str) {
        self.0.capabilities.rcu(|present| {
            let mut next = (**present).clone();
            next.retain(|slug, _| slug.owner() != owner);
            next
        });
    }

    /// Takes back one capability.
    pub fn unregister_capability(&self, slug: &CapabilitySlug) {
        self.0.capabilities.rcu(|present| {
            let mut next = (**present).clone();
            next.remove(slug);
            next
        });
    }

    /// Keeps a workflow under its name, for [`workflow_capability`](Self::workflow_capability).
    pub fn register_workflow(&self, workflow: Workflow) {
        let workflow = Arc::new(workflow);
        self.0.workflows.rcu(|present| {
            let mut next = (**present).clone();
            next.insert(workflow.name().to_owned(), Arc::clone(&workflow));
            next
        });
    }

    /// A capability that runs the workflow which has this name when it is run.
    #[must_use]
    pub fn workflow_capability(&self, name: impl Into<String>) -> Capability {
        let name = name.into();
        Capability::of_runs(move |run, input| {
            let name = name.clone();
            Box::pin(async move {
                let found = run.service.0.workflows.load().get(&name).cloned();
                let Some(workflow) = found else {
                    let known = run.service.0.workflows.load();
                    return Err(RunError::Unknown {
                        slug: name,
                        known: listed(known.keys().map(String::as_str)),
                    });
                };
                workflow.run(&run, input).await
            })
        })
    }

    /// All capabilities by name, also those whose owner is off.
    #[must_use]
    pub fn capabilities(&self) -> Vec<(CapabilitySlug, Capability)> {
        let all = self.0.capabilities.load();
        all.iter()
            .map(|(slug, one)| (slug.clone(), one.clone()))
            .collect()
    }

    /// Runs a capability.
    ///
    /// # Errors
    ///
    /// When there is none of that name, its owner is off, or it fails.
    pub async fn run_capability(
        &self,
        slug: &str,
        input: Value,
        context: CallContext,
    ) -> Result<Value, RunError> {
        let outermost = Run {
            context,
            service: self.clone(),
            trail: Vec::new(),
        };
        self.run_within(&outermost, slug, input).await
    }

    pub(super) async fn run_within(
        &self,
        outer: &Run,
        slug: &str,
        input: Value,
    ) -> Result<Value, RunError> {
        let all = self.0.capabilities.load_full();
        let Some((slug, capability)) = slug
            .parse::<CapabilitySlug>()
            .ok()
            .and_then(|slug| all.get_key_value(&slug))
        else {
            return Err(self.not_offered(slug, &all));
        };
        let owner = slug.owner();
        if self.get(owner).is_some_and(|record| !record.enabled) {
            return Err(RunError::Disabled {
                slug: slug.clone(),
                owner: owner.to_owned(),
            });
        }
        let mut run = outer.clone();
        run.trail.push(slug.clone());
        if run.trail.len() > DEPTH {
            return Err(RunError::Depth {
                slug: slug.clone(),
                limit: DEPTH,
                trail: run.way(),
            });
        }
        capability.call(run, input).await
    }

    /// Why nothing has this name: a plugin that is switched off takes its capabilities with it.
    fn not_offered(&self, slug: &str, all: &BTreeMap<CapabilitySlug, Capability>) -> RunError {
        let named = slug.parse::<CapabilitySlug>().ok();
        let owned = named.and_then(|slug| Some((self.get(slug.owner())?, slug)));
        match owned {
            Some((owner, slug)) if !owner.enabled => RunError::Disabled {
                slug,
                owner: owner.slug.to_string(),
            },
            _ => RunError::Unknown {
                slug: slug.to_owned(),
                known: listed(all.keys().map(CapabilitySlug::as_str)),
            },
        }
    }
}

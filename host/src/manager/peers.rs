//! What plugins get to see of each other.
//!
//! Each plugin is loaded with a way back to the table that it stands in. It is a weak one: plugins do not keep their
//! manager alive, and a manager that is gone has no plugins to call.

use std::sync::{Arc, Weak};

use async_trait::async_trait;

use super::handle::Handle;
use super::steps::{Manager, ManagerInner};
use super::table::Table;
use crate::capability::{Cascade, Peers};
use crate::contract::host::AvailableCapability;
use crate::contract::invocation::OnDelete;
use crate::contract::wire::handlers::Deletion;
use crate::contract::{CallContext, Error, Json, PluginName};
use crate::registry::Service;

/// The plugins of a manager, for one of them.
struct Neighbours(Weak<ManagerInner>);

impl Manager {
    /// The plugins of this manager, for whoever calls them in the course of something else, such as a deletion. Keeps the
    /// manager not alive.
    pub fn peers(&self) -> Arc<dyn Peers> {
        Arc::new(Neighbours(Arc::downgrade(&self.0)))
    }
}

impl Neighbours {
    fn table(&self) -> Option<Arc<Table>> {
        Some(self.0.upgrade()?.table.load_full())
    }

    /// The plugin of this name, where it serves; `function` is for the message.
    fn callee(&self, plugin: &str, function: &str, context: &CallContext) -> Result<Handle, Error> {
        let caller = context.chain.last().map_or("the host", PluginName::as_str);
        let table = self.table();
        let Some(entry) = table.as_ref().and_then(|table| table.get(plugin)) else {
            return Err(Error::NotFound(format!(
                "plugin \"{plugin}\" not found (required by \"{caller}\" to call \"{function}\")"
            )));
        };
        entry.handle().ok_or_else(|| {
            Error::Unavailable(format!(
                "plugin \"{plugin}\" is {} (required by \"{caller}\")",
                entry.state.name()
            ))
        })
    }

    fn registry(&self) -> Result<Service, Error> {
        let manager = self.0.upgrade().map(Manager);
        let registry = manager.and_then(|manager| manager.registry().cloned());
        registry.ok_or_else(|| Error::Unavailable("this host has no registry".to_owned()))
    }
}

#[async_trait]
impl Peers for Neighbours {
    async fn call(
        &self,
        plugin: &str,
        function: &str,
        args: Json,
        context: CallContext,
    ) -> Result<Json, Error> {
        let callee = self.callee(plugin, function, &context)?;
        let reply = callee.call(function, &args, context).await;
        let reply = reply.map_err(|error| error.to_contract())?;
        Json::parse(reply.into_string()).map_err(|error| {
            Error::Unavailable(format!(
                "plugin \"{plugin}\" answered \"{function}\" with text that is not JSON: {error}"
            ))
        })
    }

    fn cascades(&self, entity_type: &str) -> Vec<Cascade> {
        let Some(table) = self.table() else {
            return Vec::new();
        };
        let enabled = table.enabled();
        enabled
            .flat_map(|entry| {
                let registration = &entry.description.registration;
                let own = registration.cascades.iter();
                own.filter(|cascade| cascade.entity_type.as_str() == entity_type)
                    .map(|cascade| Cascade {
                        plugin: registration.name.clone(),
                        on_soft_delete: cascade.on_soft_delete.as_ref().map(ToString::to_string),
                        on_hard_delete: cascade.on_hard_delete.as_ref().map(ToString::to_string),
                    })
            })
            .collect()
    }

    async fn on_delete(
        &self,
        plugin: &PluginName,
        handler: &str,
        deletion: Deletion,
        context: CallContext,
    ) -> Result<(), Error> {
        let callee = self.callee(plugin.as_str(), handler, &context)?;
        let asked = OnDelete {
            handler,
            deletion: &deletion,
        };
        let answer = callee.ask(&asked, context).await;
        answer.map_err(|error| error.to_contract())
    }

    async fn run_capability(
        &self,
        slug: &str,
        input: Json,
        context: CallContext,
    ) -> Result<Json, Error> {
        let registry = self.registry()?;
        let input = input
            .parse_as()
            .map_err(|error| Error::InvalidArgument(error.to_string()))?;
        let output = registry.run_capability(slug, input, context).await;
        let output = output.map_err(|error| error.to_contract())?;
        Json::from_value(&output).map_err(|error| Error::Unavailable(error.to_string()))
    }

    fn capabilities(&self) -> Result<Vec<AvailableCapability>, Error> {
        let registry = self.registry()?;
        let all = registry.capabilities().into_iter();
        // Capabilities whose owner is off are listed by the registry, and cannot be run.
        let running = all.filter(|(slug, _)| {
            let owner = registry.get(slug.owner());
            owner.is_none_or(|owner| owner.enabled)
        });
        Ok(running
            .map(|(slug, capability)| AvailableCapability {
                slug: slug.to_string(),
                description: Some(capability.description.clone()).filter(|text| !text.is_empty()),
                input_schema: capability.input_schema(),
                title: capability.title,
            })
            .collect())
    }
}

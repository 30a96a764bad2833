//! The other plugins, as a capability sees them.
//!
//! Calling a plugin and asking which plugins take part in a deletion need the layer that knows all plugins, which is
//! above this one. [`Peers`] is what it offers downwards. A plugin that was loaded without it, alone, has no peers.

use async_trait::async_trait;

use crate::contract::host::AvailableCapability;
use crate::contract::wire::handlers::Deletion;
use crate::contract::{CallContext, Error, Json, PluginName};

/// The plugins of a host, from one plugin's point of view.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Calls a function of an enabled plugin, which may have to be loaded first. `context` is the callee's: it holds what
    /// is left of the deadline and a chain that ends in the caller.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] and [`Error::Unavailable`] with the contract's words for plugins that do not exist or do not
    /// serve, [`Error::Conflict`] for a chain that is too long, and the called function's own error as it is.
    async fn call(
        &self,
        plugin: &str,
        function: &str,
        args: Json,
        context: CallContext,
    ) -> Result<Json, Error>;

    /// What enabled plugins want to run when an entity of this type is deleted, in the order in which they are asked.
    fn cascades(&self, entity_type: &str) -> Vec<Cascade>;

    /// Asks a plugin's handler to take part in a deletion.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    async fn on_delete(
        &self,
        plugin: &PluginName,
        handler: &str,
        deletion: Deletion,
        context: CallContext,
    ) -> Result<(), Error>;

    /// Runs a capability or a workflow. `context` is that of [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for one that nobody has, [`Error::InvalidArgument`] for an input that is not as its schema says,
    /// [`Error::Unavailable`] where its plugin is off, and its own error as it is.
    async fn run_capability(
        &self,
        slug: &str,
        input: Json,
        context: CallContext,
    ) -> Result<Json, Error>;

    /// The capabilities and workflows that can be run now, by slug.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] where there is no registry.
    fn capabilities(&self) -> Result<Vec<AvailableCapability>, Error>;
}

/// A plugin's part in a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cascade {
    /// The plugin.
    pub plugin: PluginName,
    /// Its function for soft deletion.
    pub on_soft_delete: Option<String>,
    /// Its function for deletion for good.
    pub on_hard_delete: Option<String>,
}

/// There are no other plugins.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

#[async_trait]
impl Peers for Alone {
    async fn call(
        &self,
        plugin: &str,
        function: &str,
        _args: Json,
        context: CallContext,
    ) -> Result<Json, Error> {
        let caller = context.chain.last().map_or("the host", PluginName::as_str);
        Err(Error::NotFound(format!(
            "plugin \"{plugin}\" not found (required by \"{caller}\" to call \"{function}\")"
        )))
    }

    fn cascades(&self, _entity_type: &str) -> Vec<Cascade> {
        Vec::new()
    }

    async fn on_delete(
        &self,
        plugin: &PluginName,
        _handler: &str,
        _deletion: Deletion,
        _context: CallContext,
    ) -> Result<(), Error> {
        Err(Error::NotFound(format!("plugin \"{plugin}\" not found")))
    }

    async fn run_capability(
        &self,
        slug: &str,
        _input: Json,
        _context: CallContext,
    ) -> Result<Json, Error> {
        Err(Error::NotFound(format!(
            "there is no capability \"{slug}\": this host has no registry"
        )))
    }

    fn capabilities(&self) -> Result<Vec<AvailableCapability>, Error> {
        Err(Error::Unavailable("this host has no registry".to_owned()))
    }
}

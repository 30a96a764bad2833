//! `plugins`: calls to other plugins.
//!
//! The called plugin runs with its own grants, for the same user and organisation, within what is left of the caller's
//! deadline. Every call adds its caller to the chain; a chain ends at [`Chain::MAX_DEPTH`], so that plugins which call
//! each other in a circle end with an error that shows the way instead of running until the deadline.

use std::sync::Arc;

use wasmtime::component::Linker;

use crate::capability::{Guest, Of, Peers, PrepareError, Provider, Setup, Slot, View};
use crate::contract::v0_1::goatherd::plugin::{plugins, types};
use crate::contract::{CallContext, Chain, Error, Json};
use crate::permission::{PluginPattern, Scope};

/// Serves `plugins` with the peers that each plugin was loaded with.
#[derive(Debug, Clone, Copy, Default)]
pub struct PluginCalls;

impl Provider for PluginCalls {
    fn interfaces(&self) -> &'static [&'static str] {
        &["plugins"]
    }

    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        Ok(Slot::new(Calls {
            peers: Arc::clone(setup.peers),
            scope: setup.grants.plugins().cloned(),
        }))
    }
}

/// Which plugins one plugin may call.
pub struct Calls {
    peers: Arc<dyn Peers>,
    scope: Option<Scope<PluginPattern>>,
}

impl View<'_, Calls> {
    async fn pass_on(&self, plugin: &str, function: &str, args: String) -> Result<String, Error> {
        let calls = self.state()?;
        let caller = self.caller.plugin();
        if !calls
            .scope
            .as_ref()
            .is_some_and(|scope| scope.allows(plugin))
        {
            return Err(Error::PermissionDenied(format!(
                "plugin \"{caller}\" may not call plugin \"{plugin}\": its plugin_call grant does not cover it; grant \
                 plugin_call={plugin} to allow it"
            )));
        }
        let args = Json::parse(args).map_err(|error| {
            Error::InvalidArgument(format!(
                "plugin \"{caller}\" called \"{function}\" of plugin \"{plugin}\" with args that are not JSON: {error}"
            ))
        })?;
        let context = self.caller.context();
        let chain = context.chain.with(caller.clone());
        if chain.depth() > Chain::MAX_DEPTH {
            return Err(Error::Conflict(format!(
                "plugin \"{caller}\" may not call \"{function}\" of plugin \"{plugin}\": a chain of calls has at most {} \
                 calls, and this would be one more: {chain} → {plugin}",
                Chain::MAX_DEPTH
            )));
        }
        let context = CallContext {
            deadline: Some(self.caller.deadline()),
            chain,
            ..context.clone()
        };
        let reply = calls.peers.call(plugin, function, args, context).await?;
        Ok(reply.into_string())
    }
}

/// Adds the interface to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    plugins::add_to_linker::<_, Of<Calls>>(linker, Guest::view::<Calls>)
}

impl plugins::Host for View<'_, Calls> {
    async fn call(
        &mut self,
        plugin: String,
        function: String,
        args: String,
    ) -> Result<String, types::Error> {
        Ok(self.pass_on(&plugin, &function, args).await?)
    }
}

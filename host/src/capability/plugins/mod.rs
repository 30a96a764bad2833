//! `plugins`: calls to other plugins.
//!
//! The called plugin runs with its own grants, for the same user and organisation, within what is left of the caller's
//! deadline. Every call adds its caller to the chain; a chain ends at [`Chain::MAX_DEPTH`], so that plugins which call
//! each other in a cycle end with an error that shows the way instead of running until the deadline.

use std::fmt;
use std::sync::Arc;

use crate::capability::table::PLUGINS;
use crate::capability::{Caller, Interface, Of, Peers, PrepareError, Provider, Setup, View};
use crate::contract::bindings::link;
use crate::contract::{CallContext, Chain, Error, Json, host};
use crate::permission::{PluginPattern, Scope};

/// Serves `plugins` with the peers that each plugin was loaded with.
#[derive(Debug, Clone, Copy, Default)]
pub struct PluginCalls;

impl Provider for PluginCalls {
    type State = Calls;

    fn interfaces(&self) -> Vec<Interface<Calls>> {
        vec![Interface::known(PLUGINS, link::plugins::<_, Of<Calls>>)]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<Calls, PrepareError> {
        Ok(Calls {
            peers: Arc::clone(setup.peers),
            scope: setup.grants.plugins().cloned(),
        })
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
        let context = self.caller.onward(
            format_args!("\"{function}\" of plugin \"{plugin}\""),
            plugin,
        )?;
        let reply = calls.peers.call(plugin, function, args, context).await?;
        Ok(reply.into_string())
    }
}

impl Caller {
    /// The context of a call that the plugin makes to somebody else: for the same user and organisation, within what is
    /// left of the deadline, with the plugin at the end of the chain. `what` and `whom` are for the message.
    ///
    /// # Errors
    ///
    /// `conflict`, with the chain, when it would be longer than [`Chain::MAX_DEPTH`].
    pub(in crate::capability) fn onward(
        &self,
        what: impl fmt::Display,
        whom: &str,
    ) -> Result<CallContext, Error> {
        let caller = self.plugin();
        let context = self.context();
        let chain = context.chain.with(caller.clone());
        if chain.depth() > Chain::MAX_DEPTH {
            return Err(Error::Conflict(format!(
                "plugin \"{caller}\" may not call {what}: a chain of calls has at most {} calls, and this would be one \
                 more: {chain} → {whom}",
                Chain::MAX_DEPTH
            )));
        }
        Ok(CallContext {
            deadline: Some(self.deadline()),
            chain,
            ..context.clone()
        })
    }
}

impl host::Plugins for View<'_, Calls> {
    async fn call(
        &mut self,
        plugin: String,
        function: String,
        args: String,
    ) -> Result<String, Error> {
        self.pass_on(&plugin, &function, args).await
    }
}

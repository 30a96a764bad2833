//! How a call gets from a plugin's name to the load that serves.
//!
//! See [`Handle`] for what callers may rely on.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::error::ManagerError;
use super::handle::{Caller, Handle};
use super::steps::{Manager, ManagerInner};
use super::table::{Serving, State};
use crate::contract::{CallContext, Json, PluginName};
use crate::runtime::{CallError, Plugin, Reply};

#[async_trait]
impl Caller for ManagerInner {
    async fn call(
        self: Arc<Self>,
        plugin: &PluginName,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        Manager(self).call(plugin, function, args, context).await
    }
}

impl Manager {
    /// What calls a plugin, if it is enabled.
    pub fn plugin(&self, name: &str) -> Option<Handle> {
        self.0.table.load().get(name)?.handle()
    }

    /// Calls a function of whichever load serves, and of its successor if that one is shut down before the call began.
    async fn call(
        &self,
        name: &PluginName,
        function: &str,
        args: &Json,
        mut context: CallContext,
    ) -> Result<Reply, CallError> {
        let mut before: Option<Plugin> = None;
        loop {
            let plugin = match self.loaded(name)? {
                Some(plugin) => plugin,
                None => self.wake(name, &mut context).await?,
            };
            // The load that was shut down is still the one that serves: nobody took its place.
            if before.is_some_and(|before| before.is(&plugin)) {
                return Err(CallError::ShutDown {
                    plugin: name.clone(),
                });
            }
            match plugin.call(function, args, context.clone()).await {
                Err(CallError::ShutDown { .. }) => before = Some(plugin),
                ended => return ended,
            }
        }
    }

    /// The load of a plugin that serves; none if one has to be made.
    fn loaded(&self, name: &PluginName) -> Result<Option<Plugin>, CallError> {
        let table = self.0.table.load();
        let why = match table.get(name.as_str()).map(|entry| &entry.state) {
            Some(State::Enabled(Serving::Loaded(plugin))) => return Ok(Some(plugin.clone())),
            Some(State::Enabled(Serving::Idle | Serving::Waking { .. })) => return Ok(None),
            Some(State::Enabled(Serving::Files)) => {
                "it has files only, and no functions to call".to_owned()
            }
            Some(State::Failed(failure)) => failure.message.clone(),
            Some(State::Waiting { why } | State::Blocked { why }) => why.clone(),
            Some(other) => format!("it is {}", other.name()),
            None => "it is gone".to_owned(),
        };
        Err(CallError::NotServing {
            plugin: name.clone(),
            why,
        })
    }

    /// Loads a plugin for a call, within the time of the call, which goes on to count.
    async fn wake(
        &self,
        name: &PluginName,
        context: &mut CallContext,
    ) -> Result<Plugin, CallError> {
        let refused = |why: String| CallError::NotServing {
            plugin: name.clone(),
            why,
        };
        let timeout = match self.0.table.load().get(name.as_str()) {
            Some(entry) => entry.limits.call_timeout,
            None => return Err(refused("it is gone".to_owned())),
        };
        let latest = Instant::now() + timeout;
        let deadline = context.deadline.map_or(latest, |limit| limit.min(latest));
        context.deadline = Some(deadline);
        let started = self.start(name.as_str());
        match tokio::time::timeout_at(deadline.into(), started).await {
            Ok(Ok(Some(plugin))) => Ok(plugin),
            Ok(Ok(None)) => Err(refused("it has no functions to call".to_owned())),
            Ok(Err(ManagerError::Failed(failure))) => Err(refused(failure.message)),
            Ok(Err(other)) => Err(refused(other.to_string())),
            Err(_) => Err(refused(
                "loading it took longer than the call may take; it goes on".to_owned(),
            )),
        }
    }
}

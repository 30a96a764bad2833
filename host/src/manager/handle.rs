//! A plugin by its name, whichever load of it serves.
//!
//! A [`Plugin`](crate::runtime::Plugin) is one load: it is over when the plugin is reloaded or has been idle for long. A
//! [`Handle`] outlives that. A call through it goes to the load that serves when it begins, loads the plugin first if none
//! is loaded, and goes to the successor if the load was replaced before the call had begun. So no call is lost while a
//! plugin is reloaded, and none runs twice. A plugin that is disabled, blocked or gone answers with an error.
//!
//! Handles do not keep their manager alive.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Instant;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::capability::log::PluginLog;
use crate::contract::invocation::{Call, Invocation};
use crate::contract::{CallContext, Json, PluginName};
use crate::permission::Grants;
use crate::runtime::{CallError, Description, Plugin, Reply};

/// Knows which load of a plugin serves: the manager, as handles see it.
#[async_trait]
pub(super) trait Loads: Send + Sync {
    /// The load of a plugin that serves; none if one has to be made.
    fn serving(&self, plugin: &PluginName) -> Result<Option<Plugin>, CallError>;

    /// Loads a plugin for a call, within the time of the call, which goes on to count. Gives the deadline of the call too.
    async fn wake(
        self: Arc<Self>,
        plugin: &PluginName,
        deadline: Option<Instant>,
    ) -> Result<(Plugin, Instant), CallError>;
}

/// Calls an enabled plugin. What else it shows is as of when it was made. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) description: Arc<Description>,
    pub(super) grants: Arc<Grants>,
    pub(super) log: Arc<PluginLog>,
    pub(super) loads: Weak<dyn Loads>,
}

impl Handle {
    /// The plugin's name.
    pub fn name(&self) -> &PluginName {
        &self.description.registration.name
    }

    /// What the plugin said about itself.
    pub fn description(&self) -> &Arc<Description> {
        &self.description
    }

    /// What it was granted.
    pub fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    /// The plugin's log.
    pub fn log(&self) -> &PluginLog {
        &self.log
    }

    /// Whether both show the same version of a plugin under the same grants.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.description, &other.description)
            && Arc::ptr_eq(&self.grants, &other.grants)
    }

    /// Calls a function of the plugin. See [`Plugin::call`].
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub async fn call(
        &self,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        let text = self.ask(&Call { function, args }, context).await?;
        Ok(Reply::new(text))
    }

    /// Asks the plugin something. See [`Plugin::ask`].
    ///
    /// A load that is shut down before the call began does not end it: the call goes to its successor.
    ///
    /// # Errors
    ///
    /// As [`Plugin::ask`], and [`CallError::NotServing`] where no load of it serves and none can be made.
    pub async fn ask<I: Invocation>(
        &self,
        asked: &I,
        mut context: CallContext,
    ) -> Result<I::Answer, CallError> {
        let name = self.name();
        let Some(loads) = self.loads.upgrade() else {
            return Err(CallError::NotServing {
                plugin: name.clone(),
                why: "its host has ended".to_owned(),
            });
        };
        let mut before: Option<Plugin> = None;
        loop {
            let plugin = match loads.serving(name)? {
                Some(plugin) => plugin,
                None => {
                    let deadline = context.deadline;
                    let (plugin, deadline) = Arc::clone(&loads).wake(name, deadline).await?;
                    context.deadline = Some(deadline);
                    plugin
                }
            };
            // The load that was shut down is still the one that serves: nobody took its place.
            if before.is_some_and(|before| before.is(&plugin)) {
                return Err(CallError::ShutDown {
                    plugin: name.clone(),
                });
            }
            match plugin.ask(asked, context.clone()).await {
                Err(CallError::ShutDown { .. }) => before = Some(plugin),
                ended => return ended,
            }
        }
    }

    /// Calls a function and reads its answer as JSON. See [`Plugin::call_json`].
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call), and [`CallError::NotJson`].
    pub async fn call_json<T: DeserializeOwned>(
        &self,
        function: &str,
        args: &Json,
        context: CallContext,
    ) -> Result<T, CallError> {
        let reply = self.call(function, args, context).await?;
        reply.json(self.name(), function)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

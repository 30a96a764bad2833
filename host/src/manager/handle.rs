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

use serde::de::DeserializeOwned;

use super::table::{Entry, Serving, State};
use super::{Manager, ManagerError, Parts};
use crate::capability::log::PluginLog;
use crate::contract::invocation::{Call, Invocation};
use crate::contract::{CallContext, Json, PluginName};
use crate::permission::Grants;
use crate::runtime::{CallError, Description, Plugin, Reply};

/// Calls an enabled plugin. What else it shows is as of when it was made. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    description: Arc<Description>,
    grants: Arc<Grants>,
    log: Arc<PluginLog>,
    manager: Weak<Parts>,
}

impl Handle {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            description: Arc::clone(&entry.description),
            grants: Arc::clone(&entry.grants),
            log: Arc::clone(&entry.log),
            manager: Weak::clone(&entry.manager),
        }
    }

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
    /// # Errors
    ///
    /// As [`Plugin::ask`], and [`CallError::NotServing`] where no load of it serves and none can be made.
    pub async fn ask<I: Invocation>(
        &self,
        asked: &I,
        context: CallContext,
    ) -> Result<I::Answer, CallError> {
        let Some(manager) = self.manager.upgrade().map(Manager) else {
            return Err(self.not_serving("its host has ended"));
        };
        manager.ask(self.name(), asked, context).await
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

    fn not_serving(&self, why: &str) -> CallError {
        CallError::NotServing {
            plugin: self.name().clone(),
            why: why.to_owned(),
        }
    }
}

impl Manager {
    /// What calls a plugin, if it is enabled.
    pub fn plugin(&self, name: &str) -> Option<Handle> {
        self.0.table.load().get(name)?.handle()
    }

    async fn ask<I: Invocation>(
        &self,
        name: &PluginName,
        asked: &I,
        mut context: CallContext,
    ) -> Result<I::Answer, CallError> {
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
            match plugin.ask(asked, context.clone()).await {
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

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

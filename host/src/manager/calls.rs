//! How a call gets from a plugin's name to the load that serves.
//!
//! See [`Handle`] for what callers may rely on.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::error::ManagerError;
use super::handle::{Handle, Loads};
use super::steps::{Manager, ManagerInner};
use super::table::{Serving, State};
use crate::contract::PluginName;
use crate::runtime::{CallError, Plugin};

impl Manager {
    /// What calls a plugin, if it is enabled.
    pub fn plugin(&self, name: &str) -> Option<Handle> {
        self.0.table.load().get(name)?.handle()
    }
}

#[async_trait]
impl Loads for ManagerInner {
    fn serving(&self, name: &PluginName) -> Result<Option<Plugin>, CallError> {
        let table = self.table.load();
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

    async fn wake(
        self: Arc<Self>,
        name: &PluginName,
        deadline: Option<Instant>,
    ) -> Result<(Plugin, Instant), CallError> {
        let refused = |why: String| CallError::NotServing {
            plugin: name.clone(),
            why,
        };
        let timeout = match self.table.load().get(name.as_str()) {
            Some(entry) => entry.limits.call_timeout,
            None => return Err(refused("it is gone".to_owned())),
        };
        let latest = Instant::now() + timeout;
        let deadline = deadline.map_or(latest, |limit| limit.min(latest));
        let manager = Manager(self);
        let started = manager.start(name.as_str());
        match tokio::time::timeout_at(deadline.into(), started).await {
            Ok(Ok(Some(plugin))) => Ok((plugin, deadline)),
            Ok(Ok(None)) => Err(refused("it has no functions to call".to_owned())),
            Ok(Err(ManagerError::Failed(failure))) => Err(refused(failure.message)),
            Ok(Err(other)) => Err(refused(other.to_string())),
            Err(_) => Err(refused(
                "loading it took longer than the call may take; it goes on".to_owned(),
            )),
        }
    }
}

//! Taking plugins back.
//!
//! One step takes back everything that a plugin adds, so that nobody reaches it any more; after it the plugin is shut down.
//! Calls that run may finish within its shutdown timeout.

use super::error::{Failure, ManagerError};
use super::origin::Content;
use super::steps::Manager;
use super::table::{Serving, State};
use crate::runtime::Plugin;

impl Manager {
    /// Writes down that the plugin is not wanted, takes back everything that it adds, and shuts it down. One that does not
    /// serve is only marked.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, and when that cannot be written down; then nothing is changed.
    pub async fn disable(&self, name: &str) -> Result<(), ManagerError> {
        self.record_wanted(name, false).await?;
        self.take_back(name, State::Disabled).await
    }

    /// Takes back everything that a plugin adds, and shuts it down, until it is asked for again by name. One that does not
    /// serve stays as it is.
    ///
    /// # Errors
    ///
    /// When there is no such plugin.
    pub async fn unload(&self, name: &str) -> Result<(), ManagerError> {
        match self.entry(name)?.state {
            State::Enabled(_) | State::Starting { .. } => {
                self.take_back(name, State::Unloaded).await
            }
            _ => Ok(()),
        }
    }

    /// Disables all plugins at once, and shuts them down in parallel. For the end of the program.
    pub async fn shutdown(&self) {
        let running = self.step(|_, table| {
            table.loaded = false;
            let mut running = Vec::new();
            for entry in table.plugins.values_mut() {
                if !matches!(entry.state, State::Enabled(_) | State::Starting { .. }) {
                    continue;
                }
                let before = std::mem::replace(&mut entry.state, State::Disabled);
                running.extend(before.plugin().cloned());
            }
            running
        });
        futures::future::join_all(running.iter().map(Plugin::shutdown)).await;
    }

    /// Takes a plugin out because it failed while it served.
    pub(super) async fn give_up(&self, name: &str, failure: Failure) -> Result<(), ManagerError> {
        self.take_back(name, State::Failed(failure)).await
    }

    /// Unloads a plugin that the next call loads again. What it adds stays.
    pub(super) async fn put_to_sleep(&self, loaded: &Plugin) -> Result<(), ManagerError> {
        let slept = self.change(loaded.name().as_str(), |entry| {
            let same = entry.plugin().is_some_and(|present| present.is(loaded));
            let quiet = same && entry.reload.is_none();
            if quiet {
                entry.state = State::Enabled(Serving::Idle);
                entry.content = Content::Unread;
                entry.loaded_at = None;
            }
            quiet
        })?;
        if slept {
            loaded.shutdown().await;
            tracing::info!(plugin = %loaded.name(), "unloaded until it is called again");
        }
        Ok(())
    }

    /// Puts a plugin into a state in which it does not serve.
    pub(super) async fn take_back(&self, name: &str, into: State) -> Result<(), ManagerError> {
        let state = into.name();
        let before = self.change(name, |entry| {
            entry.loaded_at = None;
            entry.reload = None;
            entry.reload_failure = None;
            std::mem::replace(&mut entry.state, into)
        })?;
        if let Some(plugin) = before.plugin() {
            plugin.shutdown().await;
        }
        tracing::info!(plugin = name, "{state}");
        Ok(())
    }
}

//! Enabling and disabling.
//!
//! To enable: one step marks the entry as starting, the plugin is loaded outside of any step, and another step takes it up
//! if nobody has changed the entry meanwhile. To disable: one step takes everything back, and the plugin is shut down
//! after it.

use std::sync::Arc;

use super::Manager;
use super::error::{Failure, ManagerError};
use super::policy::{Candidate, Decision, Terms};
use super::table::{Entry, State, Table};
use crate::contract::PluginName;
use crate::runtime::Plugin;

/// An entry that was marked as starting, and under which terms.
struct Begun {
    entry: Entry,
    terms: Terms,
    start: u64,
}

impl Manager {
    /// Asks the policy about a plugin, and starts it under the terms that it gives. One that is enabled stays so.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, when it is being started already, when nobody has decided about it, and when it
    /// cannot be started.
    pub async fn enable(&self, name: &str) -> Result<Plugin, ManagerError> {
        let begun = match self.begin(name).await? {
            Ok(plugin) => return Ok(plugin),
            Err(begun) => begun,
        };
        let Begun {
            entry,
            terms,
            start,
        } = *begun;
        // Whoever drops this future, or whatever panics in it, leaves an entry that can be started again.
        let unfinished = Unfinished {
            manager: self,
            name: entry.name().clone(),
            start,
        };
        let loaded = self
            .0
            .host
            .load_described(
                &entry.component,
                (*entry.description).clone(),
                terms.grants,
                terms.limits,
                self.peers(),
            )
            .await;
        let ended = match loaded {
            Ok(plugin) => self.take_up(entry.name(), start, plugin),
            Err(error) => {
                let failure = Failure::from(&error);
                self.fail(entry.name(), start, &failure);
                Err((ManagerError::Failed(failure), None))
            }
        };
        drop(unfinished);
        match ended {
            Ok(plugin) => {
                tracing::info!(plugin = name, "enabled");
                Ok(plugin)
            }
            Err((error, started)) => {
                if let Some(plugin) = started {
                    plugin.shutdown().await;
                }
                tracing::warn!(plugin = name, "not enabled: {error}");
                Err(error)
            }
        }
    }

    /// Takes back everything that a plugin adds, and shuts it down. Calls that run may finish within its shutdown
    /// timeout. One that does not serve is only marked.
    ///
    /// # Errors
    ///
    /// When there is no such plugin.
    pub async fn disable(&self, name: &str) -> Result<(), ManagerError> {
        let before = self.change(name, |entry| {
            std::mem::replace(&mut entry.state, State::Disabled)
        })?;
        if let State::Enabled(plugin) = before {
            plugin.shutdown().await;
            tracing::info!(plugin = name, "disabled");
        }
        Ok(())
    }

    /// Disables all plugins at once, and shuts them down in parallel. For the end of the program.
    pub async fn shutdown(&self) {
        let mut running = Vec::new();
        {
            let step = self.step();
            let mut table = (*self.snapshot()).clone();
            table.loaded = false;
            for entry in table.plugins.values_mut() {
                match std::mem::replace(&mut entry.state, State::Disabled) {
                    State::Enabled(plugin) => running.push(plugin),
                    State::Starting { .. } | State::Disabled => {}
                    other => entry.state = other,
                }
            }
            self.publish(table, &step);
        }
        futures::future::join_all(running.iter().map(Plugin::shutdown)).await;
    }

    /// Marks an entry as starting, or gives the plugin if it serves already.
    async fn begin(&self, name: &str) -> Result<Result<Plugin, Box<Begun>>, ManagerError> {
        let before = self.entry(name)?;
        if let State::Enabled(plugin) = before.state {
            return Ok(Ok(plugin));
        }
        // A policy may take its time, so it is asked outside of the step.
        let candidate = Candidate::unsigned(&before.description);
        let decision = self.0.policy.decide(candidate).await;
        let start = self.next_start();
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        let present = table.clone();
        let entry = find(&mut table, name)?;
        match &entry.state {
            State::Enabled(plugin) => return Ok(Ok(plugin.clone())),
            State::Starting { .. } => {
                return Err(ManagerError::Conflict {
                    name: entry.name().clone(),
                    change: "enabled",
                    state: entry.state.name(),
                });
            }
            State::Described { .. } | State::Disabled | State::Failed(_) => {}
        }
        let ended = match decision {
            Decision::Wait { why } | Decision::Block { why } => {
                entry.grants = Arc::default();
                entry.state = State::Described {
                    waiting_for: why.clone(),
                };
                Err(ManagerError::Waiting {
                    name: entry.name().clone(),
                    why,
                })
            }
            Decision::Approve(terms) => {
                entry.grants = Arc::new(terms.grants.clone());
                match self.0.applier.check(&present, entry) {
                    Ok(()) => {
                        entry.state = State::Starting { start };
                        Ok(Err(Box::new(Begun {
                            entry: entry.clone(),
                            terms: *terms,
                            start,
                        })))
                    }
                    Err(reason) => {
                        let failure = Failure::new("conflict", reason);
                        entry.state = State::Failed(failure.clone());
                        Err(ManagerError::Failed(failure))
                    }
                }
            }
        };
        self.publish(table, &step);
        ended
    }

    /// Makes a started plugin the one that serves, unless its entry has changed or what it adds fits no longer.
    fn take_up(
        &self,
        name: &PluginName,
        start: u64,
        plugin: Plugin,
    ) -> Result<Plugin, (ManagerError, Option<Plugin>)> {
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        let present = table.clone();
        let Some(entry) = table.plugins.get_mut(name) else {
            let gone = ManagerError::Unknown {
                name: name.to_string(),
                known: present.known(),
            };
            return Err((gone, Some(plugin)));
        };
        if !is_start(&entry.state, start) {
            let overtaken = ManagerError::Conflict {
                name: name.clone(),
                change: "enabled",
                state: entry.state.name(),
            };
            return Err((overtaken, Some(plugin)));
        }
        let ended = match self.0.applier.check(&present, entry) {
            Ok(()) => {
                entry.state = State::Enabled(plugin.clone());
                Ok(plugin)
            }
            Err(reason) => {
                let failure = Failure::new("conflict", reason);
                entry.state = State::Failed(failure.clone());
                Err((ManagerError::Failed(failure), Some(plugin)))
            }
        };
        self.publish(table, &step);
        ended
    }

    /// Marks a start as failed, unless it was overtaken.
    fn fail(&self, name: &PluginName, start: u64, failure: &Failure) {
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        if let Some(entry) = table.plugins.get_mut(name)
            && is_start(&entry.state, start)
        {
            entry.state = State::Failed(failure.clone());
            self.publish(table, &step);
        }
    }

    fn entry(&self, name: &str) -> Result<Entry, ManagerError> {
        let mut table = (*self.snapshot()).clone();
        find(&mut table, name).map(|entry| entry.clone())
    }

    /// Changes one entry in a step of its own.
    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, ManagerError> {
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        let done = change(find(&mut table, name)?);
        self.publish(table, &step);
        Ok(done)
    }
}

fn find<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Entry, ManagerError> {
    let known = table.known();
    table
        .plugins
        .get_mut(name)
        .ok_or_else(|| ManagerError::Unknown {
            name: name.to_owned(),
            known,
        })
}

fn is_start(state: &State, expected: u64) -> bool {
    matches!(state, State::Starting { start } if *start == expected)
}

/// A start that has not ended yet.
struct Unfinished<'a> {
    manager: &'a Manager,
    name: PluginName,
    start: u64,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let failure = Failure::new("unavailable", "the start was given up; enable it again");
        self.manager.fail(&self.name, self.start, &failure);
    }
}

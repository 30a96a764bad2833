//! Enabling a plugin, and loading it.
//!
//! One step marks the entry as starting, the plugin is loaded outside of any step, and another step takes it up if nobody
//! has changed the entry meanwhile. Whoever asks for it in between waits for that start and gets its result. A start goes
//! on to its end when whoever asked for it is gone, so that the next one finds it done.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::{Failure, ManagerError};
use super::handle::Handle;
use super::origin::Content;
use super::policy::{Decision, Terms};
use super::steps::{Manager, unknown};
use super::table::{Entry, Serving, State, Table};
use crate::contract::PluginName;
use crate::runtime::{Component, Plugin};

/// When an enabled plugin is to be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// When its origin says: at once, or by the first call.
    Usual,
    /// At once.
    Now,
}

/// How far a plugin is.
enum Begun {
    /// It serves; without a load where the first call makes one.
    Serves(Option<Plugin>),
    /// Somebody else is starting it.
    Underway,
    /// The caller is to start it.
    Start(Box<Start>),
}

/// An entry that was marked as starting, and under which terms.
struct Start {
    entry: Entry,
    terms: Terms,
    start: u64,
}

impl Manager {
    /// Writes down that the plugin is wanted, asks the policy about it, and enables it under the terms that it gives. It is loaded at once, unless it comes
    /// from a [`Loader`](super::Loader) that loads plugins when they are called.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, when that cannot be written down, when nobody has decided about it or somebody has
    /// blocked it, and when it cannot be started.
    pub async fn enable(&self, name: &str) -> Result<Handle, ManagerError> {
        self.record_wanted(name, true).await?;
        self.resume(name).await
    }

    /// Enables a plugin that is wanted.
    pub(super) async fn resume(&self, name: &str) -> Result<Handle, ManagerError> {
        self.ensure(name, When::Usual).await?;
        let entry = self.entry(name)?;
        if entry.is_enabled() {
            self.retry_dependents(entry.name());
        }
        entry.handle().ok_or_else(|| ManagerError::Conflict {
            name: entry.name().clone(),
            change: "enabled",
            state: entry.state.name(),
        })
    }

    /// Enables what failed only because this plugin did not serve, in the background.
    pub(super) fn retry_dependents(&self, name: &PluginName) {
        let table = self.snapshot();
        let waits = |entry: &&Entry| {
            let needs = entry
                .manifest
                .iter()
                .flat_map(|manifest| &manifest.dependencies);
            entry
                .failure()
                .is_some_and(|failure| failure.for_dependency)
                && needs.into_iter().any(|needed| needed.name == *name)
                && self.check_dependencies(&table, entry).is_ok()
        };
        for entry in table.plugins().filter(waits) {
            let (manager, dependent) = (self.clone(), entry.name().clone());
            // As a trait object, since enabling comes here again for what depends on that one.
            let retry: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                if let Err(error) = manager.resume(dependent.as_str()).await {
                    tracing::warn!(plugin = %dependent, "after what it depends on came: {error}");
                }
            });
            tokio::spawn(retry);
        }
    }

    /// Loads a plugin if it is not loaded. Callers at the same time load it once.
    /// A plugin that has files only has nothing to load.
    pub(super) async fn start(&self, name: &str) -> Result<Option<Plugin>, ManagerError> {
        self.ensure(name, When::Now).await
    }

    async fn ensure(&self, name: &str, when: When) -> Result<Option<Plugin>, ManagerError> {
        let mut waited = false;
        loop {
            let mut changes = self.changes();
            let before = self.entry(name)?;
            // Only who enables it wakes one that an administrator has switched off.
            if when == When::Now && matches!(before.state, State::Disabled) {
                return Err(ManagerError::Conflict {
                    name: before.name().clone(),
                    change: "loaded",
                    state: before.state.name(),
                });
            }
            // The start that was waited for has ended like this.
            if waited && let State::Failed(failure) = &before.state {
                return Err(ManagerError::Failed(failure.clone()));
            }
            match self.begin(before, when).await? {
                Begun::Serves(plugin) => return Ok(plugin),
                Begun::Underway => {
                    waited = true;
                    // The manager holds the sender, so this only ends by a change.
                    let _ = changes.changed().await;
                }
                Begun::Start(start) => {
                    let manager = self.clone();
                    let finished = tokio::spawn(async move { manager.finish(*start).await });
                    let ended = finished.await.map_err(|stopped| {
                        let message = format!("the start of plugin \"{name}\" stopped: {stopped}");
                        ManagerError::Failed(Failure::new("unavailable", message))
                    })?;
                    return ended.map(Some);
                }
            }
        }
    }

    /// Marks an entry as starting where that is to be done.
    async fn begin(&self, before: Entry, when: When) -> Result<Begun, ManagerError> {
        let on_demand = when == When::Usual && before.origin.lazy().is_some();
        if let Some(begun) = underway(&before.state, on_demand) {
            return Ok(begun);
        }
        // A policy may take its time, so it is asked outside of the step.
        let decision = self.0.policy.decide(before.candidate()).await;
        let start = self.next_start();
        let name = before.name().clone();
        self.step(|present, table| {
            let Some(entry) = table.plugins.get_mut(&name) else {
                return Err(unknown(present, name.as_str()));
            };
            if let Some(begun) = underway(&entry.state, on_demand) {
                return Ok(begun);
            }
            let terms = match decision {
                Decision::Approve(terms) => *terms,
                Decision::Wait { why } => {
                    entry.grants = Arc::default();
                    entry.state = State::Waiting { why: why.clone() };
                    return Err(ManagerError::Waiting { name, why });
                }
                Decision::Block { why } => {
                    entry.grants = Arc::default();
                    entry.state = State::Blocked { why: why.clone() };
                    return Err(ManagerError::Blocked { name, why });
                }
            };
            entry.accept(&terms);
            if let Err(failure) = self.check(present, entry) {
                entry.state = State::Failed(failure.clone());
                return Err(ManagerError::Failed(failure));
            }
            let without = match entry.content {
                Content::Files => Some(Serving::Files),
                _ if on_demand => Some(Serving::Idle),
                _ => None,
            };
            if let Some(serving) = without {
                entry.state = State::Enabled(serving);
                return Ok(Begun::Serves(None));
            }
            entry.state = match entry.state {
                State::Enabled(_) => State::Enabled(Serving::Waking { start }),
                _ => State::Starting { start },
            };
            Ok(Begun::Start(Box::new(Start {
                entry: entry.clone(),
                terms,
                start,
            })))
        })
    }

    /// Whether a plugin with these terms can serve beside the others, as far as that can be told without running it.
    pub(super) fn check(&self, present: &Table, candidate: &Entry) -> Result<(), Failure> {
        let granted = self.0.host.check(&candidate.description, &candidate.grants);
        granted.map_err(|error| Failure::from(&error))?;
        let fits = self.0.applier.check(present, candidate);
        fits.map_err(|reason| Failure::new("conflict", reason))?;
        self.check_dependencies(present, candidate)
    }

    /// Whether what a plugin depends on serves.
    fn check_dependencies(&self, present: &Table, candidate: &Entry) -> Result<(), Failure> {
        let manifest = candidate.manifest.as_ref();
        for needed in manifest.iter().flat_map(|manifest| &manifest.dependencies) {
            let there = present.get(needed.name.as_str());
            let (name, trouble) = (
                candidate.name(),
                match there {
                    None => "is not there; install it".to_owned(),
                    Some(there) => {
                        let version = &there.description.registration.version;
                        if !needed.versions.matches(version) {
                            format!("is there as {version}; install a version that fits")
                        } else if there.is_enabled() {
                            continue;
                        } else {
                            format!("is {}; enable it first", there.state.name())
                        }
                    }
                },
            );
            let message = format!("plugin \"{name}\" needs {needed}, which {trouble}");
            return Err(Failure::for_dependency(message));
        }
        Ok(())
    }

    /// Loads a plugin that was marked as starting.
    async fn finish(&self, start: Start) -> Result<Plugin, ManagerError> {
        let Start {
            entry,
            terms,
            start,
        } = start;
        // A panic leaves an entry that can be started again.
        let unfinished = Unfinished {
            manager: self,
            name: entry.name().clone(),
            start,
        };
        let ended = match self.load(&entry, terms).await {
            Ok((component, plugin)) => self.take_up(entry.name(), start, component, plugin),
            Err(failure) => {
                self.fail(entry.name(), start, &failure);
                Err((ManagerError::Failed(failure), None))
            }
        };
        drop(unfinished);
        match ended {
            Ok(plugin) => {
                tracing::info!(plugin = %entry.name(), "loaded");
                Ok(plugin)
            }
            Err((error, started)) => {
                if let Some(plugin) = started {
                    plugin.shutdown().await;
                }
                tracing::warn!(plugin = %entry.name(), "not loaded: {error}");
                Err(error)
            }
        }
    }

    /// Makes a load of a plugin: the one that was described, and no other that is in its place now.
    pub(super) async fn load(
        &self,
        entry: &Entry,
        terms: Terms,
    ) -> Result<(Component, Plugin), Failure> {
        let host = &self.0.host;
        let component = match &entry.content {
            Content::Compiled(component) => component.clone(),
            Content::Unread | Content::Files => {
                let component = entry.origin.component(host).await?;
                if component.hash() != entry.description.hash {
                    let message = format!(
                        "{} is another plugin than the \"{}\" that was described; reload it to take the new one",
                        entry.file().display(),
                        entry.name()
                    );
                    return Err(Failure::new("conflict", message));
                }
                component
            }
        };
        let loaded = host.load_described(
            &component,
            (*entry.description).clone(),
            terms.grants,
            terms.limits,
            self.peers(),
        );
        match loaded.await {
            Ok(plugin) => Ok((component, plugin)),
            Err(error) => Err(Failure::from(&error)),
        }
    }

    /// Makes a started plugin the one that serves, unless its entry has changed or what it adds fits no longer.
    fn take_up(
        &self,
        name: &PluginName,
        start: u64,
        component: Component,
        plugin: Plugin,
    ) -> Result<Plugin, (ManagerError, Option<Plugin>)> {
        let taken_up = self.step(|present, table| {
            let Some(entry) = table.plugins.get_mut(name) else {
                return Err((unknown(present, name.as_str()), Some(plugin)));
            };
            if entry.state.start() != Some(start) {
                let overtaken = ManagerError::Conflict {
                    name: name.clone(),
                    change: "enabled",
                    state: entry.state.name(),
                };
                return Err((overtaken, Some(plugin)));
            }
            if let Err(failure) = self.check(present, entry) {
                entry.state = State::Failed(failure.clone());
                return Err((ManagerError::Failed(failure), Some(plugin)));
            }
            entry.state = State::Enabled(Serving::Loaded(plugin.clone()));
            entry.content = Content::Compiled(component);
            entry.loaded_at = Some(SystemTime::now());
            Ok((plugin, entry.origin.lazy()))
        });
        taken_up.map(|(plugin, idle)| {
            self.look_after(&plugin, idle);
            plugin
        })
    }

    /// Looks after a load while it serves: its health, and whether anybody calls it. To be begun after the step that has it
    /// serve. Within that step a watch could look at the table of before, take the load for one that was replaced, and end.
    pub(super) fn look_after(&self, plugin: &Plugin, idle: Option<Duration>) {
        if let Some(idle) = idle {
            self.watch_idle(plugin.clone(), idle);
        }
        self.watch_health(plugin.clone());
    }

    /// Marks a start as failed, unless it was overtaken.
    fn fail(&self, name: &PluginName, start: u64, failure: &Failure) {
        if self
            .0
            .table
            .load()
            .get(name.as_str())
            .and_then(|entry| entry.state.start())
            != Some(start)
        {
            return;
        }
        self.step(|_, table| {
            if let Some(entry) = table.plugins.get_mut(name)
                && entry.state.start() == Some(start)
            {
                entry.state = State::Failed(failure.clone());
            }
        });
    }
}

impl Entry {
    /// Takes over what was decided.
    pub(super) fn accept(&mut self, terms: &Terms) {
        if *self.grants != terms.grants {
            self.grants = Arc::new(terms.grants.clone());
        }
        if *self.limits != terms.limits {
            self.limits = Arc::new(terms.limits.clone());
        }
    }
}

/// What there is nothing to do for, or only to wait.
fn underway(state: &State, on_demand: bool) -> Option<Begun> {
    match state {
        State::Enabled(Serving::Loaded(plugin)) => Some(Begun::Serves(Some(plugin.clone()))),
        State::Enabled(Serving::Files) => Some(Begun::Serves(None)),
        State::Enabled(_) if on_demand => Some(Begun::Serves(None)),
        state if state.start().is_some() => Some(Begun::Underway),
        _ => None,
    }
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

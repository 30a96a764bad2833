//! Replacing a plugin while it serves.
//!
//! The new one is read, described, decided about, checked and initialised first, while the old one serves on. Then one step
//! puts it in the old one's place: calls that run finish on the old one, calls that come reach the new one, and those that
//! the old one turns away in between go to the new one as well (see [`Handle`]). Then the old one is shut down. Whatever
//! fails before that step leaves the old one serving, and the failure is shown beside it.

use std::sync::Arc;
use std::time::SystemTime;

use super::error::{Failure, ManagerError};
use super::handle::Handle;
use super::origin::{Content, Described};
use super::policy::{Candidate, Decision, Terms};
use super::steps::{Manager, unknown};
use super::table::{Entry, Serving, State};
use crate::contract::PluginName;
use crate::runtime::Plugin;

/// A reload that was begun beside a load that serves.
struct Beside {
    candidate: Entry,
    terms: Terms,
    reload: u64,
}

/// What is to be done to replace a plugin.
enum Next {
    /// Another reload is under way.
    Underway,
    /// Nothing is loaded: the description is replaced, and the plugin enabled if it may be.
    Enable,
    /// The description is replaced, and the plugin stays as it is.
    Done,
    /// A new load is to be made beside the present one.
    Load(Box<Beside>),
}

impl Manager {
    /// Reads a plugin's file again and replaces the plugin by what it finds there. See the module's documentation. One that
    /// is disabled is only described anew; one that failed, waits or was unloaded is enabled if it may be now.
    ///
    /// # Errors
    ///
    /// When there is no such plugin; when the file is not a plugin of that name; when the new one is not approved, does not
    /// fit or does not start. The old one serves on.
    pub async fn reload(&self, name: &str) -> Result<Handle, ManagerError> {
        let before = self.entry(name)?;
        let described = before.origin.describe(&self.0.host).await;
        let described = described.and_then(|described| {
            let registered = &described.description.registration.name;
            if registered == before.name() {
                return Ok(described);
            }
            let message = format!(
                "{} is a plugin named \"{registered}\" now, and not \"{name}\" any more; remove \"{name}\" first",
                before.file().display()
            );
            Err(Failure::new("conflict", message))
        });
        match described {
            Ok(described) => self.replace(name, described).await,
            Err(failure) => {
                self.note(name, &failure)?;
                Err(ManagerError::Failed(failure))
            }
        }
    }

    /// Replaces a plugin by one of the same name.
    pub(super) async fn replace(
        &self,
        name: &str,
        described: Described,
    ) -> Result<Handle, ManagerError> {
        // What is begun is done: whoever asked for it may be gone before that.
        let manager = self.clone();
        let name = name.to_owned();
        let task = tokio::spawn(async move {
            let done = manager.replace_with(&name, described).await;
            if let Err(error) = &done {
                let failure = match error {
                    ManagerError::Failed(failure) => failure.clone(),
                    other => Failure::new(other.code(), other.to_string()),
                };
                // Where the plugin is gone meanwhile, there is nothing left to note it at.
                let _ = manager.note(&name, &failure);
            }
            done
        });
        task.await.map_err(|stopped| {
            let message = format!("the reload stopped: {stopped}");
            ManagerError::Failed(Failure::new("unavailable", message))
        })?
    }

    /// Replaces it. If that fails, what is there instead is checked by its own schemas again.
    async fn replace_with(&self, name: &str, described: Described) -> Result<Handle, ManagerError> {
        let replaced = self.replace_checked(name, &described).await;
        if replaced.is_err()
            && let Ok(entry) = self.entry(name)
            && !Arc::ptr_eq(&entry.description, &described.description)
            && let Err(failure) = self.record(&entry.description.registration).await
        {
            tracing::warn!(plugin = name, "after a failed reload: {}", failure.message);
        }
        replaced
    }

    /// Checks by the new one's schemas from now on, and replaces the old one.
    async fn replace_checked(
        &self,
        name: &str,
        described: &Described,
    ) -> Result<Handle, ManagerError> {
        let next = loop {
            let mut changes = self.changes();
            // Before what it adds is offered, and again after another reload, which had schemas of its own.
            let recorded = self.record(&described.description.registration).await;
            recorded.map_err(ManagerError::Failed)?;
            match self.prepare(name, described).await? {
                Next::Underway => {
                    // The manager holds the sender, so this only ends by a change.
                    let _ = changes.changed().await;
                }
                next => break next,
            }
        };
        match next {
            Next::Load(beside) => {
                let old = self.load_beside(*beside).await?;
                // Calls that reach the old one from now on are turned away and go to the new one.
                old.shutdown().await;
                tracing::info!(plugin = name, "reloaded");
                self.retry_dependents(&described.description.registration.name);
            }
            Next::Enable => return self.resume(name).await,
            Next::Done | Next::Underway => {}
        }
        let entry = self.entry(name)?;
        Ok(entry.any_handle())
    }

    /// Finds out what is to be done, and does what can be done in one step.
    async fn prepare(&self, name: &str, found: &Described) -> Result<Next, ManagerError> {
        let before = self.entry(name)?;
        if before.state.start().is_some() || before.reload.is_some() {
            return Ok(Next::Underway);
        }
        let decision = match before.state {
            State::Enabled(_) => {
                let candidate = Candidate {
                    description: &found.description,
                    signed_by: found.signed_by,
                };
                Some(self.0.policy.decide(candidate).await)
            }
            _ => None,
        };
        let reload = self.next_start();
        self.step(|present, table| {
            let Some(entry) = table.plugins.get_mut(name) else {
                return Err(unknown(present, name));
            };
            if entry.state.start().is_some() || entry.reload.is_some() {
                return Ok(Next::Underway);
            }
            let mut candidate = entry.described_as(found);
            let terms = match (&entry.state, decision) {
                (State::Enabled(_), Some(Decision::Approve(terms))) => *terms,
                (State::Enabled(_), Some(Decision::Wait { why })) => {
                    let name = entry.name().clone();
                    return Err(ManagerError::Waiting { name, why });
                }
                (State::Enabled(_), Some(Decision::Block { why })) => {
                    let name = entry.name().clone();
                    return Err(ManagerError::Blocked { name, why });
                }
                // It was enabled between the look and the step.
                (State::Enabled(_), None) => return Ok(Next::Underway),
                (State::Disabled | State::Blocked { .. }, _) => {
                    *entry = candidate;
                    return Ok(Next::Done);
                }
                _ => {
                    candidate.state = State::Described;
                    *entry = candidate;
                    return Ok(Next::Enable);
                }
            };
            candidate.accept(&terms);
            self.check(present, &candidate)
                .map_err(ManagerError::Failed)?;
            let loads = !matches!(candidate.content, Content::Files);
            if let (State::Enabled(Serving::Loaded(_)), true) = (&entry.state, loads) {
                entry.reload = Some(reload);
                return Ok(Next::Load(Box::new(Beside {
                    candidate,
                    terms,
                    reload,
                })));
            }
            *entry = candidate;
            Ok(Next::Done)
        })
    }

    /// Makes a new load and puts it in the place of the old one, which is returned.
    async fn load_beside(&self, beside: Beside) -> Result<Plugin, ManagerError> {
        let Beside {
            candidate,
            terms,
            reload,
        } = beside;
        let unfinished = Unfinished {
            manager: self,
            name: candidate.name().clone(),
            reload,
        };
        let (component, plugin) = self
            .load(&candidate, terms)
            .await
            .map_err(ManagerError::Failed)?;
        let swapped = self.step(|present, table| {
            let name = candidate.name();
            let Some(entry) = table.plugins.get_mut(name) else {
                return Err(unknown(present, name.as_str()));
            };
            let old = match (&entry.state, entry.reload) {
                (State::Enabled(Serving::Loaded(old)), Some(current)) if current == reload => {
                    old.clone()
                }
                (state, _) => {
                    return Err(ManagerError::Conflict {
                        name: name.clone(),
                        change: "reloaded",
                        state: state.name(),
                    });
                }
            };
            self.check(present, &candidate)
                .map_err(ManagerError::Failed)?;
            let mut next = candidate.clone();
            next.state = State::Enabled(Serving::Loaded(plugin.clone()));
            next.content = Content::Compiled(component);
            next.loaded_at = Some(SystemTime::now());
            next.reload = None;
            *entry = next;
            Ok(old)
        });
        drop(unfinished);
        match &swapped {
            Ok(_) => self.look_after(&plugin, candidate.origin.lazy()),
            Err(_) => plugin.shutdown().await,
        }
        swapped
    }

    /// Shows beside a plugin why its reload failed.
    fn note(&self, name: &str, failure: &Failure) -> Result<(), ManagerError> {
        tracing::warn!(
            plugin = name,
            code = failure.code,
            "not reloaded: {}",
            failure.message
        );
        self.change(name, |entry| entry.reload_failure = Some(failure.clone()))
    }
}

/// A reload that has not ended yet.
struct Unfinished<'a> {
    manager: &'a Manager,
    name: PluginName,
    reload: u64,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let table = self.manager.snapshot();
        let present = table.get(self.name.as_str());
        if present.is_some_and(|entry| entry.reload == Some(self.reload)) {
            // Where the plugin is gone meanwhile, its mark is gone too.
            let _ = self.manager.change(self.name.as_str(), |entry| {
                if entry.reload == Some(self.reload) {
                    entry.reload = None;
                }
            });
        }
    }
}

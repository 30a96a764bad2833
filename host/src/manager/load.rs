//! From files to plugins in the table.
//!
//! Files are described beside each other, and then taken up one after the other in the order of their names, so of two
//! plugins with one name it is always the same one that is refused. A file that fails keeps its reason in the table and
//! stops no other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt as _;

use super::Manager;
use super::error::{Failure, ManagerError};
use super::origin::{Described, Origin};
use super::table::{Entry, Refused, Serving, State};
use crate::contract::PluginName;

/// How many files are read and described at a time.
const DESCRIBING: usize = 8;

/// What became of each file of a directory, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The files, except those whose plugins were there already.
    pub files: Vec<(PathBuf, Outcome)>,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its plugin serves.
    Enabled(PluginName),
    /// Its plugin is off, by an administrator's wish.
    Disabled(PluginName),
    /// Its plugin is shown and waits for a decision, or was decided against.
    Waiting {
        /// The plugin.
        name: PluginName,
        /// What would decide it.
        why: String,
    },
    /// It did not become a plugin, or its plugin could not be started.
    Failed(Failure),
}

impl Report {
    /// How many plugins serve.
    pub fn enabled(&self) -> usize {
        let enabled = |(_, outcome): &&(PathBuf, Outcome)| matches!(outcome, Outcome::Enabled(_));
        self.files.iter().filter(enabled).count()
    }

    /// The files that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Path, &Failure)> {
        self.files
            .iter()
            .filter_map(|(file, outcome)| match outcome {
                Outcome::Failed(failure) => Some((file.as_path(), failure)),
                _ => None,
            })
    }
}

impl Manager {
    /// Describes plugins, and enables those that the policy approves.
    pub(super) async fn load_origins(&self, origins: Vec<Origin>) -> Report {
        let described = self.describe_all(origins).await;
        let mut added = Vec::new();
        for (origin, described) in described {
            let path = origin.path().to_owned();
            let hint = origin.name_hint().to_owned();
            let name = match described.and_then(|described| self.add(origin, described)) {
                Ok(entry) => self.recorded(&entry).await,
                Err(failure) => Err(failure),
            };
            added.push((path, hint, name));
        }
        let mut report = Report::default();
        for (path, hint, name) in added {
            let outcome = match name {
                Ok(name) => self.enable_found(&name).await,
                Err(failure) => {
                    if self.snapshot().of_file(&path).is_none() {
                        self.refuse(&path, &hint, failure.clone());
                    }
                    Outcome::Failed(failure)
                }
            };
            if let Outcome::Failed(failure) = &outcome {
                tracing::error!(file = %path.display(), code = failure.code, "{}", failure.message);
            }
            report.files.push((path, outcome));
        }
        report
    }

    /// Describes files beside each other, and returns them in their order.
    async fn describe_all(
        &self,
        origins: Vec<Origin>,
    ) -> Vec<(Origin, Result<Described, Failure>)> {
        let host = &self.0.host;
        let describing = futures::stream::iter(origins).map(|origin| async move {
            let described = origin.describe(host).await;
            (origin, described)
        });
        describing.buffered(DESCRIBING).collect().await
    }

    async fn enable_found(&self, name: &PluginName) -> Outcome {
        if !self.is_wished(name.as_str()) {
            // Between two steps it may be gone; then there is nothing to mark.
            let _ = self.change(name.as_str(), |entry| entry.state = State::Disabled);
            return Outcome::Disabled(name.clone());
        }
        match self.resume(name.as_str()).await {
            Ok(_) => Outcome::Enabled(name.clone()),
            Err(ManagerError::Waiting { name, why } | ManagerError::Blocked { name, why }) => {
                tracing::info!(plugin = %name, "waiting: {why}");
                Outcome::Waiting { name, why }
            }
            Err(ManagerError::Failed(failure)) => Outcome::Failed(failure),
            Err(other) => Outcome::Failed(Failure::new(other.code(), other.to_string())),
        }
    }

    /// Gives a new entry its record in the plugins table. Without one, nobody could tell whether the plugin is wanted.
    async fn recorded(&self, entry: &Entry) -> Result<PluginName, Failure> {
        let recorded = self.record(&entry.description.registration).await;
        if let Err(failure) = &recorded {
            // Between two steps it may be gone; then there is nothing to mark.
            let _ = self.change(entry.name().as_str(), |entry| {
                entry.state = State::Failed(failure.clone());
            });
        }
        recorded.map(|()| entry.name().clone())
    }

    /// Adds a described plugin under its name, unless another file has it.
    fn add(&self, origin: Origin, described: Described) -> Result<Entry, Failure> {
        let name = described.description.registration.name.clone();
        self.step(|present, table| {
            if let Some(first) = present.plugins.get(&name) {
                let message = format!(
                    "{} is a plugin named \"{name}\", and so is {}, which was there first; remove one of the files",
                    origin.path().display(),
                    first.file().display()
                );
                return Err(Failure::new("conflict", message));
            }
            table.refused.remove(origin.path());
            let entry = Entry {
                component: described.component,
                description: Arc::new(described.description),
                signed_by: described.signed_by,
                grants: Arc::default(),
                limits: Arc::default(),
                state: State::Described,
                reload_failure: None,
                loaded_at: None,
                reload: None,
                log: self.0.host.logs().of(&name),
                origin: Arc::new(origin),
                manager: Arc::downgrade(&self.0),
            };
            table.plugins.insert(name, entry.clone());
            Ok(entry)
        })
    }

    fn refuse(&self, file: &Path, name_hint: &str, failure: Failure) {
        let refused = Refused {
            name_hint: name_hint.to_owned(),
            failure,
        };
        self.step(|_, table| table.refused.insert(file.to_owned(), refused));
    }

    /// Removes whatever came from a file, and shuts it down. Returns the plugin's name, if it was one.
    pub(super) async fn forget(&self, file: &Path) -> Option<PluginName> {
        let gone = self.step(|_, table| {
            table.refused.remove(file);
            let name = table.of_file(file)?.name().clone();
            table.plugins.remove(&name)
        })?;
        if let State::Enabled(Serving::Loaded(plugin)) = &gone.state {
            plugin.shutdown().await;
        }
        tracing::info!(plugin = %gone.name(), file = %file.display(), "removed");
        Some(gone.name().clone())
    }

    /// Says that all plugins of the directory have been tried.
    pub(super) fn mark_loaded(&self) {
        self.step(|_, table| table.loaded = true);
    }
}

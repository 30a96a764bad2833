//! From files to plugins in the table.
//!
//! Files are described beside each other, and then taken up one after the other in the order of their names, so of two
//! plugins with one name it is always the same one that is refused. A file that fails keeps its reason in the table and
//! stops no other.

use std::path::{Path, PathBuf};

use futures::StreamExt as _;

use super::error::{Failure, ManagerError};
use super::origin::{Described, Origin};
use super::steps::Manager;
use super::table::{Entry, Refused, Serving, State};
use crate::contract::PluginName;
use crate::loader::{DependencyError, Node, Order, order};

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
    /// Its plugin is off, as an administrator wants it.
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
    /// Describes plugins, and enables those that the policy approves, each after what it depends on.
    pub(super) async fn load_origins(&self, origins: Vec<Origin>) -> Report {
        let described = self.describe_all(origins).await;
        let mut added = self.add_all(described);
        let order = self.order();
        let position = |name: &PluginName| order.sequence.iter().position(|other| other == name);
        let mut sequence: Vec<usize> = (0..added.len()).collect();
        sequence.sort_by_key(|index| {
            let name = added.get(*index).and_then(|(_, name)| name.as_ref().ok());
            name.and_then(position)
        });
        let mut outcomes: Vec<Option<Outcome>> = added.iter().map(|_| None).collect();
        for index in sequence {
            let outcome = match added.get(index).map(|(_, name)| name.clone()) {
                Some(Ok(name)) => match order.refused.get(&name) {
                    Some(error) => self.fail_found(&name, error),
                    None => self.enable_found(&name).await,
                },
                Some(Err(failure)) => Outcome::Failed(failure),
                None => continue,
            };
            if let Some(slot) = outcomes.get_mut(index) {
                *slot = Some(outcome);
            }
        }
        let mut report = Report::default();
        for ((path, _), outcome) in added.drain(..).zip(outcomes.into_iter().flatten()) {
            if let Outcome::Failed(failure) = &outcome {
                tracing::error!(file = %path.display(), code = failure.code, "{}", failure.message);
            }
            report.files.push((path, outcome));
        }
        report
    }

    /// In which order plugins can be enabled, by what all that are there depend on.
    fn order(&self) -> Order {
        let table = self.snapshot();
        let nodes = table.plugins().map(|entry| Node {
            name: entry.name().clone(),
            version: entry.description.registration.version.clone(),
            dependencies: match &entry.manifest {
                Some(manifest) => manifest.dependencies.clone(),
                None => Vec::new(),
            },
        });
        order(&nodes.collect::<Vec<_>>())
    }

    /// Marks a plugin that cannot have what it depends on.
    fn fail_found(&self, name: &PluginName, error: &DependencyError) -> Outcome {
        let failure = Failure::for_dependency(error.to_string());
        // Between two steps it may be gone; then there is nothing to mark.
        let _ = self.change(name.as_str(), |entry| {
            entry.state = State::Failed(failure.clone());
        });
        Outcome::Failed(failure)
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
        if let Err(failure) = self.recorded(name).await {
            return Outcome::Failed(failure);
        }
        if !self.is_wanted(name.as_str()) {
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
    async fn recorded(&self, name: &PluginName) -> Result<(), Failure> {
        let table = self.snapshot();
        let Some(entry) = table.get(name.as_str()) else {
            return Ok(());
        };
        let recorded = self.record(&entry.description.registration).await;
        if let Err(failure) = &recorded {
            // Between two steps it may be gone; then there is nothing to mark.
            let _ = self.change(name.as_str(), |entry| {
                entry.state = State::Failed(failure.clone());
            });
        }
        recorded
    }

    /// Adds described plugins under their names, unless another file has one, and lists what is refused. All in one step.
    fn add_all(
        &self,
        found: Vec<(Origin, Result<Described, Failure>)>,
    ) -> Vec<(PathBuf, Result<PluginName, Failure>)> {
        self.step(|_, table| {
            let add = |(origin, described): (Origin, Result<Described, Failure>)| {
                let path = origin.path().to_owned();
                let name_hint = origin.name_hint().to_owned();
                let entry = described.map(|described| {
                    let log = self
                        .host()
                        .logs()
                        .of(&described.description.registration.name);
                    Entry::new(origin, described, log, self.downgrade())
                });
                let added = entry.and_then(|entry| table.add(entry));
                match &added {
                    Ok(_) => drop(table.refused.remove(&path)),
                    Err(failure) => {
                        let failure = failure.clone();
                        let refused = Refused { name_hint, failure };
                        table.refused.insert(path.clone(), refused);
                    }
                }
                (path, added)
            };
            found.into_iter().map(add).collect()
        })
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

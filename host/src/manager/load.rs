//! Loading a directory of plugins.
//!
//! Each file is compiled, described and, where the policy approves, started. A file that fails keeps its reason in the
//! table and stops no other. The order is that of the file names, so of two plugins with one name it is always the same
//! one that is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Manager;
use super::error::{Failure, ManagerError};
use super::table::{Entry, Refused, State};
use crate::contract::PluginName;
use crate::loader::{self, DiscoverError, Discovered};
use crate::runtime::{Component, Description};

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
    /// Its plugin is shown and waits for a decision.
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
    /// Loads each `.wasm` file of a directory, one after the other; files whose plugins are in the table already are left
    /// as they are. A directory that does not exist is made.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read. A file that fails is in the report instead.
    pub async fn load_all(&self, directory: &Path) -> Result<Report, DiscoverError> {
        let mut report = Report::default();
        for file in loader::discover(directory).await? {
            if self.snapshot().has_file(&file.path) {
                continue;
            }
            let outcome = self.load_file(&file).await;
            if let Outcome::Failed(failure) = &outcome {
                tracing::error!(file = %file.path.display(), code = failure.code, "{}", failure.message);
            }
            report.files.push((file.path, outcome));
        }
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        table.loaded = true;
        self.publish(table, &step);
        Ok(report)
    }

    /// Compiles and describes a file, and starts its plugin where the policy approves.
    pub async fn load_file(&self, file: &Discovered) -> Outcome {
        let (component, description) = match self.describe(&file.path).await {
            Ok(described) => described,
            Err(failure) => return self.refuse(file, failure),
        };
        let name = description.registration.name.clone();
        if let Err(failure) = self.add(file, component, description) {
            return self.refuse(file, failure);
        }
        match self.enable(name.as_str()).await {
            Ok(_) => Outcome::Enabled(name),
            Err(ManagerError::Waiting { name, why }) => {
                tracing::info!(plugin = %name, "waiting: {why}");
                Outcome::Waiting { name, why }
            }
            Err(ManagerError::Failed(failure)) => Outcome::Failed(failure),
            Err(other) => Outcome::Failed(Failure::new(other.code(), other.to_string())),
        }
    }

    async fn describe(&self, file: &Path) -> Result<(Component, Description), Failure> {
        let host = self.host();
        let component = host
            .compile_file(file)
            .await
            .map_err(|error| Failure::from(&error))?;
        let description = host
            .describe(&component)
            .await
            .map_err(|error| Failure::from(&error))?;
        Ok((component, description))
    }

    /// Adds a described plugin under its name, unless another file has it.
    fn add(
        &self,
        file: &Discovered,
        component: Component,
        description: Description,
    ) -> Result<(), Failure> {
        let name = description.registration.name.clone();
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        if let Some(first) = table.plugins.get(&name) {
            let message = format!(
                "{} is a plugin named \"{name}\", and so is {}, which was there first; remove one of the files",
                file.path.display(),
                first.file.display()
            );
            return Err(Failure::new("conflict", message));
        }
        table.refused.remove(&file.path);
        let entry = Entry {
            file: file.path.clone(),
            description: Arc::new(description),
            grants: Arc::default(),
            state: State::Described {
                waiting_for: "a decision about its grants".to_owned(),
            },
            component,
        };
        table.plugins.insert(name, entry);
        self.publish(table, &step);
        Ok(())
    }

    fn refuse(&self, file: &Discovered, failure: Failure) -> Outcome {
        let refused = Refused {
            name_hint: file.name_hint.clone(),
            failure: failure.clone(),
        };
        let step = self.step();
        let mut table = (*self.snapshot()).clone();
        table.refused.insert(file.path.clone(), refused);
        self.publish(table, &step);
        Outcome::Failed(failure)
    }
}

//! A directory of plugins.
//!
//! The [`Loader`] finds plugins in a directory and has its [`Manager`] describe, load, replace and remove them. It
//! remembers which files it has seen and nothing about what is loaded: the manager's table is the only truth about that,
//! so what it says about a plugin is never out of date, and of several callers who want one loaded, one loads it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::load::{Outcome, Report};
use super::origin::Origin;
use super::steps::{Manager, unknown};
use super::{Failure, Handle, ManagerError};
use crate::loader::{self, DiscoverError, Discovered, Reader};

/// Finds and loads the plugins of one directory. Cheap to clone; all clones are the same loader.
#[derive(Clone)]
pub struct Loader {
    directory: Arc<Path>,
    manager: Manager,
    reader: Reader,
    lazy: Option<Duration>,
    seen: Arc<Mutex<Vec<Discovered>>>,
    pub(super) watching: Arc<Mutex<Option<AbortOnDrop>>>,
}

/// A task that ends when this is dropped.
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A plugin that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveredPlugin {
    /// Its registered name, or what its file calls it until it is described.
    pub name: String,
    /// Its file or folder.
    pub path: PathBuf,
    /// Whether it is loaded.
    pub loaded: bool,
    /// Since when.
    pub loaded_at: Option<SystemTime>,
}

impl Loader {
    /// A loader for a directory, which need not exist yet. What the `reader` refuses is not loaded: it is where signatures
    /// are asked for.
    pub fn new(directory: impl AsRef<Path>, manager: Manager, reader: Reader) -> Self {
        Self {
            directory: directory.as_ref().into(),
            manager,
            reader,
            lazy: None,
            seen: Arc::default(),
            watching: Arc::default(),
        }
    }

    /// Has plugins loaded by their first call, and unloaded again when they were not called for `idle`. What they add is
    /// served from their descriptions.
    #[must_use]
    pub fn with_lazy_loading(mut self, idle: Duration) -> Self {
        self.lazy = Some(idle);
        self
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The manager that plugins are loaded into.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Looks for plugins without loading or describing them, and says how many there are. Nothing in the directory is changed.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub async fn discover_all(&self) -> Result<usize, DiscoverError> {
        let found = loader::discover(&self.directory).await?;
        let count = found.len();
        *self.seen() = found;
        Ok(count)
    }

    /// The names of the plugins that were found, by file.
    pub fn discovered(&self) -> Vec<String> {
        let found = self.discovered_plugins();
        found.into_iter().map(|plugin| plugin.name).collect()
    }

    /// The plugins that were found, by file.
    pub fn discovered_plugins(&self) -> Vec<DiscoveredPlugin> {
        let table = self.manager.snapshot();
        let seen = self.seen().clone();
        let of = |file: Discovered| {
            let entry = table.of_file(&file.path);
            DiscoveredPlugin {
                name: entry.map_or(file.name_hint, |entry| entry.name().to_string()),
                loaded: entry.is_some_and(|entry| entry.plugin().is_some()),
                loaded_at: entry.and_then(|entry| entry.loaded_at),
                path: file.path,
            }
        };
        seen.into_iter().map(of).collect()
    }

    /// Describes every plugin that is not in the table yet, and enables those that the policy approves. A failure stops no
    /// other plugin.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read. A plugin that fails is in the report instead.
    pub async fn load_all(&self) -> Result<Report, DiscoverError> {
        self.recover_and_discover().await?;
        let table = self.manager.snapshot();
        let files = self.seen().clone().into_iter();
        let new = files.filter(|file| table.of_file(&file.path).is_none());
        let origins = new.map(|file| self.origin(file)).collect();
        let report = self.manager.load_origins(origins).await;
        self.manager.mark_loaded();
        Ok(report)
    }

    /// Loads a plugin that was found, if it is not loaded. Callers at the same time load it once.
    ///
    /// # Errors
    ///
    /// When no plugin of that name was found, when it may not be loaded, and when it fails.
    pub async fn ensure_loaded(&self, name: &str) -> Result<Handle, ManagerError> {
        self.known(name).await?;
        self.manager.start(name).await?;
        self.manager.resume(name).await
    }

    /// Loads a plugin that was found and is not loaded. The same as [`ensure_loaded`](Self::ensure_loaded).
    ///
    /// # Errors
    ///
    /// As [`ensure_loaded`](Self::ensure_loaded).
    pub async fn load(&self, name: &str) -> Result<Handle, ManagerError> {
        self.ensure_loaded(name).await
    }

    /// Loads a plugin from a file anywhere.
    ///
    /// # Errors
    ///
    /// When the file is not a plugin, when there is one of its name, when it may not be loaded, and when it fails.
    pub async fn load_from_path(&self, path: &Path) -> Result<Handle, ManagerError> {
        let found = Discovered::at(path).ok_or_else(|| {
            let message = format!(
                "{} is not a component, a package or a plugin's folder",
                path.display()
            );
            ManagerError::Failed(Failure::new("invalid-argument", message))
        })?;
        self.take(found).await
    }

    /// Looks for plugins again, and loads the one of that name, or reloads it where it is loaded. For a plugin that was just
    /// put into the directory.
    ///
    /// # Errors
    ///
    /// When there is none of that name, and as [`reload`](Self::reload).
    pub async fn load_or_reload(&self, name: &str) -> Result<Handle, ManagerError> {
        self.rediscover().await?;
        if self.manager.snapshot().get(name).is_some() {
            return self.reload(name).await;
        }
        self.ensure_loaded(name).await
    }

    /// Reads a plugin again and puts it in the place of the one that serves. See [`Manager::reload`].
    ///
    /// # Errors
    ///
    /// As [`Manager::reload`]; the old one serves on.
    pub async fn reload(&self, name: &str) -> Result<Handle, ManagerError> {
        self.manager.reload(name).await
    }

    /// Takes back what a plugin adds and shuts it down, until it is asked for again by name.
    ///
    /// # Errors
    ///
    /// When there is no such plugin.
    pub async fn unload(&self, name: &str) -> Result<(), ManagerError> {
        self.manager.unload(name).await
    }

    /// The loader, but for its manager, which it would keep alive.
    pub(super) fn without_manager(&self) -> impl Fn(Manager) -> Self + Send + use<> {
        let (directory, reader, lazy) =
            (Arc::clone(&self.directory), self.reader.clone(), self.lazy);
        let seen = Arc::clone(&self.seen);
        move |manager| Self {
            directory: Arc::clone(&directory),
            manager,
            reader: reader.clone(),
            lazy,
            seen: Arc::clone(&seen),
            watching: Arc::default(),
        }
    }

    /// Takes up a plugin that was found and is not in the table.
    pub(super) async fn take_new(&self, file: Discovered) {
        let report = self.manager.load_origins(vec![self.origin(file)]).await;
        drop(report);
    }

    /// Sees to it that a plugin of that name is in the table, by describing what was found and is not.
    async fn known(&self, name: &str) -> Result<(), ManagerError> {
        if self.manager.snapshot().get(name).is_some() {
            return Ok(());
        }
        self.rediscover().await?;
        let table = self.manager.snapshot();
        let mut new: Vec<Discovered> = self.seen().clone();
        new.retain(|file| table.of_file(&file.path).is_none());
        // Most files are called what their plugin is called, so the others need not be described.
        new.sort_by_key(|file| file.name_hint != name);
        for file in new {
            let outcome = self.manager.load_origins(vec![self.origin(file)]).await;
            let found = self.manager.snapshot().get(name).is_some();
            if found {
                return Ok(());
            }
            drop(outcome);
        }
        Err(unknown(&self.manager.snapshot(), name))
    }

    async fn take(&self, found: Discovered) -> Result<Handle, ManagerError> {
        let mut report = self.manager.load_origins(vec![self.origin(found)]).await;
        match report.files.pop() {
            Some((_, Outcome::Enabled(name) | Outcome::Disabled(name))) => {
                self.manager.resume(name.as_str()).await
            }
            Some((_, Outcome::Waiting { name, why })) => Err(ManagerError::Waiting { name, why }),
            Some((_, Outcome::Failed(failure))) => Err(ManagerError::Failed(failure)),
            None => Err(ManagerError::Failed(Failure::new(
                "not-found",
                "nothing was read",
            ))),
        }
    }

    /// Finishes interrupted installations, and looks for plugins.
    async fn recover_and_discover(&self) -> Result<(), DiscoverError> {
        loader::recover(&self.directory).await?;
        self.discover_all().await?;
        Ok(())
    }

    async fn rediscover(&self) -> Result<(), ManagerError> {
        let found = self.recover_and_discover().await;
        found.map_err(|error| ManagerError::Failed(Failure::new("unavailable", error.to_string())))
    }

    fn origin(&self, file: Discovered) -> Origin {
        Origin::new(file, self.reader.clone(), self.lazy)
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Discovered>> {
        self.seen.lock()
    }
}

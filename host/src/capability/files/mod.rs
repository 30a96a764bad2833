//! The `files` grant: a data folder of its own for each plugin, with a quota.
//!
//! A plugin with the grant finds its folder opened as `/data` by `wasi:filesystem/preopens`; without it nothing is
//! opened. Paths are resolved by wasmtime-wasi, which lets no `..`, no absolute path and no symbolic link lead out of the
//! folder, whoever made the link. What plugins cannot do to each other there, they cannot do to the disk either: a change
//! that would make the folder larger than its quota fails with `insufficient-space` and changes nothing.
//!
//! A file counts with its length, holes included, until it has neither a name nor an open descriptor. Folders, files and
//! links count by number, and so do open descriptors, which are the host's. A plugin's changes run one after the other,
//! whichever of its instances makes them, so that counting is exact; reading waits for nothing.
//!
//! What is there is counted when the plugin is loaded. An operator may change the folder meanwhile, and the count is right
//! again after the next load. Two hosts that share a folder count apart from each other.

mod change;
mod count;
mod host;
mod space;
mod stream;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use thiserror::Error;
use wasmtime_wasi::filesystem::{Dir, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::{FsPerms, OpenMode};

use host::{Files, FilesView, OpenFiles};

use crate::capability::table::{self, WASI_FILESYSTEM_TYPES, WASI_PREOPENS};
use crate::capability::{Guest, Interface, PrepareError, Provider, Setup};
use crate::contract::PluginName;
use crate::permission::{FilesGrant, Permission};
use space::Space;

/// Under which name a plugin finds its folder.
pub const PATH: &str = "/data";
/// How many bytes a plugin may keep if its grant does not say.
pub const QUOTA: u64 = 64 * 1024 * 1024;
/// How many files, folders and links a plugin may keep.
pub const ENTRIES: u64 = 10_000;
/// How many descriptors all instances of a plugin may have open.
pub const OPEN: usize = 256;

/// The folder that plugins' data folders are in, each under the plugin's name.
#[derive(Clone)]
pub struct DataFolders(Arc<Folders>);

struct Folders {
    root: PathBuf,
    /// The counts of plugins that are loaded: one for all instances, also while a new version takes over.
    spaces: Mutex<HashMap<PluginName, Weak<Space>>>,
}

/// A plugin's data folder cannot be used.
#[derive(Debug, Error)]
#[error("the data folder {} cannot be used: {reason}", folder.display())]
pub struct DataFolderError {
    folder: PathBuf,
    reason: io::Error,
}

/// What one plugin has: its folder, and how much may be in it.
pub struct DataFolder {
    dir: Dir,
    space: Arc<Space>,
}

/// Serves `wasi:filesystem`, with folders for plugins that have a `files` grant if the host has any.
pub struct Filesystem(Option<DataFolders>);

/// What `wasi:filesystem` opens for one plugin: its folder, if it was granted one.
pub struct Preopened(Option<DataFolder>);

impl Filesystem {
    /// Opens nothing; a plugin with a `files` grant is not loaded.
    #[must_use]
    pub const fn closed() -> Self {
        Self(None)
    }

    /// Opens a plugin's own folder in these.
    #[must_use]
    pub const fn of(folders: DataFolders) -> Self {
        Self(Some(folders))
    }
}

impl Provider for Filesystem {
    type State = Preopened;

    fn interfaces(&self) -> Vec<Interface<Preopened>> {
        vec![
            Interface::known(WASI_FILESYSTEM_TYPES, |linker, _| {
                types::add_to_linker::<_, Files>(linker, Guest::files)
            }),
            Interface::known(WASI_PREOPENS, |linker, _| {
                preopens::add_to_linker::<_, Files>(linker, Guest::files)
            }),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<Preopened, PrepareError> {
        let failed = |reason: String| PrepareError {
            capability: "files",
            reason,
        };
        let Some(grant) = setup.grants.files() else {
            return Ok(Preopened(None));
        };
        let Some(folders) = self.0.clone() else {
            return Err(failed(format!(
                "this host was started without a folder for plugins' data: {}",
                table::back_end(&Permission::Files).unwrap_or_default()
            )));
        };
        let plugin = setup.plugin.clone();
        // Counting what is in it can take a while.
        let opened = tokio::task::spawn_blocking(move || folders.open_for(&plugin, grant)).await;
        let opened = opened.map_err(|stopped| failed(stopped.to_string()))?;
        let folder = opened.map_err(|error| failed(error.to_string()))?;
        Ok(Preopened(Some(folder)))
    }
}

impl Guest {
    /// What `wasi:filesystem` works on: the plugin's data folder, if it was granted one.
    fn files(&mut self) -> FilesView<'_> {
        let parts = self.parts(|_: Option<&Preopened>, _| OpenFiles::default());
        FilesView {
            inner: WasiFilesystemCtxView {
                ctx: parts.wasi.filesystem(),
                table: parts.resources,
            },
            folder: parts.state.and_then(|preopened| preopened.0.as_ref()),
            open: parts.kept,
        }
    }
}

impl DataFolders {
    /// Data folders in a folder, which is made with mode 0700 if it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataFolderError> {
        let root = root.as_ref();
        let made = std::path::absolute(root).and_then(|root| {
            make(&root)?;
            fs::canonicalize(root)
        });
        let root = made.map_err(|reason| DataFolderError {
            folder: root.to_owned(),
            reason,
        })?;
        let spaces = Mutex::default();
        Ok(Self(Arc::new(Folders { root, spaces })))
    }

    /// Opens a plugin's folder, which is made with mode 0700 if it does not exist, and counts what is in it. Takes as
    /// long as that takes.
    ///
    /// # Errors
    ///
    /// When it cannot be made or read.
    fn open_for(
        &self,
        plugin: &PluginName,
        grant: FilesGrant,
    ) -> Result<DataFolder, DataFolderError> {
        let folder = self.0.root.join(plugin.as_str());
        let opened = make(&folder).and_then(|()| {
            let dir = fs::File::open(&folder)?;
            let mode = OpenMode::READ | OpenMode::WRITE;
            let dir = Dir::new(dir, FsPerms::ReadWrite, mode, false);
            let quota = grant.quota.map_or(QUOTA, |quota| quota.bytes());
            let space = self.0.space(plugin, &folder, quota)?;
            Ok(DataFolder { dir, space })
        });
        opened.map_err(|reason| DataFolderError { folder, reason })
    }
}

impl Folders {
    fn space(&self, plugin: &PluginName, folder: &Path, quota: u64) -> io::Result<Arc<Space>> {
        let present = |spaces: &HashMap<PluginName, Weak<Space>>| {
            let space = spaces.get(plugin)?.upgrade()?;
            space.set_quota(quota);
            Some(space)
        };
        let lock = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(space) = present(&lock()) {
            return Ok(space);
        }
        let counted = Arc::new(Space::new(quota, count::count(folder)?));
        let mut spaces = lock();
        // Two loads at once: the other one may have begun to change what this one has counted.
        if let Some(space) = present(&spaces) {
            return Ok(space);
        }
        spaces.retain(|_, space| space.strong_count() > 0);
        spaces.insert(plugin.clone(), Arc::downgrade(&counted));
        Ok(counted)
    }
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

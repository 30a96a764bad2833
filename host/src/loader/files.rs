//! The files of a plugin, as they were when it was read.
//!
//! Packages and folders are taken apart into a folder of the host's own, not into the one that people write to, and served
//! from there; so a template that is changed on disk is not half of an old plugin and half of a new one, and what was
//! signed is what is served. Each read compares the content with what was noted then. Content that is the same is there
//! once, however often it is loaded, and is removed with its last user.
//!
//! A folder named `run-…` is one host's, which holds the lock in it for as long as it lives. What a host left behind that
//! was killed is removed by the next one that starts on the same folder.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tempfile::TempDir;

use super::inner_path::InnerPath;
use super::manifest::Manifest;
use super::package::{Extracted, InnerFile};
use crate::runtime::{PrivateError, open_private};

const RUN: &str = "run-";
const LOCK: &str = ".lock";
const WHAT: &str = "the files of plugins";

/// Read access to a plugin's files. Cheap to clone.
#[derive(Clone)]
pub struct PluginFiles(Arc<Kept>);

/// One host's folder of what it took apart.
pub(super) struct Unpacked {
    run: Arc<Run>,
    by_content: Mutex<HashMap<String, Weak<Kept>>>,
}

struct Run {
    folder: TempDir,
    _lock: File,
}

/// One plugin's files.
struct Kept {
    folder: Option<TempDir>,
    files: BTreeMap<InnerPath, InnerFile>,
    manifest: Manifest,
    _run: Arc<Run>,
}

impl Unpacked {
    /// Makes a folder of this host's own within `directory`, and removes what hosts left there that are no more.
    pub(super) fn open(directory: &Path) -> Result<Self, PrivateError> {
        open_private(directory, WHAT)?;
        let run = open_run(directory).map_err(|source| PrivateError::Unusable {
            directory: directory.to_owned(),
            what: WHAT,
            source,
        })?;
        Ok(Self {
            run: Arc::new(run),
            by_content: Mutex::default(),
        })
    }

    /// Where packages are taken apart.
    pub(super) fn folder(&self) -> &Path {
        self.run.folder.path()
    }

    /// The files with this content, if somebody uses them.
    pub(super) fn find(&self, content: &str) -> Option<PluginFiles> {
        let known = self.by_content.lock();
        known.get(content)?.upgrade().map(PluginFiles)
    }

    /// Keeps what was taken apart, unless somebody was quicker.
    pub(super) fn keep(&self, content: &str, extracted: Extracted) -> PluginFiles {
        let (folder, manifest, files) = extracted.into_parts();
        let kept = Arc::new(Kept {
            folder: Some(folder),
            files,
            manifest,
            _run: Arc::clone(&self.run),
        });
        let mut known = self.by_content.lock();
        if let Some(earlier) = known.get(content).and_then(Weak::upgrade) {
            return PluginFiles(earlier);
        }
        known.retain(|_, kept| kept.strong_count() > 0);
        known.insert(content.to_owned(), Arc::downgrade(&kept));
        PluginFiles(kept)
    }
}

/// Makes a run's folder and locks it.
fn open_run(directory: &Path) -> io::Result<Run> {
    // Held until the new folder is locked, so that nobody takes it for one that was left behind.
    let gate = File::create(directory.join(LOCK))?;
    gate.lock()?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(RUN) {
            remove_if_left(&entry.path());
        }
    }
    let folder = tempfile::Builder::new().prefix(RUN).tempdir_in(directory)?;
    let lock = File::create(folder.path().join(LOCK))?;
    lock.lock()?;
    Ok(Run {
        folder,
        _lock: lock,
    })
}

/// Removes a run's folder if nobody holds its lock.
fn remove_if_left(folder: &Path) {
    let held = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
    if !held && let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(
            ?folder,
            "what a host left behind cannot be removed: {error}"
        );
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let folder = self.folder.take();
        // Whoever drops it may be a thread that must not wait for a thousand files.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(folder))),
            Err(_) => drop(folder),
        }
    }
}

impl PluginFiles {
    /// All files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&InnerPath, &InnerFile)> {
        self.0.files.iter()
    }

    /// What is known of a file without reading it, if there is one.
    #[must_use]
    pub fn get(&self, path: &InnerPath) -> Option<&InnerFile> {
        self.0.files.get(path)
    }

    /// A file's content.
    ///
    /// # Errors
    ///
    /// `NotFound` when the plugin has no such file, and the system's words when it cannot be read any more.
    pub async fn read(&self, path: &InnerPath) -> io::Result<Vec<u8>> {
        let (files, path) = (self.clone(), path.clone());
        tokio::task::spawn_blocking(move || files.read_now(&path))
            .await
            .map_err(io::Error::other)?
    }

    /// What [`read`](Self::read) does, on a thread that may wait.
    pub(super) fn read_now(&self, path: &InnerPath) -> io::Result<Vec<u8>> {
        let noted = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        let content = fs::read(path.below(self.folder()?))?;
        if *blake3::hash(&content).to_hex() != *noted.hash {
            let text = format!("{path} was changed after it was read from its plugin");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(content)
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn folder(&self) -> io::Result<&Path> {
        let folder = self.0.folder.as_ref().map(TempDir::path);
        folder.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Where the files are: for tests and for showing, since paths say nothing about what may be read.
    #[must_use]
    pub fn unpacked_to(&self) -> Option<PathBuf> {
        self.folder().ok().map(Path::to_owned)
    }
}

impl fmt::Debug for PluginFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginFiles")
            .field("files", &self.0.files.len())
            .finish_non_exhaustive()
    }
}

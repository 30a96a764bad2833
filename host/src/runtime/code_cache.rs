//! Compiled code on disk.
//!
//! Compiling takes tens of milliseconds for a small component and ten seconds for a large one; mapping compiled code takes
//! microseconds. Code is filed under the hash of the component and of everything that shapes the compiler's output, so a
//! stale entry cannot be found.
//!
//! Mapped code runs with the rights of the host. So an entry is trusted only from a directory that belongs to this user and
//! that nobody else can write to, and only if the same holds for the file that was opened; entries appear by renaming, so
//! a half-written one is never seen. Any doubt means compiling again, never failing.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::private::{is_private, make_private, note_use, prune};

/// What the names of files with compiled code end in.
const EXTENSION: &str = "cwasm";

/// A directory of compiled code.
#[derive(Debug, Clone)]
pub struct CodeCache {
    directory: PathBuf,
}

/// Why a directory cannot hold compiled code.
#[derive(Debug, Error)]
pub enum CodeCacheError {
    /// It cannot be made or looked at.
    #[error("{directory} cannot hold compiled code: {source}")]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others could put code there for the host to run.
    #[error(
        "{directory} cannot hold compiled code: others than this user can write to it; make it this user's own, with mode \
         0700"
    )]
    NotPrivate {
        /// The directory.
        directory: PathBuf,
    },
}

impl CodeCache {
    /// Uses a directory, which is made with mode 0700 if it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or others than this user can write to it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, CodeCacheError> {
        let directory = directory.into();
        match make_private(&directory) {
            Ok(true) => {
                prune(&directory, EXTENSION);
                Ok(Self { directory })
            }
            Ok(false) => Err(CodeCacheError::NotPrivate { directory }),
            Err(source) => Err(CodeCacheError::Unusable { directory, source }),
        }
    }

    /// The compiled code of a component, if it is there and can be trusted.
    pub(super) fn load(&self, engine: &Engine, key: &Key) -> Option<Component> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        let found = file.metadata().ok()?;
        if !is_private(&found) || !is_private(&fs::metadata(&self.directory).ok()?) {
            return None;
        }
        note_use(&file, &found);
        // SAFETY: deserializing is safe for bytes that this crate's `Component::serialize` wrote and that did not change
        // since. The file is in a directory, and has itself an owner and a mode, that let only this user write; this
        // program writes there only whole results of `serialize`, by renaming, and never changes a file's content in place. The
        // key ties it to this engine's settings, which wasmtime checks again. A process of the same user could break
        // this, but could as well attach to this process.
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded
            .inspect_err(|error| {
                tracing::warn!(
                    ?path,
                    "compiled code cannot be used, compiling again: {error:#}"
                );
            })
            .ok()
    }

    /// Files compiled code. A failure is logged: the component works without.
    pub(super) fn store(&self, key: &Key, component: &Component) {
        if let Err(error) = self.try_store(key, component) {
            tracing::warn!(directory = ?self.directory, "compiled code is not kept: {error:#}");
        }
    }

    fn try_store(&self, key: &Key, component: &Component) -> wasmtime::Result<()> {
        let code = component.serialize()?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&code)?;
        file.persist(self.path(key))?;
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(format!("{}.{EXTENSION}", key.0))
    }
}

/// Under what compiled code is filed.
pub(super) struct Key(blake3::Hash);

impl Key {
    /// The key of a component with this content hash on this engine.
    pub(super) fn new(engine: &Engine, content: &blake3::Hash) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(content.as_bytes());
        engine
            .precompile_compatibility_hash()
            .hash(&mut Feed(&mut hasher));
        Self(hasher.finalize())
    }
}

/// Lets blake3 take what implements [`Hash`].
struct Feed<'a>(&'a mut blake3::Hasher);

impl Hasher for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

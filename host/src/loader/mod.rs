//! Discovery: which files may be plugins.
//!
//! The loader knows files and nothing else: it neither compiles nor decides. What it finds is in the order of the file
//! names, so that a host that starts twice on the same directory does the same twice. A directory that does not exist is
//! made, so that a fresh host starts; what is not a `.wasm` file is passed over.

mod inner_path;
pub mod manifest;
pub mod package;
pub mod signature;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use inner_path::{InnerPath, InnerPathError};

/// A file that may be a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discovered {
    /// The file.
    pub path: PathBuf,
    /// The file's name without `.wasm`: what to call it until the plugin has said its own name.
    pub name_hint: String,
}

impl Discovered {
    /// A file that may be a plugin, by its name.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let name_hint = name_hint(path)?;
        let path = path.to_owned();
        Some(Self { path, name_hint })
    }
}

/// Why a directory could not be searched.
#[derive(Debug, Error)]
pub enum DiscoverError {
    /// It does not exist and cannot be made.
    #[error("the plugin directory {directory} cannot be made: {reason}; make it, or name another", directory = .directory.display())]
    NotMade {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// It cannot be listed.
    #[error("the plugin directory {directory} cannot be read: {reason}", directory = .directory.display())]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
}

/// The `.wasm` files of a directory, sorted by name. Hidden files and everything below subdirectories are passed over.
///
/// # Errors
///
/// When the directory cannot be made or listed.
pub async fn discover(directory: &Path) -> Result<Vec<Discovered>, DiscoverError> {
    tokio::fs::create_dir_all(directory)
        .await
        .map_err(|reason| DiscoverError::NotMade {
            directory: directory.to_owned(),
            reason,
        })?;
    let unreadable = |reason| DiscoverError::Unreadable {
        directory: directory.to_owned(),
        reason,
    };
    let mut listing = tokio::fs::read_dir(directory).await.map_err(unreadable)?;
    let mut found = Vec::new();
    while let Some(entry) = listing.next_entry().await.map_err(unreadable)? {
        let path = entry.path();
        let Some(name_hint) = name_hint(&path) else {
            continue;
        };
        // Follows links: an operator may keep components elsewhere and link them in.
        if tokio::fs::metadata(&path)
            .await
            .is_ok_and(|file| file.is_file())
        {
            found.push(Discovered { path, name_hint });
        }
    }
    found.sort();
    Ok(found)
}

/// What to call a file, if its name is that of a component.
fn name_hint(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_string_lossy();
    let component = path.extension() == Some(OsStr::new("wasm")) && !name.starts_with('.');
    component.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn names(found: &[Discovered]) -> Vec<&str> {
        found.iter().map(|file| file.name_hint.as_str()).collect()
    }

    #[tokio::test]
    async fn components_are_found_in_the_order_of_their_names_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "b.wasm",
            "a.wasm",
            "c.wat",
            ".hidden.wasm",
            "readme.txt",
            "wasm",
        ] {
            std::fs::write(directory.path().join(name), b"").unwrap();
        }
        std::fs::create_dir(directory.path().join("folder.wasm")).unwrap();
        let found = discover(directory.path()).await.unwrap();
        assert_eq!(names(&found), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_directory_that_does_not_exist_is_made_and_is_empty() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("not/yet");
        assert!(discover(&directory).await.unwrap().is_empty());
        assert!(directory.is_dir());
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = discover(&file.path().join("plugins")).await.unwrap_err();
        assert!(error.to_string().contains(&*file.path().to_string_lossy()));
    }
}

//! Discovery: which files and folders may be plugins.
//!
//! What is found is in the order of the names, so that a host that starts twice on the same directory does the same twice.
//! Three layouts are known: a component `NAME.wasm`, a package `NAME.zip`, and a folder with a `plugin.yaml` in it. Everything
//! else is passed over: hidden names, signatures, and whatever editors and copying programs leave. Nothing that is found is
//! opened, so one that is broken hides no other.
//!
//! Looking only reads: nothing is made, moved or removed, and a directory that does not exist has no plugins. What an
//! interrupted installation has replaced and not removed yet is passed over; whoever loads plugins has it finished first
//! ([`recover`](super::recover())).
//!
//! Names are hints: two files may turn out to be one plugin, which whoever loads them refuses.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{journal, manifest};

/// A file or folder that may be a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Discovered {
    /// The file, or the folder.
    pub path: PathBuf,
    /// Its name without `.wasm` or `.zip`: what to call it until the plugin has said its own name.
    pub name_hint: String,
    /// What it looks like.
    pub layout: Layout,
}

/// How a plugin lies in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// One `.wasm` file.
    Component,
    /// A folder with a manifest, and what belongs to it.
    Folder,
    /// One `.zip` file with a manifest in it.
    Package,
}

/// Why a directory could not be searched, or made ready for that.
#[derive(Debug, Error)]
pub enum DiscoverError {
    /// It does not exist and cannot be made.
    #[error("the plugin directory {directory} cannot be made: {reason}; make it, or name another", directory = .directory.display())]
    NotMade {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// It cannot be listed.
    #[error("the plugin directory {directory} cannot be read: {reason}", directory = .directory.display())]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

/// What may be plugins in a directory, sorted by path. One that does not exist has none.
///
/// # Errors
///
/// When the directory cannot be listed.
pub async fn discover(directory: &Path) -> Result<Vec<Discovered>, DiscoverError> {
    let owned = directory.to_owned();
    let unreadable = |reason| DiscoverError::Unreadable {
        directory: directory.to_owned(),
        reason,
    };
    let listed = tokio::task::spawn_blocking(move || list(&owned)).await;
    listed
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(unreadable)
}

/// What [`discover`] does, on a thread that may wait.
pub(super) fn list(directory: &Path) -> io::Result<Vec<Discovered>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let retired = journal::retired(directory);
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(one) = Discovered::at(&path)
            && !retired.contains(&path)
        {
            found.push(one);
        }
    }
    found.sort();
    Ok(found)
}

impl Discovered {
    /// What is at a path, if it may be a plugin. Links are followed: an operator may keep plugins elsewhere and link them
    /// in.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (name_hint, layout) = named(name)?;
        let found = fs::metadata(path).ok()?;
        let (name_hint, layout) = match layout {
            _ if found.is_dir() && path.join(manifest::FILE).is_file() => (name, Layout::Folder),
            Some(layout) if found.is_file() => (name_hint, layout),
            _ => return None,
        };
        Some(Self {
            path: path.to_owned(),
            name_hint: name_hint.to_owned(),
            layout,
        })
    }

    /// Where the signature of this plugin is, if it is signed: beside it, with `.sig` behind the whole name.
    #[must_use]
    pub fn signature(&self) -> PathBuf {
        signature_path(&self.path)
    }
}

/// Where the signature of a file or folder is: beside it, with `.sig` behind the whole name.
#[must_use]
pub fn signature_path(path: &Path) -> PathBuf {
    // By the name, so that `plugins/look/` is signed by `plugins/look.sig`.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sig");
    path.with_file_name(name)
}

/// What to call a file of this name and which layout it has, if it is a file; `None` for names that are never plugins.
fn named(name: &str) -> Option<(&str, Option<Layout>)> {
    // Editors keep the old version with a tilde behind it, and some copying programs write to such names first.
    let aside = [".sig", "~", ".tmp", ".part", ".swp", ".bak"];
    if name.starts_with(['.', '#', '~']) || aside.iter().any(|end| name.ends_with(end)) {
        return None;
    }
    Some(match name.rsplit_once('.') {
        Some((stem, "wasm")) => (stem, Some(Layout::Component)),
        Some((stem, "zip")) => (stem, Some(Layout::Package)),
        _ => (name, None),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn names(found: &[Discovered]) -> Vec<(&str, Layout)> {
        let pairs = found.iter().map(|one| (one.name_hint.as_str(), one.layout));
        pairs.collect()
    }

    #[tokio::test]
    async fn all_three_layouts_are_found_in_the_order_of_their_names_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in [
            "b.wasm",
            "a.wasm",
            "a.zip",
            "a.wasm.sig",
            "c.wat",
            ".hidden.wasm",
            ".hidden.zip",
            "#a.wasm",
            "readme.txt",
            "wasm",
            "zip",
            "d.wasm~",
            "d.zip.part",
        ] {
            fs::write(at(name), b"").unwrap();
        }
        for folder in ["a", "empty", "folder.wasm", ".previous", "e.tmp"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for folder in ["a", ".previous", "e.tmp"] {
            fs::write(at(folder).join("plugin.yaml"), b"").unwrap();
        }
        let found = discover(directory.path()).await.unwrap();
        let expected = [
            ("a", Layout::Folder),
            ("a", Layout::Component),
            ("a", Layout::Package),
            ("b", Layout::Component),
        ];
        assert_eq!(names(&found), expected);
    }

    #[tokio::test]
    async fn a_directory_that_does_not_exist_has_no_plugins_and_is_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("not/yet");
        assert!(discover(&directory).await.unwrap().is_empty());
        assert!(!parent.path().join("not").exists());
    }

    #[tokio::test]
    async fn what_cannot_be_listed_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = discover(file.path()).await.unwrap_err();
        assert!(error.to_string().contains(&*file.path().to_string_lossy()));
        assert!(matches!(error, DiscoverError::Unreadable { .. }));
    }
}

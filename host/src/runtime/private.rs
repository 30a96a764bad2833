//! Directories that this user alone can write to.
//!
//! What the host keeps on disk for itself, compiled code above all, is as good as its own memory: whoever can write there
//! is the host. So it is kept only in a directory that belongs to this user and that nobody else can write to, and only
//! read from files of which the same holds.

use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a directory cannot hold what the host keeps for itself.
#[derive(Debug, Error)]
pub enum PrivateError {
    /// It cannot be made or looked at.
    #[error("{} cannot hold {what}: {source}", directory.display())]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// What was to be kept there.
        what: &'static str,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others could change what is there.
    #[error(
        "{} cannot hold {what}: others than this user can write to it; make it this user's own, with mode 0700",
        directory.display()
    )]
    NotPrivate {
        /// The directory.
        directory: PathBuf,
        /// What was to be kept there.
        what: &'static str,
    },
}

/// Makes a directory with mode 0700 if it does not exist, and checks that it is private.
pub(crate) fn open_private(directory: &Path, what: &'static str) -> Result<(), PrivateError> {
    let directory = directory.to_owned();
    match make_private(&directory) {
        Ok(true) => Ok(()),
        Ok(false) => Err(PrivateError::NotPrivate { directory, what }),
        Err(source) => Err(PrivateError::Unusable {
            directory,
            what,
            source,
        }),
    }
}

/// Makes a directory with mode 0700 if it does not exist, and says whether it is private.
#[cfg(unix)]
pub(super) fn make_private(directory: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    Ok(is_private(&fs::metadata(directory)?))
}

/// Whether something belongs to this user, and no one else can write to it.
#[cfg(unix)]
pub(super) fn is_private(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// Elsewhere there is no check for this yet, so nothing is trusted.
#[cfg(not(unix))]
pub(super) fn make_private(_directory: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(not(unix))]
pub(super) fn is_private(_metadata: &fs::Metadata) -> bool {
    false
}

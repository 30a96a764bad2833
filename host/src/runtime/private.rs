//! Directories that this user alone can write to.
//!
//! What the host keeps on disk for itself, compiled code above all, is as good as its own memory: whoever can write there
//! is the host. So it is kept only in a directory that belongs to this user and that nobody else can write to, and only
//! read from files of which the same holds. What nobody has used for a month is removed when the directory is next opened.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// How long a file is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How far a file's time of use may be behind.
const NOTED: Duration = Duration::from_secs(24 * 3_600);

/// Removes the files with this extension that nobody has used for long. Failures are logged: the files are only in the way.
pub(super) fn prune(directory: &Path, extension: &str) {
    let now = SystemTime::now();
    let old = |entry: &fs::DirEntry| {
        let path = entry.path();
        let found = entry.metadata().ok().filter(Metadata::is_file);
        path.extension().is_some_and(|own| own == extension)
            && found.is_some_and(|found| age(&found, now) > KEPT)
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return tracing::warn!(?directory, "not searched for old files: {error}"),
    };
    for entry in entries.flatten().filter(old) {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(path = ?entry.path(), "an old file is not removed: {error}");
        }
    }
}

/// Notes that a file is used. Whoever cannot may see it removed while it is in use, and makes it anew.
pub(super) fn note_use(file: &File, found: &Metadata) {
    let now = SystemTime::now();
    if age(found, now) > NOTED {
        let _ = file.set_modified(now);
    }
}

fn age(found: &Metadata, now: SystemTime) -> Duration {
    let modified = found.modified().unwrap_or(now);
    now.duration_since(modified).unwrap_or_default()
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
pub(super) fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// Elsewhere there is no check for this yet, so nothing is trusted.
#[cfg(not(unix))]
pub(super) fn make_private(_directory: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(not(unix))]
pub(super) fn is_private(_metadata: &Metadata) -> bool {
    false
}

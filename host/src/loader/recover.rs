//! Making a plugin directory ready to be loaded from.
//!
//! Looking for plugins only reads ([`discover`](super::discover())). What writes is here, and whoever is about to load plugins calls
//! it first: the directory is made where there is none, so that a fresh host starts, and installations that were interrupted
//! are finished or thrown away. Whoever only lists plugins need not: what an unfinished installation replaces is passed
//! over.

use std::fs;
use std::io;
use std::path::Path;

use super::discover::DiscoverError;
use super::journal;

/// Makes a plugin directory if it is not there, and finishes the installations in it that were interrupted, unless somebody
/// is installing at this moment. An installation that cannot be finished is named in the log and stays as it is.
///
/// # Errors
///
/// When the directory cannot be made.
pub async fn recover(directory: &Path) -> Result<(), DiscoverError> {
    let owned = directory.to_owned();
    let recovered = tokio::task::spawn_blocking(move || recover_now(&owned)).await;
    recovered.unwrap_or_else(|stopped| {
        Err(DiscoverError::NotMade {
            directory: directory.to_owned(),
            reason: io::Error::other(stopped),
        })
    })
}

/// What [`recover`] does, on a thread that may wait.
pub(super) fn recover_now(directory: &Path) -> Result<(), DiscoverError> {
    fs::create_dir_all(directory).map_err(|reason| DiscoverError::NotMade {
        directory: directory.to_owned(),
        reason,
    })?;
    journal::recover(directory);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_directory_that_does_not_exist_is_made() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("not/yet");
        recover(&directory).await.unwrap();
        assert!(directory.is_dir());
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = recover(&file.path().join("plugins")).await.unwrap_err();
        assert!(error.to_string().contains(&*file.path().to_string_lossy()));
        assert!(matches!(error, DiscoverError::NotMade { .. }));
    }
}

//! Why a plugin is not read: what is wrong with its file, its signature, its package or what it says about itself.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::inner_path::InnerPath;
use super::package::PackageError;
use super::signature::SignatureError;

/// Why a plugin was not read. Nothing of it is used.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// The file is too large.
    #[error("{} has more than the {limit} bytes that are allowed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes it may have.
        limit: u64,
    },
    /// Its signature is missing or wrong.
    #[error("{} is refused: {source}", path.display())]
    Signature {
        /// What is to be signed.
        path: PathBuf,
        /// Why.
        source: SignatureError,
    },
    /// Its package or folder is wrong.
    #[error("{} is refused: {source}", path.display())]
    Package {
        /// The package or folder.
        path: PathBuf,
        /// Why.
        source: PackageError,
    },
    /// Its manifest names a component that is not there.
    #[error(
        "{} has no file {file}, which its manifest says is the component; name another one with wasm", path.display()
    )]
    NoComponent {
        /// The package or folder.
        path: PathBuf,
        /// The file.
        file: InnerPath,
    },
    /// Its manifest and its component are not of one plugin.
    #[error(
        "{}: the manifest says {field} {manifest:?}, and the component says {component:?}; make them agree", path.display()
    )]
    Disagrees {
        /// The package or folder.
        path: PathBuf,
        /// In what.
        field: &'static str,
        /// What the manifest says.
        manifest: String,
        /// What the component says.
        component: String,
    },
}

impl ReadError {
    /// The contract's code for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "not-found",
            Self::TooLarge { .. }
            | Self::Package {
                source: PackageError::TooLarge { .. },
                ..
            } => "too-large",
            Self::Signature { .. } => "permission-denied",
            Self::Package { .. } | Self::NoComponent { .. } | Self::Disagrees { .. } => {
                "invalid-argument"
            }
        }
    }
}

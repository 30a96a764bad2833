//! Why a plugin is not installed, rolled back or removed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::contract::PluginName;
use crate::loader::discover::DiscoverError;
use crate::loader::pack::PackError;
use crate::loader::read_error::ReadError;
use crate::runtime::DescribeError;

/// Why nothing was changed.
#[derive(Debug, Error)]
pub enum InstallError {
    /// What was given is no component, package or folder by its name.
    #[error(
        "{} is no plugin: give a component NAME.wasm, a package NAME.zip or a folder with a plugin.yaml", path.display()
    )]
    NoPlugin {
        /// What was given.
        path: PathBuf,
    },
    /// It is refused as it would be when it is loaded.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its component does not describe itself.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// A folder that cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A folder, where signatures are required.
    #[error(
        "{} is a folder, and this host requires signatures: pack it (goatherd pack), sign the package (goatherd \
         sign) and install that", path.display()
    )]
    FolderNotSigned {
        /// The folder.
        path: PathBuf,
    },
    /// The plugin directory cannot be searched.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// There are several files of the plugin.
    #[error(
        "plugin \"{name}\" is there more than once, as {} and {}; remove one of them", first.display(), second.display()
    )]
    Ambiguous {
        /// The plugin.
        name: PluginName,
        /// One file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// The file is there and is another plugin's.
    #[error("{} is the plugin \"{holds}\" and would be replaced by \"{name}\"; rename it", path.display())]
    Taken {
        /// The plugin to be installed.
        name: PluginName,
        /// The file.
        path: PathBuf,
        /// The plugin that is in it.
        holds: PluginName,
    },
    /// There is no such plugin.
    #[error("there is no plugin \"{name}\" in {}", directory.display())]
    NotThere {
        /// The plugin.
        name: PluginName,
        /// The plugin directory.
        directory: PathBuf,
    },
    /// There is nothing to go back to.
    #[error("no previous version of \"{name}\" is kept in {}", directory.display())]
    NoPrevious {
        /// The plugin.
        name: PluginName,
        /// The plugin directory.
        directory: PathBuf,
    },
    /// The directory cannot be changed.
    #[error("{} cannot be changed: {reason}", directory.display())]
    Write {
        /// The plugin directory.
        directory: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

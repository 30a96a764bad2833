//! Where things are. All paths are absolute, so that commands can run in any folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that commands read and write.
pub(crate) struct Places {
    root: PathBuf,
    target: PathBuf,
}

impl Places {
    /// Finds the checkout by where cargo says that this crate is, and the target directory as cargo would.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .find(|folder| folder.join("wit").is_dir() && folder.join("guest-examples").is_dir())
            .with_context(|| format!("{} is not inside the checkout", manifest.display()))?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(target)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The contract.
    pub(crate) fn wit(&self) -> PathBuf {
        self.root.join("wit")
    }

    /// What the demo makes.
    pub(crate) fn demo(&self) -> PathBuf {
        self.target.join("demo")
    }

    /// What the servers of the tests are run with.
    pub(crate) fn servers(&self) -> PathBuf {
        self.target.join("servers")
    }

    /// The program, as built for daily work.
    pub(crate) fn program(&self) -> PathBuf {
        self.target.join("debug").join("goatherd")
    }

    /// Where finished guests go, each as `NAME.wasm`.
    pub(crate) fn guests(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// Where guests are built. Not the host's own target directory: a build for another machine, by what may be
    /// another compiler, would make cargo throw away what it has.
    pub(crate) fn build(&self) -> PathBuf {
        self.guests().join("build")
    }
}

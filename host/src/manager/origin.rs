//! Where a plugin comes from, so that it can be read again.
//!
//! A plugin is read when it is found, when it is loaded on demand, and when it is reloaded. Each time all of it is read at
//! once, checked, and used from memory: what is on the disk afterwards makes no difference.

use std::path::Path;
use std::time::Duration;

use super::error::Failure;
use crate::loader::Discovered;
use crate::loader::signature::KeyId;
use crate::runtime::{Component, Description, Host};

/// A place to read a plugin from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    file: Discovered,
    /// Whether the plugin is loaded by its first call, and after which time without calls it is unloaded again.
    lazy: Option<Duration>,
}

/// What was read.
pub(super) struct Described {
    pub(super) description: Description,
    pub(super) component: Option<Component>,
    pub(super) signed_by: Option<KeyId>,
}

impl Origin {
    pub(super) fn new(file: Discovered, lazy: Option<Duration>) -> Self {
        Self { file, lazy }
    }

    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    pub(super) fn name_hint(&self) -> &str {
        &self.file.name_hint
    }

    pub(super) fn lazy(&self) -> Option<Duration> {
        self.lazy
    }

    /// Reads the plugin and finds out what it says about itself.
    pub(super) async fn describe(&self, host: &Host) -> Result<Described, Failure> {
        let (component, description) = self.load(host).await?;
        Ok(Described {
            description,
            signed_by: None,
            // One that is loaded later is read again then; until that it costs no memory.
            component: self.lazy.is_none().then_some(component),
        })
    }

    /// Reads the plugin to be loaded.
    pub(super) async fn load(&self, host: &Host) -> Result<(Component, Description), Failure> {
        let component = host.compile_file(self.path()).await;
        let component = component.map_err(|error| Failure::from(&error))?;
        let description = host.describe(&component).await;
        Ok((
            component,
            description.map_err(|error| Failure::from(&error))?,
        ))
    }
}

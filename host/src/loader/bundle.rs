//! A plugin as it was read: checked bytes, and nothing that has run.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::PluginFiles;
use super::manifest::Manifest;
use super::read_error::ReadError;
use super::signature::KeyId;
use crate::runtime::Description;

/// What a [`Reader`](super::Reader) read. Everything in it is from one reading, whatever became of the files since.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Bundle {
    /// What to call it until the plugin has said its own name.
    pub name_hint: String,
    /// What it was read from.
    pub path: PathBuf,
    /// What its package or folder says about it; a bare component has none.
    pub manifest: Option<Manifest>,
    /// Its component; templates and themes have none.
    pub component: Option<Arc<[u8]>>,
    /// The files of its package or folder.
    pub files: Option<PluginFiles>,
    /// Whose signature was checked.
    pub signed_by: Option<KeyId>,
    /// A hash of everything: blake3, in hexadecimal. Two bundles with one hash are the same plugin.
    pub hash: String,
}

impl Bundle {
    /// Checks that manifest and component are of one plugin: that they say the same name and version.
    ///
    /// # Errors
    ///
    /// [`ReadError::Disagrees`], with what each says.
    pub fn check_against(&self, description: &Description) -> Result<(), ReadError> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let registered = &description.registration;
        let disagrees = |field, manifest: String, component: String| {
            Err(ReadError::Disagrees {
                path: self.path.clone(),
                field,
                manifest,
                component,
            })
        };
        if manifest.name != registered.name {
            return disagrees(
                "name",
                manifest.name.to_string(),
                registered.name.to_string(),
            );
        }
        if manifest.version != registered.version {
            let (ours, its) = (manifest.version.to_string(), registered.version.to_string());
            return disagrees("version", ours, its);
        }
        Ok(())
    }
}

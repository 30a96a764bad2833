//! Where a plugin comes from, so that it can be read again.
//!
//! A plugin is read when it is found, when it is loaded on demand, and when it is reloaded. Each time all of it is read at
//! once, its signature is checked on what was read, and it is used from memory: what is on the disk afterwards makes no
//! difference.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::Failure;
use crate::contract::ContractVersion;
use crate::contract::registration::Registration;
use crate::contract::wire::registration as wire;
use crate::loader::manifest::Manifest;
use crate::loader::signature::KeyId;
use crate::loader::{Bundle, Discovered, PluginFiles, Reader};
use crate::runtime::{Component, Description, Host};

/// A place to read a plugin from.
#[derive(Clone)]
pub(super) struct Origin {
    file: Discovered,
    reader: Reader,
    /// Whether the plugin is loaded by its first call, and after which time without calls it is unloaded again.
    lazy: Option<Duration>,
}

/// What was read.
#[derive(Clone)]
pub(super) struct Described {
    pub(super) description: Arc<Description>,
    pub(super) content: Content,
    pub(super) manifest: Option<Arc<Manifest>>,
    pub(super) files: Option<PluginFiles>,
    pub(super) signed_by: Option<KeyId>,
}

/// What of a plugin can run.
#[derive(Clone)]
pub(super) enum Content {
    /// A component.
    Compiled(Component),
    /// A component, which is read again when it is needed.
    Unread,
    /// Nothing: it has templates and other files only.
    Files,
}

impl Origin {
    pub(super) fn new(file: Discovered, reader: Reader, lazy: Option<Duration>) -> Self {
        Self { file, reader, lazy }
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

    fn label(&self) -> String {
        self.path().display().to_string()
    }

    async fn read(&self) -> Result<Bundle, Failure> {
        let read = self.reader.read(&self.file).await;
        read.map_err(|error| Failure::new(error.code(), error.to_string()))
    }

    /// Reads the plugin and finds out what it says about itself.
    pub(super) async fn describe(&self, host: &Host) -> Result<Described, Failure> {
        let bundle = self.read().await?;
        let (description, content) = match &bundle.component {
            Some(bytes) => {
                let label = self.label();
                let described = host.describe_bytes(&label, Arc::clone(bytes)).await;
                let described =
                    described.map_err(|error| Failure::new(error.code(), error.to_string()))?;
                // One that is loaded later is read again then; until that it costs no memory.
                let content = match self.lazy {
                    Some(_) => Content::Unread,
                    None => Content::Compiled(self.compile(host, bytes).await?),
                };
                (described, content)
            }
            None => (of_manifest(&bundle, host)?, Content::Files),
        };
        let agrees = bundle.check_against(&description);
        agrees.map_err(|error| Failure::new(error.code(), error.to_string()))?;
        Ok(Described {
            description: Arc::new(description),
            content,
            manifest: bundle.manifest.map(Arc::new),
            files: bundle.files,
            signed_by: bundle.signed_by,
        })
    }

    /// Reads the plugin's component to be loaded.
    pub(super) async fn component(&self, host: &Host) -> Result<Component, Failure> {
        match self.read().await?.component {
            Some(bytes) => self.compile(host, &bytes).await,
            None => Err(Failure::new(
                "conflict",
                format!("{} has no component any more; reload it", self.label()),
            )),
        }
    }

    async fn compile(&self, host: &Host, bytes: &Arc<[u8]>) -> Result<Component, Failure> {
        let compiled = host.compile(&self.label(), Arc::clone(bytes)).await;
        compiled.map_err(|error| Failure::from(&error))
    }
}

/// What a plugin without a component says about itself: what stands in its manifest.
fn of_manifest(bundle: &Bundle, host: &Host) -> Result<Description, Failure> {
    let refused = |reason: String| Failure::new("invalid-argument", reason);
    let Some(manifest) = &bundle.manifest else {
        let path = bundle.path.display();
        return Err(refused(format!(
            "{path} has neither a component nor a manifest"
        )));
    };
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let said = wire::Registration {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        description: given(&manifest.description),
        author: given(&manifest.author),
        license: given(&manifest.license),
        homepage: given(&manifest.homepage),
        min_host_version: None,
        resources: None,
        contributions: Vec::new(),
    };
    let registration = Registration::parse(said, host.version());
    let registration = registration
        .map_err(|problems| refused(format!("{}:\n{problems}", bundle.path.display())))?;
    Ok(Description {
        contract: ContractVersion::newest(),
        hash: bundle.hash.clone(),
        bytes: 0,
        imports: Vec::new(),
        exports: Vec::new(),
        registration,
    })
}

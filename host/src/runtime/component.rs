//! A plugin's component: compiled, and read for what it needs.
//!
//! A [`Component`] is known to be a plugin of a contract version that the host serves. What it needs is read off its
//! import section and never believed from anything it says: each import has a [`Verdict`]. Nothing of it has run.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use wasmtime::Engine;

use super::error::ComponentError;
use crate::capability::table::Gate;
use crate::capability::{Interfaces, wasi};
use crate::contract::ContractVersion;
use crate::contract::bindings::Exported;
use crate::contract::version::{InterfaceName, PACKAGE};
use crate::permission::Need;

/// The beginning of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// The version and layer of a core module, after the magic.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

/// A compiled component that exports the contract. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Facts>);

struct Facts {
    label: String,
    hash: blake3::Hash,
    bytes: usize,
    compiled: wasmtime::component::Component,
    contract: ContractVersion,
    imports: Vec<Import>,
    exports: Vec<String>,
}

/// An import of a component.
#[derive(Debug, Clone, Serialize)]
pub struct Import {
    /// As the component names it, with its version.
    pub name: String,
    /// Whether and when the host links it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether and when the host links an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "link", rename_all = "kebab-case")]
pub enum Verdict {
    /// Always.
    Ambient,
    /// When a grant covers it.
    Granted {
        /// What the grant must cover.
        #[serde(serialize_with = "as_text")]
        permission: Need,
    },
    /// Never.
    Refused {
        /// Why.
        reason: String,
    },
}

fn as_text<S: Serializer>(need: &Need, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(need)
}

impl Component {
    /// Checks that bytes look like a component, before anything is compiled.
    pub(super) fn check_header(label: &str, bytes: &[u8]) -> Result<(), ComponentError> {
        let component = label.to_owned();
        match bytes.strip_prefix(MAGIC) {
            None => Err(ComponentError::NotWasm { component }),
            Some(rest) if rest.starts_with(CORE_MODULE) => {
                Err(ComponentError::CoreModule { component })
            }
            Some(_) => Ok(()),
        }
    }

    /// Reads what a compiled component imports and exports.
    pub(super) fn new(
        label: &str,
        hash: blake3::Hash,
        bytes: usize,
        compiled: wasmtime::component::Component,
        interfaces: &Interfaces,
    ) -> Result<Self, ComponentError> {
        let engine: &Engine = compiled.engine();
        let shape = compiled.component_type();
        let exports: Vec<String> = shape
            .exports(engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let imports = shape
            .imports(engine)
            .map(|(name, _)| Import::of(name, interfaces))
            .collect();
        let contract = contract_of(label, &exports)?;
        Ok(Self(Arc::new(Facts {
            label: label.to_owned(),
            hash,
            bytes,
            compiled,
            contract,
            imports,
            exports,
        })))
    }

    /// What the caller named it, usually its file. Errors name it so until the plugin has said its own name.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// The blake3 hash of its bytes, in hexadecimal.
    pub fn hash(&self) -> String {
        self.0.hash.to_hex().to_string()
    }

    /// How large it is.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// The version of the contract that it exports.
    pub fn contract(&self) -> &ContractVersion {
        &self.0.contract
    }

    /// Everything that it imports.
    pub fn imports(&self) -> &[Import] {
        &self.0.imports
    }

    /// The names of everything that it exports.
    pub fn exports(&self) -> &[String] {
        &self.0.exports
    }

    /// Whether it exports one of the contract's interfaces for handlers.
    pub(super) fn has(&self, exported: Exported) -> bool {
        has_export(&self.0.exports, exported)
    }

    /// What grants have to cover so that it can be linked, each once.
    pub fn needs(&self) -> Vec<Need> {
        needs_of(&self.0.imports)
    }

    pub(super) fn compiled(&self) -> &wasmtime::component::Component {
        &self.0.compiled
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("label", &self.0.label)
            .field("hash", &self.0.hash)
            .field("contract", &self.0.contract)
            .finish_non_exhaustive()
    }
}

/// What grants have to cover so that these imports can be linked, each once.
pub fn needs_of(imports: &[Import]) -> Vec<Need> {
    let mut needs = Vec::new();
    for import in imports {
        if let Verdict::Granted { permission } = &import.verdict
            && !needs.contains(permission)
        {
            needs.push(permission.clone());
        }
    }
    needs
}

impl Import {
    /// An import of this name, judged by what a host has.
    pub(super) fn of(name: &str, interfaces: &Interfaces) -> Self {
        Self {
            name: name.to_owned(),
            verdict: Verdict::of(name, interfaces),
        }
    }

    /// Its interface, with its package and without a version.
    pub(super) fn interface(&self) -> &str {
        unversioned(&self.name)
    }
}

impl Verdict {
    /// Whether and when the host links an import of this name.
    fn of(name: &str, interfaces: &Interfaces) -> Self {
        if let Some(reason) = wasi_refusal(name, interfaces) {
            return Self::Refused { reason };
        }
        let (interface, version) = match name.split_once('@') {
            Some((interface, version)) => (interface, Some(version)),
            None => (name, None),
        };
        let Some(gate) = interfaces.gate(interface) else {
            return Self::Refused {
                reason: "no host interface has this name".to_owned(),
            };
        };
        let served = check_version(name);
        if let Err(reason) = served.and_then(|()| interfaces.check_version(interface, version)) {
            return Self::Refused { reason };
        }
        match gate {
            Gate::TypesOnly | Gate::Ambient => Self::Ambient,
            Gate::Needs(permission) => Self::Granted {
                permission: permission.clone(),
            },
        }
    }
}

/// Why an import is not served, where it is one of WASI's that is not.
fn wasi_refusal(name: &str, interfaces: &Interfaces) -> Option<String> {
    if name.starts_with("wasi:") {
        wasi::refusal(name, interfaces)
    } else {
        None
    }
}

/// A name without its version.
fn unversioned(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Whether the version in the name of a known interface is one that the host serves.
fn check_version(name: &str) -> Result<(), String> {
    match InterfaceName::parse(name) {
        Ok(Some(interface)) => interface
            .version
            .served_by()
            .map(|_| ())
            .map_err(|error| error.to_string()),
        Ok(None) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether one of these exports is an interface for handlers, in whatever version.
pub(super) fn has_export(exports: &[String], exported: Exported) -> bool {
    exports.iter().any(|export| {
        let name = unversioned(export).strip_prefix(PACKAGE);
        name.and_then(|name| name.strip_prefix('/')) == Some(exported.interface())
    })
}

/// The version of the contract that these exports implement.
pub(super) fn contract_of(
    label: &str,
    exports: &[String],
) -> Result<ContractVersion, ComponentError> {
    let unserved = |reason| ComponentError::UnservedVersion {
        component: label.to_owned(),
        reason,
    };
    for export in exports {
        let name = InterfaceName::parse(export).map_err(unserved)?;
        if let Some(name) = name.filter(InterfaceName::is_guest) {
            name.version.served_by().map_err(unserved)?;
            return Ok(name.version);
        }
    }
    let listed = if exports.is_empty() {
        "nothing".to_owned()
    } else {
        exports.join(", ")
    };
    Err(ComponentError::NotAPlugin {
        component: label.to_owned(),
        exports: listed,
    })
}

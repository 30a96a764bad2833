//! Why a component cannot be compiled, by the names in it.
//!
//! A component that was built for a later version of WASI uses features of the component model that this engine does not
//! have, so it is refused before anything can be asked about its imports. The engine's words for that speak of features; what
//! its author needs to know is which interface brought them in. The names are read from the component's own sections, without
//! validating or compiling anything, in time that grows with their number.

use wasmparser::{Encoding, Parser, Payload};

use super::component::{Import, Verdict, contract_of};
use super::error::{ComponentError, Unknown};
use crate::capability::Interfaces;

/// What a component imports and exports by name, as far as its bytes can be read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Explains why bytes that look like a component could not be compiled.
pub(super) fn explain(
    label: &str,
    bytes: &[u8],
    error: &wasmtime::Error,
    interfaces: &Interfaces,
) -> ComponentError {
    let invalid = || ComponentError::Invalid {
        component: label.to_owned(),
        reason: format!("{error:#}"),
    };
    let Some(names) = Names::read(bytes) else {
        return invalid();
    };
    if let Err(other_world) = contract_of(label, &names.exports) {
        return other_world;
    }
    let unknown = names.unserved(interfaces);
    if unknown.is_empty() {
        return invalid();
    }
    ComponentError::Unserved {
        component: label.to_owned(),
        unknown,
    }
}

impl Names {
    /// Reads the names of the outermost component; none where the bytes stop making sense.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut names = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.ok()? {
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                } if depth == 0 => return None,
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        names.imports.push(import.ok()?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        names.exports.push(export.ok()?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Some(names)
    }

    /// What of it a host with these interfaces does not serve.
    fn unserved(&self, interfaces: &Interfaces) -> Vec<Unknown> {
        let imports = self.imports.iter();
        let imports = imports.map(|name| Import::of(name, interfaces));
        imports
            .filter_map(|import| match import.verdict {
                Verdict::Refused { reason } => Some(Unknown {
                    interface: import.name,
                    reason,
                }),
                _ => None,
            })
            .collect()
    }
}

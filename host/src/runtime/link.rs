//! Linking by grant.
//!
//! A linker holds exactly the interfaces that a component imports and that are open to it; there is no linker with more.
//! What is missing is collected before anything is linked, so that one error names all of it.

use wasmtime::component::Linker;

use super::closed;
use super::component::{Component, Import, Verdict};
use super::error::{LoadError, Missing, Unknown};
use crate::capability::{Guest, Interfaces, table};
use crate::contract::bindings;
use crate::contract::registration::Registration;
use crate::permission::{Grants, Need, Permission};

/// A component joined to what it imports, ready to be instantiated any number of times.
pub(super) type Linked = bindings::Linked<Guest>;

/// Refuses a component that imports what nobody serves; `plugin` is what errors call it.
pub(super) fn check_known(plugin: &str, imports: &[Import]) -> Result<(), LoadError> {
    let unknown: Vec<_> = imports
        .iter()
        .filter_map(|import| match &import.verdict {
            Verdict::Refused { reason } => Some(Unknown {
                interface: import.name.clone(),
                reason: reason.clone(),
            }),
            _ => None,
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(LoadError::UnknownImports {
        plugin: plugin.to_owned(),
        unknown,
    })
}

/// Refuses a component whose imports are not all granted and served.
pub(super) fn check_granted(
    registration: &Registration,
    imports: &[Import],
    grants: &Grants,
    interfaces: &Interfaces,
) -> Result<(), LoadError> {
    let plugin = &registration.name;
    let mut missing = Vec::new();
    for import in imports {
        if let Verdict::Granted { permission } = &import.verdict
            && !grants.covers(permission)
        {
            missing.push(Missing {
                interface: import.name.clone(),
                need: permission.clone(),
                asked: asked(registration, permission),
            });
        }
    }
    if !missing.is_empty() {
        return Err(LoadError::NotGranted {
            plugin: plugin.clone(),
            missing,
        });
    }
    let mut interfaces_without = Vec::new();
    let mut hints: Vec<(&Permission, &str)> = Vec::new();
    for import in imports {
        let Verdict::Granted { permission } = &import.verdict else {
            continue;
        };
        if interfaces.is_served(import.interface()) {
            continue;
        }
        interfaces_without.push(import.name.clone());
        let permission = permission.permission();
        if let Some(hint) = table::back_end(permission)
            && !hints.iter().any(|(other, _)| *other == permission)
        {
            hints.push((permission, hint));
        }
    }
    if interfaces_without.is_empty() {
        return Ok(());
    }
    let hints = hints.into_iter();
    let hints: Vec<_> = hints
        .map(|(permission, hint)| format!("for {permission}, {hint}"))
        .collect();
    Err(LoadError::NotServed {
        plugin: plugin.to_string(),
        interfaces: interfaces_without,
        hint: format!(": it has no back-end for that; {}", hints.join("; ")),
    })
}

/// The scope that a plugin asks for where an interface needs a permission.
fn asked(registration: &Registration, need: &Need) -> Vec<String> {
    let parts = need.parts();
    let mut asked: Vec<String> = Vec::new();
    for request in registration.requested_permissions() {
        let Ok(grant) = request.to_grant() else {
            continue;
        };
        if parts.iter().any(|part| grant.covers(part)) {
            for entry in grant.scope() {
                if !asked.contains(&entry) {
                    asked.push(entry);
                }
            }
        }
    }
    asked
}

/// Links a component to everything that it imports. The caller has checked that all of it is granted.
pub(super) fn link_granted(
    component: &Component,
    interfaces: &Interfaces,
) -> wasmtime::Result<Linked> {
    let linker = open(component, interfaces, |_| true)?;
    join(component, &linker)
}

/// Links a component to what is always there; everything else traps when it is called, with its name.
pub(super) fn link_ambient(
    component: &Component,
    interfaces: &Interfaces,
) -> wasmtime::Result<Linked> {
    let ambient = |import: &Import| import.verdict == Verdict::Ambient;
    let mut linker = open(component, interfaces, ambient)?;
    closed::close(&mut linker, component, |import| !ambient(import))?;
    join(component, &linker)
}

fn join(component: &Component, linker: &Linker<Guest>) -> wasmtime::Result<Linked> {
    let instance = linker.instantiate_pre(component.compiled())?;
    Linked::new(component.contract(), instance, |exported| {
        component.has(exported)
    })
}

/// A linker with the interfaces that a component imports and that are open to it.
fn open(
    component: &Component,
    interfaces: &Interfaces,
    is_open: impl Fn(&Import) -> bool,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker: Linker<Guest> = Linker::new(component.compiled().engine());
    // A component that was composed of others can import one interface in several versions, which are one here.
    let mut added: Vec<&str> = Vec::new();
    for import in component.imports().iter().filter(|import| is_open(import)) {
        let interface = import.interface();
        if !added.contains(&interface) {
            interfaces.link(interface, &mut linker)?;
            added.push(interface);
        }
    }
    Ok(linker)
}

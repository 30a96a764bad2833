//! Linking by grant.
//!
//! A linker holds exactly the interfaces that a component imports and that are open to it; there is no linker with more.
//! What is missing is collected before anything is linked, so that one error names all of it.

use wasmtime::component::Linker;

use super::closed;
use super::component::{Component, Import, Verdict};
use super::error::{LoadError, Missing, Unknown};
use crate::capability::table::{self, Link};
use crate::capability::{Guest, Providers};
use crate::contract::registration::Registration;
use crate::contract::v0_1::EverythingPre;
use crate::permission::{Grant, Grants, Need};

/// A component joined to what it imports, ready to be instantiated any number of times.
pub(super) type Linked = EverythingPre<Guest>;

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
    providers: &Providers,
) -> Result<(), LoadError> {
    let plugin = &registration.name;
    let mut missing = Vec::new();
    for import in imports {
        if let Verdict::Granted { permission } = import.verdict
            && !grants.covers(permission)
        {
            missing.push(Missing {
                interface: import.name.clone(),
                need: permission,
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
    let refuse = |filter: &dyn Fn(&&Import) -> bool, hint: &dyn Fn() -> String| {
        let refused = imports.iter().filter(filter);
        let interfaces: Vec<_> = refused.map(|import| import.name.clone()).collect();
        if interfaces.is_empty() {
            return Ok(());
        }
        Err(LoadError::NotServed {
            plugin: plugin.to_string(),
            interfaces,
            hint: hint(),
        })
    };
    let not_served = |import: &&Import| matches!(import.verdict, Verdict::NotServed { .. });
    refuse(&not_served, &|| " in this version".to_owned())?;
    let no_provider = |import: &&Import| {
        matches!(import.verdict, Verdict::Granted { .. })
            && provided(import).is_some_and(|interface| providers.serving(interface).is_none())
    };
    refuse(&no_provider, &|| {
        let mut hints = Vec::new();
        for import in imports.iter().filter(no_provider) {
            if let Verdict::Granted { permission } = import.verdict
                && let permission = permission.permission()
                && let Some(hint) = table::back_end(permission)
                && !hints.iter().any(|(other, _)| *other == permission)
            {
                hints.push((permission, hint));
            }
        }
        let hints: Vec<_> = hints
            .into_iter()
            .map(|(permission, hint)| format!("for {permission}, {hint}"))
            .collect();
        format!(": it has no back-end for that; {}", hints.join("; "))
    })
}

/// The scope that a plugin asks for where an interface needs a permission.
fn asked(registration: &Registration, need: Need) -> Vec<String> {
    registration
        .requested_permissions()
        .filter_map(|request| Grant::try_from(request).ok())
        .filter(|grant| grant.covers(need))
        .flat_map(|grant| grant.scope())
        .collect()
}

/// The names of what a component imports, as providers know them.
pub(super) fn imported(component: &Component) -> Vec<&'static str> {
    component.imports().iter().filter_map(provided).collect()
}

/// An interface's name as its provider knows it: that of the contract without its package, others with it.
fn provided(import: &Import) -> Option<&'static str> {
    let name = import.interface()?.name;
    Some(name.strip_prefix("goatherd:plugin/").unwrap_or(name))
}

/// Links a component to everything that it imports. The caller has checked that all of it is granted.
pub(super) fn link_granted(component: &Component) -> wasmtime::Result<Linked> {
    let linker = open(component, |_| true)?;
    EverythingPre::new(linker.instantiate_pre(component.compiled())?)
}

/// Links a component to what is always there; everything else traps when it is called, with its name.
pub(super) fn link_ambient(component: &Component) -> wasmtime::Result<Linked> {
    let ambient = |import: &Import| import.verdict == Verdict::Ambient;
    let mut linker = open(component, ambient)?;
    closed::close(&mut linker, component, |import| !ambient(import))?;
    EverythingPre::new(linker.instantiate_pre(component.compiled())?)
}

/// A linker with the interfaces that a component imports and that are open to it.
fn open(
    component: &Component,
    is_open: impl Fn(&Import) -> bool,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker: Linker<Guest> = Linker::new(component.compiled().engine());
    // A component that was composed of others can import one interface in several versions, which are one here.
    let mut added: Vec<&str> = Vec::new();
    for import in component.imports().iter().filter(|import| is_open(import)) {
        if let Some(interface) = import.interface()
            && let Link::Function(add) = interface.link
            && !added.contains(&interface.name)
        {
            add(&mut linker)?;
            added.push(interface.name);
        }
    }
    Ok(linker)
}

//! What a plugin is, before anything is granted.
//!
//! Describing runs `register` alone, in an instance that is thrown away, with every gated import absent: calling one traps.
//! So an operator can see what a plugin is and what it asks for without trusting it with anything.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use thiserror::Error;

use super::component::{self, Component, Import};
use super::error::{ComponentError, LoadError};
use super::instance::Mold;
use super::limits::Limits;
use super::link;
use super::live::Terms;
use super::trap::Trapped;
use super::turns::Turns;
use crate::capability::Interfaces;
use crate::capability::log::{Logs, PluginLog};
use crate::contract::registration::{NeededExport, Problems, Registration};
use crate::contract::wire::registration as wire;
use crate::contract::{ContractVersion, PluginName};

/// What a plugin says about itself, and what was read off its component.
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    /// The version of the contract that it was built for.
    pub contract: ContractVersion,
    /// The blake3 hash of the component, in hexadecimal.
    pub hash: String,
    /// The component's size in bytes.
    pub bytes: usize,
    /// What it imports, and what would link each.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it says about itself, valid in every part.
    pub registration: Registration,
}

/// How large a registration may be, as the host holds it.
const REGISTRATION_BYTES: usize = 8 << 20;

/// Why bytes were not described.
#[derive(Debug, Error)]
pub enum DescribeError {
    /// They are not a plugin's component.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// It did not describe itself.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl DescribeError {
    /// The contract's code for it.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Component(error) => error.code().to_owned(),
            Self::Load(error) => error.code(),
        }
    }
}

/// What a component's `register` returns. What it prints is kept in `logs` under the component's hash.
pub(super) async fn ask(
    component: &Component,
    interfaces: &Interfaces,
    limits: Limits,
    turns: &Turns,
    logs: &Logs,
) -> Result<wire::Registration, LoadError> {
    let plugin = component.label();
    link::check_known(plugin, component.imports())?;
    let linked = link::link_ambient(component, interfaces).map_err(|error| LoadError::Link {
        plugin: plugin.to_owned(),
        reason: format!("{error:#}"),
    })?;
    let failed = |Trapped { trap, output }| LoadError::Register {
        plugin: plugin.to_owned(),
        trap,
        output,
    };
    let deadline = Instant::now() + limits.init_timeout;
    // Its real name is what `register` is about to say.
    let nameless = PluginName::provisional(plugin);
    let log = Arc::new(PluginLog::new(nameless.clone()));
    let mold = Mold {
        log: Arc::clone(&log),
        plugin: nameless,
        linked,
        slots: Arc::from(Vec::new()),
        refusals: Arc::default(),
        share: turns.share(),
    };
    let terms = Terms::new(Limits {
        transfer_bytes: REGISTRATION_BYTES,
        ..limits
    });
    let said = match mold.instantiate(&terms, deadline).await {
        Ok(mut instance) => instance.register(deadline).await,
        Err(trapped) => Err(trapped),
    };
    logs.keep_register(component.hash(), &log);
    said.map_err(failed)
}

/// What a component is that said this.
pub(super) fn judge(
    component: &Component,
    said: wire::Registration,
    host: &semver::Version,
) -> Result<Description, LoadError> {
    let registration = parse(said, host, component.exports());
    let registration = registration.map_err(|problems| LoadError::Registration {
        plugin: component.label().to_owned(),
        problems,
    })?;
    Ok(Description {
        contract: component.contract().clone(),
        hash: component.hash(),
        bytes: component.bytes(),
        imports: component.imports().to_vec(),
        exports: component.exports().to_vec(),
        registration,
    })
}

/// What a component says that has these exports. Each contribution with a handler needs the export that calls it.
pub(super) fn parse(
    said: wire::Registration,
    host: &semver::Version,
    exports: &[String],
) -> Result<Registration, Problems> {
    let registration = Registration::parse(said, host)?;
    registration.check_exports(|needed| match needed {
        NeededExport::Contract(exported) => component::has_export(exports, exported),
        NeededExport::WasiHttp => exports.iter().any(|export| export.starts_with(WASI_HTTP)),
    })?;
    Ok(registration)
}

/// What a component exports that is a whole web framework.
const WASI_HTTP: &str = "wasi:http/incoming-handler@0.2.";

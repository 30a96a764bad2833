//! The interfaces of one host: what its components may import, when, and by whom it is served.
//!
//! They are what this crate knows ([`table`](super::table)) and what the application brings, served by the host's providers,
//! ours and the application's alike; of two providers for one interface the later serves it. Names are without a version,
//! and with their package.

use std::collections::HashMap;

use semver::Version;
use wasmtime::component::Linker;

use super::guest::{Guest, Slot};
use super::provider::{Erased, InterfaceError, PrepareError, Provider, Row, Setup};
use super::table::{Gate, KNOWN};
use crate::contract::version::line;
use crate::permission::Permissions;

/// The interfaces of a host, and the providers that serve them.
#[derive(Default)]
pub struct Interfaces {
    providers: Vec<Erased>,
    /// Who serves an interface: the index of the provider, and of the row among its rows.
    served: HashMap<&'static str, (usize, usize)>,
    permissions: Permissions,
    wrong: Vec<InterfaceError>,
}

impl Interfaces {
    /// Adds a provider, which takes the place of earlier ones for the same interfaces. What is wrong with its interfaces is
    /// said by [`check`](Self::check).
    pub fn add(&mut self, provider: impl Provider) {
        let (provider, wrong) = Erased::new(provider);
        self.wrong.extend(wrong);
        let index = self.providers.len();
        for (row, interface) in provider.rows().iter().enumerate() {
            let name = interface.name;
            let permission = interface.permission.clone();
            if let Some(Err(source)) = permission.map(|permission| self.permissions.add(permission))
            {
                self.wrong.push(InterfaceError::Permission { name, source });
            }
            self.served.insert(name, (index, row));
        }
        self.providers.push(provider);
    }

    /// Whether everything that the providers brought can be served.
    ///
    /// # Errors
    ///
    /// The first thing that cannot.
    pub fn check(&self) -> Result<(), InterfaceError> {
        self.wrong.first().cloned().map_or(Ok(()), Err)
    }

    /// The permissions that open interfaces here, and those that open something else.
    #[must_use]
    pub const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// When an interface is linked; none for a name that nobody knows.
    #[must_use]
    pub fn gate(&self, name: &str) -> Option<&Gate> {
        let known = || KNOWN.iter().find(|known| known.name == name);
        let served = self.row(name).map(|row| &row.gate);
        served.or_else(|| known().map(|known| &known.gate))
    }

    /// Whether an interface of the application's is served in the version that a component names; ours and WASI's have
    /// rules of their own.
    ///
    /// # Errors
    ///
    /// With the version that is served, as the end of a sentence about the import.
    pub fn check_version(&self, name: &str, version: Option<&str>) -> Result<(), String> {
        let Some(served) = self.row(name).and_then(|row| row.version.as_ref()) else {
            return Ok(());
        };
        let asked = version.and_then(|version| Version::parse(version).ok());
        match asked {
            Some(asked) if asked == *served => Ok(()),
            Some(asked)
                if asked.pre.is_empty() && line(&asked) == line(served) && asked < *served =>
            {
                Ok(())
            }
            _ => Err(format!("this application serves {name}@{served}")),
        }
    }

    /// Whether a provider serves an interface. Of those that have only types there is nothing to serve.
    #[must_use]
    pub fn is_served(&self, name: &str) -> bool {
        self.served.contains_key(name)
    }

    /// Adds an interface to a linker; nothing where it has only types.
    ///
    /// # Errors
    ///
    /// When the linker has it already.
    pub fn link(&self, name: &str, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
        match self.row(name).and_then(|row| row.link.as_ref()) {
            Some(link) => link(linker),
            None => Ok(()),
        }
    }

    /// Prepares what a plugin needs that imports these interfaces: each of their providers once.
    ///
    /// # Errors
    ///
    /// The first provider's that fails.
    pub async fn prepare(
        &self,
        imported: impl IntoIterator<Item = &str>,
        setup: &Setup<'_>,
    ) -> Result<Vec<Slot>, PrepareError> {
        let mut chosen: Vec<usize> = Vec::new();
        for name in imported {
            if let Some((provider, _)) = self.served.get(name)
                && !chosen.contains(provider)
            {
                chosen.push(*provider);
            }
        }
        let mut slots = Vec::with_capacity(chosen.len());
        for provider in chosen.iter().filter_map(|index| self.providers.get(*index)) {
            slots.push(provider.prepare(setup).await?);
        }
        Ok(slots)
    }

    fn row(&self, name: &str) -> Option<&Row> {
        let (provider, row) = self.served.get(name)?;
        self.providers.get(*provider)?.rows().get(*row)
    }
}

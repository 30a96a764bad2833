//! The interfaces of one host: what its components may import, when, and by whom it is served.
//!
//! They are what this crate knows ([`table`](super::table)), served by what the host's providers bring, ours and the
//! application's alike; of two providers for one interface the later serves it. Names are without a version, and with their
//! package.

use std::collections::HashMap;

use wasmtime::component::Linker;

use super::guest::{Guest, Slot};
use super::provider::{Erased, PrepareError, Provider, Row, Setup};
use super::table::{Gate, KNOWN};

/// The interfaces of a host, and the providers that serve them.
#[derive(Default)]
pub struct Interfaces {
    providers: Vec<Erased>,
    /// Who serves an interface: the index of the provider, and of the row among its rows.
    served: HashMap<&'static str, (usize, usize)>,
}

impl Interfaces {
    /// Adds a provider, which takes the place of earlier ones for the same interfaces.
    pub fn add(&mut self, provider: impl Provider) {
        let provider = Erased::new(provider);
        let index = self.providers.len();
        for (row, interface) in provider.rows().iter().enumerate() {
            self.served.insert(interface.name, (index, row));
        }
        self.providers.push(provider);
    }

    /// When an interface is linked; none for a name that nobody knows.
    #[must_use]
    pub fn gate(&self, name: &str) -> Option<Gate> {
        let known = || KNOWN.iter().find(|known| known.name == name);
        let served = self.row(name).map(|row| row.gate);
        served.or_else(|| known().map(|known| known.gate))
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
        match self.row(name) {
            Some(row) => (row.link)(linker),
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

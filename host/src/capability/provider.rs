//! How a back-end becomes something that plugins can use.
//!
//! A [`Provider`] serves a family of interfaces (`db-read` and `db-write`, say) from one back-end. It is asked once for
//! each plugin that is loaded and granted one of them, and then has everything it needs to decide: the plugin's name, its
//! grants and its registration. What it returns is shared by all instances of that plugin until the plugin is unloaded.
//!
//! Embedders put in a back-end of their own by giving the host a provider built on it, or a provider of their own.

use std::sync::Arc;

use thiserror::Error;

use crate::capability::guest::Slot;
use crate::capability::peers::Peers;
use crate::capability::rate::PluginRates;
use crate::contract::PluginName;
use crate::contract::registration::Registration;
use crate::permission::Grants;

/// Serves a family of host interfaces from one back-end.
pub trait Provider: Send + Sync + 'static {
    /// Names of the interfaces that it serves: within `goatherd:plugin` without the package, others with it
    /// (`wasi:http/outgoing-handler`), and none with a version.
    fn interfaces(&self) -> &'static [&'static str];

    /// Prepares what one plugin may use of the back-end.
    ///
    /// # Errors
    ///
    /// When the back-end cannot be reached or cannot express the grants; the plugin is then not loaded.
    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError>;
}

/// What a provider knows of the plugin that it prepares for.
pub struct Setup<'a> {
    /// The plugin's name.
    pub plugin: &'a PluginName,
    /// What the operator granted.
    pub grants: &'a Grants,
    /// What the plugin says about itself.
    pub registration: &'a Registration,
    /// What is counted of it, with its limits. A provider keeps a clone of the counter that it uses.
    pub rates: &'a PluginRates,
    /// The other plugins.
    pub peers: &'a Arc<dyn Peers>,
}

/// Why a capability could not be prepared for a plugin.
#[derive(Debug, Error)]
#[error("{capability}: {reason}")]
pub struct PrepareError {
    /// The family of interfaces, such as `db`.
    pub capability: &'static str,
    /// What went wrong, in the back-end's words.
    pub reason: String,
}

/// The providers of a host, in no particular order; of two for the same interface the later one serves it.
#[derive(Default)]
pub struct Providers(Vec<Box<dyn Provider>>);

impl Providers {
    /// Adds a provider.
    pub fn add(&mut self, provider: impl Provider) {
        self.0.push(Box::new(provider));
    }

    /// The provider that serves an interface, by its name as providers know it.
    pub fn serving(&self, interface: &str) -> Option<&dyn Provider> {
        let mut providers = self.0.iter().rev();
        let found = providers.find(|provider| provider.interfaces().contains(&interface))?;
        Some(&**found)
    }

    /// Prepares every capability that serves one of `interfaces`, each once.
    ///
    /// # Errors
    ///
    /// The first provider's that fails.
    pub fn prepare(
        &self,
        interfaces: &[&str],
        setup: &Setup<'_>,
    ) -> Result<Vec<Slot>, PrepareError> {
        let mut chosen: Vec<&dyn Provider> = Vec::new();
        for interface in interfaces {
            if let Some(provider) = self.serving(interface)
                && !chosen
                    .iter()
                    .any(|other| std::ptr::addr_eq(*other, provider))
            {
                chosen.push(provider);
            }
        }
        chosen
            .into_iter()
            .map(|provider| provider.prepare(setup))
            .collect()
    }
}

//! Switching plugins as their records say.
//!
//! A plugin's record in the plugins table says whether an administrator wants it on; the manager's table says what became of
//! that. Switching a record, here or on another node, switches the plugin.

use std::sync::{Arc, Weak};

use super::error::{Failure, ManagerError};
use super::steps::{Manager, ManagerInner};
use super::table::State;
use crate::contract::registration::Registration;
use crate::registry::{RecordChanges, Service};

impl Manager {
    /// The plugins table, if the manager has one.
    pub fn registry(&self) -> Option<&Service> {
        self.0.hosting.as_ref().map(|hosting| &hosting.registry)
    }

    /// Whether an administrator wants a plugin on. Without a plugins table, everybody wants every plugin on.
    pub(super) fn is_wanted(&self, name: &str) -> bool {
        let record = self.registry().and_then(|registry| registry.get(name));
        record.is_none_or(|record| record.enabled)
    }

    /// Sees to it that a plugin has a record, and that its settings are checked by what it says about them.
    pub(super) async fn record(&self, registration: &Registration) -> Result<(), Failure> {
        let Some(hosting) = &self.0.hosting else {
            return Ok(());
        };
        hosting.host(registration).await
    }

    /// Writes down what an administrator wants.
    pub(super) async fn record_wanted(
        &self,
        name: &str,
        enabled: bool,
    ) -> Result<(), ManagerError> {
        let (Some(registry), Some(entry)) = (self.registry(), self.snapshot().get(name).cloned())
        else {
            return Ok(());
        };
        self.record(&entry.description.registration)
            .await
            .map_err(ManagerError::Failed)?;
        if registry.is_enabled(name) == enabled {
            return Ok(());
        }
        let written = if enabled {
            registry.enable(name).await
        } else {
            registry.disable(name).await
        };
        written.map_err(|error| ManagerError::Failed(Failure::from(error)))
    }

    /// Switches plugins as their records are switched, here or elsewhere, until the manager is gone. Looks for changes of
    /// other nodes every half second.
    pub fn follow_registry(&self) -> impl Future<Output = ()> + Send + use<> {
        let registry = self.registry().cloned();
        let manager = Arc::downgrade(&self.0);
        async move {
            if let Some(registry) = registry {
                let changes = registry.changes();
                let elsewhere = registry.follow();
                drop(registry);
                tokio::join!(elsewhere, follow(manager, changes));
            }
        }
    }

    /// Brings each plugin into the state that its record wants.
    async fn apply_records(&self) {
        let table = self.snapshot();
        let switches = table.plugins().map(|entry| async move {
            let name = entry.name().as_str();
            let wanted = self.is_wanted(name);
            let switched = match (wanted, &entry.state) {
                (true, State::Disabled) => self.resume(name).await.map(drop),
                (
                    false,
                    State::Enabled(_) | State::Starting { .. } | State::Failed(_) | State::Unloaded,
                ) => self.take_back(name, State::Disabled).await,
                _ => Ok(()),
            };
            if let Err(error) = switched {
                tracing::warn!(plugin = name, "after its record was switched: {error}");
            }
        });
        futures::future::join_all(switches).await;
    }
}

async fn follow(manager: Weak<ManagerInner>, mut changes: RecordChanges) {
    loop {
        let Some(manager) = manager.upgrade().map(Manager) else {
            return;
        };
        manager.apply_records().await;
        drop(manager);
        if changes.next().await.is_none() {
            return;
        }
    }
}

//! Decisions that change while plugins run.
//!
//! A decision holds from the next call on. One that changes only limits is applied to the plugin as it runs. One that
//! changes what the plugin may do links it anew, by the way of a reload: until the new load serves, the old one does. If the
//! new one cannot serve under what is left to it, the plugin is taken out: what was taken away stays away.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use super::error::{Failure, ManagerError};
use super::policy::{Decision, Terms};
use super::steps::{Manager, ManagerInner};
use super::table::{Entry, Serving, State};
use crate::contract::PluginName;
use crate::registry::policy::PolicyChanges;

impl Manager {
    /// Asks the policy about a plugin again, and does what follows from the answer.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, and when it does not start under what was decided.
    pub async fn review(&self, name: &str) -> Result<(), ManagerError> {
        let entry = self.settled(name).await?;
        let decision = self.0.policy.decide(entry.candidate()).await;
        match (decision, &entry.state) {
            (Decision::Block { why }, _) => self.take_back(name, State::Blocked { why }).await,
            (Decision::Wait { .. }, State::Disabled | State::Unloaded) => Ok(()),
            (Decision::Wait { why }, _) => self.take_back(name, State::Waiting { why }).await,
            (Decision::Approve(terms), State::Enabled(_)) => self.adjust(&entry, *terms).await,
            (Decision::Approve(_), State::Disabled | State::Unloaded) => Ok(()),
            (Decision::Approve(_), _) if self.is_wanted(name) => self.restart(name).await,
            (Decision::Approve(_), _) => self.take_back(name, State::Disabled).await,
        }
    }

    /// Reviews plugins as their policies change, until the policies or the manager are gone.
    pub fn follow_policies(
        &self,
        changes: PolicyChanges,
    ) -> impl Future<Output = ()> + Send + use<> {
        follow(Arc::downgrade(&self.0), changes)
    }

    /// The entry, once no start and no reload of it is under way.
    async fn settled(&self, name: &str) -> Result<Entry, ManagerError> {
        loop {
            let mut changes = self.changes();
            let entry = self.entry(name)?;
            if entry.state.start().is_none() && entry.reload.is_none() {
                return Ok(entry);
            }
            // The manager holds the sender, so this only ends by a change.
            let _ = changes.changed().await;
        }
    }

    /// Brings a plugin that serves under other terms.
    async fn adjust(&self, entry: &Entry, terms: Terms) -> Result<(), ManagerError> {
        let name = entry.name().as_str();
        if *entry.grants == terms.grants {
            return self.change(name, |entry| {
                entry.accept(&terms);
                if let State::Enabled(Serving::Loaded(plugin)) = &entry.state {
                    plugin.set_limits(terms.limits.clone());
                }
            });
        }
        let replaced = self.replace(name, entry.described()).await;
        let failure = match replaced {
            Ok(_) => return Ok(()),
            Err(ManagerError::Failed(failure)) => failure,
            Err(other) => Failure::new(other.code(), other.to_string()),
        };
        self.give_up(name, failure.clone()).await?;
        Err(ManagerError::Failed(failure))
    }

    async fn restart(&self, name: &str) -> Result<(), ManagerError> {
        match self.resume(name).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(plugin = name, "approved, and not enabled: {error}");
                Err(error)
            }
        }
    }
}

async fn follow(manager: Weak<ManagerInner>, mut changes: PolicyChanges) {
    while let Some(changed) = changes.next().await {
        let Some(manager) = manager.upgrade().map(Manager) else {
            return;
        };
        review_all(&manager, &changed).await;
    }
}

/// Reviews plugins beside each other, so that one which starts slowly delays no decision about another.
async fn review_all(manager: &Manager, changed: &BTreeSet<PluginName>) {
    let table = manager.snapshot();
    let known = changed
        .iter()
        .filter(|name| table.get(name.as_str()).is_some());
    let reviews = known.map(|name| async move {
        if let Err(error) = manager.review(name.as_str()).await {
            tracing::warn!(plugin = %name, "after a change of its policy: {error}");
        }
    });
    futures::future::join_all(reviews).await;
}

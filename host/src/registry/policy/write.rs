//! How a change is made: read, changed, stored with its entry, and made again on what is there when somebody else was
//! faster.

use std::sync::Arc;

use jiff::Timestamp;

use super::service::Policies;
use super::{AuditEvent, Decided, Note, PolicyError, ResourcePolicy};
use crate::contract::{Json, PluginName};
use crate::registry::StoreFault;
use crate::registry::back_off::{TRIES, back_off};

/// What a change makes of a policy.
pub(super) enum Next {
    Same,
    Put(Box<ResourcePolicy>, Decided),
    Remove,
}

impl Policies {
    /// A change after which there is a policy.
    pub(super) async fn changed(
        &self,
        plugin: &PluginName,
        note: &Note,
        next: impl Fn(Option<&ResourcePolicy>) -> Result<Next, PolicyError>,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        let policy = self.change(plugin, note, next).await?;
        policy.map(Arc::new).ok_or_else(|| PolicyError::Unknown {
            plugin: plugin.clone(),
        })
    }

    /// Changes what the store has, not what is known of it here, and tries again when somebody else was faster. Gives what
    /// is there after it. Who drops the future may have made the change all the same; the next look at the store sees it.
    pub(super) async fn change(
        &self,
        plugin: &PluginName,
        note: &Note,
        next: impl Fn(Option<&ResourcePolicy>) -> Result<Next, PolicyError>,
    ) -> Result<Option<ResourcePolicy>, PolicyError> {
        let refused = |fault| PolicyError::Store {
            plugin: plugin.clone(),
            fault,
        };
        for attempt in 0..TRIES {
            let present = self.store().get(plugin).await.map_err(refused)?;
            let (policy, decided) = match next(present.as_ref())? {
                Next::Same => return Ok(present),
                Next::Put(policy, decided) => (Some(*policy), decided),
                Next::Remove => (None, Decided::Forgotten),
            };
            match self.attempt(plugin, present, policy, decided, note).await {
                Ok(policy) => return Ok(policy),
                Err(StoreFault::Stale) => back_off(attempt).await,
                Err(fault) => {
                    // It may have been done all the same, if only the answer was lost.
                    if let Err(error) = self.refresh().await {
                        tracing::warn!(plugin = %plugin, "not read again after a failed change: {error}");
                    }
                    return Err(refused(fault));
                }
            }
        }
        Err(refused(StoreFault::Stale))
    }

    /// One try: stores a policy, or its absence, with its entry.
    async fn attempt(
        &self,
        plugin: &PluginName,
        present: Option<ResourcePolicy>,
        policy: Option<ResourcePolicy>,
        decided: Decided,
        note: &Note,
    ) -> Result<Option<ResourcePolicy>, StoreFault> {
        let policy = policy.map(|policy| ResourcePolicy {
            component: note.component.clone().or(policy.component.clone()),
            ..policy
        });
        let event = AuditEvent {
            at: Timestamp::now(),
            by: note.by.clone(),
            plugin: plugin.clone(),
            decided,
            before: json(present.as_ref())?,
            after: json(policy.as_ref())?,
            component: note.component.clone(),
            reason: note.reason.clone(),
        };
        let version = match &policy {
            Some(policy) => self.store().put(policy, &event).await?,
            None => {
                let revision = present.map_or(0, |present| present.revision);
                self.store().remove(plugin, revision, &event).await?
            }
        };
        let policy = policy.map(|policy| ResourcePolicy {
            revision: version,
            ..policy
        });
        self.publish(|known| known.with_change(plugin, version, policy.clone()));
        tracing::info!(plugin = %plugin, by = %note.by, "policy: {decided}");
        Ok(policy)
    }
}

/// A policy as the audit trail has it: the revisions are the numbers of the entries.
fn json(policy: Option<&ResourcePolicy>) -> Result<Option<Json>, StoreFault> {
    let unnumbered = |policy: &ResourcePolicy| {
        Json::from_serialize(&ResourcePolicy {
            revision: 0,
            ..policy.clone()
        })
    };
    let json = policy.map(unnumbered).transpose();
    json.map_err(|error| StoreFault::Unavailable(error.to_string()))
}

//! What a change makes of a policy, with the entry that goes with it.

use std::sync::Arc;

use jiff::Timestamp;

use super::service::Policies;
use super::{AuditEvent, Decided, Note, PolicyError, ResourcePolicy};
use crate::contract::{Json, PluginName};
use crate::registry::{StoreFault, replicated};

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
        policy.ok_or_else(|| PolicyError::Unknown {
            plugin: plugin.clone(),
        })
    }

    /// Makes a change on what the store has, and gives what is there after it.
    pub(super) async fn change(
        &self,
        plugin: &PluginName,
        note: &Note,
        next: impl Fn(Option<&ResourcePolicy>) -> Result<Next, PolicyError>,
    ) -> Result<Option<Arc<ResourcePolicy>>, PolicyError> {
        let refused = |fault| PolicyError::Store {
            plugin: plugin.clone(),
            fault,
        };
        let decide = |present: Option<&ResourcePolicy>| {
            let event = |after: Option<&ResourcePolicy>, decided: Decided| {
                entry(plugin, note, present, after, decided).map_err(refused)
            };
            Ok(match next(present)? {
                Next::Same => replicated::Next::Same,
                Next::Put(policy, decided) => {
                    let policy = ResourcePolicy {
                        component: note.component.clone().or(policy.component.clone()),
                        ..*policy
                    };
                    let event = event(Some(&policy), decided)?;
                    replicated::Next::Put(policy, event)
                }
                Next::Remove => replicated::Next::Remove(event(None, Decided::Forgotten)?),
            })
        };
        self.kept.change(plugin, decide, refused).await
    }
}

/// What the audit trail says about a change.
fn entry(
    plugin: &PluginName,
    note: &Note,
    before: Option<&ResourcePolicy>,
    after: Option<&ResourcePolicy>,
    decided: Decided,
) -> Result<AuditEvent, StoreFault> {
    Ok(AuditEvent {
        at: Timestamp::now(),
        by: note.by.clone(),
        plugin: plugin.clone(),
        decided,
        before: json(before)?,
        after: json(after)?,
        component: note.component.clone(),
        reason: note.reason.clone(),
    })
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

//! Policies in use.
//!
//! Readers get what is in memory. Each change goes to the store together with its entry of the audit trail; what others
//! changed is seen within half a second ([`Policies::follow`]), and whoever holds running plugins is told which policies
//! became others ([`Policies::changes`]).

use std::sync::Arc;

use async_trait::async_trait;

use super::write::Next;
use super::{
    AuditEntry, AuditEvent, AuditPage, By, ComponentId, Decided, MemoryPolicies, Note, Origin,
    PolicyChange, PolicyError, PolicyStore, ResourcePolicy, Status,
};
use crate::contract::PluginName;
use crate::permission::{Counted, GrantError, Grants, Permissions};
use crate::registry::StoreFault;
use crate::registry::replicated::{Changes, Replica, Replicated, Source};

/// The policies of all plugins. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Policies {
    pub(super) kept: Replicated<ResourcePolicy, Stored>,
    /// What can be granted.
    permissions: Arc<Permissions>,
}

/// The store, which writes to the log what it is told.
pub(super) struct Stored(Box<dyn PolicyStore>);

/// Tells which policies changed, also by other nodes.
pub type PolicyChanges = Changes<ResourcePolicy>;

impl Replica for ResourcePolicy {
    fn name(&self) -> &PluginName {
        &self.plugin
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn with_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }
}

#[async_trait]
impl Source<ResourcePolicy> for Stored {
    type Note = AuditEvent;

    async fn all(&self) -> Result<(u64, Vec<ResourcePolicy>), StoreFault> {
        self.0.all().await
    }

    async fn version(&self) -> Result<u64, StoreFault> {
        self.0.version().await
    }

    async fn get(&self, plugin: &PluginName) -> Result<Option<ResourcePolicy>, StoreFault> {
        self.0.get(plugin).await
    }

    async fn put(&self, policy: &ResourcePolicy, event: &AuditEvent) -> Result<u64, StoreFault> {
        let version = self.0.put(policy, event).await?;
        tracing::info!(plugin = %event.plugin, by = %event.by, "policy: {}", event.decided);
        Ok(version)
    }

    async fn remove(
        &self,
        plugin: &PluginName,
        revision: u64,
        event: &AuditEvent,
    ) -> Result<u64, StoreFault> {
        let version = self.0.remove(plugin, revision, event).await?;
        tracing::info!(plugin = %plugin, by = %event.by, "policy: {}", event.decided);
        Ok(version)
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self::new()
    }
}

impl Policies {
    /// Policies in memory, gone when the process ends.
    #[must_use]
    pub fn new() -> Self {
        Self::assemble(Box::new(MemoryPolicies::default()))
    }

    /// Policies in a store, all of which are read.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn with_store(store: impl PolicyStore) -> Result<Self, PolicyError> {
        let policies = Self::assemble(Box::new(store));
        policies.refresh().await?;
        Ok(policies)
    }

    fn assemble(store: Box<dyn PolicyStore>) -> Self {
        Self {
            kept: Replicated::new(Stored(store), "decisions"),
            permissions: Arc::default(),
        }
    }

    /// The same policies, where an application has permissions of its own
    /// ([`Host::permissions`](crate::Host::permissions)). Without this only ours can be granted. Policies that name others,
    /// since another program has decided so, are kept as they are.
    #[must_use]
    pub fn with_permissions(self, permissions: &Permissions) -> Self {
        Self {
            permissions: Arc::new(permissions.clone()),
            ..self
        }
    }

    /// Refuses a change that grants or limits what nobody here can use.
    fn check(&self, plugin: &PluginName, change: &PolicyChange) -> Result<(), PolicyError> {
        let grants = change.grants.iter().flatten();
        let grants = grants.map(|grant| self.permissions.check(grant));
        let rates = change.rates.keys().map(|counted| match counted {
            Counted::App(name) => self.permissions.known(name).map(drop),
            _ => Ok(()),
        });
        let checked: Result<(), GrantError> = grants.chain(rates).collect();
        checked.map_err(|source| PolicyError::NoSuchPermission {
            plugin: plugin.clone(),
            source,
        })
    }

    /// What was decided about a plugin; none where nothing was.
    #[must_use]
    pub fn get(&self, plugin: &str) -> Option<Arc<ResourcePolicy>> {
        self.kept.known().get(plugin).cloned()
    }

    /// The policy that a plugin has: what was decided, or the default policy.
    #[must_use]
    pub fn get_or_default(&self, plugin: &PluginName) -> Arc<ResourcePolicy> {
        self.get(plugin.as_str())
            .unwrap_or_else(|| Arc::new(ResourcePolicy::default_for(plugin.clone())))
    }

    /// All that was decided, by plugin.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<ResourcePolicy>> {
        self.kept.known().listed().to_vec()
    }

    /// Lets a plugin run under its policy, after a change of it.
    ///
    /// # Errors
    ///
    /// When the change grants or limits what this application does not have, and when the store refuses; then nothing is
    /// changed.
    pub async fn approve(
        &self,
        plugin: &PluginName,
        change: &PolicyChange,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        self.check(plugin, change)?;
        self.decide(plugin, Status::Approved, note, |policy| {
            policy.apply(change)
        })
        .await
    }

    /// Lets a plugin run with every limit no higher than the default policy's, but for what the change says.
    ///
    /// # Errors
    ///
    /// As [`approve`](Self::approve).
    pub async fn restrict(
        &self,
        plugin: &PluginName,
        change: &PolicyChange,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        self.check(plugin, change)?;
        self.decide(plugin, Status::Restricted, note, |policy| {
            policy.lower();
            policy.apply(change);
        })
        .await
    }

    /// Keeps a plugin from running and from being called. Its grants and limits stay as they are, for when it is reviewed
    /// again.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn block(
        &self,
        plugin: &PluginName,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        self.decide(plugin, Status::Blocked, note, |_| {}).await
    }

    /// Makes a blocked plugin one that waits for a review.
    ///
    /// # Errors
    ///
    /// When it is not blocked, and when the store refuses.
    pub async fn unblock(
        &self,
        plugin: &PluginName,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = stored(plugin, present)?;
            if policy.status != Status::Blocked {
                return Err(PolicyError::NotBlocked {
                    plugin: plugin.clone(),
                    status: policy.status,
                });
            }
            policy.status = Status::PendingReview;
            policy.origin = Origin::Operator;
            Ok(Next::Put(
                Box::new(policy),
                Decided::Status(Status::PendingReview),
            ))
        };
        self.changed(plugin, note, next).await
    }

    /// Makes a plugin one that waits for a review. It does so also where a configuration or a rule would let it run.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn pend(
        &self,
        plugin: &PluginName,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        self.decide(plugin, Status::PendingReview, note, |_| {})
            .await
    }

    /// Changes limits and leaves status and grants as they are.
    ///
    /// # Errors
    ///
    /// When the change has grants, nothing is decided about the plugin, or the store refuses.
    pub async fn set_limits(
        &self,
        plugin: &PluginName,
        change: &PolicyChange,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        if change.grants.is_some() {
            return Err(PolicyError::NotLimits {
                plugin: plugin.clone(),
            });
        }
        self.check(plugin, change)?;
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = stored(plugin, present)?;
            policy.apply(change);
            Ok(Next::Put(Box::new(policy), Decided::Limits))
        };
        self.changed(plugin, note, next).await
    }

    /// Forgets what was decided about a plugin; its audit trail stays.
    ///
    /// # Errors
    ///
    /// When nothing is decided about it, and when the store refuses.
    pub async fn forget(&self, plugin: &PluginName, note: &Note) -> Result<(), PolicyError> {
        let next = |present: Option<&ResourcePolicy>| stored(plugin, present).map(|_| Next::Remove);
        self.change(plugin, note, next).await.map(drop)
    }

    /// Approves a component by a rule, with the default policy's grants. Does nothing where an operator has decided, or where
    /// a rule has approved the same component already; gives the policy that is there then.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn approve_by_rule(
        &self,
        plugin: &PluginName,
        component: &ComponentId,
        rule: &str,
        reason: &str,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        let note = by_rule(component, rule, reason);
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = present_or_default(plugin, present);
            let same = policy.component.as_ref() == Some(component);
            if policy.origin == Origin::Operator || (policy.origin == Origin::Rule && same) {
                return Ok(Next::Same);
            }
            // Limits that an operator has set meanwhile stay.
            policy.grants = Grants::default_policy();
            policy.status = Status::Approved;
            policy.origin = Origin::Rule;
            Ok(Next::Put(
                Box::new(policy),
                Decided::Status(Status::Approved),
            ))
        };
        self.changed(plugin, &note, next).await
    }

    /// Takes an approval by a rule back, because the rule does not hold for this component: the plugin waits for a review.
    /// Does nothing where no rule has approved it.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn withdraw_rule(
        &self,
        plugin: &PluginName,
        component: &ComponentId,
        rule: &str,
        reason: &str,
    ) -> Result<(), PolicyError> {
        let note = by_rule(component, rule, reason);
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = present_or_default(plugin, present);
            if policy.origin != Origin::Rule {
                return Ok(Next::Same);
            }
            policy.status = Status::PendingReview;
            policy.origin = Origin::Default;
            Ok(Next::Put(
                Box::new(policy),
                Decided::Status(Status::PendingReview),
            ))
        };
        self.change(plugin, &note, next).await.map(drop)
    }

    /// What was decided about a plugin, newest first. See [`AuditPage::newest`] for all plugins and for the next page.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, PolicyError> {
        let entries = self.kept.source().0.audit(page).await;
        entries.map_err(PolicyError::Unread)
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn changes(&self) -> PolicyChanges {
        self.kept.changes()
    }

    /// Reads all policies again, after somebody else changed the store.
    ///
    /// # Errors
    ///
    /// When the store cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), PolicyError> {
        self.kept.refresh().await.map_err(PolicyError::Unread)
    }

    /// Looks every half second whether another node changed something, until nobody has the policies any more or the future
    /// is dropped. A store that does not answer is asked again; what was known stays.
    pub fn follow(&self) -> impl Future<Output = ()> + Send + use<> {
        self.kept.follow()
    }

    /// Gives a plugin a status, whatever it had before.
    async fn decide(
        &self,
        plugin: &PluginName,
        status: Status,
        note: &Note,
        change: impl Fn(&mut ResourcePolicy),
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = present_or_default(plugin, present);
            policy.status = status;
            policy.origin = Origin::Operator;
            change(&mut policy);
            Ok(Next::Put(Box::new(policy), Decided::Status(status)))
        };
        self.changed(plugin, note, next).await
    }
}

fn by_rule(component: &ComponentId, rule: &str, reason: &str) -> Note {
    Note {
        by: By::rule(rule),
        reason: reason.to_owned(),
        component: Some(component.clone()),
    }
}

fn present_or_default(plugin: &PluginName, present: Option<&ResourcePolicy>) -> ResourcePolicy {
    present
        .cloned()
        .unwrap_or_else(|| ResourcePolicy::default_for(plugin.clone()))
}

/// A policy that is there.
fn stored(
    plugin: &PluginName,
    present: Option<&ResourcePolicy>,
) -> Result<ResourcePolicy, PolicyError> {
    present.cloned().ok_or_else(|| PolicyError::Unknown {
        plugin: plugin.clone(),
    })
}

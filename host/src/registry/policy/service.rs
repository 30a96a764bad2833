//! Policies in use.
//!
//! Readers get what is in memory. Each change goes to the store first, together with its entry of the audit trail, as a
//! change of one revision that is made again on what is there when somebody else was faster; it is in memory when the change
//! returns. What others changed is seen within half a second ([`Policies::follow`]), and whoever holds running plugins is
//! told which policies became others ([`Policies::changes`]). No lock is held while the store works.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::snapshot::Snapshot;
use super::{
    AuditEntry, AuditEvent, AuditPage, By, ComponentId, Decided, MemoryPolicies, Note, Origin,
    PolicyChange, PolicyError, PolicyStore, ResourcePolicy, Status,
};
use crate::contract::{Json, PluginName};
use crate::permission::Grants;
use crate::registry::StoreFault;

/// How often a change is tried again when somebody else was faster.
const TRIES: u32 = 40;
/// The longest wait before the next try.
const BACK_OFF: Duration = Duration::from_millis(200);
/// How often the store is asked whether another node changed something.
const INTERVAL: Duration = Duration::from_millis(500);

/// The policies of all plugins. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Policies(Arc<Parts>);

struct Parts {
    store: Box<dyn PolicyStore>,
    known: watch::Sender<Arc<Snapshot>>,
}

/// Tells which policies changed, also by other nodes. However late one asks, no change is missed; several of one policy are
/// told once.
pub struct PolicyChanges {
    seen: Arc<Snapshot>,
    known: watch::Receiver<Arc<Snapshot>>,
}

/// What a change makes of a policy.
enum Next {
    Same,
    Put(ResourcePolicy, Decided),
    Remove,
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
        let (known, _) = watch::channel(Arc::default());
        Self(Arc::new(Parts { store, known }))
    }

    /// What was decided about a plugin; none where nothing was.
    #[must_use]
    pub fn get(&self, plugin: &str) -> Option<Arc<ResourcePolicy>> {
        self.known().get(plugin).cloned()
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
        self.known().all()
    }

    /// Lets a plugin run under its policy, after a change of it.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn approve(
        &self,
        plugin: &PluginName,
        change: &PolicyChange,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
        self.decide(plugin, Status::Approved, note, |policy| {
            policy.apply(change)
        })
        .await
    }

    /// Lets a plugin run with every limit no higher than the default policy's, but for what the change says.
    ///
    /// # Errors
    ///
    /// When the store refuses; then nothing is changed.
    pub async fn restrict(
        &self,
        plugin: &PluginName,
        change: &PolicyChange,
        note: &Note,
    ) -> Result<Arc<ResourcePolicy>, PolicyError> {
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
            Ok(Next::Put(policy, Decided::Status(Status::PendingReview)))
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
        let next = |present: Option<&ResourcePolicy>| {
            let mut policy = stored(plugin, present)?;
            policy.apply(change);
            Ok(Next::Put(policy, Decided::Limits))
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
            Ok(Next::Put(policy, Decided::Status(Status::Approved)))
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
            Ok(Next::Put(policy, Decided::Status(Status::PendingReview)))
        };
        self.change(plugin, &note, next).await.map(drop)
    }

    /// What was decided about a plugin, newest first. See [`AuditPage::newest`] for all plugins and for the next page.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, PolicyError> {
        self.0.store.audit(page).await.map_err(PolicyError::Unread)
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn changes(&self) -> PolicyChanges {
        let mut known = self.0.known.subscribe();
        let seen = Arc::clone(&known.borrow_and_update());
        PolicyChanges { seen, known }
    }

    /// Reads all policies again, after somebody else changed the store.
    ///
    /// # Errors
    ///
    /// When the store cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), PolicyError> {
        let (version, all) = self.0.store.all().await.map_err(PolicyError::Unread)?;
        self.publish(|known| known.with_reading(version, all));
        Ok(())
    }

    /// Looks every half second whether another node changed something, until nobody has the policies any more or the future
    /// is dropped. A store that does not answer is asked again; what was known stays.
    pub fn follow(&self) -> impl Future<Output = ()> + Send + use<> {
        Self::follow_weakly(Arc::downgrade(&self.0))
    }

    async fn follow_weakly(parts: Weak<Parts>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            ticks.tick().await;
            let Some(policies) = Weak::upgrade(&parts).map(Self) else {
                return;
            };
            let looked = policies.look().await;
            match &looked {
                Err(error) if !silent => {
                    tracing::warn!("decisions by others are not seen: {error}")
                }
                Ok(()) if silent => tracing::info!("decisions by others are seen again"),
                _ => {}
            }
            silent = looked.is_err();
        }
    }

    async fn look(&self) -> Result<(), PolicyError> {
        let version = self.0.store.version().await.map_err(PolicyError::Unread)?;
        if self.known().is_complete_at(version) {
            return Ok(());
        }
        self.refresh().await
    }

    fn known(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.known.borrow())
    }

    fn publish(&self, next: impl FnOnce(&Snapshot) -> Option<Snapshot>) {
        self.0.known.send_if_modified(|known| match next(known) {
            Some(next) => {
                *known = Arc::new(next);
                true
            }
            None => false,
        });
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
            Ok(Next::Put(policy, Decided::Status(status)))
        };
        self.changed(plugin, note, next).await
    }

    /// A change after which there is a policy.
    async fn changed(
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
    async fn change(
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
            let present = self.0.store.get(plugin).await.map_err(refused)?;
            let (policy, decided) = match next(present.as_ref())? {
                Next::Same => return Ok(present),
                Next::Put(policy, decided) => (Some(policy), decided),
                Next::Remove => (None, Decided::Forgotten),
            };
            match self.store(plugin, present, policy, decided, note).await {
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
    async fn store(
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
            Some(policy) => self.0.store.put(policy, &event).await?,
            None => {
                let revision = present.map_or(0, |present| present.revision);
                self.0.store.remove(plugin, revision, &event).await?
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

impl PolicyChanges {
    /// Waits until policies are others than they were, and says whose. None when nobody has the policies any more.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<BTreeSet<PluginName>> {
        loop {
            self.known.changed().await.ok()?;
            let now = Arc::clone(&self.known.borrow_and_update());
            let changed = now.changed_since(&self.seen);
            self.seen = now;
            if !changed.is_empty() {
                return Some(changed);
            }
        }
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

/// Waits a random while, longer after each try, so that those who were overtaken together do not meet again.
async fn back_off(attempt: u32) {
    let mut random = [0; 2];
    // Without randomness all wait equally long, which is only slower.
    let _ = getrandom::fill(&mut random);
    let most = BACK_OFF.min(Duration::from_millis(2 << attempt.min(10)));
    tokio::time::sleep(most.mul_f64(f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX)))
        .await;
}

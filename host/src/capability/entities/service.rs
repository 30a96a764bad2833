//! Deleting entities: for plugins, and for the host itself.
//!
//! A deletion asks every plugin that wants to be asked, one after the other, and only then changes anything. While a plugin
//! is asked no transaction is open and no lock is held, so that it can use the database, and even try to delete the same
//! entity again, which ends in a conflict. What it does meanwhile is its own: if a later plugin refuses, nothing of the
//! entity has changed, but the host cannot take back what an earlier plugin did. The change itself is one transaction.
//!
//! [`EntityService`] is the same for everybody; who acts, for which organisation, until when and among which plugins is
//! in the [`Actor`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::backend::{
    DeletedEntity, EntityFault, EntityStore, Found, LogEntry, Note, Reach, Removal, Target,
    milliseconds,
};
use super::config::EntityType;
use crate::capability::{Caller, Cascade, Peers};
use crate::contract::wire::handlers::{Deletion, DeletionKind};
use crate::contract::{CallContext, Chain, Error, PluginName};

/// How long a reason may be, in bytes.
pub const REASON_BYTES: usize = 1_024;
/// How many entities of a recycle bin are shown.
pub const BIN_MAX: u32 = 1_000;
/// How many lines of the deletion log are shown at most.
pub const LOG_MAX: u32 = 10_000;
/// How long the host's own actions may take unless they have a deadline.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who deletes, restores or looks.
pub struct Actor {
    context: CallContext,
    plugin: Option<PluginName>,
    reach: Reach,
    deadline: Instant,
    peers: Arc<dyn Peers>,
}

impl Actor {
    /// A plugin that called a host function. It reaches what belongs to the organisation of its call.
    #[must_use]
    pub fn caller(caller: &Caller, peers: Arc<dyn Peers>) -> Self {
        Self {
            context: caller.context().clone(),
            plugin: Some(caller.plugin().clone()),
            reach: Reach::Organisation(caller.context().org_id),
            deadline: caller.deadline(),
            peers,
        }
    }

    /// The host itself, for the user of this context (an administrator, or nobody). It reaches every organisation, and has
    /// 30 seconds unless the context says otherwise.
    #[must_use]
    pub fn host(context: CallContext, peers: Arc<dyn Peers>) -> Self {
        let deadline = context
            .deadline
            .unwrap_or_else(|| Instant::now() + PATIENCE);
        Self {
            context,
            plugin: None,
            reach: Reach::Everywhere,
            deadline,
            peers,
        }
    }

    /// The same, but reaching only what belongs to the organisation of its context.
    #[must_use]
    pub fn in_its_organisation(mut self) -> Self {
        self.reach = Reach::Organisation(self.context.org_id);
        self
    }

    /// When what it does must be over.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    fn note(&self, reason: &str) -> Note {
        Note {
            at_ms: milliseconds(SystemTime::now()),
            user: self.context.user.as_ref().map(|user| user.id.clone()),
            plugin: self.plugin.as_ref().map(PluginName::to_string),
            reason: reason.to_owned(),
        }
    }

    /// What the plugins that it asks get to know of it.
    fn handed_on(&self) -> Result<CallContext, Error> {
        let chain = &self.context.chain;
        let chain = match &self.plugin {
            Some(plugin) => chain.with(plugin.clone()),
            None => chain.clone(),
        };
        if chain.depth() > Chain::MAX_DEPTH {
            return Err(Error::Conflict(format!(
                "the plugins that take part in the deletion cannot be asked: a chain of calls has at most {} calls, and \
                 this would be one more: {chain}",
                Chain::MAX_DEPTH
            )));
        }
        Ok(CallContext {
            deadline: Some(self.deadline),
            chain,
            ..self.context.clone()
        })
    }
}

/// The two kinds of deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Soft,
    Hard,
}

impl Kind {
    fn of_deletion(self) -> DeletionKind {
        match self {
            Self::Soft => DeletionKind::Soft,
            Self::Hard => DeletionKind::Hard,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }

    fn function(self, cascade: &Cascade) -> Option<&String> {
        match self {
            Self::Soft => cascade.on_soft_delete.as_ref(),
            Self::Hard => cascade.on_hard_delete.as_ref(),
        }
    }
}

/// Deletes and restores the application's entities. Cheap to clone; all clones are the same service.
#[derive(Clone)]
pub struct EntityService(Arc<Shared>);

struct Shared {
    store: Box<dyn EntityStore>,
    /// What is being deleted or restored by this process. Never locked while anything is awaited.
    under_way: Mutex<HashSet<(String, i64)>>,
}

/// Keeps others away from an entity until it is dropped.
struct UnderWay<'a> {
    parts: &'a Shared,
    key: (String, i64),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.parts.lock().remove(&self.key);
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(String, i64)>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl EntityService {
    /// A service on this back-end.
    pub fn new(store: impl EntityStore) -> Self {
        Self(Arc::new(Shared {
            store: Box::new(store),
            under_way: Mutex::default(),
        }))
    }

    pub(super) fn store(&self) -> &dyn EntityStore {
        &*self.0.store
    }

    /// What is in the recycle bin, newest first, at most 1,000.
    ///
    /// # Errors
    ///
    /// `not-found` for an unknown type, `timed-out`, `unavailable`.
    pub async fn recycle_bin(
        &self,
        actor: &Actor,
        entity_type: &str,
    ) -> Result<Vec<DeletedEntity>, Error> {
        let known = self.entity_type(entity_type)?;
        let bin = self
            .store()
            .bin(known, actor.reach, BIN_MAX, actor.deadline);
        bin.await.map_err(|fault| {
            said(
                fault,
                "listed",
                &format!("the recycle bin of {entity_type}"),
            )
        })
    }

    /// What was done to entities of one type, newest first: `most` lines, at most 10,000. For administrators.
    ///
    /// # Errors
    ///
    /// `not-found` for an unknown type, `timed-out`, `unavailable`.
    pub async fn deletion_log(&self, entity_type: &str, most: u32) -> Result<Vec<LogEntry>, Error> {
        let known = self.entity_type(entity_type)?;
        let log = self
            .store()
            .log(known, most.min(LOG_MAX), Instant::now() + PATIENCE);
        log.await.map_err(|fault| {
            said(
                fault,
                "listed",
                &format!("the deletion log of {entity_type}"),
            )
        })
    }

    /// Moves an entity to the recycle bin, after every plugin's soft cascade agreed.
    ///
    /// # Errors
    ///
    /// As the contract says of `soft-delete`. Nothing of the entity has changed then.
    pub async fn soft_delete(
        &self,
        actor: &Actor,
        entity_type: &str,
        id: i64,
        reason: &str,
    ) -> Result<(), Error> {
        let target = self.target(actor, entity_type, id)?;
        check_reason(reason)?;
        let what = show(&target);
        let _alone = self.alone(actor, &target).await?;
        match self.find(actor, &target).await? {
            Found::Live => {}
            elsewhere => return Err(misplaced(elsewhere, Kind::Soft.name(), &what)),
        }
        self.ask(actor, &target, Kind::Soft).await?;
        let note = actor.note(reason);
        self.store()
            .soft_delete(&target, &note, actor.deadline)
            .await
            .map_err(|fault| said(fault, "soft-deleted", &what))
    }

    /// Takes an entity out of the recycle bin. Its personal data stay replaced.
    ///
    /// # Errors
    ///
    /// As the contract says of `restore`. Nothing has changed then.
    pub async fn restore(&self, actor: &Actor, entity_type: &str, id: i64) -> Result<(), Error> {
        let target = self.target(actor, entity_type, id)?;
        let what = show(&target);
        let _alone = self.alone(actor, &target).await?;
        self.store()
            .restore(&target, &actor.note(""), actor.deadline)
            .await
            .map_err(|fault| match fault {
                EntityFault::Elsewhere(_) => Error::NotFound(format!(
                    "{what} is not in the recycle bin, so there is nothing to restore"
                )),
                other => said(other, "restored", &what),
            })
    }

    /// Removes an entity with its custom field values, after every plugin's hard cascade agreed.
    ///
    /// # Errors
    ///
    /// As the contract says of `hard-delete`. Nothing of the entity has changed then.
    pub async fn hard_delete(
        &self,
        actor: &Actor,
        entity_type: &str,
        id: i64,
        reason: &str,
    ) -> Result<(), Error> {
        let target = self.target(actor, entity_type, id)?;
        check_reason(reason)?;
        let _alone = self.alone(actor, &target).await?;
        match self.find(actor, &target).await? {
            Found::Nowhere => Err(misplaced(Found::Nowhere, Kind::Hard.name(), &show(&target))),
            _ => self.remove(actor, &target, Removal::Wanted, reason).await,
        }
    }

    /// Asks the plugins and removes, for whoever has made sure that nobody else is at it.
    pub(super) async fn remove(
        &self,
        actor: &Actor,
        target: &Target<'_>,
        why: Removal,
        reason: &str,
    ) -> Result<(), Error> {
        self.ask(actor, target, Kind::Hard).await?;
        self.store()
            .hard_delete(target, why, &actor.note(reason), actor.deadline)
            .await
            .map_err(|fault| said(fault, "hard-deleted", &show(target)))
    }

    pub(super) fn target<'a>(
        &'a self,
        actor: &Actor,
        entity_type: &str,
        id: i64,
    ) -> Result<Target<'a>, Error> {
        Ok(Target {
            entity_type: self.entity_type(entity_type)?,
            id,
            reach: actor.reach,
        })
    }

    pub(super) async fn find(&self, actor: &Actor, target: &Target<'_>) -> Result<Found, Error> {
        self.store()
            .find(target, actor.deadline)
            .await
            .map_err(|fault| said(fault, "looked up", &show(target)))
    }

    /// Makes sure that no other call of this process works on the entity. Other processes are kept apart by the back-end's
    /// transactions.
    pub(super) async fn alone(
        &self,
        actor: &Actor,
        target: &Target<'_>,
    ) -> Result<impl Drop + use<'_>, Error> {
        let key = (target.entity_type.name.clone(), target.id);
        let free = self.0.lock().insert(key.clone());
        if free {
            return Ok(UnderWay {
                parts: &self.0,
                key,
            });
        }
        // Whoever may not see the entity learns no more of it than that.
        match self.find(actor, target).await? {
            Found::Nowhere => Err(misplaced(Found::Nowhere, "", &show(target))),
            _ => Err(Error::Conflict(format!(
                "{} is being deleted or restored by another call; try again when that has ended",
                show(target)
            ))),
        }
    }

    fn entity_type(&self, name: &str) -> Result<&EntityType, Error> {
        let types = self.store().types();
        types.get(name).ok_or_else(|| {
            Error::NotFound(format!(
                "the application has no entity type {}; it has: {}",
                short(name),
                types.names()
            ))
        })
    }

    /// Asks every plugin that takes part, and stops at the first that fails.
    async fn ask(&self, actor: &Actor, target: &Target<'_>, kind: Kind) -> Result<(), Error> {
        let entity_type = &target.entity_type.name;
        let cascades = actor.peers.cascades(entity_type);
        let asked: Vec<(&PluginName, &String)> = cascades
            .iter()
            .filter_map(|cascade| Some((&cascade.plugin, kind.function(cascade)?)))
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let context = actor.handed_on()?;
        let deletion = Deletion {
            entity_type: entity_type.clone(),
            id: target.id,
            kind: kind.of_deletion(),
        };
        for (plugin, handler) in asked {
            let call = actor
                .peers
                .on_delete(plugin, handler, deletion.clone(), context.clone());
            let answer = tokio::time::timeout_at(actor.deadline.into(), call).await;
            let Err(error) = answer.unwrap_or(Err(Error::TimedOut)) else {
                continue;
            };
            if error == Error::TimedOut && Instant::now() >= actor.deadline {
                return Err(Error::TimedOut);
            }
            return Err(Error::Conflict(format!(
                "{} is not deleted: plugin \"{plugin}\", which takes part in it, failed in its {} cascade \
                 \"{handler}\": {error}",
                show(target),
                kind.name()
            )));
        }
        Ok(())
    }
}

fn check_reason(reason: &str) -> Result<(), Error> {
    if reason.len() > REASON_BYTES {
        return Err(Error::TooLarge(format!(
            "the reason for a deletion has {} bytes; it may have {REASON_BYTES}",
            reason.len()
        )));
    }
    if reason.contains('\0') {
        return Err(Error::InvalidArgument(
            "the reason for a deletion has a zero character in it, which not every database can store"
                .to_owned(),
        ));
    }
    Ok(())
}

pub(super) fn show(target: &Target<'_>) -> String {
    format!("{} {}", target.entity_type.name, target.id)
}

/// A stranger's text for a message.
fn short(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    format!("{shown:?}")
}

fn misplaced(found: Found, kind: &str, what: &str) -> Error {
    match found {
        Found::Nowhere | Found::Gone => Error::NotFound(format!("there is no {what}")),
        Found::InBin | Found::Unmarked => Error::Conflict(format!(
            "{what} is in the recycle bin already; restore it first to {kind}-delete it again"
        )),
        Found::Live => Error::Conflict(format!(
            "{what} is not in the recycle bin any more; somebody has restored it meanwhile"
        )),
    }
}

fn said(fault: EntityFault, done: &str, what: &str) -> Error {
    match fault {
        EntityFault::Elsewhere(found) => misplaced(found, "soft", what),
        EntityFault::Refused(why) => Error::Conflict(format!(
            "{what} cannot be {done}, because the application's tables do not allow it: {why}"
        )),
        EntityFault::Referenced(why) => Error::Conflict(format!(
            "{what} cannot be {done}, because other rows of the application still refer to it (delete them first): {why}"
        )),
        EntityFault::Store(error) => error.into(),
    }
}

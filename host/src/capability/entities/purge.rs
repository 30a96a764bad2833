//! Removing what has been in the recycle bin for long enough.
//!
//! Entities are taken one at a time: whoever takes one has it for an hour, so that several nodes share the work and an
//! entity that cannot be removed (a plugin refuses, other rows refer to it) stands in nobody's way and is tried again
//! later. An entity whose mark the application has taken away itself is not removed: it leaves the bin.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::backend::{Expired, Found, Note, Removal, milliseconds};
use super::service::{Actor, EntityService};
use crate::capability::Peers;
use crate::contract::{CallContext, Error};

/// How often expired entities are looked for, unless said otherwise.
pub const EVERY: Duration = Duration::from_secs(3_600);
/// How many are removed in one go.
pub const BATCH: u32 = 1_000;
/// How long the removal of one may take, plugins included.
const PATIENCE: Duration = Duration::from_secs(300);
/// When one that could not be removed is tried again, and how long others leave one alone whose node has died.
const RETRY: Duration = Duration::from_secs(3_600);

/// What a purge did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// How many entities it removed.
    pub removed: u32,
    /// How many were restored before it came to them.
    pub restored: u32,
    /// What it could not remove, and why. Each is tried again in an hour.
    pub failed: Vec<(Expired, Error)>,
}

enum Outcome {
    Removed,
    Restored,
}

impl EntityService {
    /// Removes entities whose time in the bin was over at `now`, at most `batch`, with the hard cascades of `peers`. One
    /// that cannot be removed is logged and stops no other.
    ///
    /// # Errors
    ///
    /// When the back-end cannot say which have expired. What was removed before stays removed.
    pub async fn purge_expired(
        &self,
        peers: &Arc<dyn Peers>,
        now: SystemTime,
        batch: u32,
    ) -> Result<Purged, Error> {
        let mut purged = Purged::default();
        for _ in 0..batch {
            let Some(expired) = self.claim(now).await? else {
                break;
            };
            self.purge_one(peers, now, expired, &mut purged).await;
        }
        Ok(purged)
    }

    async fn claim(&self, now: SystemTime) -> Result<Option<Expired>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let (now, until) = (milliseconds(now), milliseconds(now + RETRY));
        let claimed = self.store().claim_expired(now, until, deadline).await;
        claimed.map_err(|fault| Error::Unavailable(fault.to_string()))
    }

    async fn purge_one(
        &self,
        peers: &Arc<dyn Peers>,
        now: SystemTime,
        expired: Expired,
        purged: &mut Purged,
    ) {
        match self.try_purge(peers, now, &expired).await {
            Ok(Outcome::Removed) => purged.removed += 1,
            Ok(Outcome::Restored) => purged.restored += 1,
            Err(error) => {
                tracing::warn!(
                    entity_type = %expired.entity_type,
                    id = expired.id,
                    "an expired entity could not be purged and is tried again in an hour: {error}"
                );
                purged.failed.push((expired, error));
            }
        }
    }

    async fn try_purge(
        &self,
        peers: &Arc<dyn Peers>,
        now: SystemTime,
        expired: &Expired,
    ) -> Result<Outcome, Error> {
        let context = CallContext {
            org_id: expired.organisation,
            deadline: Some(Instant::now() + PATIENCE),
            ..CallContext::default()
        };
        let actor = Actor::host(context, Arc::clone(peers));
        let target = self.target(&actor, &expired.entity_type, expired.id)?;
        let _alone = self.alone(&actor, &target).await?;
        match self.find(&actor, &target).await? {
            Found::Nowhere | Found::Live => return Ok(Outcome::Restored),
            Found::Unmarked => {
                let note = Note {
                    at_ms: milliseconds(SystemTime::now()),
                    user: None,
                    plugin: None,
                    reason: "the application had taken its mark away".to_owned(),
                };
                let restored = self.store().restore(&target, &note, actor.deadline()).await;
                restored.map_err(|fault| Error::Unavailable(fault.to_string()))?;
                return Ok(Outcome::Restored);
            }
            Found::InBin | Found::Gone => {}
        }
        let days = target.entity_type.retention_days;
        let why = Removal::Expired {
            now_ms: milliseconds(now),
        };
        let reason = format!("its {days} days in the recycle bin are over");
        self.remove(&actor, &target, why, &reason).await?;
        Ok(Outcome::Removed)
    }
}

/// Purges again and again in the background, at once and then at an interval. Ends when it is dropped; what it is at then
/// is undone or done, never half.
pub struct PurgeJob {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl PurgeJob {
    /// Starts it in the present tokio runtime. `every` is not shorter than a millisecond.
    #[must_use]
    pub fn start(service: EntityService, peers: Arc<dyn Peers>, every: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(service, peers, every, stopped));
        Self {
            stop,
            task: Some(task),
        }
    }

    /// Lets it finish the entity that it is at, and ends it.
    pub async fn stop(mut self) {
        // It is gone already if nobody listens.
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for PurgeJob {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn run(
    service: EntityService,
    peers: Arc<dyn Peers>,
    every: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let mut purged = Purged::default();
        loop {
            if *stopped.borrow() {
                return;
            }
            match service.purge_expired(&peers, SystemTime::now(), 1).await {
                Ok(one) if one == Purged::default() => break,
                Ok(one) => {
                    purged.removed += one.removed;
                    purged.restored += one.restored;
                    purged.failed.extend(one.failed);
                }
                Err(error) => {
                    tracing::warn!("expired entities are not purged: {error}");
                    break;
                }
            }
            if purged.removed + purged.restored >= BATCH {
                break;
            }
        }
        if purged != Purged::default() {
            tracing::info!(
                removed = purged.removed,
                restored = purged.restored,
                failed = purged.failed.len(),
                "purged the recycle bin"
            );
        }
    }
}

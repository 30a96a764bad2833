//! A table that every node keeps a copy of.
//!
//! Rows live in a [`Source`], which several nodes may share; each node reads all of them and looks twice a second whether
//! another one changed something. Readers get what is in memory, without waiting. A change goes to the source first, as a
//! change of one revision, which is made again on what is there when somebody else was faster, and is in memory when it
//! returns. No lock is held while the source works.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::StoreFault;
use super::back_off::{TRIES, back_off};
use super::snapshot::Snapshot;
use crate::contract::PluginName;

/// How often the source is asked whether another node changed something.
const INTERVAL: Duration = Duration::from_millis(500);

/// A row that has an owner, of which there is one row.
pub(super) trait Replica: Clone + Send + Sync + 'static {
    /// Whose row it is.
    fn name(&self) -> &PluginName;
    /// Another number after each change.
    fn revision(&self) -> u64;
    /// The same with another revision.
    fn with_revision(self, revision: u64) -> Self;
    /// What stands before it in the order in which rows are listed; equal ones are listed by name.
    fn place(&self) -> i32 {
        0
    }
}

/// Where the rows of all nodes are kept.
#[async_trait]
pub(super) trait Source<T>: Send + Sync + 'static {
    /// What goes with a change.
    type Note: Send + Sync;

    /// All rows, and the version at which they are these.
    async fn all(&self) -> Result<(u64, Vec<T>), StoreFault>;
    /// A number that is higher after each change by whomever.
    async fn version(&self) -> Result<u64, StoreFault>;
    /// One row.
    async fn get(&self, name: &PluginName) -> Result<Option<T>, StoreFault>;
    /// Puts a row into the place of the one with its revision, and gives its new one, which is the new version.
    async fn put(&self, row: &T, note: &Self::Note) -> Result<u64, StoreFault>;
    /// Removes the row of this revision, and gives the new version.
    async fn remove(
        &self,
        name: &PluginName,
        revision: u64,
        note: &Self::Note,
    ) -> Result<u64, StoreFault>;
}

/// What a change makes of a row.
pub(super) enum Next<T, N> {
    /// It stays.
    Same,
    /// This, whatever its revision says.
    Put(T, N),
    /// There is none any more.
    Remove(N),
}

/// The rows of a source in memory. Cheap to clone; all clones are the same.
pub(super) struct Replicated<T, S>(Arc<Shared<T, S>>);

struct Shared<T, S> {
    source: S,
    known: watch::Sender<Arc<Snapshot<T>>>,
    /// What the rows are called in messages.
    what: &'static str,
}

impl<T, S> Clone for Replicated<T, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Replica, S: Source<T>> Replicated<T, S> {
    /// Knows nothing yet.
    pub(super) fn new(source: S, what: &'static str) -> Self {
        let (known, _) = watch::channel(Arc::default());
        Self(Arc::new(Shared {
            source,
            known,
            what,
        }))
    }

    pub(super) fn source(&self) -> &S {
        &self.0.source
    }

    pub(super) fn known(&self) -> Arc<Snapshot<T>> {
        Arc::clone(&self.0.known.borrow())
    }

    /// Tells of changes from now on.
    pub(super) fn changes(&self) -> Changes<T> {
        let mut known = self.0.known.subscribe();
        let seen = Arc::clone(&known.borrow_and_update());
        Changes { seen, known }
    }

    /// Reads all rows again. What was known stays when that fails.
    pub(super) async fn refresh(&self) -> Result<(), StoreFault> {
        let (version, all) = self.0.source.all().await?;
        self.publish(|known| known.with_reading(version, all));
        Ok(())
    }

    /// Looks every half second whether another node changed something, until nobody has the rows any more or the future is
    /// dropped. A source that does not answer is asked again; what was known stays.
    pub(super) fn follow(&self) -> impl Future<Output = ()> + Send + use<T, S> {
        Self::follow_weakly(Arc::downgrade(&self.0))
    }

    async fn follow_weakly(parts: Weak<Shared<T, S>>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            ticks.tick().await;
            let Some(rows) = Weak::upgrade(&parts).map(Self) else {
                return;
            };
            let (looked, what) = (rows.look().await, rows.0.what);
            match &looked {
                Err(error) if !silent => {
                    tracing::warn!("changes of {what} by others are not seen: {error}");
                }
                Ok(()) if silent => tracing::info!("changes of {what} by others are seen again"),
                _ => {}
            }
            silent = looked.is_err();
        }
    }

    async fn look(&self) -> Result<(), StoreFault> {
        let version = self.0.source.version().await?;
        if self.known().is_complete_at(version) {
            return Ok(());
        }
        self.refresh().await
    }

    /// Changes what the source has, not what is known of it here, and decides anew on what is there when somebody else was
    /// faster. Gives what is there after it. Who drops the future may have made the change all the same; the next look at
    /// the source sees it.
    pub(super) async fn change<E>(
        &self,
        name: &PluginName,
        decide: impl Fn(Option<&T>) -> Result<Next<T, S::Note>, E>,
        refused: impl Fn(StoreFault) -> E,
    ) -> Result<Option<Arc<T>>, E> {
        for attempt in 0..TRIES {
            let present = self.0.source.get(name).await.map_err(&refused)?;
            let next = match decide(present.as_ref())? {
                Next::Same => return Ok(present.map(Arc::new)),
                next => next,
            };
            let revision = present.map_or(0, |present| present.revision());
            match self.attempt(name, revision, next).await {
                Ok(row) => return Ok(row),
                Err(StoreFault::Stale) => back_off(attempt).await,
                Err(fault) => {
                    // It may have been done all the same, if only the answer was lost.
                    if let Err(error) = self.refresh().await {
                        let what = self.0.what;
                        tracing::warn!(plugin = %name, "{what} not read again after a failed change: {error}");
                    }
                    return Err(refused(fault));
                }
            }
        }
        Err(refused(StoreFault::Stale))
    }

    /// One try.
    async fn attempt(
        &self,
        name: &PluginName,
        revision: u64,
        next: Next<T, S::Note>,
    ) -> Result<Option<Arc<T>>, StoreFault> {
        let (version, row) = match next {
            Next::Same => return Ok(None),
            Next::Put(row, note) => {
                let row = row.with_revision(revision);
                let version = self.0.source.put(&row, &note).await?;
                (version, Some(Arc::new(row.with_revision(version))))
            }
            Next::Remove(note) => (self.0.source.remove(name, revision, &note).await?, None),
        };
        self.publish(|known| known.with_change(name, version, row.clone()));
        Ok(row)
    }

    fn publish(&self, next: impl FnOnce(&Snapshot<T>) -> Option<Snapshot<T>>) {
        self.0.known.send_if_modified(|known| match next(known) {
            Some(next) => {
                *known = Arc::new(next);
                true
            }
            None => false,
        });
    }
}

/// Tells which rows changed, also by other nodes. However late one asks, no change is missed; several of one row are told
/// once.
pub struct Changes<T> {
    seen: Arc<Snapshot<T>>,
    known: watch::Receiver<Arc<Snapshot<T>>>,
}

#[expect(private_bounds, reason = "the rows of this crate alone are replicated")]
impl<T: Replica> Changes<T> {
    /// Waits until rows are others than they were, and says whose. None when nobody has the rows any more.
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

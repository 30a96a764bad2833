//! Warm instances of one plugin.
//!
//! Three rules. A plugin has at most as many live instances as its limit, made on demand. An instance in a call is out of
//! the pool, so it cannot be entered twice, and it comes back only after a clean return. When all are in use, callers
//! wait in line, bounded in number and by their deadline; whoever returns or loses an instance hands its place to the first.
//!
//! A call that a plugin makes in the course of another call must not wait for one that waits for it. So when all instances
//! are in use, a nested call gets an extra one, from an allowance for its depth that is as large as the limit: calls of one
//! depth wait only for deeper ones, and the deepest wait for nobody. An extra instance that is not needed afterwards is shut
//! down.
//!
//! Idle instances are spread over shards, of which each thread has a favourite: threads that call the same plugin then
//! touch different cache lines, and an instance stays in the caches of the processor that last ran it. No lock is held
//! longer than it takes to push or pop.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_utils::atomic::AtomicCell;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::error::CallError;
use super::instance::{Instance, Mold};
use super::metrics::{Ending, Metrics, Tally};
use crate::contract::Chain;

/// How many threads can have a shard of their own.
const SHARDS: usize = 16;

/// The instances of one plugin.
pub(super) struct Pool {
    mold: Mold,
    shards: [Shard; SHARDS],
    live: AtomicUsize,
    /// Extra instances that are alive, beside those in `live`.
    extra: AtomicUsize,
    /// The allowance for each depth of nested calls.
    depths: [Arc<Semaphore>; Chain::MAX_DEPTH],
    waiting: AtomicUsize,
    line: Mutex<VecDeque<oneshot::Sender<Turn>>>,
    closed: AtomicBool,
    /// Told whenever an instance comes back to a closed pool, or is gone.
    changed: Notify,
}

/// What one thread mostly has for itself, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    /// The instance that was last returned here: taken and put back in one step each, where a lock takes two.
    last: AtomicCell<Option<Box<Instance>>>,
    /// Other idle instances.
    #[expect(
        clippy::vec_box,
        reason = "they move between here and `last` without being unpacked"
    )]
    others: Mutex<Vec<Box<Instance>>>,
    tally: Tally,
}

impl Shard {
    fn pop(&self) -> Option<Box<Instance>> {
        self.last.take().or_else(|| lock(&self.others).pop())
    }

    fn push(&self, instance: Box<Instance>) {
        if let Some(displaced) = self.last.swap(Some(instance)) {
            lock(&self.others).push(displaced);
        }
    }
}

/// A place among the live instances. Dropping it gives it up, and the instance that was in it counts as lost.
pub(super) struct Place<'a> {
    pool: &'a Arc<Pool>,
    kind: Kind,
}

/// Which allowance a place is taken from.
enum Kind {
    /// The plugin's limit.
    Regular,
    /// That for nested calls of one depth.
    Extra(OwnedSemaphorePermit),
}

/// A place with an instance to call in it.
pub(super) struct Lease<'a> {
    pub(super) place: Place<'a>,
    pub(super) instance: Box<Instance>,
}

/// A place on its way to a caller who waits. If it never arrives, the place goes to somebody else.
struct Turn {
    /// None once it has arrived.
    pool: Option<Arc<Pool>>,
    instance: Option<Box<Instance>>,
}

/// The present thread's favourite shard. Threads are numbered as they first call, across all hosts of the process; the
/// number only spreads them and means nothing else.
fn favourite() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        let own = number
            .get()
            .unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        number.set(Some(own));
        own
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(mold: Mold) -> Self {
        let instances = mold.limits.instances;
        Self {
            mold,
            shards: Default::default(),
            live: AtomicUsize::new(0),
            extra: AtomicUsize::new(0),
            depths: std::array::from_fn(|_| Arc::new(Semaphore::new(instances))),
            waiting: AtomicUsize::new(0),
            line: Mutex::default(),
            closed: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    pub(super) fn mold(&self) -> &Mold {
        &self.mold
    }

    /// How many instances are alive, idle and in calls.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst) + self.extra.load(Ordering::SeqCst)
    }

    /// What was counted so far.
    pub(super) fn metrics(&self) -> Metrics {
        let mut sum = Metrics::default();
        for shard in &self.shards {
            shard.tally.add_to(&mut sum);
        }
        sum
    }

    /// An idle instance to call, if there is one. Most calls find one.
    pub(super) fn idle(self: &Arc<Self>) -> Option<Lease<'_>> {
        if self.closed.load(Ordering::Acquire) {
            return None;
        }
        let own = self.shards.get(favourite());
        let instance = own.and_then(Shard::pop).or_else(|| self.take_idle())?;
        Some(Lease {
            place: Place::regular(self),
            instance,
        })
    }

    /// An instance to call, idle or new, for a call that so many plugins wait for.
    pub(super) async fn lease(
        self: &Arc<Self>,
        deadline: Instant,
        depth: usize,
    ) -> Result<Lease<'_>, CallError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(self.shut_down());
        }
        if let Some(lease) = self.idle() {
            return Ok(lease);
        }
        let (place, instance) = if self.reserve() {
            (Place::regular(self), None)
        } else if let Some(level) = depth.checked_sub(1) {
            (self.extra(deadline, level).await?, None)
        } else {
            self.wait(deadline).await?
        };
        let instance = match instance {
            Some(instance) => instance,
            None => self.start().await?,
        };
        Ok(Lease { place, instance })
    }

    /// Takes an idle instance from any shard.
    fn take_idle(&self) -> Option<Box<Instance>> {
        self.shards.iter().find_map(Shard::pop)
    }

    /// Takes a place for a new instance, if one is left.
    fn reserve(&self) -> bool {
        let limit = self.mold.limits.instances;
        let grown = |live| (live < limit).then_some(live + 1);
        self.live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, grown)
            .is_ok()
    }

    /// Takes a place for an extra instance, beside the limit.
    async fn extra(
        self: &Arc<Self>,
        deadline: Instant,
        level: usize,
    ) -> Result<Place<'_>, CallError> {
        let deepest = || self.busy("the chain of calls is too long");
        let allowance = Arc::clone(self.depths.get(level).ok_or_else(deepest)?);
        match tokio::time::timeout_at(deadline.into(), allowance.acquire_owned()).await {
            Ok(Ok(permit)) => {
                self.extra.fetch_add(1, Ordering::SeqCst);
                Ok(Place {
                    pool: self,
                    kind: Kind::Extra(permit),
                })
            }
            Ok(Err(_)) => Err(self.shut_down()),
            Err(_) => Err(self.busy("none became free before the deadline of the call")),
        }
    }

    async fn start(&self) -> Result<Box<Instance>, CallError> {
        let started = self.mold.start().await;
        started.map(Box::new).map_err(|reason| CallError::Start {
            plugin: self.mold.plugin.clone(),
            reason,
        })
    }

    /// Waits for an instance or a place.
    async fn wait(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<(Place<'_>, Option<Box<Instance>>), CallError> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut line = lock(&self.line);
            line.retain(|waiting| !waiting.is_closed());
            if line.len() >= self.mold.limits.queue {
                return Err(self.busy("the queue of waiting calls is full"));
            }
            line.push_back(sender);
            self.waiting.store(line.len(), Ordering::SeqCst);
        }
        // Something may have become free between looking for it and standing in line.
        self.serve_line();
        match tokio::time::timeout_at(deadline.into(), receiver).await {
            Ok(Ok(turn)) => Ok((Place::regular(self), turn.arrive())),
            Ok(Err(_)) => Err(self.shut_down()),
            Err(_) => Err(self.busy("none became free before the deadline of the call")),
        }
    }

    /// Hands idle instances and free places to those who wait.
    fn serve_line(self: &Arc<Self>) {
        while self.waiting.load(Ordering::SeqCst) > 0 {
            let instance = self.take_idle();
            if instance.is_none() && !self.reserve() {
                return;
            }
            let mut turn = Turn {
                pool: Some(Arc::clone(self)),
                instance,
            };
            loop {
                let next = {
                    let mut line = lock(&self.line);
                    let next = line.pop_front();
                    self.waiting.store(line.len(), Ordering::SeqCst);
                    next
                };
                match next.map(|waiting| waiting.send(turn)) {
                    Some(Ok(())) => break,
                    // That one gave up; the next in line gets it.
                    Some(Err(returned)) => turn = returned,
                    None => return,
                }
            }
        }
    }

    /// Takes back a place: with its instance after a clean return, without one that was lost.
    fn release(
        self: &Arc<Self>,
        kind: Kind,
        instance: Option<Box<Instance>>,
        counted: Option<(Ending, Option<Duration>)>,
    ) {
        let instance = match kind {
            Kind::Regular => instance,
            Kind::Extra(permit) => match self.settle(permit, instance) {
                Some(instance) => Some(instance),
                None => {
                    self.count(counted);
                    return;
                }
            },
        };
        let lost = instance.is_none();
        if let Some(shard) = self.shards.get(favourite()) {
            if let Some((ending, took)) = counted {
                shard.tally.count(ending, took);
            }
            if let Some(instance) = instance {
                shard.push(instance);
            }
        }
        if lost {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
        // Either this sees who stands in line, or who stands in line sees what was put back: both look after they wrote.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.serve_line();
        }
        if self.closed.load(Ordering::Acquire) {
            self.changed.notify_one();
        }
    }

    fn count(&self, counted: Option<(Ending, Option<Duration>)>) {
        if let Some((ending, took)) = counted
            && let Some(shard) = self.shards.get(favourite())
        {
            shard.tally.count(ending, took);
        }
    }

    /// Gives up an extra place. Its instance goes on as a regular one if there is room, and is shut down otherwise.
    fn settle(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        instance: Option<Box<Instance>>,
    ) -> Option<Box<Instance>> {
        let room = instance.is_some() && !self.closed.load(Ordering::Acquire) && self.reserve();
        if room {
            self.extra.fetch_sub(1, Ordering::SeqCst);
            return instance;
        }
        let Some(instance) = instance else {
            self.extra.fetch_sub(1, Ordering::SeqCst);
            self.changed.notify_one();
            return None;
        };
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let deadline = Instant::now() + pool.mold.limits.shutdown_timeout;
            // How it ends makes no difference any more; a trap is in the plugin's log.
            let _ = instance.shutdown(deadline).await;
            pool.extra.fetch_sub(1, Ordering::SeqCst);
            pool.changed.notify_one();
            drop(permit);
        });
        None
    }

    /// Refuses new calls, waits for those that run, and hands out every instance to be shut down, until none is left.
    pub(super) async fn drain(&self) -> Option<Box<Instance>> {
        if !self.closed.swap(true, Ordering::AcqRel) {
            lock(&self.line).clear();
            self.waiting.store(0, Ordering::SeqCst);
        }
        loop {
            let changed = self.changed.notified();
            if let Some(instance) = self.take_idle() {
                self.live.fetch_sub(1, Ordering::SeqCst);
                return Some(instance);
            }
            if self.live() == 0 {
                return None;
            }
            changed.await;
        }
    }

    fn busy(&self, why: &'static str) -> CallError {
        CallError::Busy {
            plugin: self.mold.plugin.clone(),
            instances: self.mold.limits.instances,
            why,
        }
    }

    fn shut_down(&self) -> CallError {
        CallError::ShutDown {
            plugin: self.mold.plugin.clone(),
        }
    }
}

impl Lease<'_> {
    /// Returns the instance without a call.
    pub(super) fn put_back(self) {
        let Self { place, instance } = self;
        let (pool, kind) = place.take_apart();
        pool.release(kind, Some(instance), None);
    }
}

impl<'a> Place<'a> {
    fn regular(pool: &'a Arc<Pool>) -> Self {
        Self {
            pool,
            kind: Kind::Regular,
        }
    }

    /// Returns the place after a call, with the instance if it may serve again, and with the time if it was taken.
    pub(super) fn end(
        self,
        instance: Option<Box<Instance>>,
        ending: Ending,
        took: Option<Duration>,
    ) {
        let (pool, kind) = self.take_apart();
        pool.release(kind, instance, Some((ending, took)));
    }

    /// What was taken, to be given back in another way than by dropping it.
    fn take_apart(mut self) -> (&'a Arc<Pool>, Kind) {
        let pool = self.pool;
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        std::mem::forget(self);
        (pool, kind)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        self.pool.release(kind, None, None);
    }
}

impl Turn {
    fn arrive(mut self) -> Option<Box<Instance>> {
        self.pool = None;
        self.instance.take()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.release(Kind::Regular, self.instance.take(), None);
        }
    }
}

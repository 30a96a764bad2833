//! The line of callers who wait for a permit.
//!
//! Who comes first stands first. The line is bounded, and its lock is held for a push or a pop and nothing else: handoffs are
//! sent after it was let go, since waking a caller may run anything.
//!
//! A permit travels to its caller as a [`Handoff`], which owns it: if the caller is gone when it arrives, or the task that carries
//! it is dropped, the permit goes to the next one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::Pool;
use super::permit::{Kind, Permit};
use crate::runtime::instance::Instance;

/// Callers who wait.
#[derive(Default)]
pub(super) struct Line {
    waiting: AtomicUsize,
    callers: Mutex<VecDeque<oneshot::Sender<Handoff>>>,
}

/// The line, while nobody else can look at it.
pub(super) struct Held<'a> {
    waiting: &'a AtomicUsize,
    callers: MutexGuard<'a, VecDeque<oneshot::Sender<Handoff>>>,
}

/// A permit on its way to a caller who waits. If it never arrives, the permit goes to somebody else.
pub(super) struct Handoff {
    /// None once it has arrived.
    pool: Option<Arc<Pool>>,
    kind: Kind,
    pub(super) instance: Option<Box<Instance>>,
}

impl Line {
    /// Whether nobody waits. Whoever put something back looks after that, and whoever joined the line looks for what was put
    /// back after that, so that one of them sees the other.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
    }

    pub(super) fn hold(&self) -> Held<'_> {
        Held {
            waiting: &self.waiting,
            callers: self.callers.lock(),
        }
    }

    /// Takes the first caller out of the line.
    pub(super) fn next(&self) -> Option<oneshot::Sender<Handoff>> {
        self.hold().next()
    }

    /// Sends everybody away; their waiting ends without a handoff.
    pub(super) fn clear(&self) {
        let gone = {
            let mut held = self.hold();
            let gone = std::mem::take(&mut *held.callers);
            held.count();
            gone
        };
        drop(gone);
    }
}

impl Held<'_> {
    /// How many wait, without those who gave up and are still in the line.
    pub(super) fn waiting(&self) -> usize {
        let waits = |caller: &&oneshot::Sender<Handoff>| !caller.is_closed();
        self.callers.iter().filter(waits).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// Stands in line, unless it is as long as it may be.
    pub(super) fn join(&mut self, most: usize) -> Option<oneshot::Receiver<Handoff>> {
        if self.callers.len() >= most {
            // Who gave up leaves no later than here.
            self.callers.retain(|waiting| !waiting.is_closed());
        }
        let room = self.callers.len() < most;
        let receiver = room.then(|| {
            let (sender, receiver) = oneshot::channel();
            self.callers.push_back(sender);
            receiver
        });
        self.count();
        receiver
    }

    pub(super) fn next(&mut self) -> Option<oneshot::Sender<Handoff>> {
        let next = self.callers.pop_front();
        self.count();
        next
    }

    fn count(&self) {
        self.waiting.store(self.callers.len(), Ordering::SeqCst);
    }
}

impl Handoff {
    pub(super) fn new(pool: &Arc<Pool>, kind: Kind, instance: Option<Box<Instance>>) -> Self {
        Self {
            pool: Some(Arc::clone(pool)),
            kind,
            instance,
        }
    }

    /// Ends the journey. `pool` is the one that it is a permit of.
    pub(super) fn arrive(mut self, pool: &Arc<Pool>) -> (Permit<'_>, Option<Box<Instance>>) {
        self.pool = None;
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        (Permit::new(pool, kind), self.instance.take())
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            let kind = std::mem::replace(&mut self.kind, Kind::Regular);
            pool.release(kind, self.instance.take(), None);
        }
    }
}

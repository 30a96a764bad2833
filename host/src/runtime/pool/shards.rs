//! Idle instances and counters, spread so that threads do not get into each other's way.
//!
//! Each thread has a favourite shard: threads that call the same plugin then touch different cache lines, and an instance
//! stays in the caches of the processor that last ran it. No lock is held longer than it takes to push or pop.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::atomic::AtomicCell;
use parking_lot::Mutex;

use crate::runtime::instance::Instance;
use crate::runtime::metrics::{Metrics, Tally};

/// How many threads can have a shard of their own.
const SHARDS: usize = 16;

/// The shards of one plugin.
#[derive(Default)]
pub(super) struct Shards([Shard; SHARDS]);

/// What one thread mostly has for itself, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Shard {
    /// The instance that was last returned here: taken and put back in one step each, where a lock takes two.
    last: AtomicCell<Option<Box<Instance>>>,
    /// Other idle instances.
    #[expect(
        clippy::vec_box,
        reason = "they move between here and `last` without being unpacked"
    )]
    others: Mutex<Vec<Box<Instance>>>,
    pub(super) tally: Tally,
}

impl Shards {
    /// The present thread's favourite.
    pub(super) fn own(&self) -> Option<&Shard> {
        self.0.get(favourite())
    }

    /// Takes an idle instance, from the favourite shard if it has one.
    pub(super) fn pop(&self) -> Option<Box<Instance>> {
        self.own().and_then(Shard::pop).or_else(|| self.pop_any())
    }

    fn pop_any(&self) -> Option<Box<Instance>> {
        self.0.iter().find_map(Shard::pop)
    }

    /// What was counted so far.
    pub(super) fn metrics(&self) -> Metrics {
        let mut sum = Metrics::default();
        for shard in &self.0 {
            shard.tally.add_to(&mut sum);
        }
        sum
    }
}

impl Shard {
    fn pop(&self) -> Option<Box<Instance>> {
        self.last.take().or_else(|| self.others.lock().pop())
    }

    pub(super) fn push(&self, instance: Box<Instance>) {
        if let Some(displaced) = self.last.swap(Some(instance)) {
            self.others.lock().push(displaced);
        }
    }
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

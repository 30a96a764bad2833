//! The limits of a plugin as they are now.
//!
//! Limits may change at any time, and what changed holds for the next call. For that a call takes no lock and touches
//! nothing that others write: it reads one [`Word`], which says whether there is anything to ask before the call and which
//! generation of limits holds, and the three limits that every call needs, each a plain load from a line of memory that is
//! written only when limits change. Every instance remembers for which generation it was made fit. As long as that is the
//! present one, which one comparison shows, nothing else has to be looked at; otherwise the instance is fitted to the present
//! limits or replaced, beside the fast path.
//!
//! The three limits are written before the word. A call that reads while they change may see some of the old and some of the
//! new ones, as if it had come a moment earlier for some and later for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::limits::{InstanceMode, Limits};
use crate::contract::Chain;

/// Limits that change while calls read them.
#[repr(align(128))]
pub(super) struct Live {
    word: AtomicU64,
    args_bytes: AtomicUsize,
    result_bytes: AtomicUsize,
    call_nanos: AtomicU64,
    terms: ArcSwap<Terms>,
    changing: Mutex<()>,
}

/// One generation of limits, and what follows from it.
pub(super) struct Terms {
    pub(super) limits: Arc<Limits>,
    pub(super) generation: Generation,
    /// How many extra instances nested calls of each depth may have.
    depths: Arc<[Arc<Semaphore>; Chain::MAX_DEPTH]>,
}

/// Which limits hold. Later ones are not equal to earlier ones; that is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// What a call has to know before anything else: a generation with some marks on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word(u64);

impl Word {
    /// Shut down.
    const CLOSED: u64 = 1;
    /// Calls are served in the order in which they came: nobody takes an instance without asking the line.
    const ORDERED: u64 = 2;
    /// Calls are counted.
    const RATED: u64 = 4;
    /// The breaker wants to be asked before calls, and to hear of their ends.
    const WATCHED: u64 = 8;
    /// The generation is in the bits above the marks.
    const STEP: u64 = 16;

    pub(super) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    pub(super) fn is_ordered(self) -> bool {
        self.0 & Self::ORDERED != 0
    }

    pub(super) fn is_rated(self) -> bool {
        self.0 & Self::RATED != 0
    }

    pub(super) fn is_watched(self) -> bool {
        self.0 & Self::WATCHED != 0
    }

    /// Whether nothing stands between a call and an idle instance.
    pub(super) fn is_plain(self) -> bool {
        self.0 & (Self::STEP - 1) == 0
    }

    /// Whether idle instances can be taken and put back without further questions.
    pub(super) fn is_free(self) -> bool {
        self.0 & (Self::CLOSED | Self::ORDERED) == 0
    }

    /// Whether these limits hold.
    pub(super) fn is_of(self, generation: Generation) -> bool {
        self.0 & !(Self::STEP - 1) == generation.0
    }
}

impl Terms {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            depths: depths(&limits),
            limits: Arc::new(limits),
            generation: Generation(Word::STEP),
        }
    }

    /// The limits that come after these. Nested calls that wait for an extra instance under the old number go on doing so.
    fn next(&self, limits: Limits) -> Self {
        let same = limits.permits() == self.limits.permits();
        Self {
            depths: if same {
                Arc::clone(&self.depths)
            } else {
                depths(&limits)
            },
            limits: Arc::new(limits),
            generation: Generation(self.generation.0.wrapping_add(Word::STEP)),
        }
    }

    /// The allowance of extra instances for calls of this depth, counted from 0 for a call that one plugin waits for.
    pub(super) fn allowance(&self, depth: usize) -> Option<&Arc<Semaphore>> {
        self.depths.get(depth)
    }
}

fn depths(limits: &Limits) -> Arc<[Arc<Semaphore>; Chain::MAX_DEPTH]> {
    let permits = limits.permits().min(Semaphore::MAX_PERMITS);
    Arc::new(std::array::from_fn(|_| Arc::new(Semaphore::new(permits))))
}

impl Live {
    pub(super) fn new(limits: Limits) -> Self {
        let live = Self {
            word: AtomicU64::new(0),
            args_bytes: AtomicUsize::new(0),
            result_bytes: AtomicUsize::new(0),
            call_nanos: AtomicU64::new(0),
            terms: ArcSwap::from_pointee(Terms::new(limits)),
            changing: Mutex::default(),
        };
        live.publish(&live.terms());
        live
    }

    /// What a call has to know first.
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// The word, read after everything that this thread wrote before.
    pub(super) fn latest_word(&self) -> Word {
        Word(self.word.load(Ordering::SeqCst))
    }

    pub(super) fn args_bytes(&self) -> usize {
        self.args_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn result_bytes(&self) -> usize {
        self.result_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn call_timeout(&self) -> Duration {
        Duration::from_nanos(self.call_nanos.load(Ordering::Relaxed))
    }

    /// All of the present limits. Costs more than the rest of a call should.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }

    /// Replaces the limits.
    pub(super) fn set(&self, limits: Limits) {
        let _changing = self.changing.lock();
        let next = Arc::new(self.terms().next(limits));
        self.terms.store(Arc::clone(&next));
        self.publish(&next);
    }

    fn publish(&self, terms: &Terms) {
        let limits = &terms.limits;
        let nanos = u64::try_from(limits.call_timeout.as_nanos()).unwrap_or(u64::MAX);
        self.args_bytes.store(limits.args_bytes, Ordering::Relaxed);
        self.result_bytes
            .store(limits.result_bytes, Ordering::Relaxed);
        self.call_nanos.store(nanos, Ordering::Relaxed);
        let mut marked = terms.generation.0;
        if limits.mode != InstanceMode::Pooled {
            marked |= Word::ORDERED;
        }
        if limits.rates.calls_per_second.is_some() {
            marked |= Word::RATED;
        }
        let update = |word| Some(marked | (word & (Word::CLOSED | Word::WATCHED)));
        let _ = self
            .word
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, update);
    }

    /// Refuses calls from now on. Returns whether it did already.
    pub(super) fn close(&self) -> bool {
        Word(self.word.fetch_or(Word::CLOSED, Ordering::SeqCst)).is_closed()
    }

    /// Sets whether the breaker wants to be asked.
    pub(super) fn watch(&self, watched: bool) {
        if self.word().is_watched() == watched {
            return;
        }
        if watched {
            self.word.fetch_or(Word::WATCHED, Ordering::SeqCst);
        } else {
            self.word.fetch_and(!Word::WATCHED, Ordering::SeqCst);
        }
    }
}

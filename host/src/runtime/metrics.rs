//! What happened in a plugin, counted.
//!
//! Counting must not make parallel calls wait for each other, so each shard of a plugin's pool has counters of its own, on
//! cache lines that mostly one thread touches, and reading adds them up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// A plugin's counters since it was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Metrics {
    /// Calls that got an instance.
    pub calls: u64,
    /// Of these, the ones that the plugin answered with an error.
    pub errors: u64,
    /// Of these, the ones that ended in a trap other than a timeout.
    pub traps: u64,
    /// Of these, the ones that did not end before their deadline.
    pub timeouts: u64,
    /// How often memory was refused to one of its instances, whether it could go on without or not.
    pub memory_refusals: u64,
    /// Instances that could not be started, where that was the plugin's doing.
    pub failed_starts: u64,
    /// How often it was left alone because it failed repeatedly.
    pub trips: u64,
    /// Time spent in calls, reckoned from every sixteenth call of each instance.
    pub busy: Duration,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Answered,
    Error,
    Trap,
    Timeout,
}

/// The counters of one shard.
#[derive(Debug, Default)]
pub(super) struct Tally {
    answered: AtomicU64,
    errors: AtomicU64,
    traps: AtomicU64,
    timeouts: AtomicU64,
    /// How many calls were timed, and how long these took together.
    timed: AtomicU64,
    took_nanos: AtomicU64,
}

impl Tally {
    /// Counts how a call ended, and how long it took if it was timed.
    pub(super) fn count(&self, ending: Ending, took: Option<Duration>) {
        let counter = match ending {
            Ending::Answered => &self.answered,
            Ending::Error => &self.errors,
            Ending::Trap => &self.traps,
            Ending::Timeout => &self.timeouts,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(took) = took {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.timed.fetch_add(1, Ordering::Relaxed);
            self.took_nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// Adds what was counted here to a sum over shards.
    pub(super) fn add_to(&self, sum: &mut Metrics) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [errors, traps, timeouts] = [&self.errors, &self.traps, &self.timeouts].map(read);
        let calls = read(&self.answered) + errors + traps + timeouts;
        let mean = read(&self.took_nanos) as f64 / read(&self.timed).max(1) as f64;
        sum.calls += calls;
        sum.errors += errors;
        sum.traps += traps;
        sum.timeouts += timeouts;
        sum.busy += Duration::from_nanos((mean * calls as f64) as u64);
    }
}

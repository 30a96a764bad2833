//! Whether a running statement may go on: its deadline, its caller, and the memory that it takes.
//!
//! The engine asks every [`PERIOD`] instructions. One instruction handles at most a few values, each of which is limited
//! in size, so between two looks a statement can take a few hundred megabytes at the worst, for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, ffi};

/// Instructions between two looks.
const PERIOD: i32 = 100;

/// How much the engine's memory may grow while one statement runs. The engine counts it for the process and does not tell
/// whose it is, so this is far above what statements need together, and far below what hurts; and a statement that is
/// stopped for it is not said to be the one that took it.
const MEMORY_GROWTH: i64 = 256 << 20;

/// Why a statement was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The deadline passed or the caller went away.
    Late,
    /// The host's databases together took too much memory while it ran.
    Memory,
}

/// The watch over one connection.
#[derive(Debug)]
pub(super) struct Watch {
    since: Instant,
    /// Nanoseconds after `since`; the largest number while nothing is watched.
    deadline: AtomicU64,
    /// Until when others' locks are waited for, likewise: so that one that is not to be had is told before time is up.
    patience: AtomicU64,
    cancelled: AtomicBool,
    /// The engine's memory when the statement began.
    memory: AtomicI64,
    stopped: AtomicU8,
}

impl Watch {
    /// Watches over `db` from now on.
    pub(super) fn install(db: &mut Connection) -> Result<Arc<Self>> {
        let watch = Arc::new(Self {
            since: Instant::now(),
            deadline: AtomicU64::new(u64::MAX),
            patience: AtomicU64::new(u64::MAX),
            cancelled: AtomicBool::new(false),
            memory: AtomicI64::new(i64::MAX),
            stopped: AtomicU8::new(0),
        });
        let progress = Arc::clone(&watch);
        db.progress_handler(PERIOD, Some(move || progress.must_stop()))?;
        let busy = Arc::clone(&watch);
        db.busy_handler(Some(move |tries: i32| busy.wait_for_lock(tries)))?;
        Ok(watch)
    }

    /// From now on statements must end by `deadline`.
    pub(super) fn arm(&self, deadline: Instant) {
        let now = nanos(self.since.elapsed());
        let deadline = nanos(deadline.saturating_duration_since(self.since));
        let patience = now.saturating_add(deadline.saturating_sub(now) / 10 * 9);
        self.stopped.store(0, Ordering::Relaxed);
        self.cancelled.store(false, Ordering::Relaxed);
        self.memory.store(memory_used(), Ordering::Relaxed);
        self.patience.store(patience, Ordering::Relaxed);
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// From now on statements, which are the host's own, run to their end.
    pub(super) fn disarm(&self) {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
        self.patience.store(u64::MAX, Ordering::Relaxed);
        self.cancelled.store(false, Ordering::Relaxed);
    }

    /// The caller went away.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Why a statement was stopped since the watch was armed.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        match self.stopped.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Stopped::Late),
            _ => Some(Stopped::Memory),
        }
    }

    fn late(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        deadline != u64::MAX
            && (self.cancelled.load(Ordering::Relaxed)
                || self.since.elapsed() >= Duration::from_nanos(deadline))
    }

    fn must_stop(&self) -> bool {
        if self.deadline.load(Ordering::Relaxed) == u64::MAX {
            return false;
        }
        if self.late() {
            self.stopped.store(1, Ordering::Relaxed);
            return true;
        }
        if memory_used().saturating_sub(self.memory.load(Ordering::Relaxed)) > MEMORY_GROWTH {
            self.stopped.store(2, Ordering::Relaxed);
            return true;
        }
        false
    }

    /// Waits a little for another connection's lock; not at all once it is late.
    fn wait_for_lock(&self, tries: i32) -> bool {
        /// About ten seconds, for the host's own statements, which have no deadline.
        const LAST_TRY: i32 = 1_000;
        if self.gives_up() || tries > LAST_TRY {
            return false;
        }
        let millis = u64::try_from(tries).unwrap_or(0).clamp(1, 10);
        std::thread::sleep(Duration::from_millis(millis));
        !self.gives_up()
    }

    fn gives_up(&self) -> bool {
        self.late()
            || self.since.elapsed() >= Duration::from_nanos(self.patience.load(Ordering::Relaxed))
    }
}

/// Never the largest number, which means something else.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(u64::MAX - 1, |nanos| nanos.min(u64::MAX - 1))
}

fn memory_used() -> i64 {
    // SAFETY: the function takes no arguments, and the engine allows to call it from any thread at any time.
    unsafe { ffi::sqlite3_memory_used() }
}

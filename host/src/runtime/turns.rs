//! Who computes when guests want more processors than there are.
//!
//! A guest that computes keeps a thread of the runtime until the next tick, and everything else on that thread waits. Two
//! guests that loop on two processors would so hold up every other plugin, and the application, for a tick at a time. Hence:
//!
//! - A call that has seen a tick runs on at the next one only in *turn*. There are turns for all processors but a quarter;
//!   of two processors, one is kept free. A turn ends at the next tick, or when the call has to wait for something, and goes
//!   to whoever has waited longest.
//! - A plugin that takes more than five eighths of all processors, or a quarter in turn, is *greedy*: its calls begin in
//!   turn as well, until it has calmed down.
//!
//! So however hard some plugins compute, short calls of the others find a thread. Whoever computes for long shares the
//! turns with the others who do; the time that a call waits for its turn counts as its own. On one processor there is one
//! turn, and short calls wait for the next tick.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::UpdateDeadline;

use super::engine::TICK;

/// The time in which what a plugin took counts for a third, in ticks.
const MEMORY: f64 = 20.0;
/// The part of all processors above which a plugin is greedy.
const GREEDY: f64 = 5.0 / 8.0;
/// The same, where it takes them in turn, with calls that take longer than a tick.
const GREEDY_IN_TURN: f64 = 1.0 / 4.0;
/// The part below which it has calmed down.
const CALM: f64 = 1.0 / 8.0;

/// The turns of one host.
#[derive(Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    processors: f64,
}

impl Turns {
    /// Turns for a runtime with so many threads.
    pub(super) fn new(threads: usize) -> Self {
        let kept_free = (threads / 4).max(1);
        let turns = threads.saturating_sub(kept_free).max(1);
        Self {
            free: Arc::new(Semaphore::new(turns)),
            processors: u32::try_from(threads.max(1)).map_or(f64::MAX, f64::from),
        }
    }

    /// Turns for the runtime that this is called in, and otherwise for one with a thread for each processor.
    pub(super) fn here() -> Self {
        let threads = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.metrics().num_workers(),
            Err(_) => std::thread::available_parallelism().map_or(2, usize::from),
        };
        Self::new(threads)
    }

    /// The share of one more plugin.
    pub(super) fn share(&self) -> Arc<Share> {
        Arc::new(Share {
            turns: self.clone(),
            start: Instant::now(),
            greedy_until: AtomicU64::default(),
            taken: Mutex::default(),
        })
    }
}

/// How much one plugin computes.
pub(super) struct Share {
    turns: Turns,
    start: Instant,
    /// Until when it is greedy, in nanoseconds after `start`; 0 if it never was or has calmed down.
    greedy_until: AtomicU64,
    taken: Mutex<Taken>,
}

/// What a plugin took: the ticks that its calls saw, each worth less as time passes.
#[derive(Default)]
struct Taken {
    ticks: f64,
    /// Those of them that a call did not see first.
    in_turn: f64,
    at: Option<Instant>,
}

impl Share {
    /// Counts a tick that a call of the plugin saw, be it its first one or in turn. Returns whether the plugin is greedy.
    fn count(&self, now: Instant, in_turn: bool) -> bool {
        let mut taken = self.taken.lock();
        taken.fade(now);
        taken.ticks += 1.0;
        taken.in_turn += f64::from(u8::from(in_turn));
        let all = MEMORY * self.turns.processors;
        let (part, part_in_turn) = (taken.ticks / all, taken.in_turn / all);
        drop(taken);
        if part <= GREEDY && part_in_turn <= GREEDY_IN_TURN && !self.is_greedy(now) {
            return false;
        }
        let calm_after = TICK.mul_f64(MEMORY * (part / CALM).ln().max(0.0));
        let until = now.saturating_duration_since(self.start) + calm_after;
        let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        self.greedy_until.store(until, Ordering::Relaxed);
        true
    }

    fn is_greedy(&self, now: Instant) -> bool {
        let until = self.greedy_until.load(Ordering::Relaxed);
        until != 0 && now.saturating_duration_since(self.start).as_nanos() < u128::from(until)
    }
}

impl Taken {
    /// Makes what was taken before worth less.
    fn fade(&mut self, now: Instant) {
        if let Some(at) = self.at {
            let passed = now.saturating_duration_since(at).as_secs_f64() / TICK.as_secs_f64();
            let left = (-passed / MEMORY).exp();
            self.ticks *= left;
            self.in_turn *= left;
        }
        self.at = Some(now);
    }
}

/// The turn of one instance, of which its call has one or waits for one.
pub(super) struct Turn {
    share: Arc<Share>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    /// Whether the call has seen a tick.
    seen: AtomicBool,
}

impl Turn {
    pub(super) fn new(share: &Arc<Share>) -> Arc<Self> {
        Arc::new(Self {
            share: Arc::clone(share),
            held: Mutex::default(),
            seen: AtomicBool::default(),
        })
    }

    /// Whether the call must begin in turn.
    pub(super) fn is_due(&self) -> bool {
        let ever = self.share.greedy_until.load(Ordering::Relaxed) != 0;
        ever && self.share.is_greedy(Instant::now())
    }

    /// What a running call does at a tick: it ends its turn, lets others run, and goes on in its next turn.
    pub(super) fn tick(self: &Arc<Self>, now: Instant) -> UpdateDeadline {
        self.give_up();
        let seen = self.seen.swap(true, Ordering::Relaxed);
        let greedy = self.share.count(now, seen);
        if !seen && !greedy {
            return UpdateDeadline::Yield(1);
        }
        let turn = Arc::clone(self);
        let next = async move {
            tokio::task::yield_now().await;
            turn.take().await;
        };
        UpdateDeadline::YieldCustom(1, Box::pin(next))
    }

    /// Waits for a turn.
    pub(super) fn take(&self) -> impl Future<Output = ()> + Send + use<'_> {
        let next = Arc::clone(&self.share.turns.free).acquire_owned();
        async move {
            // The semaphore is never closed, so there always is a next one.
            *self.held.lock() = next.await.ok();
        }
    }

    /// Ends the turn, if it has one.
    pub(super) fn give_up(&self) {
        drop(self.held.lock().take());
    }

    /// The call has ended.
    pub(super) fn end(&self) {
        self.give_up();
        self.seen.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Lets a plugin see ticks on so many of two processors, for so many ticks. Returns when that was over.
    fn compute(
        share: &Share,
        from: Instant,
        processors: u32,
        ticks: u32,
        in_turn: bool,
    ) -> (Instant, bool) {
        let mut greedy = false;
        let mut now = from;
        for _ in 0..ticks {
            now += TICK;
            for _ in 0..processors {
                greedy = share.count(now, in_turn);
            }
        }
        (now, greedy)
    }

    #[test]
    fn a_plugin_that_takes_all_processors_is_greedy_and_one_that_takes_half_is_not() {
        let turns = Turns::new(2);
        let (one, all) = (turns.share(), turns.share());
        let now = Instant::now();
        assert!(!compute(&one, now, 1, 1_000, false).1);
        assert!(compute(&all, now, 2, 100, false).1);
    }

    #[test]
    fn a_plugin_that_takes_half_of_the_processors_with_long_calls_is_greedy() {
        let share = Turns::new(2).share();
        assert!(compute(&share, Instant::now(), 1, 100, true).1);
    }

    #[test]
    fn a_greedy_plugin_stays_greedy_while_it_takes_all_it_gets_and_calms_down_afterwards() {
        let share = Turns::new(2).share();
        let (now, _) = compute(&share, Instant::now(), 2, 100, false);
        let (now, greedy) = compute(&share, now, 1, 1_000, true);
        assert!(
            greedy,
            "it was calm in turn, and so would get both processors again"
        );
        assert!(share.is_greedy(now));
        assert!(!share.is_greedy(now + Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn there_are_turns_for_all_processors_but_a_quarter_and_at_least_one() {
        for (threads, turns) in [(1, 1), (2, 1), (4, 3), (16, 12)] {
            assert_eq!(Turns::new(threads).free.available_permits(), turns);
        }
        assert_eq!(Turns::here().free.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_call_that_gives_up_its_turn_leaves_it_to_the_next_in_line() {
        let share = Turns::new(2).share();
        let (first, second) = (Turn::new(&share), Turn::new(&share));
        first.take().await;
        let mut waiting = Box::pin(second.take());
        assert!(futures::poll!(&mut waiting).is_pending());
        first.give_up();
        waiting.await;
        drop((first, second));
        assert_eq!(share.turns.free.available_permits(), 1);
    }
}

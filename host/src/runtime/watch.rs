//! A plugin's breaker at work.
//!
//! [`Watch`] puts a [`Breaker`] to work: it keeps it behind a lock that is held for a few comparisons, and publishes
//! whether the plugin is exhausted. Calls of a plugin that is well never get here, since the pool's [`Word`] says whether
//! the breaker wants to be asked: that is the one load that health costs them.
//!
//! What counts as a failure: a trap, memory that a plugin could not go on without, a timeout for which the plugin had (nearly)
//! all the time that its own limit gives, and an instance that could not be started. What does not: an error that the
//! plugin answered with, a caller that went away, a deadline that was shorter because of the caller or of waiting in line, and
//! whatever the host refused before an instance was entered. So an impatient caller cannot trip another one's breaker.
//!
//! [`Word`]: super::live::Word

use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::breaker::{Breaker, BreakerPolicy, Change, Outcome, Pass, Refusal};
use super::health::Health;

/// What those who wait for a plugin's exhaustion get to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    InUse,
    Exhausted,
    ShutDown,
}

/// A breaker at work.
pub(super) struct Watch {
    breaker: Mutex<Breaker>,
    verdict: watch::Sender<Verdict>,
}

impl Watch {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            breaker: Mutex::new(Breaker::new(policy)),
            verdict: watch::Sender::new(Verdict::InUse),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock()
    }

    pub(super) fn admit(&self, now: Instant) -> Result<Pass, Refusal> {
        self.breaker().admit(now)
    }

    pub(super) fn refusal(&self, now: Instant) -> Option<Refusal> {
        self.breaker().refusal(now)
    }

    /// Takes a step, and publishes within it what it led to, so that what others see never lags behind another step: `clean`
    /// hears whether the breaker is, and who waits for exhaustion hears of that.
    fn step<T>(&self, clean: impl Fn(bool), step: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker();
        let done = step(&mut breaker);
        clean(breaker.is_clean());
        self.tell(if breaker.is_exhausted() {
            Verdict::Exhausted
        } else {
            Verdict::InUse
        });
        done
    }

    /// A call or a probe ended.
    pub(super) fn ended(
        &self,
        pass: Pass,
        admitted: Instant,
        now: Instant,
        outcome: Outcome,
        clean: impl Fn(bool),
    ) -> Change {
        self.step(clean, |breaker| match pass {
            Pass::Call => breaker.ended(admitted, now, outcome),
            Pass::Probe(probe) => breaker.probed(probe, now, outcome),
        })
    }

    pub(super) fn reset(&self, now: Instant, clean: impl Fn(bool)) {
        self.step(clean, |breaker| breaker.reset(now));
    }

    /// The plugin is shut down; nothing more is told.
    pub(super) fn close(&self) {
        self.verdict.send_replace(Verdict::ShutDown);
    }

    fn tell(&self, verdict: Verdict) {
        self.verdict.send_if_modified(|present| {
            let news = *present != Verdict::ShutDown && *present != verdict;
            if news {
                *present = verdict;
            }
            news
        });
    }

    /// Waits until the plugin is exhausted, or shut down, which is `false`.
    pub(super) async fn exhausted(&self) -> bool {
        let mut seen = self.verdict.subscribe();
        // The sender lives as long as this future, so waiting cannot fail.
        seen.wait_for(|verdict| *verdict != Verdict::InUse)
            .await
            .is_ok_and(|verdict| *verdict == Verdict::Exhausted)
    }

    pub(super) fn health(&self, now: Instant) -> Health {
        self.breaker().health(now)
    }

    pub(super) fn trips(&self) -> u64 {
        self.breaker().trips()
    }
}

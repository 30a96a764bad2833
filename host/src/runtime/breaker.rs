//! When a plugin that fails again and again is left alone.
//!
//! A [`Breaker`] is told how calls end and says whether the next one may run. It knows no clock, no pool and no log: each
//! step is given the time. Its rules, with the numbers of [`BreakerPolicy`]:
//!
//! - *Closed*, all calls run. It *trips* after 5 failures in a row, or when more than 10 of the last 20 calls failed. A
//!   plugin that nothing is known of counts as if 20 calls of it had gone well.
//! - *Open*, no call runs. After 5 s the next call is a probe, alone. A good probe closes the breaker; a bad one trips it
//!   again, for twice as long as before, up to 300 s. A probe that ends without a verdict makes room for another one.
//! - More than 5 trips within 10 minutes *exhaust* it. No call and no probe runs then, until it is reset.
//!
//! A call that was let in before the breaker last closed has no say: it speaks of the time before.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::health::Health;
use crate::setters::setters;

/// The numbers of a plugin's breaker. The default is what the documentation says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerPolicy {
    /// How many failures in a row trip it. 5.
    pub in_a_row: u32,
    /// More failures than this among the last [`WINDOW`](Self::WINDOW) calls trip it. 10.
    pub among_last: u32,
    /// How long after the first trip a probe is made. 5 s; twice as long after each bad probe.
    pub first_probe: Duration,
    /// The longest time between probes. 300 s.
    pub last_probe: Duration,
    /// More trips than this exhaust it, if they come [`within`](Self::within) that time. 5.
    pub trips: usize,
    /// See [`trips`](Self::trips). 10 minutes.
    pub within: Duration,
}

setters!(BreakerPolicy {
    in_a_row: u32,
    among_last: u32,
    first_probe: Duration,
    last_probe: Duration,
    trips: usize,
    within: Duration,
});

impl BreakerPolicy {
    /// How many calls it looks back.
    pub const WINDOW: u32 = 20;
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            in_a_row: 5,
            among_last: 10,
            first_probe: Duration::from_secs(5),
            last_probe: Duration::from_secs(300),
            trips: 5,
            within: Duration::from_secs(600),
        }
    }
}

/// How a call ended, as far as its plugin is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was answered, be it with an error of the plugin's own.
    Good,
    /// The plugin failed, in these words.
    Failed(String),
    /// It says nothing about the plugin.
    NoVerdict,
}

/// How a call is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Like any other.
    Call,
    /// As the probe of this number, whose end is to be told with [`Breaker::probed`].
    Probe(u64),
}

/// Why a call is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What failed last.
    pub(super) last: String,
    /// After what time a call may be let in again; never before a reset where none is given.
    pub(super) retry_in: Option<Duration>,
}

/// What a step changed that somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// It opened, and a probe may be made after this time.
    Tripped {
        probe_in: Duration,
    },
    /// It opened once too often.
    Exhausted,
    /// A good probe closed it.
    Closed,
}

/// The state of one plugin's breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    state: State,
    /// When it last closed.
    closed_at: Option<Instant>,
    /// How often it opened since it last closed.
    openings: u32,
    /// When it tripped of late, no longer ago than counts.
    recent: VecDeque<Instant>,
    /// How often it tripped at all.
    trips: u64,
    probes: u64,
    last: String,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        row: u32,
        /// A bit for each of the last calls, the latest lowest: whether it failed.
        failed: u32,
    },
    Open {
        until: Instant,
    },
    Probing {
        probe: u64,
    },
    Exhausted,
}

const FRESH: State = State::Closed { row: 0, failed: 0 };
/// How much of a failure's words is kept.
const WORDS: usize = 300;

impl Breaker {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            state: FRESH,
            closed_at: None,
            openings: 0,
            recent: VecDeque::new(),
            trips: 0,
            probes: 0,
            last: String::new(),
        }
    }

    /// Whether it is closed and no failure is among the last calls: then it need not be asked, nor told of good calls.
    pub(super) fn is_clean(&self) -> bool {
        matches!(self.state, State::Closed { failed: 0, .. })
    }

    /// Whether it tripped too often.
    pub(super) fn is_exhausted(&self) -> bool {
        matches!(self.state, State::Exhausted)
    }

    /// How often it tripped.
    pub(super) fn trips(&self) -> u64 {
        self.trips
    }

    /// Asks to let in a call.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Pass, Refusal> {
        match self.state {
            State::Closed { .. } => Ok(Pass::Call),
            State::Open { until } if now >= until => {
                self.probes += 1;
                let probe = self.probes;
                self.state = State::Probing { probe };
                Ok(Pass::Probe(probe))
            }
            _ => Err(self.refusal(now).unwrap_or_else(|| Refusal {
                last: self.last.clone(),
                retry_in: Some(Duration::ZERO),
            })),
        }
    }

    /// Why calls are not let in; none when they are.
    pub(super) fn refusal(&self, now: Instant) -> Option<Refusal> {
        let retry_in = match self.state {
            State::Closed { .. } => return None,
            State::Open { until } => Some(until.saturating_duration_since(now)),
            // The probe may be over at any time.
            State::Probing { .. } => Some(Duration::ZERO),
            State::Exhausted => None,
        };
        Some(Refusal {
            last: self.last.clone(),
            retry_in,
        })
    }

    /// Hears how a call ended that was let in at `admitted`.
    pub(super) fn ended(&mut self, admitted: Instant, now: Instant, outcome: Outcome) -> Change {
        let State::Closed { row, failed } = self.state else {
            return Change::None;
        };
        if self.closed_at.is_some_and(|closed| admitted < closed) {
            return Change::None;
        }
        let window = (1 << BreakerPolicy::WINDOW) - 1;
        let (row, failed) = match outcome {
            Outcome::NoVerdict => return Change::None,
            Outcome::Good => (0, (failed << 1) & window),
            Outcome::Failed(words) => {
                self.remember(words);
                (row.saturating_add(1), ((failed << 1) | 1) & window)
            }
        };
        if row >= self.policy.in_a_row || failed.count_ones() > self.policy.among_last {
            return self.trip(now);
        }
        self.state = State::Closed { row, failed };
        Change::None
    }

    /// Hears how a probe ended.
    pub(super) fn probed(&mut self, probe: u64, now: Instant, outcome: Outcome) -> Change {
        if !matches!(self.state, State::Probing { probe: present } if present == probe) {
            return Change::None;
        }
        match outcome {
            Outcome::Good => {
                self.state = FRESH;
                self.closed_at = Some(now);
                self.openings = 0;
                Change::Closed
            }
            Outcome::Failed(words) => {
                self.remember(words);
                self.trip(now)
            }
            Outcome::NoVerdict => {
                self.state = State::Open { until: now };
                Change::None
            }
        }
    }

    /// Closes it and forgets what was.
    pub(super) fn reset(&mut self, now: Instant) {
        self.state = FRESH;
        self.closed_at = Some(now);
        self.openings = 0;
        self.recent.clear();
    }

    /// What there is to show.
    pub(super) fn health(&self, now: Instant) -> Health {
        let last_failure = self.last.clone();
        match self.state {
            State::Closed { failed: 0, .. } => Health::Healthy,
            State::Closed { failed, .. } => Health::Failing {
                failures: failed.count_ones(),
                last_failure,
            },
            State::Open { until } => Health::Tripped {
                last_failure,
                retry_in: until.saturating_duration_since(now),
            },
            State::Probing { .. } => Health::Probing { last_failure },
            State::Exhausted => Health::Exhausted { last_failure },
        }
    }

    fn trip(&mut self, now: Instant) -> Change {
        self.trips += 1;
        let within = self.policy.within;
        self.recent
            .retain(|trip| now.saturating_duration_since(*trip) < within);
        self.recent.push_back(now);
        if self.recent.len() > self.policy.trips {
            self.state = State::Exhausted;
            return Change::Exhausted;
        }
        let doubled = 2_u32.saturating_pow(self.openings);
        let probe_in = self
            .policy
            .first_probe
            .saturating_mul(doubled)
            .min(self.policy.last_probe);
        self.openings = self.openings.saturating_add(1);
        self.state = State::Open {
            until: now + probe_in,
        };
        Change::Tripped { probe_in }
    }

    fn remember(&mut self, mut words: String) {
        words.truncate(words.floor_char_boundary(WORDS));
        self.last = words;
    }
}

#[cfg(test)]
mod tests;

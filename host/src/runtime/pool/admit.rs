//! What is asked before a call gets an instance, and told after it.
//!
//! In this order: whether the plugin is shut down, whether the call would wait for itself, whether there were too many of
//! late, and whether the plugin failed too often. Nothing of it waits, and a call that is refused has touched no instance.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use crate::capability::log::Level;
use crate::contract::Chain;
use crate::runtime::breaker::{Change, Outcome, Pass, Refusal};
use crate::runtime::error::CallError;
use crate::runtime::limits::InstanceMode;
use crate::runtime::live::Word;

/// The one call that finds out whether a plugin that failed works again. If it is dropped before it has ended, another one may.
pub(in crate::runtime) struct Probe<'a> {
    pool: &'a Arc<Pool>,
    number: u64,
}

impl Pool {
    /// Asks whatever a call has to ask before it may run. A call for which the word is plain need not.
    pub(in crate::runtime) fn admit(
        self: &Arc<Self>,
        word: Word,
        now: Instant,
        chain: &Chain,
    ) -> Result<Option<Probe<'_>>, CallError> {
        if word.is_closed() {
            return Err(self.shut_down());
        }
        let plugin = &self.mold.plugin;
        if word.is_ordered()
            && chain.includes(plugin)
            && self.live.terms().limits.mode == InstanceMode::Single
        {
            return Err(CallError::Reentered {
                plugin: plugin.clone(),
                chain: chain.clone(),
            });
        }
        if word.is_rated()
            && let Err(limited) = self.calls.check_at(now)
        {
            return Err(CallError::TooOften {
                plugin: plugin.clone(),
                per_second: self.calls.limit(),
                retry_after_ms: limited.retry_after_ms(),
            });
        }
        if !word.is_watched() {
            return Ok(None);
        }
        match self.watch.admit(now) {
            Ok(Pass::Call) => Ok(None),
            Ok(Pass::Probe(number)) => Ok(Some(Probe { pool: self, number })),
            Err(refusal) => Err(self.left_alone(refusal)),
        }
    }

    pub(super) fn left_alone(&self, refusal: Refusal) -> CallError {
        CallError::LeftAlone {
            plugin: self.mold.plugin.clone(),
            last: refusal.last,
            retry_in: refusal.retry_in,
        }
    }

    /// Tells the breaker how a call ended that was let in at `admitted`.
    pub(in crate::runtime) fn conclude(&self, pass: Pass, admitted: Instant, outcome: Outcome) {
        let words = match &outcome {
            Outcome::Failed(words) => words.clone(),
            Outcome::Good | Outcome::NoVerdict => String::new(),
        };
        let set = |clean: bool| self.live.watch(!clean);
        let change = self.watch.ended(pass, admitted, self.now(), outcome, set);
        let (level, message) = match change {
            Change::None => return,
            Change::Tripped { probe_in } => (
                Level::Error,
                format!(
                    "it failed repeatedly, last: {words}; it is left alone for {} s, then one call tries it again",
                    probe_in.as_secs_f32()
                ),
            ),
            Change::Exhausted => (
                Level::Error,
                format!(
                    "it failed again and again, last: {words}; it is not called any more until its health is reset"
                ),
            ),
            Change::Closed => (Level::Info, "it works again".to_owned()),
        };
        self.mold.log.host(level, message);
        if change != Change::Closed {
            self.line.clear();
        }
    }

    pub(in crate::runtime) fn reset_health(&self) {
        self.watch
            .reset(self.now(), |clean| self.live.watch(!clean));
    }
}

impl Probe<'_> {
    /// Tells how it ended.
    pub(in crate::runtime) fn end(self, outcome: Outcome) {
        let (pool, number) = (self.pool, self.number);
        std::mem::forget(self);
        pool.conclude(Pass::Probe(number), pool.now(), outcome);
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        let pass = Pass::Probe(self.number);
        self.pool
            .conclude(pass, self.pool.now(), Outcome::NoVerdict);
    }
}

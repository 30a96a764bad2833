//! Warm instances of one plugin, and who gets the next one.
//!
//! Three rules. A plugin has at most as many live instances as its limit, made on demand. An instance in a call is out of
//! the pool, so it cannot be entered twice, and it comes back only after a clean return. When all are in use, callers
//! wait in line, bounded in number and by their deadline; whoever returns or loses an instance hands its permit to the first.
//!
//! Pooled, a caller who finds an idle instance takes it without a look at the line, which is what makes calls cheap. In the
//! other modes it takes one only if nobody waits, and both are decided under the line's lock; a permit that comes back goes to
//! the first in line or, under the same lock, to the idle ones. So nobody overtakes.
//!
//! A call that a plugin makes in the course of another call must not wait for one that waits for it. So when all instances
//! are in use, a nested call gets an extra one, from an allowance for its depth that is as large as the limit: calls of one
//! depth wait only for deeper ones, and the deepest wait for nobody. An extra instance that is not needed afterwards is shut
//! down. A single instance has no extras; there, a call that would wait for itself is refused.
//!
//! Instances are started and shut down in tasks of their own, which hold the permit until it is clear who has it. A caller
//! whose deadline passes while an instance starts leaves it to the next one.

mod admit;
mod line;
mod permit;
mod retire;
mod shards;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

pub(super) use self::permit::Lease;

use self::line::{Handoff, Line};
use self::permit::{Kind, Permit};
use self::retire::in_background;
use self::shards::Shards;
use super::breaker::{BreakerPolicy, Outcome, Pass};
use super::clock::Clock;
use super::error::CallError;
use super::instance::{Instance, Mold, StartFailure};
use super::limits::{InstanceMode, Limits};
use super::live::{Live, Terms, Word};
use super::metrics::{Ending, Metrics};
use super::watch::Watch;
use crate::capability::{PluginRates, RateLimit};
use crate::permission::Counted;

/// The instances of one plugin.
pub(super) struct Pool {
    mold: Mold,
    live: Live,
    clock: Clock,
    rates: PluginRates,
    /// What is counted of calls, at hand for each of them.
    calls: RateLimit,
    watch: Watch,
    shards: Shards,
    /// Permits that are taken, by idle instances and by those in calls.
    taken: AtomicUsize,
    /// Extra instances that are alive, beside those in `taken`.
    extra: AtomicUsize,
    /// Instances that are being shut down and have given up their permits.
    leaving: AtomicUsize,
    failed_starts: AtomicU64,
    line: Line,
    /// Told whenever an instance comes back to a closed pool, or is gone.
    changed: Notify,
}

/// What a look for an instance finds.
enum Found {
    /// A permit, perhaps with an idle instance.
    Permit(Option<Box<Instance>>),
    /// None is free, and the call must not wait for one: it gets an extra one of this depth.
    Nested(usize),
    /// A position in line.
    InLine(oneshot::Receiver<Handoff>),
}

const NOT_FREE: &str = "none became free before the deadline of the call";

impl Pool {
    pub(super) fn new(
        mold: Mold,
        limits: Limits,
        clock: Clock,
        rates: PluginRates,
        breaker: BreakerPolicy,
    ) -> Self {
        Self {
            mold,
            live: Live::new(limits),
            clock,
            calls: rates.of(&Counted::Calls),
            rates,
            watch: Watch::new(breaker),
            shards: Shards::default(),
            taken: AtomicUsize::new(0),
            extra: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            failed_starts: AtomicU64::new(0),
            line: Line::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn mold(&self) -> &Mold {
        &self.mold
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The time, as exactly as deadlines need it.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How many instances are alive, idle, in calls and being shut down.
    pub(super) fn alive(&self) -> usize {
        [&self.taken, &self.extra, &self.leaving]
            .map(|count| count.load(Ordering::SeqCst))
            .iter()
            .sum()
    }

    /// How many callers stand in line.
    pub(super) fn waiting(&self) -> usize {
        self.line.hold().waiting()
    }

    /// What was counted so far.
    pub(super) fn metrics(&self) -> Metrics {
        Metrics {
            memory_refusals: self.mold.refusals.load(Ordering::Relaxed),
            failed_starts: self.failed_starts.load(Ordering::Relaxed),
            trips: self.watch.trips(),
            ..self.shards.metrics()
        }
    }

    /// Makes the first instance.
    pub(super) async fn prepare(self: &Arc<Self>) -> Result<(), CallError> {
        self.taken.fetch_add(1, Ordering::SeqCst);
        let permit = Permit::new(self, Kind::Regular);
        let started = self.mold.start(&self.live.terms()).await;
        let instance = started.map_err(|failure| self.not_started(failure))?;
        let instance = Box::new(instance);
        Lease { permit, instance }.put_back();
        Ok(())
    }

    /// Replaces the limits, and makes what is idle fit for them. Instances in calls follow when they come back.
    pub(super) fn set_limits(self: &Arc<Self>, limits: Limits) {
        self.rates.set(&limits.rates);
        self.live.set(limits);
        if self.live.word().is_closed() {
            return;
        }
        // All are taken out before the first is put back, so that none comes twice.
        let idle: Vec<_> = std::iter::from_fn(|| self.shards.pop()).collect();
        self.put_all_back(idle);
        self.serve_line();
    }

    /// An idle instance to call, if there is one that needs no questions. Most calls find one.
    pub(super) fn idle(self: &Arc<Self>, word: Word) -> Option<Lease<'_>> {
        if !word.is_free() {
            return None;
        }
        let instance = self.shards.pop()?;
        let permit = Permit::new(self, Kind::Regular);
        if word.is_of(instance.generation()) {
            return Some(Lease { permit, instance });
        }
        // It is made fit or replaced as if it came back from a call.
        Lease { permit, instance }.put_back();
        None
    }

    /// An instance to call, idle or new, for a call that so many plugins wait for.
    pub(super) async fn lease(
        self: &Arc<Self>,
        deadline: Instant,
        depth: usize,
    ) -> Result<Lease<'_>, CallError> {
        loop {
            let (permit, instance) = match self.look(depth)? {
                Found::Permit(instance) => (Permit::new(self, Kind::Regular), instance),
                Found::Nested(level) => (self.extra(deadline, level).await?, None),
                Found::InLine(handoff) => self.wait(deadline, handoff).await?,
            };
            let Some(mut instance) = instance else {
                return self.start(permit, None, deadline).await;
            };
            let terms = self.live.terms();
            if instance.generation() == terms.generation {
                return Ok(Lease { permit, instance });
            }
            // Limits changed between its being put back and now.
            if self.shed(&terms) {
                permit.forget();
                self.let_go(instance);
            } else if instance.fit(&terms) {
                return Ok(Lease { permit, instance });
            } else {
                return self.start(permit, Some(instance), deadline).await;
            }
        }
    }

    /// Takes an instance or a permit, or stands in line.
    fn look(self: &Arc<Self>, depth: usize) -> Result<Found, CallError> {
        if self.live.word().is_closed() {
            return Err(self.shut_down());
        }
        let terms = self.live.terms();
        let limits = &terms.limits;
        let nested = match limits.mode {
            InstanceMode::Single => None,
            InstanceMode::Pooled | InstanceMode::PerCall => depth.checked_sub(1),
        };
        if limits.mode == InstanceMode::Pooled
            && let Some(found) = self.take(&terms)
        {
            return Ok(found);
        }
        let mut line = self.line.hold();
        if limits.mode != InstanceMode::Pooled
            && line.is_empty()
            && let Some(found) = self.take(&terms)
        {
            return Ok(found);
        }
        if let Some(level) = nested {
            return Ok(Found::Nested(level));
        }
        let joined = line.join(limits.queue);
        drop(line);
        let handoff = joined.ok_or_else(|| self.busy("the queue of waiting calls is full"))?;
        if self.live.latest_word().is_closed() {
            return Err(self.shut_down());
        }
        // Something may have become free between looking for it and standing in line.
        self.serve_line();
        Ok(Found::InLine(handoff))
    }

    fn take(&self, terms: &Terms) -> Option<Found> {
        if let Some(instance) = self.shards.pop() {
            return Some(Found::Permit(Some(instance)));
        }
        self.reserve(terms).then_some(Found::Permit(None))
    }

    /// Takes a permit for a new instance, if one is left.
    fn reserve(&self, terms: &Terms) -> bool {
        let most = terms.limits.permits();
        change(&self.taken, |taken| (taken < most).then_some(taken + 1))
    }

    /// Gives up a permit if more are taken than there may be.
    fn shed(&self, terms: &Terms) -> bool {
        let most = terms.limits.permits();
        change(&self.taken, |taken| (taken > most).then(|| taken - 1))
    }

    /// Takes a permit for an extra instance, beside the limit.
    async fn extra(
        self: &Arc<Self>,
        deadline: Instant,
        level: usize,
    ) -> Result<Permit<'_>, CallError> {
        let terms = self.live.terms();
        let deepest = || self.busy("the chain of calls is too long");
        let allowance = Arc::clone(terms.allowance(level).ok_or_else(deepest)?);
        match tokio::time::timeout_at(deadline.into(), allowance.acquire_owned()).await {
            Ok(Ok(permit)) => {
                self.extra.fetch_add(1, Ordering::SeqCst);
                Ok(Permit::new(self, Kind::Extra(permit)))
            }
            Ok(Err(_)) => Err(self.shut_down()),
            Err(_) => Err(self.busy(NOT_FREE)),
        }
    }

    /// Waits for a handoff.
    async fn wait(
        self: &Arc<Self>,
        deadline: Instant,
        handoff: oneshot::Receiver<Handoff>,
    ) -> Result<(Permit<'_>, Option<Box<Instance>>), CallError> {
        match tokio::time::timeout_at(deadline.into(), handoff).await {
            Ok(Ok(handoff)) => Ok(handoff.arrive(self)),
            Ok(Err(_)) if self.live.word().is_closed() => Err(self.shut_down()),
            Ok(Err(_)) => match self.watch.refusal(self.now()) {
                Some(refusal) => Err(self.left_alone(refusal)),
                None => Err(self.busy("the plugin failed while the call waited")),
            },
            Err(_) => Err(self.busy(NOT_FREE)),
        }
    }

    /// Makes an instance for a permit, after shutting down the one that it replaces.
    async fn start<'a>(
        self: &'a Arc<Self>,
        permit: Permit<'a>,
        worn: Option<Box<Instance>>,
        deadline: Instant,
    ) -> Result<Lease<'a>, CallError> {
        let (sender, receiver) = oneshot::channel();
        let handoff = Handoff::new(self, permit.forget(), None);
        let pool = Arc::clone(self);
        in_background(async move {
            // If nobody waits any more, the handoff comes back with its instance and takes it to the pool.
            let _ = sender.send(pool.make(handoff, worn).await);
        });
        match tokio::time::timeout_at(deadline.into(), receiver).await {
            Ok(Ok(made)) => {
                let (permit, instance) = made?.arrive(self);
                let instance = instance.ok_or_else(|| self.given_up())?;
                Ok(Lease { permit, instance })
            }
            Ok(Err(_)) => Err(self.given_up()),
            Err(_) => Err(self.busy("another one was not started before the deadline of the call")),
        }
    }

    async fn make(
        self: Arc<Self>,
        mut handoff: Handoff,
        worn: Option<Box<Instance>>,
    ) -> Result<Handoff, CallError> {
        if let Some(worn) = worn {
            self.see_off(worn).await;
        }
        let began = self.now();
        match self.mold.start(&self.live.terms()).await {
            Ok(instance) => {
                handoff.instance = Some(Box::new(instance));
                Ok(handoff)
            }
            Err(failure) => {
                if failure.by_plugin {
                    self.failed_starts.fetch_add(1, Ordering::Relaxed);
                    // A probe that started it will say so itself; this is not heard then.
                    let outcome = Outcome::Failed(failure.reason.clone());
                    self.conclude(Pass::Call, began, outcome);
                }
                Err(self.not_started(failure))
            }
        }
    }

    /// Hands idle instances and free permits to those who wait.
    fn serve_line(self: &Arc<Self>) {
        while !self.line.is_empty() {
            let Some(Found::Permit(instance)) = self.take(&self.live.terms()) else {
                return;
            };
            let mut handoff = Handoff::new(self, Kind::Regular, instance);
            loop {
                match self.line.next().map(|waiting| waiting.send(handoff)) {
                    Some(Ok(())) => break,
                    // That one gave up; the next in line gets it.
                    Some(Err(returned)) => handoff = returned,
                    None => return,
                }
            }
        }
    }

    /// Takes back a permit: with its instance after a clean return, without one that was lost.
    pub(super) fn release(
        self: &Arc<Self>,
        kind: Kind,
        instance: Option<Box<Instance>>,
        counted: Option<(Ending, Option<Duration>)>,
    ) {
        let shard = self.shards.own();
        if let Some(shard) = shard
            && let Some((ending, took)) = counted
        {
            shard.tally.count(ending, took);
        }
        let word = self.live.word();
        match (kind, instance, shard) {
            (Kind::Regular, Some(instance), Some(shard))
                if word.is_free() && word.is_of(instance.generation()) && !instance.is_spent() =>
            {
                shard.push(instance);
                self.after_release();
            }
            (kind, instance, _) => self.settle(kind, instance),
        }
    }

    /// Takes back a permit where something is to be decided.
    #[cold]
    fn settle(self: &Arc<Self>, kind: Kind, instance: Option<Box<Instance>>) {
        let terms = self.live.terms();
        let closed = self.live.word().is_closed();
        let fit = |mut instance: Box<Instance>| {
            let fits = instance.fit(&terms);
            (instance, fits)
        };
        match (kind, instance.map(fit)) {
            (Kind::Extra(_), None) => {
                self.extra.fetch_sub(1, Ordering::SeqCst);
            }
            (Kind::Extra(permit), Some((instance, fits))) => {
                if !closed && fits && self.reserve(&terms) {
                    self.extra.fetch_sub(1, Ordering::SeqCst);
                    self.put_back(instance);
                } else {
                    let handoff = Handoff::new(self, Kind::Extra(permit), None);
                    self.shut_down_for(handoff, instance);
                }
            }
            (Kind::Regular, None) => {
                self.taken.fetch_sub(1, Ordering::SeqCst);
            }
            (Kind::Regular, Some((instance, _))) if closed => self.put_back(instance),
            (Kind::Regular, Some((instance, _))) if self.shed(&terms) => self.let_go(instance),
            (Kind::Regular, Some((instance, true))) => self.put_back(instance),
            (Kind::Regular, Some((instance, false))) => self.retire(instance, &terms),
        }
        self.after_release();
    }

    /// Gives an instance to the first in line, or to the idle ones if nobody waits.
    fn put_back(self: &Arc<Self>, instance: Box<Instance>) {
        let mut handoff = Handoff::new(self, Kind::Regular, Some(instance));
        loop {
            let mut line = self.line.hold();
            let Some(next) = line.next() else {
                // Under the lock, so that nobody who comes now finds neither a line nor an instance.
                let (permit, instance) = handoff.arrive(self);
                permit.forget();
                if let (Some(shard), Some(instance)) = (self.shards.own(), instance) {
                    shard.push(instance);
                }
                return;
            };
            drop(line);
            match next.send(handoff) {
                Ok(()) => return,
                Err(returned) => handoff = returned,
            }
        }
    }

    fn after_release(self: &Arc<Self>) {
        // Either this sees who stands in line, or who stands in line sees what was put back: both look after they wrote.
        if !self.line.is_empty() {
            self.serve_line();
        }
        if self.live.latest_word().is_closed() {
            self.changed.notify_one();
        }
    }

    fn busy(&self, why: &'static str) -> CallError {
        let limits = &self.live.terms().limits;
        CallError::Busy {
            plugin: self.mold.plugin.clone(),
            mode: limits.mode,
            instances: limits.permits(),
            why,
        }
    }

    fn not_started(&self, failure: StartFailure) -> CallError {
        CallError::Start {
            plugin: self.mold.plugin.clone(),
            reason: failure.reason,
            output: failure.output,
            by_plugin: failure.by_plugin,
        }
    }

    /// The task that was to start an instance was dropped.
    fn given_up(&self) -> CallError {
        self.not_started(StartFailure {
            reason: "the host is stopping".to_owned(),
            output: String::new(),
            by_plugin: false,
        })
    }

    fn shut_down(&self) -> CallError {
        CallError::ShutDown {
            plugin: self.mold.plugin.clone(),
        }
    }
}

/// Changes a count if there is something to change it to.
fn change(count: &AtomicUsize, to: impl Fn(usize) -> Option<usize>) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, to)
        .is_ok()
}

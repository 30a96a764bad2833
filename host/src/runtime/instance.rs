//! One instance of a plugin, in a store of its own.
//!
//! An instance is entered by one call at a time, which its ownership guarantees: whoever holds the [`Instance`] is the only
//! one who can. With component-model concurrency compiled out, wasmtime does not check this, so nothing here may hand out
//! a second way in. After anything but a clean return the instance is not usable any more and is dropped with its store.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;
use std::time::Instant;

use futures::FutureExt;
use wasmtime::Store;

use super::limits::{Limiter, Meter};
use super::link::Linked;
use super::live::{Generation, Terms};
use super::trap::{Bounds, DeadlinePassed, Trap, Trapped};
use super::turns::{Share, Turn};
use crate::capability::log::{Level, PluginLog, Source};
use crate::capability::{Guest, Slot};
use crate::contract::bindings::Exports;
use crate::contract::invocation::Invocation;
use crate::contract::wire::registration::Registration;
use crate::contract::{CallContext, Error, PluginName};

/// What all instances of a plugin are made from.
pub(super) struct Mold {
    pub(super) plugin: PluginName,
    pub(super) log: Arc<PluginLog>,
    pub(super) linked: Linked,
    pub(super) slots: Arc<[Slot]>,
    /// How often memory was refused to an instance.
    pub(super) refusals: Arc<AtomicU64>,
    /// How much its instances compute.
    pub(super) share: Arc<Share>,
}

/// Why an instance could not be started.
pub(super) struct StartFailure {
    pub(super) reason: String,
    /// What the plugin said about it.
    pub(super) output: String,
    /// Whether it was the plugin's doing.
    pub(super) by_plugin: bool,
}

/// An instance of a plugin.
pub(super) struct Instance {
    store: Store<Guest>,
    exports: Exports,
    turn: Arc<Turn>,
    meter: Arc<Meter>,
    bounds: Bounds,
    /// The limits that it was made fit for.
    generation: Generation,
    calls: u64,
    /// After how many calls it has served its time.
    most_calls: u64,
    /// Whether what it used when limits last changed was within them.
    fits: bool,
}

impl Mold {
    /// Makes an instance, without calling `init`. Runs the component's start functions, within `deadline`.
    pub(super) async fn instantiate(
        &self,
        terms: &Terms,
        deadline: Instant,
    ) -> Result<Instance, Trapped> {
        let limits = &terms.limits;
        let meter = Arc::new(Meter::new(limits, Arc::clone(&self.refusals)));
        let limiter = Limiter(Arc::clone(&meter));
        let guest = Guest::new(
            self.plugin.clone(),
            Arc::clone(&self.log),
            Arc::clone(&self.slots),
            Box::new(limiter),
        );
        let mut store = Store::new(self.linked.engine(), guest);
        store.limiter(Guest::limiter);
        store.set_hostcall_fuel(limits.transfer_bytes);
        store.data_mut().enter(CallContext::default(), deadline);
        let turn = Turn::new(&self.share);
        keep_deadline(&mut store, &turn);
        let bounds = Bounds::of(limits);
        let made = within(deadline, &turn, pin!(self.linked.instantiate(&mut store))).await;
        let exports = made.map_err(|stop| {
            store.data().leave();
            Trapped {
                trap: stop.explain(&meter, bounds),
                output: store.data().caller().error_output().text(),
            }
        })?;
        Ok(Instance {
            store,
            exports,
            turn,
            meter,
            bounds,
            generation: terms.generation,
            calls: 0,
            most_calls: limits.calls_per_instance(),
            fits: true,
        })
    }

    /// Makes an instance and lets it initialise itself, within the init timeout.
    pub(super) async fn start(&self, terms: &Terms) -> Result<Instance, StartFailure> {
        let deadline = Instant::now() + terms.limits.init_timeout;
        let made = self.instantiate(terms, deadline).await;
        let mut instance = made.map_err(|trapped| self.say(trapped, "instantiation"))?;
        match instance.init(deadline).await {
            Ok(Ok(())) => Ok(instance),
            Ok(Err(error)) => {
                let reason = format!("init refused: {error}");
                self.log.host(Level::Error, reason.clone());
                Err(StartFailure {
                    reason,
                    output: String::new(),
                    by_plugin: true,
                })
            }
            Err(trapped) => Err(self.say(trapped, "init")),
        }
    }

    /// Puts a trap into the plugin's log, and returns it in words.
    fn say(&self, trapped: Trapped, what: &str) -> StartFailure {
        let Trapped { trap, output } = trapped;
        let reason = format!("{what} failed: {trap}");
        self.log.host(Level::Error, reason.clone());
        StartFailure {
            reason,
            output,
            by_plugin: !matches!(trap, Trap::HostFull(_)),
        }
    }
}

/// Ends guest code when its deadline passed, and lets others run at every tick until then.
fn keep_deadline(store: &mut Store<Guest>, turn: &Arc<Turn>) {
    let turn = Arc::clone(turn);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |context| {
        let now = Instant::now();
        if now >= context.data().caller().deadline() {
            return Err(DeadlinePassed.into());
        }
        Ok(turn.tick(now))
    });
}

impl Instance {
    /// Calls `register`.
    pub(super) async fn register(&mut self, deadline: Instant) -> Result<Registration, Trapped> {
        self.enter(CallContext::default(), deadline);
        let called = self.exports.register(&mut self.store);
        let called = within(deadline, &self.turn, pin!(called)).await;
        self.leave(called, "register")
    }

    /// Calls `init`.
    async fn init(&mut self, deadline: Instant) -> Result<Result<(), Error>, Trapped> {
        self.enter(CallContext::default(), deadline);
        let called = self.exports.init(&mut self.store);
        let called = within(deadline, &self.turn, pin!(called)).await;
        self.leave(called, "init")
    }

    /// Asks it something, for whom and until when [`enter`](Self::enter) said.
    pub(super) async fn ask<I: Invocation>(
        &mut self,
        asked: &I,
        deadline: Instant,
    ) -> Result<Result<I::Answer, Error>, Trapped> {
        let called = asked.enter(&self.exports, &mut self.store);
        let called = within(deadline, &self.turn, pin!(called)).await;
        self.leave(called, asked.name())
    }

    /// Calls `shutdown`. The instance is gone afterwards.
    pub(super) async fn shutdown(
        mut self,
        deadline: Instant,
    ) -> Result<Result<(), Error>, Trapped> {
        self.enter(CallContext::default(), deadline);
        let called = self.exports.shutdown(&mut self.store);
        let called = within(deadline, &self.turn, pin!(called)).await;
        self.leave(called, "shutdown")
    }

    /// Counts a call, and says whether it should be timed: every sixteenth of an instance is, since asking for the time
    /// costs as much as a tenth of a small call.
    pub(super) fn count_call(&mut self) -> bool {
        let timed = self.calls.is_multiple_of(16);
        self.calls += 1;
        timed
    }

    /// The limits that it is fit for.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether it has served as many calls as an instance may.
    pub(super) fn is_spent(&self) -> bool {
        self.calls >= self.most_calls
    }

    /// Makes it fit for other limits. Returns whether it is; one that is not uses more than they allow, or has served as many
    /// calls as they allow, and must be replaced.
    pub(super) fn fit(&mut self, terms: &Terms) -> bool {
        if self.generation != terms.generation {
            let limits = &terms.limits;
            self.store.set_hostcall_fuel(limits.transfer_bytes);
            self.bounds = Bounds::of(limits);
            self.most_calls = limits.calls_per_instance();
            self.fits = self.meter.bound(limits);
            self.generation = terms.generation;
        }
        self.fits && !self.is_spent()
    }

    /// Sets for whom and until when the next call runs.
    pub(super) fn enter(&mut self, context: CallContext, deadline: Instant) {
        self.store.data_mut().enter(context, deadline);
        self.store.set_epoch_deadline(1);
    }

    /// Ends an entry, however it ended: what it printed is in the log before anything that follows from it.
    fn leave<T>(&self, ended: Result<T, Stop>, function: &str) -> Result<T, Trapped> {
        self.store.data().leave();
        ended.map_err(|stop| self.explain(stop, function))
    }

    /// Puts the whole story of a trap into the plugin's log, and returns it in words.
    fn explain(&self, stop: Stop, function: &str) -> Trapped {
        let story = match &stop {
            Stop::Error(error) => format!("{error:#}"),
            Stop::Deadline | Stop::HostPanicked => String::new(),
        };
        let trap = stop.explain(&self.meter, self.bounds);
        let fields = vec![
            ("function".to_owned(), function.to_owned()),
            ("story".to_owned(), story),
        ];
        let caller = self.store.data().caller();
        caller.write_log(Level::Error, Source::Host, trap.to_string(), fields);
        let output = caller.error_output().text();
        Trapped { trap, output }
    }
}

/// What ended an entry into an instance before it returned.
enum Stop {
    Error(wasmtime::Error),
    Deadline,
    HostPanicked,
}

impl Stop {
    fn explain(self, meter: &Meter, bounds: Bounds) -> Trap {
        match self {
            Self::Error(error) => Trap::explain(&error, meter, bounds),
            Self::Deadline => Trap::TimedOut,
            Self::HostPanicked => Trap::HostPanicked,
        }
    }
}

/// Runs an entry into an instance until the deadline. A timer is set only if the entry has to wait at all, which most
/// calls never do; while it runs, the epoch keeps the deadline. An entry that gives way at a tick really does: it is not
/// polled again before others had their turn, or whoever makes short calls one after the other would keep a thread for
/// good. An entry that has to wait gives up its turn. The entry comes pinned, since moving it costs more than all that is
/// done here.
async fn within<T>(
    deadline: Instant,
    turn: &Turn,
    entry: Pin<&mut impl Future<Output = wasmtime::Result<T>>>,
) -> Result<T, Stop> {
    let in_turn = turn.is_due();
    if in_turn {
        let taken = tokio::time::timeout_at(deadline.into(), turn.take());
        taken.await.map_err(|_| Stop::Deadline)?;
    }
    let mut entry = AssertUnwindSafe(entry).catch_unwind();
    let mut timer = None;
    let ended = std::future::poll_fn(|context| {
        if let Poll::Ready(ended) = entry.poll_unpin(context) {
            return Poll::Ready(Ok(ended));
        }
        turn.give_up();
        let sleep = || Box::pin(tokio::time::sleep_until(deadline.into()));
        let timer = timer.get_or_insert_with(sleep);
        timer.poll_unpin(context).map(|()| Err(Stop::Deadline))
    });
    let ended = ended.await;
    match ended? {
        Ok(Ok(value)) => {
            if in_turn || timer.is_some() {
                turn.end();
            }
            Ok(value)
        }
        // The turn ends with the instance, which is thrown away now: that takes a processor too, with much memory in it.
        Ok(Err(error)) => Err(Stop::Error(error)),
        Err(_panic) => Err(Stop::HostPanicked),
    }
}

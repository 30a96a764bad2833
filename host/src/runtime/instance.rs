//! One instance of a plugin, in a store of its own.
//!
//! An instance is entered by one call at a time, which its ownership guarantees: whoever holds the [`Instance`] is the only
//! one who can. With component-model concurrency compiled out, wasmtime does not check this, so nothing here may hand out
//! a second way in. After anything but a clean return the instance is not usable any more and is dropped with its store.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures::FutureExt;
use wasmtime::{Store, UpdateDeadline};

use super::limits::{Limiter, Limits, Refused};
use super::link::Linked;
use super::trap::{Bounds, DeadlinePassed, Trap};
use crate::capability::log::{Level, PluginLog, Source};
use crate::capability::{Guest, Slot};
use crate::contract::v0_1::Everything;
use crate::contract::v0_1::exports::goatherd::plugin::guest;
use crate::contract::v0_1::goatherd::plugin::types;
use crate::contract::{CallContext, Error, Json, PluginName};

/// What all instances of a plugin are made from.
pub(super) struct Mold {
    pub(super) plugin: PluginName,
    pub(super) log: Arc<PluginLog>,
    pub(super) linked: Linked,
    pub(super) slots: Arc<[Slot]>,
    pub(super) limits: Limits,
}

/// An instance of a plugin.
pub(super) struct Instance {
    store: Store<Guest>,
    bindings: Everything,
    refused: Refused,
    bounds: Bounds,
    calls: u32,
}

impl Mold {
    /// Makes an instance, without calling `init`. Runs the component's start functions, within `deadline`.
    pub(super) async fn instantiate(&self, deadline: Instant) -> Result<Instance, Trap> {
        let refused = Refused::default();
        let limiter = Limiter::new(&self.limits, refused.clone());
        let guest = Guest::new(
            self.plugin.clone(),
            Arc::clone(&self.log),
            Arc::clone(&self.slots),
            Box::new(limiter),
        );
        let mut store = Store::new(self.linked.engine(), guest);
        store.limiter(Guest::limiter);
        store.set_hostcall_fuel(self.limits.transfer_bytes);
        store.data_mut().enter(CallContext::default(), deadline);
        keep_deadline(&mut store);
        let bounds = Bounds {
            memory_bytes: self.limits.memory_bytes,
            transfer_bytes: self.limits.transfer_bytes,
        };
        let made = within(deadline, pin!(self.linked.instantiate_async(&mut store))).await;
        let bindings = made.map_err(|stop| stop.explain(&refused, bounds))?;
        Ok(Instance {
            store,
            bindings,
            refused,
            bounds,
            calls: 0,
        })
    }

    /// Makes an instance and lets it initialise itself, within the init timeout.
    pub(super) async fn start(&self) -> Result<Instance, String> {
        let deadline = Instant::now() + self.limits.init_timeout;
        let made = self.instantiate(deadline).await;
        let mut instance = made.map_err(|trap| self.say(&trap, "instantiation"))?;
        match instance.init(deadline).await {
            Ok(Ok(())) => Ok(instance),
            Ok(Err(error)) => {
                let reason = format!("init refused: {error}");
                self.log.host(Level::Error, reason.clone());
                Err(reason)
            }
            Err(trap) => Err(self.say(&trap, "init")),
        }
    }

    /// Puts a trap into the plugin's log, and returns it in words.
    fn say(&self, trap: &Trap, what: &str) -> String {
        let reason = format!("{what} failed: {trap}");
        self.log.host(Level::Error, reason.clone());
        reason
    }
}

/// Ends guest code when its deadline passed, and lets others run at every tick until then.
fn keep_deadline(store: &mut Store<Guest>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        if Instant::now() >= context.data().caller().deadline() {
            return Err(DeadlinePassed.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

impl Instance {
    /// Calls `register`.
    pub(super) async fn register(
        &mut self,
        deadline: Instant,
    ) -> Result<guest::Registration, Trap> {
        self.enter(CallContext::default(), deadline);
        let guest = self.bindings.goatherd_plugin_guest();
        let called = within(deadline, pin!(guest.call_register(&mut self.store))).await;
        called.map_err(|stop| self.explain(stop, "register"))
    }

    /// Calls `init`.
    async fn init(&mut self, deadline: Instant) -> Result<Result<(), Error>, Trap> {
        self.enter(CallContext::default(), deadline);
        let guest = self.bindings.goatherd_plugin_guest();
        let called = within(deadline, pin!(guest.call_init(&mut self.store))).await;
        let answer = called.map_err(|stop| self.explain(stop, "init"))?;
        Ok(answer.map_err(Error::from))
    }

    /// Calls `call`, for whom and until when [`enter`](Self::enter) said.
    pub(super) async fn call(
        &mut self,
        function: &str,
        args: &Json,
        deadline: Instant,
    ) -> Result<Result<String, types::Error>, Trap> {
        let guest = self.bindings.goatherd_plugin_guest();
        let args = args.as_string();
        let called = within(
            deadline,
            pin!(guest.call_call(&mut self.store, function, args)),
        )
        .await;
        self.store.data().leave();
        // The answer stays as the bindings have it: converting it here would cost every call a copy.
        called.map_err(|stop| self.explain(stop, function))
    }

    /// Calls `shutdown`. The instance is gone afterwards.
    pub(super) async fn shutdown(mut self, deadline: Instant) -> Result<Result<(), Error>, Trap> {
        self.enter(CallContext::default(), deadline);
        let guest = self.bindings.goatherd_plugin_guest();
        let called = within(deadline, pin!(guest.call_shutdown(&mut self.store))).await;
        let answer = called.map_err(|stop| self.explain(stop, "shutdown"))?;
        Ok(answer.map_err(Error::from))
    }

    /// Whether the call that comes next should be timed: every sixteenth of an instance is, since asking for the time costs
    /// as much as a tenth of a small call.
    pub(super) fn is_timed(&mut self) -> bool {
        let timed = self.calls.is_multiple_of(16);
        self.calls = self.calls.wrapping_add(1);
        timed
    }

    /// Sets for whom and until when the next call runs.
    pub(super) fn enter(&mut self, context: CallContext, deadline: Instant) {
        self.store.data_mut().enter(context, deadline);
        self.store.set_epoch_deadline(1);
    }

    /// Puts the whole story of a trap into the plugin's log, and returns it in words.
    fn explain(&self, stop: Stop, function: &str) -> Trap {
        let story = match &stop {
            Stop::Error(error) => format!("{error:#}"),
            Stop::Deadline | Stop::HostPanicked => String::new(),
        };
        let trap = stop.explain(&self.refused, self.bounds);
        let fields = vec![
            ("function".to_owned(), function.to_owned()),
            ("story".to_owned(), story),
        ];
        let caller = self.store.data().caller();
        caller.write_log(Level::Error, Source::Host, trap.to_string(), fields);
        trap
    }
}

/// What ended an entry into an instance before it returned.
enum Stop {
    Error(wasmtime::Error),
    Deadline,
    HostPanicked,
}

impl Stop {
    fn explain(self, refused: &Refused, bounds: Bounds) -> Trap {
        match self {
            Self::Error(error) => Trap::explain(&error, refused, bounds),
            Self::Deadline => Trap::TimedOut,
            Self::HostPanicked => Trap::HostPanicked,
        }
    }
}

/// Runs an entry into an instance until the deadline. A timer is set only if the entry has to wait at all, which most
/// calls never do; while it runs, the epoch keeps the deadline. The entry comes pinned, since moving it costs more than all
/// that is done here.
async fn within<T>(
    deadline: Instant,
    entry: Pin<&mut impl Future<Output = wasmtime::Result<T>>>,
) -> Result<T, Stop> {
    let mut entry = AssertUnwindSafe(entry).catch_unwind();
    let ended = match futures::poll!(&mut entry) {
        Poll::Ready(ended) => ended,
        Poll::Pending => tokio::time::timeout_at(deadline.into(), entry)
            .await
            .map_err(|_| Stop::Deadline)?,
    };
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Stop::Error(error)),
        Err(_panic) => Err(Stop::HostPanicked),
    }
}

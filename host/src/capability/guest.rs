//! What a store holds for the one instance in it.
//!
//! [`Guest`] is the data of every wasmtime store. It knows who is calling ([`Caller`]), so that no host function ever
//! takes the plugin's name from an argument, and it carries what each capability prepared for this plugin. Host
//! functions never see the whole of it: linking hands each interface a [`View`] of the caller and of its own state.
//!
//! The state is shared by all instances of a plugin and so is only ever borrowed immutably; a capability that keeps
//! something for each plugin guards it itself and holds no lock while it waits. What a capability keeps for each instance
//! is made when it is first used ([`Guest::parts`]). [`Guest`] knows no capability by name.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::capability::log::{ErrorOutput, PluginLog};
use crate::capability::wasi::{self, Stdio};
use crate::contract::{CallContext, Error, PluginName};

/// The data of a store: one instance's caller, capabilities, WASI context and limits.
pub struct Guest {
    caller: Caller,
    slots: Arc<[Slot]>,
    wasi: WasiCtx,
    stdio: Stdio,
    // Resources go before what a capability keeps about them.
    resources: ResourceTable,
    /// What capabilities keep for this instance, each type once.
    kept: Vec<Box<dyn Any + Send>>,
    limiter: Box<dyn ResourceLimiter + Send + Sync>,
}

/// Who calls a host function, for whom, and until when. The host's own record, never an argument.
pub struct Caller {
    plugin: PluginName,
    log: Arc<PluginLog>,
    error_output: Arc<ErrorOutput>,
    context: CallContext,
    deadline: Instant,
}

/// What a capability prepared for one plugin, found again by its type.
pub struct Slot {
    key: TypeId,
    state: Box<dyn Any + Send + Sync>,
}

/// What a host function of a capability with state `S` gets to see.
pub struct View<'a, S> {
    /// Who is calling.
    pub caller: &'a Caller,
    state: Option<&'a S>,
}

/// What an interface with state `S` gets to see that keeps a `K` for each instance.
pub(super) struct Parts<'a, S, K> {
    pub(super) caller: &'a Caller,
    /// What was prepared for the plugin; nothing while it is described.
    pub(super) state: Option<&'a S>,
    /// What is kept for this instance.
    pub(super) kept: &'a mut K,
    pub(super) wasi: &'a mut WasiCtx,
    pub(super) resources: &'a mut ResourceTable,
}

/// Tells the generated linking code that an interface works on [`View`]s of state `S`.
pub struct Of<S>(PhantomData<S>);

impl Guest {
    /// A store's data. `slots` are shared by all instances of the plugin; `limiter` bounds this instance's memory and
    /// tables.
    pub fn new(
        plugin: PluginName,
        log: Arc<PluginLog>,
        slots: Arc<[Slot]>,
        limiter: Box<dyn ResourceLimiter + Send + Sync>,
    ) -> Self {
        let error_output = Arc::default();
        let (wasi, stdio) = wasi::context(&log, &error_output);
        Self {
            caller: Caller {
                plugin,
                log,
                error_output,
                context: CallContext::default(),
                deadline: Instant::now(),
            },
            slots,
            wasi,
            stdio,
            resources: resources(),
            kept: Vec::new(),
            limiter,
        }
    }

    /// Sets for whom and until when the next entry into the instance runs.
    pub fn enter(&mut self, context: CallContext, deadline: Instant) {
        self.caller.context = context;
        self.caller.deadline = deadline;
        self.caller.error_output.clear();
    }

    /// Ends what the entry printed without ending the line. Called when the entry ended, however it did.
    pub fn leave(&self) {
        self.stdio.finish();
    }

    /// Who is calling.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The view of a capability whose state has the type `S`.
    pub fn view<S: Any>(&mut self) -> View<'_, S> {
        View {
            caller: &self.caller,
            state: prepared(&self.slots),
        }
    }

    /// The view of a capability, beside the resources of the instance.
    pub(super) fn view_with_resources<S: Any>(&mut self) -> (View<'_, S>, &mut ResourceTable) {
        let view = View {
            caller: &self.caller,
            state: prepared(&self.slots),
        };
        (view, &mut self.resources)
    }

    /// What an interface needs that keeps a value of type `K` for each instance, made by `make` when it is first used.
    pub(super) fn parts<S: Any, K: Any + Send>(
        &mut self,
        make: impl FnOnce(Option<&S>, &Caller) -> K,
    ) -> Parts<'_, S, K> {
        let state = prepared::<S>(&self.slots);
        if !self.kept.iter().any(|kept| kept.is::<K>()) {
            self.kept.push(Box::new(make(state, &self.caller)));
        }
        let mut kept = self.kept.iter_mut();
        let Some(kept) = kept.find_map(|kept| kept.downcast_mut()) else {
            unreachable!("one of this type was there, or was put there just now")
        };
        Parts {
            caller: &self.caller,
            state,
            kept,
            wasi: &mut self.wasi,
            resources: &mut self.resources,
        }
    }

    /// What bounds this instance's memory and tables.
    pub fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut *self.limiter
    }
}

/// What a capability with state `S` prepared.
fn prepared<S: Any>(slots: &[Slot]) -> Option<&S> {
    let key = TypeId::of::<S>();
    let slot = slots.iter().find(|slot| slot.key == key)?;
    slot.state.downcast_ref()
}

/// How many WASI resources (streams, pollables, headers, …) an instance may hold at a time. The largest of them hold 64 KiB
/// of what the guest gave, so an instance cannot make the host hold more than about the memory that it may have itself.
const RESOURCES: usize = 1_000;

fn resources() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES);
    table
}

impl Caller {
    /// The plugin whose code is calling.
    pub fn plugin(&self) -> &PluginName {
        &self.plugin
    }

    /// The plugin's log.
    pub fn log(&self) -> &PluginLog {
        &self.log
    }

    /// The plugin's log, for whoever keeps it.
    pub(super) fn shared_log(&self) -> &Arc<PluginLog> {
        &self.log
    }

    /// What the plugin said in the present entry about something that failed.
    pub(crate) fn error_output(&self) -> &ErrorOutput {
        &self.error_output
    }

    /// For whom the call runs.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// When the call must be over, host functions included.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is left until the deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Slot {
    /// Wraps a capability's state for one plugin.
    pub fn new<S: Any + Send + Sync>(state: S) -> Self {
        Self {
            key: TypeId::of::<S>(),
            state: Box::new(state),
        }
    }
}

impl<'a, S> View<'a, S> {
    /// The capability's state for the calling plugin.
    ///
    /// # Errors
    ///
    /// `unavailable` if the capability was linked without having been prepared, which loading a plugin rules out.
    pub fn state(&self) -> Result<&'a S, Error> {
        self.state.ok_or_else(|| {
            Error::Unavailable(format!(
                "this host has no back-end for what plugin \"{}\" called",
                self.caller.plugin()
            ))
        })
    }
}

impl<S: 'static> HasData for Of<S> {
    type Data<'a> = View<'a, S>;
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}

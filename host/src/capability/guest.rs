//! What a store holds for the one instance in it.
//!
//! [`Guest`] is the data of every wasmtime store. It knows who is calling ([`Caller`]), so that no host function ever
//! takes the plugin's name from an argument, and it carries what each capability prepared for this plugin. Host
//! functions never see the whole of it: linking hands each interface a [`View`] of the caller and of its own state.
//!
//! The state is shared by all instances of a plugin and so is only ever borrowed immutably; a capability that keeps
//! something for each plugin guards it itself and holds no lock while it waits.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use crate::capability::files::{DataFolder, FilesView, OpenFiles};
use crate::capability::http::WasiHttpState;
use crate::capability::log::{ErrorOutput, PluginLog};
use crate::capability::wasi::{self, Stdio};
use crate::contract::{CallContext, Error, PluginName};

/// The data of a store: one instance's caller, capabilities, WASI context and limits.
pub struct Guest {
    caller: Caller,
    slots: Arc<[Slot]>,
    wasi: WasiCtx,
    stdio: Stdio,
    /// Made when it is first used, which by most plugins it never is.
    http: Option<WasiHttpState>,
    // What is open goes before its parts in the plugin's count.
    resources: ResourceTable,
    files: OpenFiles,
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
            http: None,
            resources: resources(),
            files: OpenFiles::default(),
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

    /// What `wasi:filesystem` works on: the plugin's data folder, if it was granted one.
    pub(super) fn files(&mut self) -> FilesView<'_> {
        FilesView {
            inner: WasiFilesystemCtxView {
                ctx: self.wasi.filesystem(),
                table: &mut self.resources,
            },
            folder: prepared::<DataFolder>(&self.slots),
            open: &mut self.files,
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

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let http = self
            .http
            .get_or_insert_with(|| WasiHttpState::new(prepared(&self.slots), &self.caller.log));
        http.enter(&self.caller);
        WasiHttpCtxView {
            ctx: &mut http.context,
            table: &mut self.resources,
            hooks: &mut http.hooks,
        }
    }
}

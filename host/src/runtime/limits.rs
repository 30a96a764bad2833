//! What one plugin may use.
//!
//! [`Limits`] is plain data with the defaults of the default policy. Memory and tables are enforced by wasmtime through a
//! [`Limiter`] in each store; it refuses growth without a trap, so a guest sees a failed allocation and can go on. Times
//! become deadlines, sizes are checked where data enter or leave the plugin.
//!
//! All of them can be changed while the plugin serves, and hold for its next call. An instance's limits of memory and tables
//! lie in a [`Meter`], which is set between calls; an instance that uses more already is replaced.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

use crate::permission::Rates;
use crate::setters::setters;

/// The limits of one plugin. The default is that of a plugin which nobody has reviewed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory of one instance, in bytes, over all of its memories. 64 MiB.
    pub memory_bytes: usize,
    /// Entries of each table of an instance. 100,000.
    pub table_elements: usize,
    /// How long a call may take, waiting for an instance and starting it included. 30 s.
    pub call_timeout: Duration,
    /// How long `init` and `register` may take. 10 s.
    pub init_timeout: Duration,
    /// How long all instances together may take to shut down. 5 s.
    pub shutdown_timeout: Duration,
    /// How instances serve calls.
    pub mode: InstanceMode,
    /// After how many calls an instance is replaced by a fresh one: it is shut down in the background, and no call is lost by
    /// it. Never where none is given.
    pub max_invocations: Option<NonZeroU32>,
    /// How many instances may live at once, which is how many calls run in parallel. As many as the machine has
    /// processors, and at least 2.
    pub instances: usize,
    /// How many calls may wait for an instance. 1,000.
    pub queue: usize,
    /// Bytes of a call's arguments. 4 MiB.
    pub args_bytes: usize,
    /// Bytes of a call's result. 8 MiB.
    pub result_bytes: usize,
    /// Bytes that a plugin may hand to the host at a time: a result, or the arguments of a host function. 16 MiB.
    pub transfer_bytes: usize,
    /// How often it may do what is counted.
    pub rates: Rates,
}

setters!(Limits {
    memory_bytes: usize,
    table_elements: usize,
    call_timeout: Duration,
    init_timeout: Duration,
    shutdown_timeout: Duration,
    mode: InstanceMode,
    max_invocations: Option<NonZeroU32>,
    instances: usize,
    queue: usize,
    args_bytes: usize,
    result_bytes: usize,
    transfer_bytes: usize,
    rates: Rates,
});

/// How a plugin's instances serve calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceMode {
    /// Several instances, each for one call at a time.
    #[default]
    Pooled,
    /// One instance; calls wait for it in the order in which they came, and none overtakes another.
    ///
    /// A call that comes back to the plugin in the course of one of its own calls (a → b → a) is refused at once with
    /// `conflict` and the way that it took, since it would wait for itself. Two chains that meet (a → b and, at the same
    /// time, b → a, both single) each wait for the other's instance. That ends with the first deadline: its call is ended,
    /// and the other one goes on. Plugins that call each other should be pooled.
    ///
    /// When the instance has to be replaced, the old one is shut down before the new one is started, so that there are never
    /// two; the next call waits for that.
    Single,
    /// A fresh instance for each call, with `init` done; it is shut down after the call, in the background. As many calls as
    /// there may be [`instances`](Limits::instances) run at once, others wait in the order in which they came.
    PerCall,
}

impl Default for Limits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            call_timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(5),
            mode: InstanceMode::default(),
            max_invocations: None,
            instances: processors.max(2),
            queue: 1_000,
            args_bytes: 4 << 20,
            result_bytes: 8 << 20,
            transfer_bytes: 16 << 20,
            rates: Rates::default(),
        }
    }
}

impl Limits {
    /// How many regular instances there may be. A plugin with none could never be called, so 0 counts as 1.
    pub(super) fn permits(&self) -> usize {
        match self.mode {
            InstanceMode::Single => 1,
            InstanceMode::Pooled | InstanceMode::PerCall => self.instances.max(1),
        }
    }

    /// After how many calls an instance is replaced.
    pub(super) fn calls_per_instance(&self) -> u64 {
        match (self.mode, self.max_invocations) {
            (InstanceMode::PerCall, _) => 1,
            (_, Some(most)) => u64::from(most.get()),
            (_, None) => u64::MAX,
        }
    }
}

/// What one instance uses and may use, shared between its store's limiter and whoever holds the instance. Only one of them
/// is at work at a time.
pub(super) struct Meter {
    memory_bytes: AtomicUsize,
    table_elements: AtomicUsize,
    used_bytes: AtomicUsize,
    largest_table: AtomicUsize,
    refused: AtomicBool,
    /// Counts refusals over all instances of the plugin.
    refusals: Arc<AtomicU64>,
}

impl Meter {
    pub(super) fn new(limits: &Limits, refusals: Arc<AtomicU64>) -> Self {
        Self {
            memory_bytes: AtomicUsize::new(limits.memory_bytes),
            table_elements: AtomicUsize::new(limits.table_elements),
            used_bytes: AtomicUsize::new(0),
            largest_table: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
            refusals,
        }
    }

    /// Sets other limits. Returns whether what is used already is within them.
    pub(super) fn bound(&self, limits: &Limits) -> bool {
        let relaxed = Ordering::Relaxed;
        self.memory_bytes.store(limits.memory_bytes, relaxed);
        self.table_elements.store(limits.table_elements, relaxed);
        self.used_bytes.load(relaxed) <= limits.memory_bytes
            && self.largest_table.load(relaxed) <= limits.table_elements
    }

    /// Whether memory was refused since this was last asked.
    pub(super) fn take_refused(&self) -> bool {
        self.refused.swap(false, Ordering::Relaxed)
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }
}

/// Bounds one instance's memories and tables.
pub(super) struct Limiter(pub(super) Arc<Meter>);

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let meter = &self.0;
        let used = meter.used_bytes.load(Ordering::Relaxed);
        let total = used.saturating_sub(current).saturating_add(desired);
        if total > meter.memory_bytes.load(Ordering::Relaxed) {
            meter.refuse();
            return Ok(false);
        }
        meter.used_bytes.store(total, Ordering::Relaxed);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.0.refuse();
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let meter = &self.0;
        if desired > meter.table_elements.load(Ordering::Relaxed) {
            return Ok(false);
        }
        meter.largest_table.fetch_max(desired, Ordering::Relaxed);
        Ok(true)
    }
}

//! What one plugin may use.
//!
//! [`Limits`] is plain data with the defaults of the default policy. Memory and tables are enforced by wasmtime through a
//! [`Limiter`] in each store; it refuses growth without a trap, so a guest sees a failed allocation and can go on. Times
//! become deadlines, sizes are checked where data enter or leave the plugin.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

use crate::permission::Rates;

/// The limits of one plugin. The default is that of a plugin which nobody has reviewed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Linear memory of one instance, in bytes, over all of its memories. 64 MiB.
    pub memory_bytes: usize,
    /// Entries of each table of an instance. 100,000.
    pub table_elements: usize,
    /// How long a call may take, waiting for an instance included. 30 s.
    pub call_timeout: Duration,
    /// How long `init` and `register` may take. 10 s.
    pub init_timeout: Duration,
    /// How long all instances together may take to shut down. 5 s.
    pub shutdown_timeout: Duration,
    /// How instances serve calls.
    pub mode: InstanceMode,
    /// After how many calls an instance is replaced by a fresh one. Never where none is given.
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

/// How a plugin's instances serve calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceMode {
    /// Several instances, each for one call at a time.
    #[default]
    Pooled,
    /// One instance; calls wait for it in the order in which they came.
    Single,
    /// A fresh instance for each call.
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

/// Bounds one instance's memories and tables, and remembers whether it had to refuse.
pub(super) struct Limiter {
    memory_bytes: usize,
    table_elements: usize,
    used_bytes: usize,
    refused: Refused,
}

/// Whether memory was refused to an instance; shared between the limiter and whoever explains a trap.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<AtomicBool>);

impl Refused {
    /// Whether memory was refused since this was last asked.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Limiter {
    pub(super) fn new(limits: &Limits, refused: Refused) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            used_bytes: 0,
            refused,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .used_bytes
            .saturating_sub(current)
            .saturating_add(desired);
        if total > self.memory_bytes {
            self.refused.0.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        self.used_bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused.0.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.table_elements)
    }
}

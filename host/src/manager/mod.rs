//! The plugins of a running host: which there are, in which state, and what was decided about each.
//!
//! The [`Manager`] holds one [`Table`], which readers get as an immutable snapshot and never wait for. What changes it are
//! short steps without I/O, made one at a time; compiling, `init` and `shutdown` run between such steps, so a plugin that
//! starts slowly delays nobody but those who ask for it. While it starts, its entry says so and a second start is refused.
//!
//! The layer above says whether what a plugin adds fits beside the others, and takes it up, as an [`Applier`]: it is asked
//! before `init`, and told of each new table in the step that makes it, so that nothing of a plugin is served once
//! [`Manager::disable`] has begun to shut it down.

mod change;
mod error;
mod load;
mod peers;
mod policy;
mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

pub use error::{Failure, ManagerError};
pub use load::{Outcome, Report};
pub use policy::{Candidate, Configured, Decision, Policy, Reviewed, Terms, TrustAll};
pub use table::{Entry, Refused, State, Table};

use crate::runtime::Host;

/// Takes up what plugins add, and takes it back.
pub trait Applier: Send + Sync {
    /// Whether what `candidate` adds fits beside the enabled plugins of `present`. Called before the plugin's `init`, and
    /// again in the step that enables it, when others may have come first. Must be quick.
    ///
    /// # Errors
    ///
    /// What does not fit, beside whom, and what would change that.
    fn check(&self, present: &Table, candidate: &Entry) -> Result<(), String>;

    /// Serves what the enabled plugins of `table` add, and no more than that. Must be quick.
    fn apply(&self, table: &Table);
}

/// An [`Applier`] for hosts that only call functions.
struct Nothing;

impl Applier for Nothing {
    fn check(&self, _present: &Table, _candidate: &Entry) -> Result<(), String> {
        Ok(())
    }

    fn apply(&self, _table: &Table) {}
}

/// Loads, enables and disables plugins. Cheap to clone; all clones are the same manager.
#[derive(Clone)]
pub struct Manager(Arc<Parts>);

struct Parts {
    host: Host,
    policy: Arc<dyn Policy>,
    applier: Arc<dyn Applier>,
    table: ArcSwap<Table>,
    /// Held for one step at a time, and never while anything is awaited.
    step: Mutex<()>,
    /// Names each start, so that one which was overtaken notices it.
    starts: AtomicU64,
}

impl Manager {
    /// A manager without plugins. What plugins add is not served anywhere; see [`applying`](Self::applying).
    pub fn new(host: Host, policy: impl Policy + 'static) -> Self {
        Self::applying(host, policy, Arc::new(Nothing))
    }

    /// A manager without plugins, which hands what they add to `applier`.
    pub fn applying(host: Host, policy: impl Policy + 'static, applier: Arc<dyn Applier>) -> Self {
        Self(Arc::new(Parts {
            host,
            policy: Arc::new(policy),
            applier,
            table: ArcSwap::default(),
            step: Mutex::default(),
            starts: AtomicU64::default(),
        }))
    }

    /// All plugins as they are now.
    pub fn snapshot(&self) -> Arc<Table> {
        self.0.table.load_full()
    }

    /// The host that plugins run in.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    fn step(&self) -> MutexGuard<'_, ()> {
        // Steps leave a whole table behind even where one of them panics.
        self.0.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_start(&self) -> u64 {
        self.0.starts.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes `table` the present one. To be called within a step.
    fn publish(&self, table: Table, _step: &MutexGuard<'_, ()>) {
        self.0.applier.apply(&table);
        self.0.table.store(Arc::new(table));
    }
}

//! The plugins of a running host: which there are, in which state, and what was decided about each.
//!
//! The [`Manager`] holds one [`Table`], which readers get as an immutable snapshot and never wait for. What changes it are
//! short steps without I/O, made one at a time; compiling, `init` and `shutdown` run between such steps, so a plugin that
//! starts slowly delays nobody but those who ask for it. While it starts, its entry says so, and whoever wants it started
//! too waits for the same start.
//!
//! The layer above says whether what a plugin adds fits beside the others, and takes it up, as an [`Applier`]: it is asked
//! before `init`, and told of each new table in the step that makes it, so that nothing of a plugin is served once
//! [`Manager::disable`] has begun to shut it down.
//!
//! Plugins come from a directory through a [`Loader`], are called through [`Handle`]s, and are replaced while they serve
//! by [`Manager::reload`]. Decisions that change are applied by [`Manager::review`], wishes of administrators are kept in
//! the plugins table of a [`Hosting`].

mod error;
mod handle;
mod health;
mod hosted;
mod idle;
mod load;
mod loader;
mod origin;
mod peers;
mod policy;
mod reload;
mod review;
mod start;
mod stop;
mod table;
mod watching;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::sync::watch;

pub use error::{Failure, ManagerError};
pub use handle::Handle;
pub use hosted::Hosting;
pub use load::{Outcome, Report};
pub use loader::{DiscoveredPlugin, Loader};
pub use policy::{Candidate, Configured, Decision, Policy, Reviewed, Terms, TrustAll};
pub use table::{Entry, Refused, Serving, State, Table};

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

    /// Serves what the enabled plugins of `table` add, and no more than that. Called when that changes. Must be quick.
    fn apply(&self, table: &Table);
}

/// An [`Applier`] for hosts that only call functions.
pub(crate) struct Nothing;

impl Applier for Nothing {
    fn check(&self, _present: &Table, _candidate: &Entry) -> Result<(), String> {
        Ok(())
    }

    fn apply(&self, _table: &Table) {}
}

/// Loads, enables, reloads and disables plugins. Cheap to clone; all clones are the same manager.
#[derive(Clone)]
pub struct Manager(Arc<Parts>);

struct Parts {
    host: Host,
    policy: Arc<dyn Policy>,
    applier: Arc<dyn Applier>,
    hosting: Option<Hosting>,
    table: ArcSwap<Table>,
    /// Held for one step at a time, and never while anything is awaited.
    step: Mutex<()>,
    /// Tells of each new table, after it.
    changes: watch::Sender<()>,
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
        Self::assemble(host, Arc::new(policy), applier, None)
    }

    /// The same, with a plugins table that administrators switch plugins in. See
    /// [`follow_registry`](Self::follow_registry).
    pub fn with_registry(
        host: Host,
        policy: impl Policy + 'static,
        applier: Arc<dyn Applier>,
        hosting: Hosting,
    ) -> Self {
        Self::assemble(host, Arc::new(policy), applier, Some(hosting))
    }

    fn assemble(
        host: Host,
        policy: Arc<dyn Policy>,
        applier: Arc<dyn Applier>,
        hosting: Option<Hosting>,
    ) -> Self {
        Self(Arc::new(Parts {
            host,
            policy,
            applier,
            hosting,
            table: ArcSwap::default(),
            step: Mutex::default(),
            changes: watch::Sender::new(()),
            starts: AtomicU64::default(),
        }))
    }

    fn downgrade(&self) -> Weak<Parts> {
        Arc::downgrade(&self.0)
    }

    /// All plugins as they are now.
    pub fn snapshot(&self) -> Arc<Table> {
        self.0.table.load_full()
    }

    /// Tells of every change of what [`snapshot`](Self::snapshot) gives, after it.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// The host that plugins run in.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    fn entry(&self, name: &str) -> Result<Entry, ManagerError> {
        let table = self.0.table.load();
        table
            .get(name)
            .cloned()
            .ok_or_else(|| unknown(&table, name))
    }

    /// Changes the table in a step of its own.
    fn step<T>(&self, change: impl FnOnce(&Table, &mut Table) -> T) -> T {
        // Steps leave a whole table behind even where one of them panics.
        let held: MutexGuard<'_, ()> = self.0.step.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.0.table.load_full();
        let mut next = (*present).clone();
        let done = change(&present, &mut next);
        if !next.adds_the_same(&present) {
            self.0.applier.apply(&next);
            if let Some(hosting) = &self.0.hosting {
                hosted::offer(hosting, &present, &next);
            }
        }
        self.0.table.store(Arc::new(next));
        drop(held);
        self.0.changes.send_replace(());
        done
    }

    /// Changes one entry in a step of its own.
    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, ManagerError> {
        self.step(|present, next| match next.plugins.get_mut(name) {
            Some(entry) => Ok(change(entry)),
            None => Err(unknown(present, name)),
        })
    }

    fn next_start(&self) -> u64 {
        self.0.starts.fetch_add(1, Ordering::Relaxed)
    }
}

fn unknown(table: &Table, name: &str) -> ManagerError {
    ManagerError::Unknown {
        name: name.to_owned(),
        known: table.known(),
    }
}

//! The manager's table, and the steps that change it.
//!
//! A step is short and without I/O. Steps are made one at a time; readers have the table of before or after it, and wait for
//! none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::applier::{Applier, Nothing};
use super::error::ManagerError;
use super::hosting::{self, Hosting};
use super::policy::Policy;
use super::table::{Entry, Table};
use crate::runtime::Host;

/// Loads, enables, reloads and disables plugins. Cheap to clone; all clones are the same manager.
#[derive(Clone)]
pub struct Manager(pub(super) Arc<ManagerInner>);

/// What all clones of a manager share.
pub(super) struct ManagerInner {
    pub(super) host: Host,
    pub(super) policy: Arc<dyn Policy>,
    pub(super) applier: Arc<dyn Applier>,
    pub(super) hosting: Option<Hosting>,
    pub(super) table: ArcSwap<Table>,
    /// Held for one step at a time, and never while anything is awaited.
    step: Mutex<()>,
    /// Tells of each new table, after it.
    pub(super) changes: watch::Sender<()>,
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
        Self(Arc::new(ManagerInner {
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

    /// The same manager, not kept alive.
    pub(super) fn downgrade(&self) -> Weak<ManagerInner> {
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

    pub(super) fn entry(&self, name: &str) -> Result<Entry, ManagerError> {
        let table = self.0.table.load();
        table
            .get(name)
            .cloned()
            .ok_or_else(|| unknown(&table, name))
    }

    /// Changes the table in a step of its own.
    pub(super) fn step<T>(&self, change: impl FnOnce(&Table, &mut Table) -> T) -> T {
        // Steps leave a whole table behind even where one of them panics.
        let held: MutexGuard<'_, ()> = self.0.step.lock();
        let present = self.0.table.load_full();
        let mut next = (*present).clone();
        let done = change(&present, &mut next);
        if !next.adds_the_same(&present) {
            self.0.applier.apply(&next);
            if let Some(hosting) = &self.0.hosting {
                hosting::offer(hosting, &present, &next);
            }
        }
        self.0.table.store(Arc::new(next));
        drop(held);
        self.0.changes.send_replace(());
        done
    }

    /// Changes one entry in a step of its own.
    pub(super) fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, ManagerError> {
        self.step(|present, next| match next.plugins.get_mut(name) {
            Some(entry) => Ok(change(entry)),
            None => Err(unknown(present, name)),
        })
    }

    pub(super) fn next_start(&self) -> u64 {
        self.0.starts.fetch_add(1, Ordering::Relaxed)
    }
}

pub(super) fn unknown(table: &Table, name: &str) -> ManagerError {
    ManagerError::Unknown {
        name: name.to_owned(),
        known: table.known(),
    }
}

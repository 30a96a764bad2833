//! A permit for an instance, and what becomes of it.
//!
//! Whoever holds a [`Permit`] may have one instance. It is given back with the instance, or without, by being dropped: so a
//! call whose caller goes away frees its permit wherever it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Pool;
use crate::runtime::instance::Instance;
use crate::runtime::metrics::Ending;

/// A permit among the live instances. Dropping it gives it up, and the instance that was in it counts as lost.
pub(in crate::runtime) struct Permit<'a> {
    pool: &'a Arc<Pool>,
    kind: Kind,
}

/// Which allowance a permit is taken from.
pub(in crate::runtime) enum Kind {
    /// The plugin's limit.
    Regular,
    /// That for nested calls of one depth.
    Extra(OwnedSemaphorePermit),
}

/// A permit with an instance to call in it.
pub(in crate::runtime) struct Lease<'a> {
    pub(in crate::runtime) permit: Permit<'a>,
    pub(in crate::runtime) instance: Box<Instance>,
}

impl Pool {
    /// Puts back idle instances that were taken out for no call.
    pub(super) fn put_all_back(self: &Arc<Self>, idle: impl IntoIterator<Item = Box<Instance>>) {
        for instance in idle {
            let permit = Permit::new(self, Kind::Regular);
            Lease { permit, instance }.put_back();
        }
    }
}

impl Lease<'_> {
    /// Returns the instance without a call.
    pub(super) fn put_back(self) {
        let Self { permit, instance } = self;
        let pool = permit.pool;
        pool.release(permit.forget(), Some(instance), None);
    }
}

impl<'a> Permit<'a> {
    pub(super) fn new(pool: &'a Arc<Pool>, kind: Kind) -> Self {
        Self { pool, kind }
    }

    /// Returns the permit after a call, with the instance if it may serve again, and with the time if it was taken.
    pub(in crate::runtime) fn end(
        self,
        instance: Option<Box<Instance>>,
        ending: Ending,
        took: Option<Duration>,
    ) {
        let pool = self.pool;
        pool.release(self.forget(), instance, Some((ending, took)));
    }

    /// What was taken, to be given back in another way than by dropping it.
    pub(super) fn forget(mut self) -> Kind {
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        std::mem::forget(self);
        kind
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        self.pool.release(kind, None, None);
    }
}

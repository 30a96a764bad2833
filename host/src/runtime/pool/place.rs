//! A place for an instance, and what becomes of it.
//!
//! Whoever holds a [`Place`] may have one instance. It is given back with the instance, or without, by being dropped: so a
//! call whose caller goes away frees its place wherever it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Pool;
use crate::runtime::instance::Instance;
use crate::runtime::metrics::Ending;

/// A place among the live instances. Dropping it gives it up, and the instance that was in it counts as lost.
pub(in crate::runtime) struct Place<'a> {
    pool: &'a Arc<Pool>,
    kind: Kind,
}

/// Which allowance a place is taken from.
pub(in crate::runtime) enum Kind {
    /// The plugin's limit.
    Regular,
    /// That for nested calls of one depth.
    Extra(OwnedSemaphorePermit),
}

/// A place with an instance to call in it.
pub(in crate::runtime) struct Lease<'a> {
    pub(in crate::runtime) place: Place<'a>,
    pub(in crate::runtime) instance: Box<Instance>,
}

impl Pool {
    /// Puts back idle instances that were taken out for no call.
    pub(super) fn put_all_back(self: &Arc<Self>, idle: impl IntoIterator<Item = Box<Instance>>) {
        for instance in idle {
            let place = Place::new(self, Kind::Regular);
            Lease { place, instance }.put_back();
        }
    }
}

impl Lease<'_> {
    /// Returns the instance without a call.
    pub(super) fn put_back(self) {
        let Self { place, instance } = self;
        let pool = place.pool;
        pool.release(place.forget(), Some(instance), None);
    }
}

impl<'a> Place<'a> {
    pub(super) fn new(pool: &'a Arc<Pool>, kind: Kind) -> Self {
        Self { pool, kind }
    }

    /// Returns the place after a call, with the instance if it may serve again, and with the time if it was taken.
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

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let kind = std::mem::replace(&mut self.kind, Kind::Regular);
        self.pool.release(kind, None, None);
    }
}

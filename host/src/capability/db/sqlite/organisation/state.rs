//! What one call says and learns about tables that organisations own, shared with the tables that stand for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::Value;

use super::named::Named;
use super::shape::Shape;

/// See the module. One thread uses it at a time.
#[derive(Debug, Default)]
pub(super) struct CallState {
    pub(super) organisation: Option<i64>,
    /// Of each table, by its index; none for one that nothing stands for.
    pub(super) shapes: Vec<Option<Arc<Shape>>>,
    /// Whether what a change sets off could be unclear.
    pub(super) unclear_trigger: bool,
    /// The columns that the statement gives values, if it inserts.
    pub(super) named: Named,
    /// Keys of rows of tables that have no row ids; a row's place here is the id that the engine knows it by.
    keys: Vec<(usize, Vec<Value>)>,
    /// Where in memory the engine has each table, with its index.
    places: Vec<(usize, usize)>,
}

impl CallState {
    pub(super) fn shape(&self, index: usize) -> Option<Arc<Shape>> {
        self.shapes.get(index).cloned().flatten()
    }

    /// An id for the row of this key, until the statement ends.
    pub(super) fn remember(&mut self, index: usize, key: Vec<Value>) -> i64 {
        // The engine asks for the old and for the new id of a row.
        let is_same = |(of, last): &(usize, Vec<Value>)| *of == index && *last == key;
        if !self.keys.last().is_some_and(is_same) {
            self.keys.push((index, key));
        }
        i64::try_from(self.keys.len()).unwrap_or(i64::MAX)
    }

    /// The key that got this id.
    pub(super) fn key(&self, index: usize, id: i64) -> Option<Vec<Value>> {
        let place = usize::try_from(id).ok()?.checked_sub(1)?;
        let (of, key) = self.keys.get(place)?;
        (*of == index).then(|| key.clone())
    }

    /// Forgets the statement before.
    pub(super) fn begin(&mut self, named: Named) {
        self.keys.clear();
        self.named = named;
    }

    /// A table is at this address.
    pub(super) fn found_at(&mut self, address: usize, index: usize) {
        self.places.retain(|(at, _)| *at != address);
        self.places.push((address, index));
    }

    /// The table at this address.
    pub(super) fn table_at(&self, address: usize) -> Option<usize> {
        self.places
            .iter()
            .find_map(|(at, index)| (*at == address).then_some(*index))
    }

    /// The tables are about to be made anew.
    pub(super) fn reset(&mut self, shapes: Vec<Option<Arc<Shape>>>) {
        self.shapes = shapes;
        self.places.clear();
        self.keys.clear();
    }
}

/// A handle on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<CallState>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, CallState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

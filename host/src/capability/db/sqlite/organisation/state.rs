//! What one call says and learns about tables that organisations own, shared with the functions that its triggers call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shape::Shape;

/// See the module. One thread uses it at a time.
#[derive(Debug, Default)]
pub(super) struct CallState {
    pub(super) organisation: Option<i64>,
    /// Of each table, by its index; none for one that has no view.
    pub(super) shapes: Vec<Option<Shape>>,
    /// Whether what a change sets off could be unclear.
    pub(super) unclear_trigger: bool,
    pub(super) rows: u64,
    /// The row id of the last insertion; 0 for none.
    pub(super) inserted: i64,
    /// The engine passes on only the text of an error of a function.
    pub(super) failure: Option<rusqlite::Error>,
}

/// A handle on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<CallState>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, CallState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

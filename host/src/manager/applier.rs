//! The layer above, as the manager sees it: asked whether what a plugin adds fits, and told what is served.

use super::table::{Entry, Table};

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

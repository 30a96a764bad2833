//! News of changed policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use super::snapshot::Snapshot;
use crate::contract::PluginName;

/// Tells which policies changed, also by other nodes. However late one asks, no change is missed; several of one policy are
/// told once.
pub struct PolicyChanges {
    pub(super) seen: Arc<Snapshot>,
    pub(super) known: watch::Receiver<Arc<Snapshot>>,
}

impl PolicyChanges {
    /// Waits until policies are others than they were, and says whose. None when nobody has the policies any more.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<BTreeSet<PluginName>> {
        loop {
            self.known.changed().await.ok()?;
            let now = Arc::clone(&self.known.borrow_and_update());
            let changed = now.changed_since(&self.seen);
            self.seen = now;
            if !changed.is_empty() {
                return Some(changed);
            }
        }
    }
}

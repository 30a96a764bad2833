//! Unloading plugins that nobody calls.
//!
//! Each load of a plugin that is loaded on demand is watched until it is replaced or taken back. One that was not called
//! for its idle time is put to sleep: what it adds stays, and the next call loads it again.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::Instant;

use super::steps::{Manager, ManagerInner};
use crate::runtime::Plugin;

/// How often a plugin is looked at, at most and at least.
const LOOKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(30));

impl Manager {
    /// Watches a load of a plugin that is loaded on demand.
    pub(super) fn watch_idle(&self, plugin: Plugin, idle: Duration) {
        tokio::spawn(watch(std::sync::Arc::downgrade(&self.0), plugin, idle));
    }

    /// Whether a load is the one that serves.
    pub(super) fn serves(&self, plugin: &Plugin) -> bool {
        let table = self.0.table.load();
        let present = table.get(plugin.name().as_str());
        let present = present.and_then(|entry| entry.plugin());
        present.is_some_and(|present| present.is(plugin))
    }
}

async fn watch(manager: Weak<ManagerInner>, plugin: Plugin, idle: Duration) {
    let pause = (idle / 4).clamp(LOOKS.0, LOOKS.1);
    let mut calls = None;
    let mut quiet_since = Instant::now();
    loop {
        let Some(mut changes) = manager.upgrade().map(|parts| parts.changes.subscribe()) else {
            return;
        };
        let next_look = Instant::now() + pause;
        // Looked at between as well, so that a load which was replaced is not kept.
        loop {
            let Some(manager) = manager.upgrade().map(Manager) else {
                return;
            };
            if !manager.serves(&plugin) {
                return;
            }
            drop(manager);
            match tokio::time::timeout_at(next_look, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => break,
            }
        }
        let now = plugin.metrics().calls;
        if calls != Some(now) {
            calls = Some(now);
            quiet_since = Instant::now();
            continue;
        }
        // Calls are counted when they end; one that runs keeps its plugin loaded.
        if quiet_since.elapsed() >= idle && plugin.is_at_rest() {
            let Some(manager) = manager.upgrade().map(Manager) else {
                return;
            };
            // Where it is gone already, there is nothing to unload.
            let _ = manager.put_to_sleep(&plugin).await;
            return;
        }
    }
}

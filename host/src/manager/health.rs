//! Taking out plugins that fail too often.
//!
//! Each load has a breaker that keeps calls from a failing plugin for a while and tries again. A plugin whose breaker trips
//! too often is taken out until an operator enables it: the log and its entry say so.

use std::sync::Weak;

use super::error::Failure;
use super::steps::{Manager, ManagerInner};
use crate::runtime::{Health, Plugin};

impl Manager {
    /// Waits for a load to fail too often.
    pub(super) fn watch_health(&self, plugin: Plugin) {
        tokio::spawn(watch(std::sync::Arc::downgrade(&self.0), plugin));
    }
}

/// The latest failure, as the end of a sentence.
fn last_failure(health: &Health) -> String {
    match health {
        Health::Healthy => String::new(),
        Health::Failing { last_failure, .. }
        | Health::Tripped { last_failure, .. }
        | Health::Probing { last_failure }
        | Health::Exhausted { last_failure } => format!(": {last_failure}"),
    }
}

async fn watch(manager: Weak<ManagerInner>, plugin: Plugin) {
    if !plugin.exhausted().await {
        return;
    }
    let Some(manager) = manager.upgrade().map(Manager) else {
        return;
    };
    if !manager.serves(&plugin) {
        return;
    }
    let name = plugin.name();
    let message = format!(
        "plugin \"{name}\" failed too often and is taken out{}; enable it to try again",
        last_failure(&plugin.health())
    );
    tracing::error!(plugin = %name, "{message}");
    // Where it is gone already, there is nothing to take out.
    let _ = manager
        .give_up(name.as_str(), Failure::new("unavailable", message))
        .await;
}

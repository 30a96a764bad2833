//! Waiting for what is to come about: as long as it takes, and with a bound that only something broken reaches.

use std::time::{Duration, Instant};

use goatherd::Plugin;

/// Longer than anything takes on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
///
/// # Panics
///
/// When it does not come about.
pub async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    wait_for_async(what, async || is_so()).await;
}

/// Waits until something is so that takes asking.
///
/// # Panics
///
/// When it does not come about.
pub async fn wait_for_async(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let latest = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < latest, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a call of a plugin is being served.
pub async fn until_served(plugin: &Plugin) {
    wait_for("a call that is served", || !plugin.is_at_rest()).await;
}

/// Waits until so many calls of a plugin stand in line.
pub async fn until_waiting(plugin: &Plugin, calls: usize) {
    let what = format!("a line of {calls}");
    wait_for(&what, || plugin.waiting() == calls).await;
}

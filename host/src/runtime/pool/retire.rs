//! How instances end that did nothing wrong.
//!
//! They are shut down, within the shutdown timeout and in tasks that nobody waits for. What is being shut down is bounded
//! like what serves: a plugin that takes its time over `shutdown` slows down itself, and does not pile up instances.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Pool;
use super::line::Handoff;
use super::permit::Kind;
use crate::capability::log::Level;
use crate::runtime::instance::Instance;
use crate::runtime::limits::InstanceMode;
use crate::runtime::live::Terms;

impl Pool {
    /// Shuts down an instance that has served its time. Its permit is free at once, unless as many are being shut down as may
    /// be in use: then, as with a single instance, which never has a second one beside it, the permit is free when it is gone.
    pub(super) fn retire(self: &Arc<Self>, instance: Box<Instance>, terms: &Terms) {
        let most = match terms.limits.mode {
            InstanceMode::Single => 0,
            InstanceMode::Pooled | InstanceMode::PerCall => terms.limits.permits(),
        };
        if self.leaving.load(Ordering::SeqCst) < most {
            self.taken.fetch_sub(1, Ordering::SeqCst);
            self.let_go(instance);
        } else {
            self.shut_down_for(Handoff::new(self, Kind::Regular, None), instance);
        }
    }

    /// Shuts down an instance whose permit was given up.
    pub(super) fn let_go(self: &Arc<Self>, instance: Box<Instance>) {
        self.leaving.fetch_add(1, Ordering::SeqCst);
        let leaving = Leaving(Arc::clone(self));
        in_background(async move { leaving.0.see_off(instance).await });
    }

    /// Shuts down an instance and gives up its permit then.
    pub(super) fn shut_down_for(self: &Arc<Self>, handoff: Handoff, instance: Box<Instance>) {
        let pool = Arc::clone(self);
        in_background(async move {
            pool.see_off(instance).await;
            drop(handoff);
        });
    }

    /// Shuts down an instance within the shutdown timeout. A trap is in the plugin's log.
    pub(super) async fn see_off(&self, instance: Box<Instance>) {
        let deadline = Instant::now() + self.live.terms().limits.shutdown_timeout;
        if let Ok(Err(error)) = instance.shutdown(deadline).await {
            let message = format!("shutdown answered: {error}");
            self.mold.log.host(Level::Warn, message);
        }
    }

    /// Whether no call runs. To find out, the idle instances are taken and put back, so this is not for every moment.
    pub(in crate::runtime) fn is_at_rest(self: &Arc<Self>) -> bool {
        let idle: Vec<_> = std::iter::from_fn(|| self.shards.pop()).collect();
        let in_calls = self.taken.load(Ordering::SeqCst).saturating_sub(idle.len())
            + self.extra.load(Ordering::SeqCst);
        self.put_all_back(idle);
        in_calls == 0
    }

    /// Refuses new calls, waits for those that run, and hands out every instance to be shut down, until none is left.
    pub(in crate::runtime) async fn drain(&self) -> Option<Box<Instance>> {
        if !self.live.close() {
            self.watch.close();
            self.line.clear();
        }
        loop {
            let changed = self.changed.notified();
            if let Some(instance) = self.shards.pop() {
                self.taken.fetch_sub(1, Ordering::SeqCst);
                return Some(instance);
            }
            if self.alive() == 0 {
                return None;
            }
            changed.await;
        }
    }
}

/// Runs something that nobody waits for. Without a runtime, as when one stops, it is dropped, and with it what it holds.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// An instance that is being shut down and has no permit.
struct Leaving(Arc<Pool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leaving.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

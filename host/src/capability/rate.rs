//! Counting what a policy limits.
//!
//! [`RateLimits`] belongs to one provider and remembers each plugin's count by its name, so that reloading a plugin does
//! not give it a fresh allowance. A count is decided without waiting: either now, or in how many milliseconds.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::contract::{Error, PluginName};

/// What one provider counts of all plugins.
#[derive(Default)]
pub struct RateLimits(Mutex<HashMap<PluginName, RateLimit>>);

/// What is counted of one plugin. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct RateLimit {
    per_minute: Option<NonZeroU32>,
    limiter: Option<Arc<DefaultDirectRateLimiter>>,
}

impl RateLimits {
    /// A plugin's count. It goes on where the plugin left it, unless the limit is another one now.
    #[must_use]
    pub fn of(&self, plugin: &PluginName, per_minute: Option<NonZeroU32>) -> RateLimit {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(plugin) {
            Some(present) if present.per_minute == per_minute => present.clone(),
            _ => {
                let limit = RateLimit::new(per_minute);
                all.insert(plugin.clone(), limit.clone());
                limit
            }
        }
    }
}

impl RateLimit {
    fn new(per_minute: Option<NonZeroU32>) -> Self {
        let limiter = |rate| Arc::new(RateLimiter::direct(Quota::per_minute(rate)));
        Self {
            per_minute,
            limiter: per_minute.map(limiter),
        }
    }

    /// Counts one.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] with the time after which there is room again; nothing is counted then.
    pub fn check(&self) -> Result<(), Error> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let milliseconds = wait.as_millis().saturating_add(1);
            Error::RateLimited {
                retry_after_ms: u64::try_from(milliseconds).unwrap_or(u64::MAX),
            }
        })
    }
}

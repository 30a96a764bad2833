//! Counting what a policy limits.
//!
//! A host keeps one set of counters for each plugin's name ([`RateLimits`]), for as long as it lives: reloading a plugin,
//! or unloading and loading it, does not give it a fresh allowance. Limits are replaced while counts go on
//! ([`PluginRates::set`]): what part of its allowance a plugin has used up stays used up, whatever the allowance is now.
//!
//! A count is one number, the time at which the allowance would be whole again (the generic cell rate algorithm), so that
//! counting is one exchange without a lock, and decides without waiting: either now, or after how long. An
//! allowance fills up evenly, and as much as one period's worth can be used at once.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::contract::{self, Error, PluginName};
use crate::permission::{AppPermission, Counted, PermissionName, Permissions, Rates};

/// What one host counts of all plugins, by their names. It holds a few hundred bytes for each name that was ever loaded.
#[derive(Default)]
pub struct RateLimits(Mutex<HashMap<PluginName, PluginRates>>);

/// What is counted of one plugin. Cheap to clone; all clones count together and have the same limits.
#[derive(Debug, Clone)]
pub struct PluginRates(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    /// In the order of [`Counted::OURS`].
    ours: Vec<(Counted, RateLimit)>,
    apps: BTreeMap<PermissionName, App>,
}

/// What is counted of a permission of the application's.
#[derive(Debug)]
struct App {
    limit: RateLimit,
    /// What counts where the policy says nothing.
    default: Option<NonZeroU32>,
}

/// There is no room at present: the plugin does it more often than its policy allows. Nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over the rate that the policy allows; try again in {} ms", self.retry_after_ms())]
pub struct RateLimited {
    /// After how long there is room again, if nothing else is counted until then.
    pub retry_after: Duration,
}

impl RateLimited {
    /// The same in whole milliseconds, rounded up, as the contract says it; at least 1.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        let whole = self.retry_after.as_millis().saturating_add(1);
        u64::try_from(whole).unwrap_or(u64::MAX)
    }
}

impl From<RateLimited> for Error {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(contract::RateLimited {
            retry_after_ms: limited.retry_after_ms(),
        })
    }
}

/// One count and its limit, if it has one. Cheap to clone; all clones count together and have the same limit.
#[derive(Debug, Clone)]
pub struct RateLimit(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    period: Duration,
    /// How many in a period; 0 is no limit.
    rate: AtomicU32,
    start: Instant,
    /// When the allowance is whole again, in nanoseconds since `start`.
    whole_at: AtomicU64,
}

impl RateLimits {
    /// A plugin's counters, as it left them. Those of a plugin that was not here before begin with these limits.
    #[must_use]
    pub fn of(&self, plugin: &PluginName, rates: &Rates, permissions: &Permissions) -> PluginRates {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(plugin.clone())
            .or_insert_with(|| PluginRates::new(rates, permissions))
            .clone()
    }
}

impl PluginRates {
    /// Counters of a plugin that has done nothing yet, for ours and for the application's permissions.
    #[must_use]
    pub fn new(rates: &Rates, permissions: &Permissions) -> Self {
        let ours = Counted::OURS.iter().map(|counted| {
            let limit = RateLimit::new(counted.period().length());
            (counted.clone(), limit)
        });
        let apps = permissions.apps().map(|permission| {
            let name = permission.name().clone();
            (name, App::new(permission))
        });
        let new = Self(Arc::new(Counters {
            ours: ours.collect(),
            apps: apps.collect(),
        }));
        new.set(rates);
        new
    }

    /// Replaces the limits, from the next thing on that is counted.
    pub fn set(&self, rates: &Rates) {
        for (counted, limit) in &self.0.ours {
            limit.set(rates.get(counted).flatten());
        }
        for (name, app) in &self.0.apps {
            app.limit
                .set(rates.apps.get(name).copied().unwrap_or(app.default));
        }
    }

    /// The counter of one of ours.
    pub(crate) fn of(&self, counted: &Counted) -> RateLimit {
        let mut ours = self.0.ours.iter();
        let Some((_, limit)) = ours.find(|(ours, _)| ours == counted) else {
            unreachable!("there is a counter for everything in the table of what is counted")
        };
        limit.clone()
    }

    /// The counter of a permission of the application's. A provider counts with it what it wants to be limited.
    #[must_use]
    pub fn app(&self, permission: &AppPermission) -> RateLimit {
        match self.0.apps.get(permission.name()) {
            Some(app) => app.limit.clone(),
            // No interface is opened by it, so no policy can say anything about it.
            None => App::new(permission).limit,
        }
    }
}

impl App {
    /// A count for a permission, limited as the application says.
    fn new(permission: &AppPermission) -> Self {
        let counted = Counted::App(permission.name().clone());
        let limit = RateLimit::new(counted.period().length());
        let default = permission.default_rate();
        limit.set(default);
        Self { limit, default }
    }
}

impl RateLimit {
    fn new(period: Duration) -> Self {
        Self(Arc::new(Counter {
            period,
            rate: AtomicU32::new(0),
            start: Instant::now(),
            whole_at: AtomicU64::new(0),
        }))
    }

    fn set(&self, rate: Option<NonZeroU32>) {
        let rate = rate.map_or(0, NonZeroU32::get);
        self.0.rate.store(rate, Ordering::Relaxed);
    }

    /// How many there may be in a period; none is no limit.
    #[must_use]
    pub fn limit(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0.rate.load(Ordering::Relaxed))
    }

    /// Counts one.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] with the time after which there is room again; nothing is counted then.
    pub fn check(&self) -> Result<(), RateLimited> {
        let Some(rate) = self.limit() else {
            return Ok(());
        };
        self.count(rate, Instant::now())
    }

    /// Counts one, for those who know what time it is.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_at(&self, now: Instant) -> Result<(), RateLimited> {
        let Some(rate) = self.limit() else {
            return Ok(());
        };
        self.count(rate, now)
    }

    fn count(&self, rate: NonZeroU32, now: Instant) -> Result<(), RateLimited> {
        let Counter {
            period,
            start,
            whole_at,
            ..
        } = &*self.0;
        let now = nanos(now.saturating_duration_since(*start));
        let rate = u64::from(rate.get());
        // Rounded up, so that no more than the rate fit into it; at least 1 then.
        let each = nanos(*period).div_ceil(rate);
        let allowance = each.saturating_mul(rate);
        let mut present = whole_at.load(Ordering::Relaxed);
        loop {
            let next = present.max(now).saturating_add(each);
            let over = next.saturating_sub(now.saturating_add(allowance));
            if over > 0 {
                return Err(RateLimited {
                    retry_after: Duration::from_nanos(over),
                });
            }
            let counted =
                whole_at.compare_exchange_weak(present, next, Ordering::Relaxed, Ordering::Relaxed);
            match counted {
                Ok(_) => return Ok(()),
                Err(other) => present = other,
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn rate(period: Duration, rate: u32) -> RateLimit {
        let limit = RateLimit::new(period);
        limit.set(NonZeroU32::new(rate));
        limit
    }

    /// How many are counted at one moment before one is refused.
    fn at_once(limit: &RateLimit, now: Instant) -> usize {
        (0..2_000)
            .take_while(|_| limit.check_at(now).is_ok())
            .count()
    }

    #[test]
    fn exactly_a_periods_worth_can_be_used_at_once_whatever_the_rate() {
        for number in [1, 2, 3, 6, 7, 60, 100, 599, 1_000] {
            for period in [SECOND, MINUTE] {
                let limit = rate(period, number);
                let used = at_once(&limit, Instant::now());
                assert_eq!(used, number as usize, "{number} in {period:?}");
            }
        }
    }

    #[test]
    fn who_waits_as_long_as_told_is_counted_and_who_comes_earlier_is_not() {
        let limit = rate(MINUTE, 3);
        let now = Instant::now();
        at_once(&limit, now);
        let refused = limit.check_at(now).unwrap_err();
        assert!((20_000..=20_001).contains(&refused.retry_after_ms()));
        limit
            .check_at(now + Duration::from_millis(19_990))
            .unwrap_err();
        limit
            .check_at(now + Duration::from_millis(refused.retry_after_ms()))
            .unwrap();
    }

    #[test]
    fn over_a_long_time_no_more_than_the_rate_is_counted() {
        let limit = rate(SECOND, 100);
        let start = Instant::now();
        let counted = (0..10_000)
            .filter(|step| limit.check_at(start + Duration::from_millis(*step)).is_ok())
            .count();
        // Ten seconds, and what can be used at once.
        assert!((1_095..=1_100).contains(&counted), "{counted}");
    }

    #[test]
    fn another_limit_gives_no_fresh_allowance() {
        let limit = rate(MINUTE, 10);
        let now = Instant::now();
        assert_eq!(at_once(&limit, now), 10);
        for other in [20, 1_000, 10] {
            limit.set(NonZeroU32::new(other));
            assert_eq!(at_once(&limit, now), 0, "with {other} a minute");
        }
        limit.set(NonZeroU32::new(600));
        assert_eq!(at_once(&limit, now + SECOND), 10);
    }

    #[test]
    fn a_higher_limit_leaves_the_used_part_used_and_the_rest_free() {
        let limit = rate(MINUTE, 10);
        let now = Instant::now();
        for _ in 0..5 {
            limit.check_at(now).unwrap();
        }
        limit.set(NonZeroU32::new(100));
        assert_eq!(at_once(&limit, now), 50);
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let rates = Rates {
            http_per_minute: None,
            ..Rates::default()
        };
        let counters = PluginRates::new(&rates, &Permissions::default());
        let http = counters.of(&Counted::Http);
        for _ in 0..1_000 {
            http.check().unwrap();
        }
        counters.set(&Rates {
            http_per_minute: NonZeroU32::new(3),
            ..rates
        });
        assert_eq!(at_once(&http, Instant::now()), 3);
    }

    #[test]
    fn a_permission_of_the_application_has_its_own_rate_until_the_policy_says_another() {
        let mut permissions = Permissions::default();
        let billing = AppPermission::new("acme_billing", "invoices").unwrap();
        let billing = billing.per_minute(3);
        permissions.add(billing.clone()).unwrap();
        let counters = PluginRates::new(&Rates::default(), &permissions);
        let name = billing.name();
        let now = Instant::now();
        counters.app(&billing).check_at(now).unwrap();
        let mut rates = Rates::default();
        rates.set(&Counted::App(name.clone()), NonZeroU32::new(6));
        counters.set(&rates);
        // A third of it is used up, whatever it is now.
        assert_eq!(at_once(&counters.app(&billing), now), 4);
        assert_eq!(
            PluginRates::new(&Rates::default(), &permissions)
                .app(&billing)
                .limit(),
            NonZeroU32::new(3)
        );
        rates.set(&Counted::App(name.clone()), None);
        counters.set(&rates);
        assert_eq!(counters.app(&billing).limit(), None);
    }

    #[test]
    fn a_plugin_that_comes_back_goes_on_where_it_left_and_others_have_their_own() {
        let host = RateLimits::default();
        let rates = Rates {
            emails_per_minute: NonZeroU32::new(2),
            ..Rates::default()
        };
        let of = |name: &str| {
            let rates = host.of(&name.parse().unwrap(), &rates, &Permissions::default());
            rates.of(&Counted::Emails)
        };
        let now = Instant::now();
        assert_eq!(at_once(&of("mailer"), now), 2);
        assert_eq!(at_once(&of("mailer"), now), 0);
        assert_eq!(at_once(&of("other"), now), 2);
    }

    #[test]
    fn threads_together_are_counted_no_more_than_the_rate() {
        let limit = rate(MINUTE, 1_000);
        let now = Instant::now();
        let counted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| at_once(&limit, now)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(counted, 1_000);
    }
}

//! The policy of one plugin.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::bounds::{FieldError, Mebibytes, Timeout};
use super::{ComponentId, PolicyChange};
use crate::contract::PluginName;
use crate::permission::{Counted, Grants, Rates};
use crate::runtime::{InstanceMode, Limits};

/// What the host holds a plugin to, whatever it asks for.
///
/// As JSON it has the form that the Go system gave it, with more fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// The plugin.
    pub plugin: PluginName,
    /// Whether it may run.
    pub status: Status,
    /// What it may do; often less than it asks for.
    pub grants: Grants,
    /// Linear memory of one instance. 64 MiB by default.
    pub memory: Mebibytes,
    /// For a call. 30 s by default.
    pub call_timeout: Timeout,
    /// For `init`. 10 s by default.
    pub init_timeout: Timeout,
    /// For all instances to shut down. 5 s by default.
    pub shutdown_timeout: Timeout,
    /// How its instances serve calls.
    pub instances: InstanceSettings,
    /// How often it may do what is counted.
    pub rates: Rates,
    /// Who made it what it is.
    pub origin: Origin,
    /// The component that was there when this was decided; none where none was.
    pub component: Option<ComponentId>,
    /// Another number after each change; 0 where it is in no store yet. A store takes a change only of the revision that it
    /// has.
    pub revision: u64,
}

/// Whether a plugin may run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Nobody has decided: it is shown and not served.
    #[default]
    PendingReview,
    /// It runs under the policy.
    Approved,
    /// The same, marked for operators.
    Restricted,
    /// It does not run, and nobody can call it.
    Blocked,
}

/// Who made a policy what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: it is what every plugin begins with.
    #[default]
    Default,
    /// A rule, which must still hold when the plugin is started again.
    Rule,
    /// An operator.
    Operator,
}

/// How a plugin's instances serve calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceSettings {
    /// How they do.
    pub mode: InstanceMode,
    /// How many may live at once; none for as many as the machine has processors.
    pub count: Option<NonZeroU32>,
    /// How many calls may wait for one.
    pub queue: u32,
    /// After how many calls one is replaced; none for never.
    pub max_invocations: Option<NonZeroU32>,
}

impl ResourcePolicy {
    /// What every plugin begins with: waiting for a review, its own part of the cache and nothing else, and little of
    /// everything.
    #[must_use]
    pub fn default_for(plugin: PluginName) -> Self {
        let limits = Limits::default();
        // The default limits are usable ones; the fallbacks only avoid a way to panic.
        let time = |time| Timeout::new(time).unwrap_or(Timeout::MINUTE);
        Self {
            plugin,
            status: Status::PendingReview,
            grants: Grants::default_policy(),
            memory: Mebibytes::of_bytes(limits.memory_bytes),
            call_timeout: time(limits.call_timeout),
            init_timeout: time(limits.init_timeout),
            shutdown_timeout: time(limits.shutdown_timeout),
            instances: InstanceSettings {
                mode: limits.mode,
                count: None,
                queue: u32::try_from(limits.queue).unwrap_or(u32::MAX),
                max_invocations: limits.max_invocations,
            },
            rates: limits.rates,
            origin: Origin::Default,
            component: None,
            revision: 0,
        }
    }

    /// The limits that it sets on a running plugin.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let defaults = Limits::default();
        let count = self.instances.count.map(|count| count.get() as usize);
        Limits {
            memory_bytes: self.memory.bytes(),
            call_timeout: self.call_timeout.get(),
            init_timeout: self.init_timeout.get(),
            shutdown_timeout: self.shutdown_timeout.get(),
            mode: self.instances.mode,
            max_invocations: self.instances.max_invocations,
            instances: count.unwrap_or(defaults.instances),
            queue: self.instances.queue as usize,
            rates: self.rates.clone(),
            ..defaults
        }
    }

    /// Lowers each limit to the default policy's where it is above it.
    pub(super) fn lower(&mut self) {
        let default = Self::default_for(self.plugin.clone());
        let lower = |rate: Option<NonZeroU32>, most: Option<NonZeroU32>| match (rate, most) {
            (Some(rate), Some(most)) => Some(rate.min(most)),
            (rate, most) => rate.or(most),
        };
        self.memory = self.memory.min(default.memory);
        self.call_timeout = self.call_timeout.min(default.call_timeout);
        self.init_timeout = self.init_timeout.min(default.init_timeout);
        self.shutdown_timeout = self.shutdown_timeout.min(default.shutdown_timeout);
        self.instances.queue = self.instances.queue.min(default.instances.queue);
        let rates: Vec<Counted> = self.rates.counted().collect();
        for counted in rates {
            // What the application's permissions may do by default is the application's to know: without a rate of their own
            // they have that.
            match default.rates.get(&counted) {
                Some(most) => {
                    let rate = self.rates.get(&counted).flatten();
                    self.rates.set(&counted, lower(rate, most));
                }
                None => self.rates.unset(&counted),
            }
        }
    }

    /// Takes over what a change says.
    pub(super) fn apply(&mut self, change: &PolicyChange) {
        fn take<T: Clone>(slot: &mut T, given: &Option<T>) {
            if let Some(given) = given {
                *slot = given.clone();
            }
        }
        take(&mut self.grants, &change.grants);
        take(&mut self.memory, &change.memory);
        take(&mut self.call_timeout, &change.call_timeout);
        take(&mut self.init_timeout, &change.init_timeout);
        take(&mut self.shutdown_timeout, &change.shutdown_timeout);
        take(&mut self.instances.mode, &change.mode);
        take(&mut self.instances.queue, &change.queue);
        for (slot, given) in [
            (&mut self.instances.count, change.instances),
            (&mut self.instances.max_invocations, change.max_invocations),
        ] {
            if let Some(bound) = given {
                *slot = bound.get();
            }
        }
        for (counted, bound) in &change.rates {
            self.rates.set(counted, bound.get());
        }
    }
}

impl Status {
    const ALL: [Self; 4] = [
        Self::PendingReview,
        Self::Approved,
        Self::Restricted,
        Self::Blocked,
    ];

    /// The status in one word, as JSON has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingReview => "pending_review",
            Self::Approved => "approved",
            Self::Restricted => "restricted",
            Self::Blocked => "blocked",
        }
    }

    /// Whether a plugin with it may run.
    #[must_use]
    pub const fn may_run(self) -> bool {
        matches!(self, Self::Approved | Self::Restricted)
    }
}

impl Origin {
    const ALL: [Self; 3] = [Self::Default, Self::Rule, Self::Operator];

    /// The origin in one word, as JSON has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Rule => "auto-approve",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let known = Self::ALL.map(Self::as_str);
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| unknown("status", text, &known))
    }
}

impl FromStr for Origin {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let known = Self::ALL.map(Self::as_str);
        let found = Self::ALL.into_iter().find(|origin| origin.as_str() == text);
        found.ok_or_else(|| unknown("decided_by", text, &known))
    }
}

fn unknown(field: &str, text: &str, known: &[&str]) -> FieldError {
    FieldError::new(
        field,
        format!("{text:?} is not one; write {}", known.join(", ")),
    )
}

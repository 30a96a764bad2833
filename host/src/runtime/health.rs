//! How a plugin is, as those see it who look after it.

use std::time::Duration;

use serde::Serialize;

/// How a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Health {
    /// None of the last calls failed.
    Healthy,
    /// Some of the last 20 calls failed, too few to stop calling it.
    Failing {
        /// How many.
        failures: u32,
        /// The latest, in words.
        last_failure: String,
    },
    /// It failed repeatedly; calls fail at once until one is let through as a probe.
    Tripped {
        /// The latest failure, in words.
        last_failure: String,
        /// When the next call is a probe.
        retry_in: Duration,
    },
    /// A probe is running; other calls fail at once.
    Probing {
        /// The latest failure, in words.
        last_failure: String,
    },
    /// It tripped too often, and is not called any more until an operator resets it.
    Exhausted {
        /// The latest failure, in words.
        last_failure: String,
    },
}

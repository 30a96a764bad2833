//! How often a plugin may use what costs others something.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// How often a plugin may do what a policy counts; none is no limit. A burst may use up a whole period's worth at once.
///
/// The default is that of a plugin which nobody has reviewed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Calls of its functions, by whomever. 100 a second.
    pub calls_per_second: Option<NonZeroU32>,
    /// Queries, statements and transactions. 600 a minute.
    pub database_per_minute: Option<NonZeroU32>,
    /// Requests to other servers, redirects not counted. 60 a minute.
    pub http_per_minute: Option<NonZeroU32>,
    /// E-mails. 10 a minute.
    pub emails_per_minute: Option<NonZeroU32>,
    /// Events. 600 a minute.
    pub events_per_minute: Option<NonZeroU32>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            calls_per_second: NonZeroU32::new(100),
            database_per_minute: NonZeroU32::new(600),
            http_per_minute: NonZeroU32::new(60),
            emails_per_minute: NonZeroU32::new(10),
            events_per_minute: NonZeroU32::new(600),
        }
    }
}

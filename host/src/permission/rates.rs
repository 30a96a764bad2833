//! How often a plugin may use what costs others something.
//!
//! What is counted is one table: for each its name, the field that policies have for it, its period, and what a plugin may
//! do of it that nobody has reviewed yet. Counters, policies as JSON and changes of them are made from it. An application's
//! own permissions are counted beside these, each by its name.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::PermissionName;
use crate::setters::setters;

/// In what time something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// In a second.
    Second,
    /// In a minute.
    Minute,
}

macro_rules! rates {
    ($($(#[$doc:meta])+ $counted:ident, $rate:ident, $field:literal, $period:expr, $default:literal;)+) => {
        /// What a policy counts.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Counted {
            $($(#[$doc])+ $counted,)+
            /// Uses of a permission of the application's, in a minute.
            App(PermissionName),
        }

        /// How often a plugin may do what a policy counts; none is no limit. A burst may use up a whole period's worth at once.
        ///
        /// The default is that of a plugin which nobody has reviewed yet.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Rates {
            $($(#[$doc])+ pub $rate: Option<NonZeroU32>,)+
            /// Uses of the application's permissions, in a minute. Those that are not here have what the application says.
            pub apps: BTreeMap<PermissionName, Option<NonZeroU32>>,
        }

        impl Counted {
            /// What is counted of ours.
            pub const OURS: &'static [Self] = &[$(Self::$counted,)+];

            /// The period.
            #[must_use]
            pub const fn period(&self) -> Period {
                match self {
                    $(Self::$counted => $period,)+
                    Self::App(_) => Period::Minute,
                }
            }

            /// The field of a policy, as JSON has it: `max_http_req_per_min`.
            #[must_use]
            pub fn field(&self) -> String {
                match self {
                    $(Self::$counted => $field.to_owned(),)+
                    Self::App(name) => format!("{BEFORE}{name}{BEHIND}"),
                }
            }
        }

        impl Rates {
            /// How often it may be done; none where that is not said, which it only can be of the application's.
            #[must_use]
            pub fn get(&self, counted: &Counted) -> Option<Option<NonZeroU32>> {
                match counted {
                    $(Counted::$counted => Some(self.$rate),)+
                    Counted::App(name) => self.apps.get(name).copied(),
                }
            }

            /// Says how often it may be done.
            pub fn set(&mut self, counted: &Counted, rate: Option<NonZeroU32>) {
                match counted {
                    $(Counted::$counted => self.$rate = rate,)+
                    Counted::App(name) => {
                        self.apps.insert(name.clone(), rate);
                    }
                }
            }
        }

        setters!(Rates {
            $($rate: Option<NonZeroU32>,)+
            apps: BTreeMap<PermissionName, Option<NonZeroU32>>,
        });

        impl Default for Rates {
            fn default() -> Self {
                Self {
                    $($rate: NonZeroU32::new($default),)+
                    apps: BTreeMap::new(),
                }
            }
        }
    };
}

rates! {
    /// Calls of its functions, by whomever. 100 a second.
    Calls, calls_per_second, "max_calls_per_second", Period::Second, 100;
    /// Queries, statements and transactions. 600 a minute.
    Database, database_per_minute, "max_db_queries_per_min", Period::Minute, 600;
    /// Requests to other servers, redirects not counted. 60 a minute.
    Http, http_per_minute, "max_http_req_per_min", Period::Minute, 60;
    /// E-mails. 10 a minute.
    Emails, emails_per_minute, "max_emails_per_min", Period::Minute, 10;
    /// Events. 600 a minute.
    Events, events_per_minute, "max_events_per_min", Period::Minute, 600;
}

/// What surrounds the name of an application's permission in the field of a policy.
const BEFORE: &str = "max_";
const BEHIND: &str = "_per_min";

impl Counted {
    /// What a field of a policy is about; none where it is no rate.
    #[must_use]
    pub fn of_field(field: &str) -> Option<Self> {
        if let Some(ours) = Self::OURS.iter().find(|counted| counted.field() == field) {
            return Some(ours.clone());
        }
        let name = field.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?;
        name.parse().ok().map(Self::App)
    }
}

impl Rates {
    /// Says nothing any more about a permission of the application's. Of ours there is always something said.
    pub fn unset(&mut self, counted: &Counted) {
        if let Counted::App(name) = counted {
            self.apps.remove(name);
        }
    }

    /// Everything that it says a rate of.
    pub fn counted(&self) -> impl Iterator<Item = Counted> {
        let apps = self.apps.keys().cloned().map(Counted::App);
        Counted::OURS.iter().cloned().chain(apps)
    }
}

impl Period {
    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_rate_has_a_field_of_its_own_that_leads_back_to_it() {
        let app = Counted::App("acme_billing".parse().unwrap());
        let all: Vec<Counted> = Counted::OURS.iter().cloned().chain([app]).collect();
        for (index, counted) in all.iter().enumerate() {
            assert_eq!(Counted::of_field(&counted.field()).as_ref(), Some(counted));
            let mut rates = Rates::default();
            rates.set(counted, NonZeroU32::new(7));
            for (other, rate) in all.iter().map(|other| rates.get(other)).enumerate() {
                assert_eq!(
                    rate == Some(NonZeroU32::new(7)),
                    other == index,
                    "{counted}"
                );
            }
        }
        for none in [
            "max_invocations",
            "max_http_per_min",
            "memory_mb",
            "max__per_min",
        ] {
            assert_eq!(Counted::of_field(none), None, "{none}");
        }
    }
}

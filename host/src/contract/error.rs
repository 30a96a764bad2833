//! Why a call failed, in the words that host and plugins share.
//!
//! [`Error`] is the variant `error` of the WIT package in plain Rust, independent of the contract version that a
//! plugin speaks. Every failure that a plugin or a caller can see is one of its cases: a denial is never an empty
//! result, and a missing thing is never a denial. [`Error::code`] is stable and meant for programs, the message for
//! people.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Why a call failed.
///
/// As JSON: `{"code": "not-found", "message": "…"}`, and `"retry_after_ms"` for a rate limit.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Error {
    /// A grant, a scope or a policy said no, before anything happened. The text names the plugin, what was tried, the
    /// rule that refused and the grant that would allow it.
    #[component(name = "permission-denied")]
    PermissionDenied(String),
    /// What was asked for does not exist.
    #[component(name = "not-found")]
    NotFound(String),
    /// An argument has the wrong form. Nothing happened.
    #[component(name = "invalid-argument")]
    InvalidArgument(String),
    /// The request is well formed but at odds with the present state.
    #[component(name = "conflict")]
    Conflict(String),
    /// Too many calls.
    #[component(name = "rate-limited")]
    RateLimited(RateLimited),
    /// The deadline of the call passed.
    #[component(name = "timed-out")]
    TimedOut,
    /// A size limit was reached. Nothing is half done.
    #[component(name = "too-large")]
    TooLarge(String),
    /// The back-end, or the plugin itself, does not answer or is not there. Trying again later can help.
    #[component(name = "unavailable")]
    Unavailable(String),
    /// A plugin's own error, or a case that a later contract adds.
    #[component(name = "other")]
    Other(ErrorDetail),
}

/// When there is room for the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct RateLimited {
    /// How many milliseconds to wait before trying again.
    #[component(name = "retry-after-ms")]
    pub retry_after_ms: u64,
}

/// An error with a code of its own.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ErrorDetail {
    /// The code, without the plugin's prefix.
    pub code: String,
    /// For people; not shown to anonymous visitors unless the code is registered.
    pub message: String,
}

impl Error {
    /// The stable code: the case's name in the WIT package, or the own code of [`Error::Other`].
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Error::PermissionDenied(_) => "permission-denied",
            Error::NotFound(_) => "not-found",
            Error::InvalidArgument(_) => "invalid-argument",
            Error::Conflict(_) => "conflict",
            Error::RateLimited(_) => "rate-limited",
            Error::TimedOut => "timed-out",
            Error::TooLarge(_) => "too-large",
            Error::Unavailable(_) => "unavailable",
            Error::Other(detail) => &detail.code,
        }
    }

    /// The same error in other words.
    #[must_use]
    pub fn with_message(self, message: String) -> Self {
        match self {
            Error::PermissionDenied(_) => Error::PermissionDenied(message),
            Error::NotFound(_) => Error::NotFound(message),
            Error::InvalidArgument(_) => Error::InvalidArgument(message),
            Error::Conflict(_) => Error::Conflict(message),
            Error::TooLarge(_) => Error::TooLarge(message),
            Error::Unavailable(_) => Error::Unavailable(message),
            Error::Other(detail) => Error::Other(ErrorDetail { message, ..detail }),
            Error::RateLimited(_) | Error::TimedOut => self,
        }
    }

    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Error::PermissionDenied(text)
            | Error::NotFound(text)
            | Error::InvalidArgument(text)
            | Error::Conflict(text)
            | Error::TooLarge(text)
            | Error::Unavailable(text)
            | Error::Other(ErrorDetail { message: text, .. }) => Cow::Borrowed(text),
            Error::RateLimited(RateLimited { retry_after_ms }) => {
                Cow::Owned(format!("too many calls; try again in {retry_after_ms} ms"))
            }
            Error::TimedOut => Cow::Borrowed("the deadline of the call passed"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())
    }
}

impl std::error::Error for Error {}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let retry = match self {
            Error::RateLimited(RateLimited { retry_after_ms }) => Some(retry_after_ms),
            _ => None,
        };
        let mut object = serializer.serialize_struct("Error", 2 + usize::from(retry.is_some()))?;
        object.serialize_field("code", self.code())?;
        object.serialize_field("message", &self.message())?;
        if let Some(milliseconds) = retry {
            object.serialize_field("retry_after_ms", milliseconds)?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_rate_limit_tells_programs_and_people_how_long_to_wait() {
        let error = Error::RateLimited(RateLimited {
            retry_after_ms: 250,
        });
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({"code": "rate-limited", "message": "too many calls; try again in 250 ms", "retry_after_ms": 250})
        );
    }

    #[test]
    fn a_plugins_own_error_keeps_its_own_code() {
        let error = Error::Other(ErrorDetail {
            code: "export_failed".into(),
            message: "no disk".into(),
        });
        assert_eq!(error.to_string(), "export_failed: no disk");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({"code": "export_failed", "message": "no disk"})
        );
    }
}

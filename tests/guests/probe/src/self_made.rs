//! What the probe does without the host: being busy, remembering, failing.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::goatherd::plugin::context;
use crate::goatherd::plugin::types::{Error, ErrorDetail, RateLimited};
use crate::json::{number, text, wrong};

/// Busy until so many milliseconds of the call's time are gone: nothing else in here tells the time.
pub fn spin(args: &Value) -> Result<Value, Error> {
    let milliseconds = number(args, "ms")?;
    let start = context::deadline_ms();
    while start.saturating_sub(context::deadline_ms()) < milliseconds {}
    Ok(json!({ "ms": milliseconds }))
}

/// A variable lives as long as its instance, so this shows whether an instance was used again.
pub fn count() -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    json!({ "count": COUNT.fetch_add(1, Ordering::Relaxed) + 1 })
}

/// The error that `args` ask for, each with a text of its own where it has one.
pub fn error(args: &Value) -> Result<Error, Error> {
    let case = text(args, "error")?;
    let message = format!("{case} as asked");
    Ok(match case {
        "permission-denied" => Error::PermissionDenied(message),
        "not-found" => Error::NotFound(message),
        "invalid-argument" => Error::InvalidArgument(message),
        "conflict" => Error::Conflict(message),
        "rate-limited" => Error::RateLimited(RateLimited {
            retry_after_ms: 1500,
        }),
        "timed-out" => Error::TimedOut,
        "too-large" => Error::TooLarge(message),
        "unavailable" => Error::Unavailable(message),
        "other" => Error::Other(ErrorDetail {
            code: "as-asked".into(),
            message,
        }),
        _ => return Err(wrong("error must be the name of a case of `error`")),
    })
}

/// The name of an error's case, and its own code where it has one.
pub fn code(error: &Error) -> &str {
    match error {
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

/// What an error says; nothing where its case says it all.
pub fn message(error: &Error) -> &str {
    match error {
        Error::PermissionDenied(message)
        | Error::NotFound(message)
        | Error::InvalidArgument(message)
        | Error::Conflict(message)
        | Error::TooLarge(message)
        | Error::Unavailable(message) => message,
        Error::RateLimited(_) | Error::TimedOut => "",
        Error::Other(detail) => &detail.message,
    }
}

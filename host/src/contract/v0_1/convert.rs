//! Between the bindings of contract 0.1 and the plain types.

use super::goatherd::plugin::types;
use crate::contract::Error;

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::PermissionDenied(text) => Error::PermissionDenied(text),
            types::Error::NotFound(text) => Error::NotFound(text),
            types::Error::InvalidArgument(text) => Error::InvalidArgument(text),
            types::Error::Conflict(text) => Error::Conflict(text),
            types::Error::RateLimited(retry_after_ms) => Error::RateLimited { retry_after_ms },
            types::Error::TimedOut => Error::TimedOut,
            types::Error::TooLarge(text) => Error::TooLarge(text),
            types::Error::Unavailable(text) => Error::Unavailable(text),
            types::Error::Other(types::ErrorDetail { code, message }) => {
                Error::Other { code, message }
            }
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::PermissionDenied(text) => types::Error::PermissionDenied(text),
            Error::NotFound(text) => types::Error::NotFound(text),
            Error::InvalidArgument(text) => types::Error::InvalidArgument(text),
            Error::Conflict(text) => types::Error::Conflict(text),
            Error::RateLimited { retry_after_ms } => types::Error::RateLimited(retry_after_ms),
            Error::TimedOut => types::Error::TimedOut,
            Error::TooLarge(text) => types::Error::TooLarge(text),
            Error::Unavailable(text) => types::Error::Unavailable(text),
            Error::Other { code, message } => {
                types::Error::Other(types::ErrorDetail { code, message })
            }
        }
    }
}

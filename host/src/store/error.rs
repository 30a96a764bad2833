//! Why a store did not do what a capability asked.

use thiserror::Error;

use crate::contract;

/// Why a store did not do what it was asked. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The deadline of the call passed.
    #[error("the database did not finish in time; nothing was changed")]
    TimedOut,
    /// A constraint that the change would break, at the latest when it was committed.
    #[error("the host's tables do not take the change: {0}")]
    Conflict(String),
    /// It does not answer, or answers that it cannot.
    #[error("the host's tables cannot be used: {0}")]
    Unavailable(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // Whoever waits for a lock waits until the deadline.
            Some(
                rusqlite::ErrorCode::OperationInterrupted
                | rusqlite::ErrorCode::DatabaseBusy
                | rusqlite::ErrorCode::DatabaseLocked,
            ) => Self::TimedOut,
            Some(rusqlite::ErrorCode::ConstraintViolation) => Self::Conflict(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        match error.code() {
            Some(&(SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE)) => Self::TimedOut,
            // The text of a server's error is in its source; that of a broken connection is not.
            _ => match error.as_db_error() {
                Some(said) => {
                    let code = said.code().code();
                    let text = format!("{} ({code})", said.message());
                    match code.get(..2) {
                        Some("23" | "40") => Self::Conflict(text),
                        _ => Self::Unavailable(text),
                    }
                }
                None => Self::Unavailable(error.to_string()),
            },
        }
    }
}

impl From<StoreError> for contract::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TimedOut => Self::TimedOut,
            StoreError::Conflict(_) => Self::Conflict(error.to_string()),
            StoreError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

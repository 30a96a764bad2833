//! Why a store did not do what a capability asked.

use thiserror::Error;

use crate::contract;

/// Why a store did not do what it was asked. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The deadline of the call passed.
    #[error("the database did not finish in time; nothing was changed")]
    TimedOut,
    /// It does not answer, or answers that it cannot.
    #[error("the host's tables cannot be used: {0}")]
    Unavailable(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::TimedOut,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        match error.code() {
            Some(&(SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE)) => Self::TimedOut,
            // The text of a server's error is in its source; that of a broken connection is not.
            _ => Self::Unavailable(match error.as_db_error() {
                Some(said) => format!("{} ({})", said.message(), said.code().code()),
                None => error.to_string(),
            }),
        }
    }
}

impl From<StoreError> for contract::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TimedOut => Self::TimedOut,
            StoreError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

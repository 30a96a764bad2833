//! What an error of the engine means to the plugin.

use rusqlite::{Error, ErrorCode};

use super::super::backend::DbError;
use super::connection::Session;
use super::policy::Deed;
use super::watch::Stopped;

/// Why a statement failed, after it was compiled or run under the session's guard and watch.
pub(super) fn of(session: &Session, error: Error) -> DbError {
    let findings = session.guard.take();
    let plugin = &session.policy().plugin;
    match session.watch.stopped() {
        Some(Stopped::Late) => return DbError::TimedOut,
        Some(Stopped::Memory) => {
            return DbError::TooLarge(format!(
                "plugin \"{plugin}\" sent a statement that takes too much memory; select or compute less at a time"
            ));
        }
        None => {}
    }
    if let Some(denial) = findings.denial.or(findings.statistics_denial) {
        return DbError::Denied(denial);
    }
    // The engine refuses direct writes to its own tables by itself, in defensive mode.
    if findings.writes_schema && findings.schema.is_none() {
        return DbError::Denied(
            session
                .policy()
                .refuse_table(Deed::Update, "sqlite_schema", None),
        );
    }
    let code = error.sqlite_error_code();
    let said = what_it_says(error);
    match code {
        Some(ErrorCode::OperationInterrupted) => DbError::TimedOut,
        Some(ErrorCode::TooBig) => DbError::TooLarge(format!(
            "plugin \"{plugin}\" sent a statement with a text or value that is too long; at most {} bytes are allowed",
            session.caps.max_bytes
        )),
        Some(ErrorCode::ConstraintViolation) => DbError::Conflict(format!(
            "plugin \"{plugin}\" sent a change that breaks a constraint: {said}"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbError::Conflict(format!(
            "plugin \"{plugin}\" did not get the lock of the database in time: {said}"
        )),
        // Said of the engine's own tables before the authorizer is asked.
        _ if said.ends_with("may not be modified") => DbError::Denied(session.policy().refuse(
            "make this change",
            said,
            "no grant allows it",
        )),
        Some(ErrorCode::AuthorizationForStatementDenied) => DbError::Denied(
            session
                .policy()
                .refuse("run this statement", said, "no grant allows it"),
        ),
        Some(
            ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NotADatabase
            | ErrorCode::SystemIoFailure
            | ErrorCode::NoLargeFileSupport,
        ) => {
            session.spoil();
            DbError::Unavailable(format!(
                "the database failed a statement of plugin \"{plugin}\": {said}"
            ))
        }
        _ => DbError::Invalid(format!(
            "plugin \"{plugin}\" sent a statement that does not work: {said}"
        )),
    }
}

/// The engine's message, without the statement, which can be long.
fn what_it_says(error: Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(message)) => message,
        Error::SqlInputError { msg, .. } => msg,
        Error::MultipleStatement => {
            "more than one statement: a call runs one; db-write.transaction runs several".to_owned()
        }
        other => other.to_string(),
    }
}

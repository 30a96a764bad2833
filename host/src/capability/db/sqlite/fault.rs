//! What an error of the engine means to the plugin.
//!
//! A pure function of the error and of what was known when it came: what the authorizer found, and whether the watch
//! stopped the statement. Constraints, locks and the file have extended result codes. For whatever is wrong with a text
//! the engine has one code, `SQLITE_ERROR`, and tells a missing table from a missing comma by its message alone; see
//! [`Problem`].

use rusqlite::{Error, ErrorCode, ffi};

use super::super::backend::Caps;
use super::super::error::{DbError, DbErrorKind};
use super::authorizer::Findings;
use super::policy::{Operation, Policy, Purpose};
use super::watch::Stopped;

/// Why a statement failed, after it was compiled or run under a guard and a watch.
pub(super) fn of(
    error: &Error,
    findings: &Findings,
    stopped: Option<Stopped>,
    policy: &Policy,
    caps: Caps,
) -> DbError {
    let plugin = &policy.plugin;
    match stopped {
        Some(Stopped::Late) => return DbError::timed_out(),
        Some(Stopped::Memory) => {
            return DbError::unavailable(format!(
                "the host is short of memory: its databases took too much while a statement of plugin \"{plugin}\" ran, \
                 which was stopped; try again later, and select or compute less at a time"
            ));
        }
        None => {}
    }
    if let Some(denied) = findings.denied() {
        return denied;
    }
    if let Some(denial) = &findings.statistics_denial {
        return DbError::denied(denial);
    }
    // The engine refuses direct writes to its own tables by itself, in defensive mode.
    if findings.writes_schema && findings.schema.is_none() {
        return DbError::denied(policy.refuse_table(Operation::Update, "sqlite_schema", None));
    }
    let (code, extended) = codes(error);
    let kind = kind(error);
    let message = message(error);
    let fails = || format!("the database failed a statement of plugin \"{plugin}\": {message}");
    let does_not_work =
        || format!("plugin \"{plugin}\" sent a statement that does not work: {message}");
    let error = match code {
        Some(ErrorCode::OperationInterrupted) => return DbError::timed_out(),
        Some(ErrorCode::TooBig) => DbError::too_large(format!(
            "plugin \"{plugin}\" sent a statement with a text or value that is too long; at most {} bytes are allowed",
            caps.max_bytes
        )),
        // A value of the wrong type is wrong whatever the table has.
        Some(ErrorCode::ConstraintViolation) if kind == DbErrorKind::Data => {
            DbError::invalid(does_not_work())
        }
        Some(ErrorCode::ConstraintViolation) => DbError::conflict(format!(
            "plugin \"{plugin}\" sent a change that breaks a constraint: {message}"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbError::conflict(format!(
            "plugin \"{plugin}\" did not get the lock of the database in time: {message}"
        )),
        Some(ErrorCode::ReadOnly) if policy.purpose == Purpose::Query => {
            DbError::denied(policy.refuse(
                "run this statement",
                &message,
                "run it as a change, with a db:write grant",
            ))
        }
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            DbError::denied(policy.refuse("run this statement", &message, "no grant allows it"))
        }
        Some(
            ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::NoLargeFileSupport,
        ) => DbError::unavailable(fails()),
        _ if Problem::of(&message) == Some(Problem::ReadOnlyTable) => {
            DbError::denied(policy.refuse("make this change", &message, "no grant allows it"))
        }
        _ => DbError::invalid(does_not_work()),
    };
    match extended {
        Some(extended) => error.of_engine(kind, extended.to_string()),
        // Of the driver, not the engine.
        None => error,
    }
}

/// Whether the statement calls a function that does not exist on its connection.
pub(super) fn names_no_function(error: &Error) -> bool {
    let (code, _) = codes(error);
    code == Some(ErrorCode::Unknown)
        && Problem::of(&message(error)) == Some(Problem::UndefinedFunction)
}

/// The primary and the extended result code; none for what is the driver's own.
fn codes(error: &Error) -> (Option<ErrorCode>, Option<i32>) {
    match error {
        Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. } => {
            (Some(error.code), Some(error.extended_code))
        }
        _ => (None, None),
    }
}

fn kind(error: &Error) -> DbErrorKind {
    let (code, extended) = codes(error);
    match extended {
        Some(
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => return DbErrorKind::Unique,
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => return DbErrorKind::ForeignKey,
        Some(ffi::SQLITE_CONSTRAINT_NOTNULL) => return DbErrorKind::NotNull,
        Some(ffi::SQLITE_CONSTRAINT_CHECK) => return DbErrorKind::Check,
        Some(ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH) => return DbErrorKind::Data,
        Some(ffi::SQLITE_BUSY_SNAPSHOT) => return DbErrorKind::Serialization,
        _ => {}
    }
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbErrorKind::LockTimeout,
        Some(ErrorCode::ReadOnly) => DbErrorKind::ReadOnly,
        Some(ErrorCode::Unknown) => {
            Problem::of(&message(error)).map_or(DbErrorKind::Other, Problem::kind)
        }
        _ => DbErrorKind::Other,
    }
}

/// What `SQLITE_ERROR` is about.
///
/// The engine has no code that tells these apart, and asks the authorizer about nothing that does not exist, so its
/// messages are looked at. They are constants of the library that is built into this program, of one version, and are
/// never translated; the tests make each of them, so a later library that says it otherwise fails them. A message that
/// is not known costs the plugin the kind, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Syntax,
    UndefinedTable,
    UndefinedColumn,
    UndefinedFunction,
    /// A table of the engine's own, of which it says so before it asks the authorizer.
    ReadOnlyTable,
    /// A number out of range, or text that is no JSON.
    Data,
}

impl Problem {
    fn of(message: &str) -> Option<Self> {
        const BEGINNINGS: [(&str, Problem); 6] = [
            ("no such table: ", Problem::UndefinedTable),
            ("no such column: ", Problem::UndefinedColumn),
            ("no such function: ", Problem::UndefinedFunction),
            ("unrecognized token: ", Problem::Syntax),
            ("integer overflow", Problem::Data),
            ("malformed JSON", Problem::Data),
        ];
        let known = BEGINNINGS
            .iter()
            .find(|(beginning, _)| message.starts_with(beginning));
        if let Some((_, problem)) = known {
            return Some(*problem);
        }
        if message.ends_with(": syntax error") || message == "incomplete input" {
            return Some(Self::Syntax);
        }
        let of_table = message.strip_prefix("table ")?;
        if of_table.ends_with(" may not be modified") {
            Some(Self::ReadOnlyTable)
        } else if of_table.contains(" has no column named ") {
            Some(Self::UndefinedColumn)
        } else {
            None
        }
    }

    fn kind(self) -> DbErrorKind {
        match self {
            Self::Syntax => DbErrorKind::Syntax,
            Self::UndefinedTable => DbErrorKind::UndefinedTable,
            Self::UndefinedColumn => DbErrorKind::UndefinedColumn,
            Self::Data => DbErrorKind::Data,
            Self::UndefinedFunction | Self::ReadOnlyTable => DbErrorKind::Other,
        }
    }
}

/// The engine's message, without the statement, which can be long.
fn message(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::MultipleStatement => {
            "more than one statement: a call runs one; db-write.transaction runs several".to_owned()
        }
        other => other.to_string(),
    }
}

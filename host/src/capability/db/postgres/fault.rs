//! What an error of the server means to the plugin.
//!
//! Judged by the SQLSTATE and, where one code stands for several things, by the routine of the server that raised it.
//! Neither depends on the language of the server's messages (`lc_messages`), which belongs to the operator. Messages are
//! passed on as they are; the one thing that is looked for in them is the name of a table that is known already, which no
//! language translates, and which decides how a refusal is explained and not whether it is one.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError as ServerError, SqlState};

use super::super::error::{DbError, DbErrorKind};
use super::access::Access;
use super::connect;
use super::policy::Policy;
use super::statement::Checked;
use super::text::mentions;

/// Raise that a role lacks a right on an object, or does not own it. Those behind the first are about sequences.
const LACK_RIGHT: [&str; 4] = [
    "aclcheck_error",
    "nextval_internal",
    "currval_oid",
    "lastval",
];
/// Raises that a row breaks a policy of its table.
const CHECKS_ROW: &str = "ExecWithCheckOptions";
/// Raises that a statement gives other columns than when it was prepared.
const PLANS_AGAIN: &str = "RevalidateCachedQuery";

/// Whether a statement was prepared before the schema changed, in a way that its result changes.
pub(super) fn is_outdated(error: &ServerError) -> bool {
    *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.routine() == Some(PLANS_AGAIN)
}

/// The message of an error that a right on some object is lacking.
pub(super) fn lacks_right(error: &ServerError) -> Option<&str> {
    let routine = error.routine()?;
    (*error.code() == SqlState::INSUFFICIENT_PRIVILEGE && LACK_RIGHT.contains(&routine))
        .then_some(error.message())
}

/// Why the server refused a statement, or whatever the host sent besides, when `statement` is none.
pub(super) fn of(
    policy: &Policy,
    access: &Access,
    statement: Option<&Checked>,
    error: &Error,
) -> DbError {
    match error.as_db_error() {
        Some(error) => of_server(policy, access, statement, error),
        // What the driver says of a parameter's conversion, which was checked before, or of a broken connection.
        None => DbError::unavailable(format!(
            "the database failed a statement of plugin \"{}\": {}",
            policy.plugin,
            connect::shown(error)
        )),
    }
}

fn of_server(
    policy: &Policy,
    access: &Access,
    statement: Option<&Checked>,
    error: &ServerError,
) -> DbError {
    let plugin = &policy.plugin;
    let message = error.message();
    let code = error.code();
    let kind = kind(code);
    let fault = match *code {
        SqlState::QUERY_CANCELED => return DbError::timed_out(),
        SqlState::LOCK_NOT_AVAILABLE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE => DbError::conflict(format!(
            "plugin \"{plugin}\" did not get a lock of the database in time: {message}"
        )),
        SqlState::INSUFFICIENT_PRIVILEGE => {
            DbError::denied(refusal(policy, access, statement, error))
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => policy.only_reads("change anything in a query"),
        SqlState::OUT_OF_MEMORY | SqlState::CONFIGURATION_LIMIT_EXCEEDED => DbError::too_large(
            format!("plugin \"{plugin}\" sent a statement that takes too much memory: {message}"),
        ),
        _ => match code.code().get(..2).unwrap_or_default() {
            "23" => DbError::conflict(format!(
                "plugin \"{plugin}\" sent a change that breaks a constraint{}: {message}",
                constrained(error)
            )),
            "54" => DbError::too_large(format!(
                "plugin \"{plugin}\" sent a statement over a limit of the database: {message}"
            )),
            "08" | "28" | "53" | "57" | "58" | "XX" => DbError::unavailable(format!(
                "the database failed a statement of plugin \"{plugin}\": {message} ({})",
                code.code()
            )),
            _ => DbError::invalid(format!(
                "plugin \"{plugin}\" sent a statement that does not work: {message}"
            )),
        },
    };
    fault.of_engine(kind, code.code())
}

fn kind(code: &SqlState) -> DbErrorKind {
    match *code {
        SqlState::UNIQUE_VIOLATION => DbErrorKind::Unique,
        SqlState::FOREIGN_KEY_VIOLATION => DbErrorKind::ForeignKey,
        SqlState::NOT_NULL_VIOLATION => DbErrorKind::NotNull,
        SqlState::CHECK_VIOLATION => DbErrorKind::Check,
        SqlState::EXCLUSION_VIOLATION => DbErrorKind::Exclusion,
        SqlState::LOCK_NOT_AVAILABLE => DbErrorKind::LockTimeout,
        SqlState::T_R_SERIALIZATION_FAILURE => DbErrorKind::Serialization,
        SqlState::T_R_DEADLOCK_DETECTED => DbErrorKind::Deadlock,
        SqlState::SYNTAX_ERROR => DbErrorKind::Syntax,
        SqlState::UNDEFINED_TABLE => DbErrorKind::UndefinedTable,
        SqlState::UNDEFINED_COLUMN => DbErrorKind::UndefinedColumn,
        SqlState::DATATYPE_MISMATCH => DbErrorKind::Data,
        SqlState::READ_ONLY_SQL_TRANSACTION => DbErrorKind::ReadOnly,
        // Class 22 is "data exception".
        _ if code.code().starts_with("22") => DbErrorKind::Data,
        _ => DbErrorKind::Other,
    }
}

/// Of which table and column.
fn constrained(error: &ServerError) -> String {
    match (error.table(), error.column()) {
        (Some(table), Some(column)) => format!(" of {table}.{column}"),
        (Some(table), None) => format!(" of {table}"),
        _ => String::new(),
    }
}

fn refusal(
    policy: &Policy,
    access: &Access,
    statement: Option<&Checked>,
    error: &ServerError,
) -> String {
    let message = error.message();
    if error.routine() == Some(CHECKS_ROW) {
        return policy.refuse(
            "write this row",
            format_args!(
                "organisations own the table, and a row must be of the caller's own ({message})"
            ),
            "no grant allows it",
        );
    }
    if let (Some(message), Some(statement)) = (lacks_right(error), statement) {
        if let Some(relation) = access.relation_in(statement, message) {
            return access.refusal(policy, statement, relation);
        }
        let mut called = statement.calls.iter();
        if let Some(function) = called.find(|function| mentions(message, function)) {
            return policy.refuse(
                format_args!("call function \"{function}\""),
                "the plugin's role may not execute it",
                "the database's owner can grant it",
            );
        }
    }
    policy.refuse(
        "run this statement",
        message,
        "no grant allows it, unless it is about a table that was made or renamed just now",
    )
}

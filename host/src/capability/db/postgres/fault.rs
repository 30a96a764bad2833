//! What an error of the server means to the plugin.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError as Said, SqlState};

use super::super::backend::DbError;
use super::access::Access;
use super::connect;
use super::policy::{Policy, Purpose};

/// Why the server refused a statement.
pub(super) fn of(policy: &Policy, access: &Access, error: &Error) -> DbError {
    let plugin = &policy.plugin;
    let Some(said) = error.as_db_error() else {
        // What the driver says of a parameter's conversion, which was checked before.
        let text = connect::said(error);
        return DbError::Unavailable(format!(
            "the database failed a statement of plugin \"{plugin}\": {text}"
        ));
    };
    let message = said.message();
    let code = said.code();
    match *code {
        SqlState::QUERY_CANCELED => return DbError::TimedOut,
        SqlState::LOCK_NOT_AVAILABLE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE => {
            return DbError::Conflict(format!(
                "plugin \"{plugin}\" did not get a lock of the database in time: {message}"
            ));
        }
        SqlState::INSUFFICIENT_PRIVILEGE => return denied(policy, access, said),
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            return DbError::Denied(policy.refuse(
                "change anything in a query",
                "a query only reads",
                "run it as a change, with a db:write grant",
            ));
        }
        SqlState::OUT_OF_MEMORY | SqlState::CONFIGURATION_LIMIT_EXCEEDED => {
            return DbError::TooLarge(format!(
                "plugin \"{plugin}\" sent a statement that takes too much memory: {message}"
            ));
        }
        _ => {}
    }
    match code.code().get(..2).unwrap_or_default() {
        "23" => DbError::Conflict(format!(
            "plugin \"{plugin}\" sent a change that breaks a constraint{}: {message}",
            broken(said)
        )),
        "54" => DbError::TooLarge(format!(
            "plugin \"{plugin}\" sent a statement over a limit of the database: {message}"
        )),
        "08" | "28" | "53" | "57" | "58" | "XX" => DbError::Unavailable(format!(
            "the database failed a statement of plugin \"{plugin}\": {message} ({})",
            code.code()
        )),
        _ => DbError::Invalid(format!(
            "plugin \"{plugin}\" sent a statement that does not work: {message}"
        )),
    }
}

/// Of which table and column.
fn broken(said: &Said) -> String {
    match (said.table(), said.column()) {
        (Some(table), Some(column)) => format!(" of {table}.{column}"),
        (Some(table), None) => format!(" of {table}"),
        _ => String::new(),
    }
}

/// The table whose rights did not suffice, if the message says one.
pub(super) fn refused_table(error: &Error) -> Option<&str> {
    let said = error.as_db_error()?;
    if *said.code() != SqlState::INSUFFICIENT_PRIVILEGE {
        return None;
    }
    const BEGINNINGS: [&str; 12] = [
        "permission denied for table ",
        "permission denied for view ",
        "permission denied for materialized view ",
        "permission denied for foreign table ",
        "permission denied for relation ",
        "permission denied for sequence ",
        "must be owner of table ",
        "must be owner of view ",
        "must be owner of materialized view ",
        "must be owner of index ",
        "must be owner of relation ",
        "must be owner of sequence ",
    ];
    BEGINNINGS
        .iter()
        .find_map(|beginning| said.message().strip_prefix(beginning))
}

fn denied(policy: &Policy, access: &Access, said: &Said) -> DbError {
    let message = said.message();
    if message.contains("row-level security") || message.contains("row security") {
        return DbError::Denied(policy.refuse(
            "write this row",
            format_args!(
                "organisations own the table, and a row must be of the caller's own ({message})"
            ),
            "no grant allows it",
        ));
    }
    if let Some(name) = message.strip_prefix("permission denied for function ") {
        return DbError::Denied(policy.refuse(
            format_args!("call function \"{name}\""),
            "the plugin's role may not execute it",
            "the database's owner can grant it",
        ));
    }
    if let Some(name) = message.strip_prefix("permission denied for sequence ") {
        return DbError::Denied(policy.refuse(
            format_args!("use sequence \"{name}\""),
            "only changes use sequences, and only those of tables that a db:write grant covers",
            "grant db:write for its table",
        ));
    }
    let owner = message.strip_prefix("must be owner of table ");
    if let Some(table) = owner
        && policy.purpose == Purpose::Change
        && policy.changes(table)
    {
        return DbError::Denied(policy.refuse(
            format_args!("alter, index or drop table \"{table}\""),
            "on PostgreSQL a plugin does so only with tables that it made itself",
            "the application has to change its own",
        ));
    }
    const BEGINNINGS: [&str; 2] = ["permission denied for ", "must be owner of "];
    let named = BEGINNINGS
        .iter()
        .find_map(|beginning| message.strip_prefix(beginning));
    match named.and_then(|rest| {
        [
            "table ",
            "view ",
            "materialized view ",
            "foreign table ",
            "relation ",
            "sequence ",
        ]
        .iter()
        .find_map(|kind| rest.strip_prefix(kind))
    }) {
        Some(table) => DbError::Denied(access.refusal(policy, table)),
        None => DbError::Denied(policy.refuse("run this statement", message, "no grant allows it")),
    }
}

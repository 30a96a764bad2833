//! `db-types`: what the database interfaces exchange.

#![allow(missing_docs, reason = "documented in wit/db-types.wit")]

use wasmtime::component::{ComponentType, Lift, Lower};

use super::types::Error;

types_only!();

/// A value in a database. Types that a back-end has beyond these (numeric, timestamp, uuid, json) are text.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Value {
    #[component(name = "null")]
    Null,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "text")]
    Text(String),
    #[component(name = "blob")]
    Blob(Vec<u8>),
    /// A type that a later version adds: its name and its text. This version never returns it, and refuses it as a
    /// parameter.
    #[component(name = "other")]
    Other((String, String)),
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Rows {
    /// Names, in the order of the values in each row.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// One statement of a transaction.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Statement {
    pub sql: String,
    pub params: Vec<Value>,
}

/// What a statement did.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Outcome {
    #[component(name = "rows-affected")]
    pub rows_affected: u64,
    /// The row id of the last insertion, where the back-end has such a thing and the statement inserted.
    #[component(name = "last-insert-id")]
    pub last_insert_id: Option<i64>,
}

/// Which database answers, and so which dialect of SQL it speaks.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum DbEngine {
    #[component(name = "sqlite")]
    Sqlite,
    #[component(name = "postgresql")]
    Postgresql,
    /// A back-end of the application's own: its name.
    #[component(name = "other")]
    Other(String),
}

/// What a database found wrong.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum DbErrorKind {
    /// A row with such a key is there already.
    #[component(name = "unique")]
    Unique,
    /// A row refers to one that is not there, or is referred to.
    #[component(name = "foreign-key")]
    ForeignKey,
    #[component(name = "not-null")]
    NotNull,
    #[component(name = "check")]
    Check,
    /// PostgreSQL's exclusion constraints.
    #[component(name = "exclusion")]
    Exclusion,
    /// Somebody else holds a lock for too long. Trying again can help.
    #[component(name = "lock-timeout")]
    LockTimeout,
    /// The transaction does not fit with others that ran at the same time. Trying again can help.
    #[component(name = "serialization")]
    Serialization,
    /// Two transactions waited for each other, and this one was ended. Trying again can help.
    #[component(name = "deadlock")]
    Deadlock,
    #[component(name = "syntax")]
    Syntax,
    #[component(name = "undefined-table")]
    UndefinedTable,
    #[component(name = "undefined-column")]
    UndefinedColumn,
    /// A value has the wrong type or form, is out of range, or is divided by zero.
    #[component(name = "data")]
    Data,
    /// Something that only a statement which changes nothing may not do.
    #[component(name = "read-only")]
    ReadOnly,
    #[component(name = "other")]
    Other(String),
}

/// Why a statement failed. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct DbError {
    /// The error as any other interface would tell it.
    pub error: Error,
    /// What the database found wrong, where it was the database.
    pub kind: Option<DbErrorKind>,
    /// The database's own code: on PostgreSQL the SQLSTATE, such as `23505`; on SQLite the extended result code by its
    /// name, such as `SQLITE_CONSTRAINT_UNIQUE`.
    pub code: Option<String>,
    /// Which statement of a transaction failed, counted from 1.
    pub statement: Option<u32>,
}

impl From<Error> for DbError {
    /// An error that the database had no part in.
    fn from(error: Error) -> Self {
        Self {
            error,
            kind: None,
            code: None,
            statement: None,
        }
    }
}

//! Why a call to a database failed.
//!
//! An error has a reason, which is the contract's error and decides what the plugin's caller gets to see, and a text for
//! people. Where the engine said what went wrong, it also has a kind and the engine's own code, so that a plugin can act
//! on a value that is taken already, or on a lost race, without reading a text. Texts can be in the language that the
//! server is set to, and change with its versions; reasons, kinds and codes do not.

use std::fmt;

use thiserror::Error;

use crate::capability::RateLimited;
use crate::contract::Error as ContractError;

/// Why a call failed. Nothing of it happened. Texts name the plugin, what was tried, the rule, and what would help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct DbError {
    /// What sort of failure it is to the plugin's caller.
    pub reason: DbReason,
    /// For people, without the number of the statement.
    pub text: String,
    /// What went wrong, where the engine said so, or the host refused what it knows the engine would.
    pub kind: Option<DbErrorKind>,
    /// The engine's own code, where the engine refused: the SQLSTATE of five characters on PostgreSQL (`23505`), the
    /// extended result code as a decimal number on SQLite (`2067` for `SQLITE_CONSTRAINT_UNIQUE`).
    pub code: Option<String>,
    /// Which statement of a transaction it is about, counted from 1; none where there is only one, or it is about all.
    pub statement: Option<u32>,
}

/// The sort of failure, in the words of the contract's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbReason {
    /// The scope, or a rule that holds for every plugin, refuses the statement.
    Denied,
    /// The statement or its parameters have the wrong form, or name what does not exist.
    Invalid,
    /// A constraint, or a lock that was not to be had in time.
    Conflict,
    /// Over a cap of rows, bytes or memory.
    TooLarge,
    /// The plugin asks more often than its policy allows.
    RateLimited(RateLimited),
    /// The deadline or the statement time passed, or the caller went away.
    TimedOut,
    /// The database does not answer or is not there, or the host has no room for the call at present.
    Unavailable,
}

/// What went wrong, as far as programs tell it apart. The same words on every engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DbErrorKind {
    /// A value is there already that may be there once.
    Unique,
    /// A row refers to one that is not there, or is referred to.
    ForeignKey,
    /// A column got no value and must have one.
    NotNull,
    /// A condition of the table does not hold.
    Check,
    /// Two rows are there that exclude each other. PostgreSQL only.
    Exclusion,
    /// A lock was not to be had in time. The same call can succeed later.
    LockTimeout,
    /// Others changed what the transaction had read. The same call can succeed at once.
    Serialization,
    /// Two transactions waited for each other, and this one was given up. The same call can succeed at once.
    Deadlock,
    /// The text is no SQL of this engine.
    Syntax,
    /// A table or view that does not exist.
    UndefinedTable,
    /// A column that does not exist.
    UndefinedColumn,
    /// A value that cannot be computed or stored: a division by zero, a number out of range, text that is no date, a
    /// value of the wrong type.
    Data,
    /// A query that would change something.
    ReadOnly,
    /// Anything else that the engine said. The code tells what.
    Other,
}

impl DbErrorKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Unique,
        Self::ForeignKey,
        Self::NotNull,
        Self::Check,
        Self::Exclusion,
        Self::LockTimeout,
        Self::Serialization,
        Self::Deadlock,
        Self::Syntax,
        Self::UndefinedTable,
        Self::UndefinedColumn,
        Self::Data,
        Self::ReadOnly,
        Self::Other,
    ];

    /// The word for it, as the contract spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::ForeignKey => "foreign-key",
            Self::NotNull => "not-null",
            Self::Check => "check",
            Self::Exclusion => "exclusion",
            Self::LockTimeout => "lock-timeout",
            Self::Serialization => "serialization",
            Self::Deadlock => "deadlock",
            Self::Syntax => "syntax",
            Self::UndefinedTable => "undefined-table",
            Self::UndefinedColumn => "undefined-column",
            Self::Data => "data",
            Self::ReadOnly => "read-only",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for DbErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl DbError {
    fn new(reason: DbReason, text: impl Into<String>) -> Self {
        Self {
            reason,
            text: text.into(),
            kind: None,
            code: None,
            statement: None,
        }
    }

    /// The scope, or a rule that holds for every plugin, refuses the statement.
    pub fn denied(text: impl Into<String>) -> Self {
        Self::new(DbReason::Denied, text)
    }

    /// The statement or its parameters have the wrong form, or name what does not exist.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(DbReason::Invalid, text)
    }

    /// A constraint, or a lock that was not to be had in time.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(DbReason::Conflict, text)
    }

    /// Over a cap of rows, bytes or memory.
    pub fn too_large(text: impl Into<String>) -> Self {
        Self::new(DbReason::TooLarge, text)
    }

    /// The plugin asks more often than its policy allows.
    #[must_use]
    pub fn rate_limited(limited: RateLimited) -> Self {
        let text = format!(
            "the plugin uses the database too often; try again in {} ms",
            limited.retry_after_ms()
        );
        Self::new(DbReason::RateLimited(limited), text)
    }

    /// The deadline or the statement time passed, or the caller went away.
    #[must_use]
    pub fn timed_out() -> Self {
        Self::new(
            DbReason::TimedOut,
            "the database call did not finish in time; nothing was changed",
        )
    }

    /// The database does not answer or is not there, or the host has no room for the call at present.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(DbReason::Unavailable, text)
    }

    /// The same error, of this kind.
    #[must_use]
    pub fn of_kind(self, kind: DbErrorKind) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }

    /// The same error, as the engine says it: of this kind, with the engine's code.
    #[must_use]
    pub fn of_engine(self, kind: DbErrorKind, code: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            code: Some(code.into()),
            ..self
        }
    }

    /// The same error, of the statement of a transaction that has this index, counted from 0.
    #[must_use]
    pub fn in_statement(self, index: usize) -> Self {
        Self {
            statement: u32::try_from(index + 1).ok(),
            ..self
        }
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.statement {
            write!(f, "statement {number} of the transaction: ")?;
        }
        f.write_str(&self.text)
    }
}

impl From<RateLimited> for DbError {
    fn from(limited: RateLimited) -> Self {
        Self::rate_limited(limited)
    }
}

impl From<DbError> for ContractError {
    fn from(error: DbError) -> Self {
        let text = error.to_string();
        match error.reason {
            DbReason::Denied => Self::PermissionDenied(text),
            DbReason::Invalid => Self::InvalidArgument(text),
            DbReason::Conflict => Self::Conflict(text),
            DbReason::TooLarge => Self::TooLarge(text),
            DbReason::RateLimited(limited) => limited.into(),
            DbReason::TimedOut => Self::TimedOut,
            DbReason::Unavailable => Self::Unavailable(text),
        }
    }
}

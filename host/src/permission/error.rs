//! What can be wrong with the text of a grant, said so that the reader can write it right.

use super::kind::{Access, Permission};

/// Why the text of a grant is not one. Each message says what is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// There is nothing where the type should be.
    #[error(
        "a grant is written TYPE[:ACCESS][=SCOPE,…], such as db:read=ticket,queue; the type is missing"
    )]
    MissingType,
    /// The type is not one of the kinds of permission.
    #[error("unknown permission type {found:?}; the types are {}", types())]
    UnknownType {
        /// What was given.
        found: String,
    },
    /// The kind has levels of access and none was given.
    #[error("{permission} needs an access: {}", spellings(*.permission))]
    MissingAccess {
        /// The kind.
        permission: Permission,
    },
    /// The kind has levels of access, and this is not one of them.
    #[error("{permission} has no access {found:?}; write {}", spellings(*.permission))]
    UnknownAccess {
        /// The kind.
        permission: Permission,
        /// What was given.
        found: String,
    },
    /// The kind has no levels of access and one was given.
    #[error(
        "{permission} has no access levels: write {permission} instead of {permission}:{found}"
    )]
    UnexpectedAccess {
        /// The kind.
        permission: Permission,
        /// What was given.
        found: String,
    },
    /// There is an `=` with nothing behind it.
    #[error(
        "{grant}= has an empty scope: leave out the = for a grant without a scope, or name what it covers"
    )]
    EmptyScope {
        /// What stands before the `=`.
        grant: String,
    },
    /// A scope entry does not parse.
    #[error("{permission} grant: scope entry {entry:?} {reason}")]
    BadEntry {
        /// The kind.
        permission: Permission,
        /// The entry, as given.
        entry: String,
        /// What is wrong and what would be right.
        reason: PatternError,
    },
    /// More than one entry where there can only be one.
    #[error("files takes one scope entry, a quota such as 100MiB; found {found}")]
    TooManyQuotas {
        /// How many were given.
        found: usize,
    },
}

/// Why a scope entry is not a pattern of its kind: a clause that continues "scope entry "…" ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl PatternError {
    /// An error that reads as `clause`.
    pub(super) fn new(clause: impl Into<String>) -> Self {
        Self(clause.into())
    }
}

fn types() -> String {
    Permission::ALL.map(Permission::name).join(", ")
}

/// `db:read, db:write or db:readwrite`.
fn spellings(permission: Permission) -> String {
    let mut all: Vec<String> = permission
        .accesses()
        .iter()
        .map(|access: &Access| format!("{permission}:{access}"))
        .collect();
    let last = all.pop().unwrap_or_default();
    if all.is_empty() {
        last
    } else {
        format!("{} or {last}", all.join(", "))
    }
}

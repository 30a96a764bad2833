//! What can be wrong with the text of a grant, and with an application's permission, said so that the reader can write it
//! right.

use super::PermissionName;
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
    #[error("unknown permission type {found:?}; the types are {}", types(.apps))]
    UnknownType {
        /// What was given.
        found: String,
        /// The application's own, where they are known.
        apps: Vec<PermissionName>,
    },
    /// The application has this permission, and not with this level.
    #[error("{grant} is no level that the application has; write {}", one_of(.right))]
    AppAccess {
        /// The grant.
        grant: String,
        /// How a grant of it begins.
        right: Vec<String>,
    },
    /// The kind has levels of access and none was given.
    #[error("{permission} needs an access: {}", spellings(.permission))]
    MissingAccess {
        /// The kind.
        permission: Permission,
    },
    /// The kind has levels of access, and this is not one of them.
    #[error("{permission} has no access {found:?}; write {}", spellings(.permission))]
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

/// Why a permission of an application is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppPermissionError {
    /// The name does not say whose it is, or is one of ours.
    #[error(
        "{name:?} {}; a permission of an application is named by whose it is and what it opens, in lower-case letters, digits \
         and _, such as acme_billing",
        if *.ours { "is a permission of the host's own" } else { "is no name for a permission" }
    )]
    Name {
        /// What was given, cut.
        name: String,
        /// Whether it is one of ours.
        ours: bool,
    },
    /// An interface needs a level that the permission does not have.
    #[error("an interface needs {name} {}, which it does not have; it can need {}", level(*.access), one_of(.right))]
    Level {
        /// The permission.
        name: PermissionName,
        /// What was asked for.
        access: Option<Access>,
        /// What there is.
        right: Vec<String>,
    },
    /// Two providers bring different permissions of one name.
    #[error(
        "the permission {name} is brought twice, with other levels, words or rates; bring it once, or both times the same"
    )]
    Twice {
        /// The permission.
        name: PermissionName,
    },
}

impl GrantError {
    /// A type that nobody can have, by the shape of its name.
    pub(super) fn unknown_type(found: &str) -> Self {
        Self::UnknownType {
            found: found.to_owned(),
            apps: Vec::new(),
        }
    }
}

fn types(apps: &[PermissionName]) -> String {
    let ours = Permission::OURS.iter().map(Permission::name);
    let all: Vec<&str> = ours
        .chain(apps.iter().map(PermissionName::as_str))
        .collect();
    all.join(", ")
}

fn level(access: Option<Access>) -> String {
    match access {
        Some(access) => format!("with the level {access}"),
        None => "without a level".to_owned(),
    }
}

/// `db:read, db:write or db:readwrite`.
fn spellings(permission: &Permission) -> String {
    let accesses = permission.accesses().iter();
    let all: Vec<String> = accesses
        .map(|access| format!("{permission}:{access}"))
        .collect();
    one_of(&all)
}

fn one_of(all: &[String]) -> String {
    match all.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

//! What a back-end for deletions has to do.
//!
//! It holds the application's tables and, beside them, the recycle bin and the deletion log. Each change is one
//! transaction that checks again what it was decided on: of two that race for an entity one happens, and the other finds
//! that it came too late. A back-end knows nothing of plugins; no transaction of it is open while one runs.

use std::time::Instant;

use async_trait::async_trait;
use serde::Serialize;
use thiserror::Error;

use super::config::{EntityType, EntityTypes};
use crate::store::{SchemaError, StoreError};

/// The application's entities, as far as deleting them goes.
#[async_trait]
pub trait EntityStore: Send + Sync + 'static {
    /// The entity types that it was opened with. All other functions are called with these only.
    fn types(&self) -> &EntityTypes;

    /// Where an entity is at present.
    async fn find(&self, target: &Target<'_>, deadline: Instant) -> Result<Found, EntityFault>;

    /// Marks an entity, replaces its personal data, puts it into the bin and writes the log, or does nothing of it.
    async fn soft_delete(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault>;

    /// Gives an entity the mark back that it had before, takes it out of the bin and writes the log, or does nothing.
    async fn restore(
        &self,
        target: &Target<'_>,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault>;

    /// Removes an entity, its custom field values and its place in the bin, and writes the log, or does nothing.
    async fn hard_delete(
        &self,
        target: &Target<'_>,
        why: Removal,
        note: &Note,
        deadline: Instant,
    ) -> Result<(), EntityFault>;

    /// The bin's entities of one type, newest first.
    async fn bin(
        &self,
        entity_type: &EntityType,
        reach: Reach,
        most: u32,
        deadline: Instant,
    ) -> Result<Vec<DeletedEntity>, EntityFault>;

    /// Takes charge, until `until_ms`, of the entity whose time in the bin ended first before `now_ms`, so that no other
    /// node and no later call gets it meanwhile. None when there is no such entity.
    async fn claim_expired(
        &self,
        now_ms: i64,
        until_ms: i64,
        deadline: Instant,
    ) -> Result<Option<Expired>, EntityFault>;

    /// What was done to entities of one type, newest first.
    async fn log(
        &self,
        entity_type: &EntityType,
        most: u32,
        deadline: Instant,
    ) -> Result<Vec<LogEntry>, EntityFault>;
}

/// An entity, and whose it must be.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its type.
    pub entity_type: &'a EntityType,
    /// Its id.
    pub id: i64,
    /// One that is out of reach does not exist.
    pub reach: Reach,
}

/// Whose entities can be reached. Means something only for types with an organisation column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All: for the host itself.
    Everywhere,
    /// Those of one organisation; without one, none. Rows whose organisation is null are nobody's.
    Organisation(Option<i64>),
}

/// Where an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// There is none, or it is out of reach.
    Nowhere,
    /// In its table and not in the bin.
    Live,
    /// In the bin.
    InBin,
    /// In the bin, but the application has taken the mark away itself.
    Unmarked,
    /// In the bin, but the application has removed the row itself.
    Gone,
}

/// Why an entity is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Somebody wants it, wherever it is.
    Wanted,
    /// Its time in the bin is over at this time. One that is no longer there, or bears no mark any more, stays.
    Expired {
        /// Milliseconds since 1970-01-01T00:00Z.
        now_ms: i64,
    },
}

/// What the bin and the log say about a change: who, when, why, and nothing of the entity itself.
#[derive(Debug, Clone)]
pub struct Note {
    /// Milliseconds since 1970-01-01T00:00Z.
    pub at_ms: i64,
    /// The user's id; none when nobody was signed in.
    pub user: Option<String>,
    /// The plugin that asked for it; none for the host itself.
    pub plugin: Option<String>,
    /// Why.
    pub reason: String,
}

/// An entity in the bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeletedEntity {
    /// Its type.
    pub entity_type: String,
    /// Its id.
    pub id: i64,
    /// Milliseconds since 1970-01-01T00:00Z; so is `expires_at_ms`.
    pub deleted_at_ms: i64,
    /// The user's id; none when a plugin or a job acted by itself.
    pub deleted_by: Option<String>,
    /// The plugin that asked for it; none for the host itself.
    pub by_plugin: Option<String>,
    /// Why.
    pub reason: String,
    /// When it is purged.
    pub expires_at_ms: i64,
}

/// An entity whose time in the bin is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Its type, which the application may not have any more.
    pub entity_type: String,
    /// Its id.
    pub id: i64,
    /// The organisation that it belonged to.
    pub organisation: Option<i64>,
}

/// What was done to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It was moved to the bin.
    SoftDelete,
    /// It was taken out of it.
    Restore,
    /// It was removed.
    HardDelete,
}

impl Action {
    /// The word in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoftDelete => "soft-delete",
            Self::Restore => "restore",
            Self::HardDelete => "hard-delete",
        }
    }

    /// The action that a word in the log stands for.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::SoftDelete, Self::Restore, Self::HardDelete]
            .into_iter()
            .find(|action| action.name() == name)
    }
}

/// A line of the deletion log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// Milliseconds since 1970-01-01T00:00Z.
    pub at_ms: i64,
    /// What was done.
    pub action: Action,
    /// To an entity of which type.
    pub entity_type: String,
    /// Which.
    pub id: i64,
    /// The organisation that it belonged to.
    pub organisation: Option<i64>,
    /// By which user.
    pub user: Option<String>,
    /// By which plugin.
    pub plugin: Option<String>,
    /// Why.
    pub reason: String,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntityFault {
    /// It is not where it would have to be; it may have moved since [`EntityStore::find`].
    #[error("it is not there: {0:?}")]
    Elsewhere(Found),
    /// The application's tables do not allow it.
    #[error("the application's tables do not allow it: {0}")]
    Refused(String),
    /// Other rows refer to the entity.
    #[error("other rows of the application refer to it: {0}")]
    Referenced(String),
    /// The database did not answer, or not in time.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a back-end cannot be opened with these entity types.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The configuration and the database do not fit together.
    #[error("entity type \"{entity_type}\": {problem}")]
    Mismatch {
        /// The type.
        entity_type: String,
        /// What is missing or of the wrong kind, and what would help.
        problem: String,
    },
    /// The host's tables cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The time as the back-ends have it.
#[must_use]
pub(super) fn milliseconds(time: std::time::SystemTime) -> i64 {
    let since = time
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

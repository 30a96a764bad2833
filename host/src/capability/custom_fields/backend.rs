//! What a back-end for custom fields has to do.
//!
//! A back-end keeps declarations and values. What it is given was checked against scopes and rules; what it returns are
//! values of the fields' types. Its promises: an update sees the values that it replaces, and is written completely or not
//! at all, whatever others do and whenever the process ends; a query finds exactly the entities for which all conditions
//! hold; values of one organisation do not exist for another.
//!
//! The organisation is part of a value's address. Whether an entity belongs to it, a back-end cannot know, so setting a
//! value for another organisation's entity changes nothing that the other could see, and reading it finds nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::contract::Error;
use crate::store::StoreError;

use super::condition::Condition;
use super::definition::{Declaration, Definition, FieldName};
use super::value::Value;

/// The most entities that a query finds.
pub const FOUND: usize = 10_000;

/// Whose values: those of one organisation, or those set by calls without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Organisation(pub Option<i64>);

/// As it is stored: empty, or decimal digits.
impl fmt::Display for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => Ok(()),
        }
    }
}

/// An entity, as one organisation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its type.
    pub entity_type: String,
    /// Its number, unique among its type.
    pub id: i64,
    /// Who sees it.
    pub organisation: Organisation,
}

/// A condition on a field.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The field.
    pub field: Arc<Definition>,
    /// What its value must satisfy.
    pub condition: Condition,
}

/// Makes the new values of some fields from their present ones, in the same order.
pub type Update =
    Box<dyn FnOnce(Vec<Option<Value>>) -> Result<Vec<Option<Value>>, Error> + Send + 'static>;

/// Why a back-end did not do what it was asked. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// The database failed or took too long.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A field was registered with another type since the call began.
    #[error("the field {0} has another type since another version of its plugin was loaded")]
    Retyped(FieldName),
    /// A stored value is not one of its field's type.
    #[error("a stored value of the field {0} cannot be read")]
    Unreadable(FieldName),
    /// A query found more than [`FOUND`] entities.
    #[error("more than {FOUND} entities were found; add a filter that leaves out some")]
    TooMany,
    /// The update itself refused.
    #[error("{0}")]
    Refused(Error),
}

impl From<rusqlite::Error> for FieldsError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for FieldsError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<FieldsError> for Error {
    fn from(error: FieldsError) -> Self {
        match error {
            FieldsError::Store(error) => error.into(),
            FieldsError::Retyped(_) => Self::Conflict(error.to_string()),
            FieldsError::Unreadable(_) => Self::Unavailable(error.to_string()),
            FieldsError::TooMany => Self::TooLarge(error.to_string()),
            FieldsError::Refused(error) => error,
        }
    }
}

/// Why a plugin's fields could not be declared. None of them is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclareError {
    /// The database failed or took too long.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A field has values of another type.
    #[error(
        "the field {name} was registered with type {was} and has values, so it cannot become {becomes}: give the new field \
         another name, or remove the values first (DELETE FROM goatherd_custom_value WHERE field_id = {id})"
    )]
    Retyped {
        /// The field.
        name: FieldName,
        /// Its number in the database.
        id: i64,
        /// Its type until now.
        was: String,
        /// Its type in the registration.
        becomes: String,
    },
}

impl From<rusqlite::Error> for DeclareError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for DeclareError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Keeps declarations and values.
#[async_trait]
pub trait CustomFieldStore: Send + Sync + 'static {
    /// Takes note of what a plugin registered, replacing what it registered before under the same names. Fields that it
    /// registers no more stay, with their values, for the day it does again. Called when a plugin is loaded.
    ///
    /// # Errors
    ///
    /// [`DeclareError::Retyped`] for a field that has values and another type than before.
    async fn declare(
        &self,
        declarations: Vec<Declaration>,
        deadline: Instant,
    ) -> Result<(), DeclareError>;

    /// What was declared under these names, in the same order.
    async fn declared(
        &self,
        names: Vec<FieldName>,
        deadline: Instant,
    ) -> Result<Vec<Option<Declaration>>, FieldsError>;

    /// The values of an entity's fields, in the order of the fields.
    async fn values(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError>;

    /// Replaces the values of some fields, each of which is there once, by what `update` makes of them, and returns the
    /// new ones. Updates of one entity happen one after the other.
    async fn update(
        &self,
        entity: Entity,
        fields: Vec<Arc<Definition>>,
        update: Update,
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, FieldsError>;

    /// The entities for which all filters hold, of which there is at least one, in ascending order.
    async fn query(
        &self,
        organisation: Organisation,
        filters: Vec<Filter>,
        deadline: Instant,
    ) -> Result<Vec<i64>, FieldsError>;
}

//! `custom-fields-read` and `custom-fields-write`: fields that the application keeps on its entities for plugins.
//!
//! A field belongs to the plugin that registered it. The plugin is part of the field's address and never of its name, so
//! the fields of `foo-bar` and `foo_bar` cannot be mixed up, and a plugin that reads all of its fields gets its own. Those
//! of others it reaches by their full name, each by a grant of its own.
//!
//! Here it is decided what may be touched, before a back-end is asked: the scope, then whether there is such an entity
//! type and such a field, then whether all values fit. What is written is written in one transaction. Values belong to the
//! caller's organisation, see [`backend`].
//!
//! [`Definition`]s say what values a field can have, [`Condition`]s what a query means, [`Change`]s what an atomic
//! operation does; a back-end ([`CustomFieldStore`]) only has to keep and find.

pub mod backend;
mod change;
mod condition;
mod convert;
mod definition;
mod fields;
#[cfg(feature = "postgres")]
mod postgres;
pub(crate) mod schema;
mod serve;
mod sqlite;
pub mod value;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use backend::{
    CustomFieldStore, DeclareError, Entity, FOUND, FieldsError, Filter, Organisation, Update,
};
pub use change::{Change, GivenChange, Unmade};
pub use condition::{Comparison, Condition, GivenCondition, IN_VALUES, Index, Search, Test};
pub use definition::{Declaration, Definition, FieldName, Wrong};
pub use fields::FieldsAccess;
#[cfg(feature = "postgres")]
pub use postgres::PostgresFields;
pub use sqlite::SqliteFields;

use crate::capability::table::{CUSTOM_FIELDS_READ, CUSTOM_FIELDS_WRITE};
use crate::capability::{Interface, Of, PrepareError, Provider, Setup};
use crate::contract::bindings::link;
use crate::store::StoreError;

/// The most fields that a plugin registers, and that a call names.
pub const FIELDS: usize = 1_000;
/// The most fields of a plugin that have a regular expression, each of which can take a megabyte.
const EXPRESSIONS: usize = 100;
/// How long declaring a plugin's fields may take.
const DECLARING: Duration = Duration::from_secs(10);

/// Which entity types there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EntityTypes {
    /// Those for which a plugin registered fields: the application does not say.
    #[default]
    Registered,
    /// Those that the application says.
    Only(BTreeSet<String>),
}

impl<T: Into<String>> FromIterator<T> for EntityTypes {
    fn from_iter<I: IntoIterator<Item = T>>(types: I) -> Self {
        Self::Only(types.into_iter().map(Into::into).collect())
    }
}

/// Serves `custom-fields-read` and `custom-fields-write` from a back-end.
pub struct CustomFields {
    store: Arc<dyn CustomFieldStore>,
    entity_types: Arc<EntityTypes>,
}

impl CustomFields {
    /// Serves from this back-end, for every entity type that plugins register fields for.
    pub fn new(store: impl CustomFieldStore) -> Self {
        Self {
            store: Arc::new(store),
            entity_types: Arc::default(),
        }
    }

    /// Serves only these entity types: calls with others are `not-found`.
    #[must_use]
    pub fn entity_types(self, entity_types: EntityTypes) -> Self {
        Self {
            entity_types: Arc::new(entity_types),
            ..self
        }
    }
}

impl Provider for CustomFields {
    type State = FieldsAccess;

    fn interfaces(&self) -> Vec<Interface<FieldsAccess>> {
        vec![
            Interface::known(
                CUSTOM_FIELDS_READ,
                link::custom_fields_read::<_, Of<FieldsAccess>>,
            ),
            Interface::known(
                CUSTOM_FIELDS_WRITE,
                link::custom_fields_write::<_, Of<FieldsAccess>>,
            ),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<FieldsAccess, PrepareError> {
        let failed = |reason: String| PrepareError {
            capability: "custom_fields",
            reason,
        };
        let registered = &setup.registration.custom_fields;
        let expressions = registered
            .iter()
            .filter(|field| definition::has_regex(&field.config))
            .count();
        if registered.len() > FIELDS || expressions > EXPRESSIONS {
            return Err(failed(format!(
                "the plugin registers {} fields, {expressions} of them with a regular expression; at most {FIELDS} and \
                 {EXPRESSIONS} are served",
                registered.len()
            )));
        }
        let mut own = Vec::new();
        for field in registered {
            let declaration = Declaration::of(setup.plugin, field);
            let name = declaration.name.clone();
            let definition = Definition::new(declaration)
                .map_err(|wrong| failed(format!("the field {name}: {wrong}")))?;
            own.push(Arc::new(definition));
        }
        if !own.is_empty() {
            let declarations = own.iter().map(|own| own.declaration().clone()).collect();
            let deadline = Instant::now() + DECLARING;
            let declared = self.store.declare(declarations, deadline);
            let declared = tokio::time::timeout_at(deadline.into(), declared).await;
            declared
                .unwrap_or(Err(DeclareError::Store(StoreError::TimedOut)))
                .map_err(|error| failed(error.to_string()))?;
        }
        Ok(FieldsAccess::new(
            Arc::clone(&self.store),
            Arc::clone(&self.entity_types),
            own,
            setup.grants,
        ))
    }
}

/// Definitions of fields by their names.
type Known = HashMap<FieldName, Arc<Definition>>;

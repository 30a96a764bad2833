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
mod postgres;
pub(crate) mod schema;
mod serve;
mod sqlite;
pub mod value;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Linker;

pub use backend::{
    CustomFieldStore, DeclareError, Entity, FOUND, FieldsError, Filter, Organisation, Update,
};
pub use change::{Change, GivenChange, Unmade};
pub use condition::{Comparison, Condition, GivenCondition, IN_VALUES, Index, Search, Test};
pub use definition::{Declaration, Definition, FieldName, Wrong};
pub use fields::FieldsAccess;
pub use postgres::PostgresFields;
pub use sqlite::SqliteFields;

use crate::capability::{Guest, Of, PrepareError, Provider, Setup, Slot};
use crate::contract::v0_1::goatherd::plugin::{custom_fields_read, custom_fields_write};

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
    fn interfaces(&self) -> &'static [&'static str] {
        &["custom-fields-read", "custom-fields-write"]
    }

    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
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
        let declarations = own.iter().map(|own| own.declaration().clone()).collect();
        declare(&self.store, declarations).map_err(|error| failed(error.to_string()))?;
        Ok(Slot::new(FieldsAccess::new(
            Arc::clone(&self.store),
            Arc::clone(&self.entity_types),
            own,
            setup.grants,
        )))
    }
}

/// Declares fields and waits for it, for not much longer than [`DECLARING`].
///
/// Loading a plugin is not asynchronous here, and its thread may be the only one of the runtime, so the back-end gets a
/// thread and a runtime of its own for this.
fn declare(
    store: &Arc<dyn CustomFieldStore>,
    declarations: Vec<Declaration>,
) -> Result<(), DeclareError> {
    use crate::store::StoreError;

    if declarations.is_empty() {
        return Ok(());
    }
    let store = Arc::clone(store);
    let unavailable = |error: String| DeclareError::Store(StoreError::Unavailable(error));
    let thread = std::thread::Builder::new()
        .name("declare-fields".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| unavailable(error.to_string()))?;
            let deadline = Instant::now() + DECLARING;
            let declared = store.declare(declarations, deadline);
            let declared = async { tokio::time::timeout_at(deadline.into(), declared).await };
            runtime
                .block_on(declared)
                .map_err(|_| DeclareError::Store(StoreError::TimedOut))?
        })
        .map_err(|error| unavailable(error.to_string()))?;
    let waited = || {
        let stopped = |_| Err(unavailable("declaring fields panicked".to_owned()));
        thread.join().unwrap_or_else(stopped)
    };
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        // Other tasks of this thread move to another one meanwhile.
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(waited),
        _ => waited(),
    }
}

/// Adds `custom-fields-read` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_read(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    custom_fields_read::add_to_linker::<_, Of<FieldsAccess>>(linker, Guest::view::<FieldsAccess>)
}

/// Adds `custom-fields-write` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_write(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    custom_fields_write::add_to_linker::<_, Of<FieldsAccess>>(linker, Guest::view::<FieldsAccess>)
}

/// Definitions of fields by their names.
type Known = HashMap<FieldName, Arc<Definition>>;

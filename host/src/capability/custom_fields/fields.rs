//! Which fields a plugin may touch, and what they are.
//!
//! Decisions come in this order, and nothing is asked of a back-end before the first two are made: may the plugin touch
//! fields of this entity type at all, may it touch each field that it names, is the entity type known, is there such a
//! field. A name that cannot be one is judged like one of the plugin's own, or of another's if it has a colon.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::capability::Caller;
use crate::contract::{Error, PluginName};
use crate::names::text::{NameShape, quoted};
use crate::permission::{FieldPattern, Grants, Scope};

use super::backend::CustomFieldStore;
use super::definition::{Definition, FieldName};
use super::{EntityTypes, FIELDS, FieldsError, Known};

/// What one plugin may do with custom fields.
pub struct FieldsAccess {
    pub(super) store: Arc<dyn CustomFieldStore>,
    entity_types: Arc<EntityTypes>,
    /// In the order of the registration.
    own: Vec<Arc<Definition>>,
    own_by_name: Known,
    /// Those of other plugins, as they were last read. As many as the grants name.
    foreign: Mutex<Known>,
    read: Option<Scope<FieldPattern>>,
    write: Option<Scope<FieldPattern>>,
}

/// What a plugin does with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Access {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A field that a plugin named, if there is one.
pub(super) struct Named {
    /// As the plugin knows it: without a prefix for its own, else in full. Never more than one short line.
    pub(super) shown: String,
    pub(super) definition: Option<Arc<Definition>>,
}

impl FieldsAccess {
    pub(super) fn new(
        store: Arc<dyn CustomFieldStore>,
        entity_types: Arc<EntityTypes>,
        own: Vec<Arc<Definition>>,
        grants: &Grants,
    ) -> Self {
        let own_by_name = own
            .iter()
            .map(|field| (field.name().clone(), Arc::clone(field)))
            .collect();
        Self {
            store,
            entity_types,
            own,
            own_by_name,
            foreign: Mutex::default(),
            read: grants.custom_fields_read().cloned(),
            write: grants.custom_fields_write().cloned(),
        }
    }

    /// All fields that the plugin registered for an entity type.
    pub(super) fn own(
        &self,
        caller: &Caller,
        access: Access,
        entity_type: &str,
    ) -> Result<Vec<Arc<Definition>>, Error> {
        self.allow_own(caller, access, entity_type)?;
        let own = self
            .own
            .iter()
            .filter(|own| own.name().entity_type == entity_type);
        let own: Vec<_> = own.cloned().collect();
        self.know(caller, entity_type, !own.is_empty())?;
        Ok(own)
    }

    /// Finds the fields that a plugin names, if it may touch all of them.
    pub(super) async fn named(
        &self,
        caller: &Caller,
        access: Access,
        entity_type: &str,
        names: Vec<String>,
    ) -> Result<Vec<Named>, Error> {
        let plugin = caller.plugin();
        if names.len() > FIELDS {
            return Err(Error::TooLarge(format!(
                "plugin \"{plugin}\" named {} custom fields in a call; at most {FIELDS} are allowed",
                names.len()
            )));
        }
        if names.is_empty() {
            self.allow_any(caller, access, entity_type)?;
        }
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push(self.address(caller, access, entity_type, &name)?);
        }
        let registered = |own: &Arc<Definition>| own.name().entity_type == entity_type;
        let mut known = self.own.iter().any(registered);
        // Whether fields of other plugins are registered for it, only the back-end knows.
        self.know(caller, entity_type, true)?;
        let mut wanted: Vec<FieldName> = Vec::new();
        for name in found.iter().filter_map(|(_, name)| name.as_ref()) {
            if name.plugin != *plugin && !wanted.contains(name) {
                wanted.push(name.clone());
            }
        }
        let foreign = self.foreign(wanted, caller.deadline()).await?;
        known |= !foreign.is_empty();
        self.know(caller, entity_type, known)?;
        let definition = |name: &FieldName| {
            let own = self.own_by_name.get(name);
            own.or_else(|| foreign.get(name)).cloned()
        };
        Ok(found
            .into_iter()
            .map(|(shown, name)| Named {
                shown,
                definition: name.as_ref().and_then(definition),
            })
            .collect())
    }

    /// Whether a plugin may touch a field, and which field that is; none if there can be none of that name.
    fn address(
        &self,
        caller: &Caller,
        access: Access,
        entity_type: &str,
        name: &str,
    ) -> Result<(String, Option<FieldName>), Error> {
        let own = caller.plugin();
        let (plugin, name) = match name.split_once(':') {
            Some((plugin, rest)) if plugin == own.as_str() => (None, rest),
            Some((plugin, rest)) => (Some(plugin), rest),
            None => (None, name),
        };
        let Some(plugin) = plugin else {
            self.allow_own(caller, access, entity_type)?;
            if NameShape::Underscore.check(name).is_err() {
                return Ok((quoted(name).to_string(), None));
            }
            let full = FieldName {
                plugin: own.clone(),
                entity_type: entity_type.to_owned(),
                name: name.to_owned(),
            };
            return Ok((name.to_owned(), Some(full)));
        };
        let allowed = self
            .scope(access)
            .is_some_and(|scope| scope.allows_foreign(entity_type, plugin, name));
        // Whatever a grant names has the form of a name.
        match plugin.parse::<PluginName>() {
            Ok(parsed) if allowed => {
                let full = FieldName {
                    plugin: parsed,
                    entity_type: entity_type.to_owned(),
                    name: name.to_owned(),
                };
                Ok((format!("{plugin}:{name}"), Some(full)))
            }
            _ => Err(Error::PermissionDenied(format!(
                "plugin \"{own}\" may not {0} the field {1} of another plugin: its custom_fields grant does not name it; \
                 grant custom_fields:{0}=<entity type>/<plugin>:<field> to allow it",
                access.word(),
                quoted(&format!("{entity_type}/{plugin}:{name}")),
            ))),
        }
    }

    fn scope(&self, access: Access) -> Option<&Scope<FieldPattern>> {
        match access {
            Access::Read => self.read.as_ref(),
            Access::Write => self.write.as_ref(),
        }
    }

    fn allow_own(&self, caller: &Caller, access: Access, entity_type: &str) -> Result<(), Error> {
        let scope = self.scope(access);
        if scope.is_some_and(|scope| scope.allows_own(entity_type)) {
            return Ok(());
        }
        Err(denied(caller, access, entity_type))
    }

    /// A call that names no field still names an entity type.
    fn allow_any(&self, caller: &Caller, access: Access, entity_type: &str) -> Result<(), Error> {
        let names = |pattern: &FieldPattern| match pattern {
            FieldPattern::Own(own) => own.matches(entity_type),
            FieldPattern::Foreign {
                entity_type: of, ..
            } => of == entity_type,
        };
        if self.scope(access).is_some_and(|scope| scope.any(names)) {
            return Ok(());
        }
        Err(denied(caller, access, entity_type))
    }

    /// Whether there is an entity type; `registered` says whether fields for it are.
    fn know(&self, caller: &Caller, entity_type: &str, registered: bool) -> Result<(), Error> {
        let known = match &*self.entity_types {
            EntityTypes::Registered => registered,
            EntityTypes::Only(types) => types.contains(entity_type),
        };
        if known {
            return Ok(());
        }
        Err(Error::NotFound(format!(
            "plugin \"{}\" used the entity type {}, which the application does not have",
            caller.plugin(),
            quoted(entity_type)
        )))
    }

    /// Definitions of other plugins' fields, by what is declared now.
    async fn foreign(&self, names: Vec<FieldName>, deadline: Instant) -> Result<Known, Error> {
        if names.is_empty() {
            return Ok(Known::new());
        }
        let declared = self.store.declared(names, deadline).await?;
        let mut remembered = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = Known::new();
        for declaration in declared.into_iter().flatten() {
            let name = declaration.name.clone();
            let definition = match remembered.get(&name) {
                Some(same) if *same.declaration() == declaration => Arc::clone(same),
                _ => {
                    let definition = Definition::new(declaration)
                        .map_err(|_| Error::from(FieldsError::Unreadable(name.clone())))?;
                    Arc::new(definition)
                }
            };
            remembered.insert(name.clone(), Arc::clone(&definition));
            known.insert(name, definition);
        }
        Ok(known)
    }
}

fn denied(caller: &Caller, access: Access, entity_type: &str) -> Error {
    let word = access.word();
    Error::PermissionDenied(format!(
        "plugin \"{}\" may not {word} custom fields of {}: its custom_fields grant does not name this entity type; \
         grant custom_fields:{word}=<entity type> to allow it",
        caller.plugin(),
        quoted(entity_type),
    ))
}

//! `entities-read`, `entities-write` and `entities-purge`: the recycle bin, deletion with an undo, deletion for good.
//!
//! Which entity types there are is the application's configuration ([`EntityTypes`]); which of them a plugin may touch is
//! its grant. Plugins of one host that registered a cascade for a type are asked before anything is deleted, whoever
//! deletes. The process is in [`EntityService`], which the host uses for itself as well; the tables are a back-end's
//! ([`EntityStore`]).

mod backend;
mod config;
mod fit;
mod kept;
mod parse;
#[cfg(feature = "postgres")]
mod postgres;
mod purge;
mod service;
mod sqlite;
mod state;

use std::sync::Arc;

pub use backend::{
    Action, DeletedEntity, EntityFault, EntityStore, Expired, Found, LogEntry, Note, OpenError,
    Reach, Removal, Target,
};
pub use config::{
    Constant, DELETED, EntitySettings, EntityType, EntityTypeError, EntityTypes, Identifier, Mark,
    Personal, PersonalSettings, RETENTION_DAYS, ReplacedSettings, Replacement, SoftDeleteSettings,
    TimeForm,
};
#[cfg(feature = "postgres")]
pub use postgres::PostgresEntities;
pub use purge::{BATCH, EVERY, PurgeJob, Purged};
pub use service::{Actor, BIN_MAX, EntityService, LOG_MAX, REASON_BYTES};
pub use sqlite::SqliteEntities;

use crate::capability::table::{ENTITIES_PURGE, ENTITIES_READ, ENTITIES_WRITE};
use crate::capability::{Caller, Interface, Of, Peers, PrepareError, Provider, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{self, EntitiesPurge, EntitiesRead, EntitiesWrite};
use crate::permission::{EntityPattern, Scope};

/// Serves `entities-read`, `entities-write` and `entities-purge`.
pub struct Entities(EntityService);

impl Entities {
    /// Serves with this service.
    #[must_use]
    pub fn new(service: EntityService) -> Self {
        Self(service)
    }
}

impl Provider for Entities {
    type State = EntityAccess;

    fn interfaces(&self) -> Vec<Interface<EntityAccess>> {
        vec![
            Interface::known(ENTITIES_READ, link::entities_read::<_, Of<EntityAccess>>),
            Interface::known(ENTITIES_WRITE, link::entities_write::<_, Of<EntityAccess>>),
            Interface::known(ENTITIES_PURGE, link::entities_purge::<_, Of<EntityAccess>>),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<EntityAccess, PrepareError> {
        Ok(EntityAccess {
            service: self.0.clone(),
            peers: Arc::clone(setup.peers),
            read: setup.grants.entities_read().cloned(),
            write: setup.grants.entities_write().cloned(),
            purge: setup.grants.entities_purge().cloned(),
        })
    }
}

/// What one plugin may do with entities.
pub struct EntityAccess {
    service: EntityService,
    peers: Arc<dyn Peers>,
    read: Option<Scope<EntityPattern>>,
    write: Option<Scope<EntityPattern>>,
    purge: Option<Scope<EntityPattern>>,
}

/// Checks an entity type against a scope; `access` is the word for the scope's access level.
fn check(
    caller: &Caller,
    scope: Option<&Scope<EntityPattern>>,
    access: &str,
    entity_type: &str,
) -> Result<(), Error> {
    if scope.is_some_and(|scope| scope.allows(entity_type)) {
        return Ok(());
    }
    let tried = match access {
        "read" => "see the deleted entities",
        "write" => "delete or restore entities",
        _ => "delete entities for good",
    };
    let shown: String = entity_type.chars().take(80).collect();
    Err(Error::PermissionDenied(format!(
        "plugin \"{}\" may not {tried} of type {shown:?}: its entity grant covers only other types; grant \
         entity:{access}={} to allow it",
        caller.plugin(),
        shown.escape_debug()
    )))
}

impl<'a> View<'a, EntityAccess> {
    fn access(
        &self,
        scope: fn(&EntityAccess) -> &Option<Scope<EntityPattern>>,
        access: &str,
        entity_type: &str,
    ) -> Result<(&'a EntityService, Actor), Error> {
        let state = self.state()?;
        check(self.caller, scope(state).as_ref(), access, entity_type)?;
        let actor = Actor::caller(self.caller, Arc::clone(&state.peers));
        Ok((&state.service, actor))
    }
}

impl EntitiesRead for View<'_, EntityAccess> {
    async fn recycle_bin(
        &mut self,
        entity_type: String,
    ) -> Result<Vec<host::DeletedEntity>, Error> {
        let (service, actor) = self.access(|access| &access.read, "read", &entity_type)?;
        let bin = service.recycle_bin(&actor, &entity_type).await?;
        Ok(bin.into_iter().map(Into::into).collect())
    }
}

impl EntitiesWrite for View<'_, EntityAccess> {
    async fn soft_delete(
        &mut self,
        entity_type: String,
        id: i64,
        reason: String,
    ) -> Result<(), Error> {
        let (service, actor) = self.access(|access| &access.write, "write", &entity_type)?;
        service.soft_delete(&actor, &entity_type, id, &reason).await
    }

    async fn restore(&mut self, entity_type: String, id: i64) -> Result<(), Error> {
        let (service, actor) = self.access(|access| &access.write, "write", &entity_type)?;
        service.restore(&actor, &entity_type, id).await
    }
}

impl EntitiesPurge for View<'_, EntityAccess> {
    async fn hard_delete(
        &mut self,
        entity_type: String,
        id: i64,
        reason: String,
    ) -> Result<(), Error> {
        let (service, actor) = self.access(|access| &access.purge, "hard_delete", &entity_type)?;
        service.hard_delete(&actor, &entity_type, id, &reason).await
    }
}

impl From<DeletedEntity> for host::DeletedEntity {
    fn from(entity: DeletedEntity) -> Self {
        Self {
            entity_type: entity.entity_type,
            id: entity.id,
            deleted_at_ms: u64::try_from(entity.deleted_at_ms).unwrap_or_default(),
            deleted_by: entity.deleted_by,
            reason: entity.reason,
            expires_at_ms: u64::try_from(entity.expires_at_ms).unwrap_or_default(),
        }
    }
}

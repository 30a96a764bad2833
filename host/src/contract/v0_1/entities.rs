//! `entities-read`, `entities-write` and `entities-purge`.

use super::generated::plugin::goatherd::plugin::{entities_purge, entities_read, entities_write};
use crate::contract::Error;
use crate::contract::host::{DeletedEntity, EntitiesPurge, EntitiesRead, EntitiesWrite};

impl<V: EntitiesRead> entities_read::Host for V {
    async fn recycle_bin(
        &mut self,
        entity_type: String,
    ) -> Result<Vec<entities_read::DeletedEntity>, Error> {
        let entities = EntitiesRead::recycle_bin(self, entity_type).await?;
        Ok(entities.into_iter().map(Into::into).collect())
    }
}

impl<V: EntitiesWrite> entities_write::Host for V {
    async fn soft_delete(
        &mut self,
        entity_type: String,
        id: i64,
        reason: String,
    ) -> Result<(), Error> {
        EntitiesWrite::soft_delete(self, entity_type, id, reason).await
    }

    async fn restore(&mut self, entity_type: String, id: i64) -> Result<(), Error> {
        EntitiesWrite::restore(self, entity_type, id).await
    }
}

impl<V: EntitiesPurge> entities_purge::Host for V {
    async fn hard_delete(
        &mut self,
        entity_type: String,
        id: i64,
        reason: String,
    ) -> Result<(), Error> {
        EntitiesPurge::hard_delete(self, entity_type, id, reason).await
    }
}

impl From<DeletedEntity> for entities_read::DeletedEntity {
    fn from(entity: DeletedEntity) -> Self {
        Self {
            entity_type: entity.entity_type,
            id: entity.id,
            deleted_at_ms: entity.deleted_at_ms,
            deleted_by: entity.deleted_by,
            reason: entity.reason,
            expires_at_ms: entity.expires_at_ms,
        }
    }
}

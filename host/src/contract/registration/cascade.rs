//! What the plugin does when an entity is deleted.

use serde::Serialize;

use super::{
    check::{EntityType, FunctionName},
    problem::Item,
};
use crate::contract::wire::registration as wire;

/// What the plugin does when an entity is deleted; at least one of the two handlers is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cascade {
    /// Of which entities; one cascade for each type.
    pub entity_type: EntityType,
    /// Runs inside a soft deletion, which an error from it stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_soft_delete: Option<FunctionName>,
    /// Runs inside a hard deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hard_delete: Option<FunctionName>,
}

impl Cascade {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Cascade) -> Option<Self> {
        let entity_type = item.take("entity_type", EntityType::parse(&given.entity_type));
        if entity_type.is_some() {
            item.unique("entity_type", given.entity_type, "entity type");
        }
        if given.on_soft_delete.is_none() && given.on_hard_delete.is_none() {
            item.problem(
                "",
                "it has no handler; expected on_soft_delete, on_hard_delete or both",
            );
            return None;
        }
        let parse = |name: String| FunctionName::parse(&name);
        let soft = item.if_present("on_soft_delete", given.on_soft_delete, parse);
        let hard = item.if_present("on_hard_delete", given.on_hard_delete, parse);
        Some(Cascade {
            entity_type: entity_type?,
            on_soft_delete: soft?,
            on_hard_delete: hard?,
        })
    }
}

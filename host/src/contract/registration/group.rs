//! Groups of users that the plugin needs.

use serde::Serialize;

use super::{
    check::{DESCRIPTION_MAX, GroupName},
    problem::Item,
};
use crate::contract::wire::registration as wire;

/// A group of users that the plugin needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// Unique in the plugin; routes use it as `group:<name>`.
    pub name: GroupName,
    /// For people; may be empty.
    pub description: String,
}

impl Group {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Group) -> Option<Self> {
        let name = item.take("name", GroupName::parse(&given.name));
        if name.is_some() {
            item.unique("name", given.name, "name");
        }
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        Some(Group {
            name: name?,
            description: description?,
        })
    }
}

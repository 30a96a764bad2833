//! Everything that one plugin has been granted, ready to be asked.
//!
//! Built once and never changed: a changed policy is a new value. Lookups are field accesses, so a capability can ask
//! on every call.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::grant::{Entries, Grant};
use super::kind::{Access, Need, Permission};
use super::{
    AddressPattern, ChannelPattern, EntityPattern, FieldPattern, FilesGrant, HostPattern,
    KeyPattern, KeyPrefix, PermissionName, PluginPattern, RoutePattern, Scope, SlugPattern,
    TablePattern,
};

/// A plugin's grants. Entries of one type and access add up.
///
/// Each lookup is named like the interface that the grant links. It gives none if there is no such grant, and then the
/// interface is not linked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    given: Vec<Grant>,
    db: Levels<TablePattern>,
    cache: Levels<KeyPrefix>,
    http: Option<Scope<HostPattern>>,
    email: Option<Scope<AddressPattern>>,
    config: Option<Scope<KeyPattern>>,
    secure_config: Levels<KeyPattern>,
    plugin_call: Option<Scope<PluginPattern>>,
    capability: Option<Scope<SlugPattern>>,
    events: Option<Scope<ChannelPattern>>,
    entity: Levels<EntityPattern>,
    custom_fields: Levels<FieldPattern>,
    routes: Option<Scope<RoutePattern>>,
    files: Option<FilesGrant>,
    /// Those of the application's permissions that have levels, and without levels.
    apps: BTreeMap<PermissionName, (Levels<KeyPattern>, Option<Scope<KeyPattern>>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Levels<P> {
    read: Option<Scope<P>>,
    write: Option<Scope<P>>,
    hard_delete: Option<Scope<P>>,
}

impl<P> Default for Levels<P> {
    fn default() -> Self {
        Self {
            read: None,
            write: None,
            hard_delete: None,
        }
    }
}

impl<P: Clone + PartialEq> Levels<P> {
    fn add(&mut self, access: Option<Access>, scope: &Scope<P>) {
        let Some(access) = access else { return };
        for (level, slot) in [
            (Access::Read, &mut self.read),
            (Access::Write, &mut self.write),
            (Access::HardDelete, &mut self.hard_delete),
        ] {
            if access.includes(level) {
                add(slot, scope.clone());
            }
        }
    }
}

fn add<P: PartialEq>(slot: &mut Option<Scope<P>>, scope: Scope<P>) {
    match slot {
        Some(present) => present.add(scope),
        None => *slot = Some(scope),
    }
}

/// For kinds where an absent scope is the plugin's own.
fn own_or<P: Clone>(entries: &[P]) -> Scope<P> {
    if entries.is_empty() {
        Scope::own()
    } else {
        Scope::only(entries.to_vec())
    }
}

impl Grants {
    /// What a plugin has before an operator has looked at it: its own part of the cache, and nothing else.
    #[must_use]
    pub fn default_policy() -> Self {
        Grant::parse("cache:readwrite").into_iter().collect()
    }

    /// Whether an interface that needs `need` is linked: by one grant, or by one for reading and one for writing.
    #[must_use]
    pub fn covers(&self, need: &Need) -> bool {
        let covered = |part: &Need| self.given.iter().any(|grant| grant.covers(part));
        need.parts().iter().all(covered)
    }

    /// The grants as they were given.
    pub fn iter(&self) -> std::slice::Iter<'_, Grant> {
        self.given.iter()
    }

    /// Whether nothing is granted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Tables that queries may read.
    #[must_use]
    pub const fn db_read(&self) -> Option<&Scope<TablePattern>> {
        self.db.read.as_ref()
    }

    /// Tables that may be changed, and read in the course of it.
    #[must_use]
    pub const fn db_write(&self) -> Option<&Scope<TablePattern>> {
        self.db.write.as_ref()
    }

    /// Cache keys that may be read.
    #[must_use]
    pub const fn cache_read(&self) -> Option<&Scope<KeyPrefix>> {
        self.cache.read.as_ref()
    }

    /// Cache keys that may be set and deleted.
    #[must_use]
    pub const fn cache_write(&self) -> Option<&Scope<KeyPrefix>> {
        self.cache.write.as_ref()
    }

    /// Servers that may be asked.
    #[must_use]
    pub const fn http(&self) -> Option<&Scope<HostPattern>> {
        self.http.as_ref()
    }

    /// Recipients that may be written to.
    #[must_use]
    pub const fn email(&self) -> Option<&Scope<AddressPattern>> {
        self.email.as_ref()
    }

    /// Settings that may be read; `plugin.*` is always among them.
    #[must_use]
    pub const fn config(&self) -> Option<&Scope<KeyPattern>> {
        self.config.as_ref()
    }

    /// The plugin's own secrets that may be read.
    #[must_use]
    pub const fn secure_config_read(&self) -> Option<&Scope<KeyPattern>> {
        self.secure_config.read.as_ref()
    }

    /// The plugin's own secrets that may be written.
    #[must_use]
    pub const fn secure_config_write(&self) -> Option<&Scope<KeyPattern>> {
        self.secure_config.write.as_ref()
    }

    /// Plugins that may be called.
    #[must_use]
    pub const fn plugins(&self) -> Option<&Scope<PluginPattern>> {
        self.plugin_call.as_ref()
    }

    /// Capabilities that may be run.
    #[must_use]
    pub const fn capabilities(&self) -> Option<&Scope<SlugPattern>> {
        self.capability.as_ref()
    }

    /// Channels that may be published to.
    #[must_use]
    pub const fn events(&self) -> Option<&Scope<ChannelPattern>> {
        self.events.as_ref()
    }

    /// Entity types whose recycle bin may be seen.
    #[must_use]
    pub const fn entities_read(&self) -> Option<&Scope<EntityPattern>> {
        self.entity.read.as_ref()
    }

    /// Entity types that may be soft-deleted and restored.
    #[must_use]
    pub const fn entities_write(&self) -> Option<&Scope<EntityPattern>> {
        self.entity.write.as_ref()
    }

    /// Entity types that may be deleted for good.
    #[must_use]
    pub const fn entities_purge(&self) -> Option<&Scope<EntityPattern>> {
        self.entity.hard_delete.as_ref()
    }

    /// Custom fields that may be read.
    #[must_use]
    pub const fn custom_fields_read(&self) -> Option<&Scope<FieldPattern>> {
        self.custom_fields.read.as_ref()
    }

    /// Custom fields that may be written.
    #[must_use]
    pub const fn custom_fields_write(&self) -> Option<&Scope<FieldPattern>> {
        self.custom_fields.write.as_ref()
    }

    /// Paths outside the plugin's own prefix at which it may have routes.
    #[must_use]
    pub const fn routes(&self) -> Option<&Scope<RoutePattern>> {
        self.routes.as_ref()
    }

    /// The plugin's own data folder.
    #[must_use]
    pub const fn files(&self) -> Option<FilesGrant> {
        self.files
    }

    /// What is in scope of a permission of the application's, at this level, or without one where it has none. Without
    /// entries it is nothing.
    #[must_use]
    pub fn app(&self, name: &str, access: Option<Access>) -> Option<&Scope<KeyPattern>> {
        let (levels, plain) = self.apps.get(name)?;
        match access {
            None => plain.as_ref(),
            Some(Access::Read) => levels.read.as_ref(),
            Some(Access::Write) => levels.write.as_ref(),
            Some(Access::HardDelete) => levels.hard_delete.as_ref(),
            // Both levels are two scopes; who needs one asks for one.
            Some(Access::ReadWrite) => None,
        }
    }

    fn add(&mut self, grant: Grant) {
        let access = grant.access();
        match grant.entries() {
            Entries::Tables(p) => self.db.add(access, &Scope::only(p.clone())),
            Entries::Prefixes(p) => self.cache.add(access, &own_or(p)),
            Entries::Hosts(p) => add(&mut self.http, Scope::only(p.clone())),
            Entries::Addresses(p) => add(&mut self.email, Scope::only(p.clone())),
            Entries::Keys(p) if let Permission::App(name) = grant.permission() => {
                let scope = Scope::only(p.clone());
                let (levels, plain) = self.apps.entry(name.clone()).or_default();
                match access {
                    Some(_) => levels.add(access, &scope),
                    None => add(plain, scope),
                }
            }
            Entries::Keys(p) if *grant.permission() == Permission::Config => {
                add(
                    &mut self.config,
                    Scope::only(vec![KeyPattern::own_config()]),
                );
                add(&mut self.config, Scope::only(p.clone()));
            }
            Entries::Keys(p) => self.secure_config.add(access, &own_or(p)),
            Entries::Plugins(p) => add(&mut self.plugin_call, Scope::only(p.clone())),
            Entries::Slugs(p) => add(&mut self.capability, Scope::only(p.clone())),
            Entries::Channels(p) => add(&mut self.events, own_or(p)),
            Entries::EntityTypes(p) => self.entity.add(access, &Scope::only(p.clone())),
            Entries::Fields(p) => self.custom_fields.add(access, &Scope::only(p.clone())),
            Entries::Routes(p) => add(&mut self.routes, Scope::only(p.clone())),
            Entries::Quota(quota) => {
                let before = self.files.and_then(|files| files.quota);
                self.files = Some(FilesGrant {
                    quota: before.max(*quota),
                });
            }
        }
        self.given.push(grant);
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut all = Self::default();
        for grant in grants {
            all.add(grant);
        }
        all
    }
}

impl<'a> IntoIterator for &'a Grants {
    type Item = &'a Grant;
    type IntoIter = std::slice::Iter<'a, Grant>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Grants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.given)
    }
}

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Grant>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Grant, Need, Quota};
    use super::Grants;

    fn grants(texts: &[&str]) -> Grants {
        texts
            .iter()
            .map(|text| Grant::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn entries_of_one_type_add_up_and_levels_stay_apart() {
        let all = grants(&[
            "db:read=ticket",
            "db:readwrite=notes",
            "db:read=queue,ticket",
        ]);
        let read = all.db_read().unwrap();
        assert!(read.allows("ticket") && read.allows("notes") && read.allows("QUEUE"));
        assert_eq!(read.to_string(), "ticket, notes, queue");
        let write = all.db_write().unwrap();
        assert!(write.allows("notes") && !write.allows("ticket"));
    }

    #[test]
    fn no_level_implies_hard_delete() {
        let all = grants(&["entity:readwrite=*"]);
        assert!(all.covers(&Need::ENTITY_READ) && all.covers(&Need::ENTITY_WRITE));
        assert!(!all.covers(&Need::ENTITY_HARD_DELETE) && all.entities_purge().is_none());
        let purge = grants(&["entity:hard_delete=ticket"]);
        assert!(
            purge.covers(&Need::ENTITY_HARD_DELETE)
                && purge.entities_purge().unwrap().allows("ticket")
        );
        assert!(!purge.covers(&Need::ENTITY_READ) && !purge.covers(&Need::ENTITY_WRITE));
    }

    #[test]
    fn an_absent_scope_is_own_where_there_is_own_and_nothing_elsewhere() {
        let all = grants(&[
            "cache:read",
            "secure_config:read",
            "events",
            "config",
            "db:read",
            "http",
            "email",
            "plugin_call",
            "entity:read",
            "custom_fields:read",
            "routes",
        ]);
        assert!(all.cache_read().unwrap().allows("anything"));
        assert!(all.secure_config_read().unwrap().allows("token"));
        assert!(all.events().unwrap().allows("stats", "stats"));
        assert!(!all.events().unwrap().allows("stats", "other"));
        assert!(all.config().unwrap().allows("plugin.color"));
        assert!(!all.config().unwrap().allows("site.name"));
        assert!(all.db_read().unwrap().is_nothing());
        assert!(all.http().unwrap().is_nothing());
        assert!(all.email().unwrap().is_nothing());
        assert!(all.plugins().unwrap().is_nothing());
        assert!(all.entities_read().unwrap().is_nothing());
        assert!(all.custom_fields_read().unwrap().is_nothing());
        assert!(all.routes().unwrap().is_nothing());
    }

    #[test]
    fn own_and_entries_together_are_both() {
        let all = grants(&["events", "events=tickets.*", "config", "config=site.*"]);
        let events = all.events().unwrap();
        assert!(events.allows("stats", "stats") && events.allows("stats", "tickets.new"));
        assert_eq!(events.to_string(), "its own, tickets.*");
        assert!(
            all.config().unwrap().allows("site.name") && all.config().unwrap().allows("plugin.x")
        );
        let listed = grants(&["events=tickets.*"]);
        assert!(!listed.events().unwrap().allows("stats", "stats"));
    }

    #[test]
    fn the_default_policy_is_the_own_cache_and_nothing_else() {
        let all = Grants::default_policy();
        assert_eq!(
            serde_json::to_string(&all).unwrap(),
            r#"["cache:readwrite"]"#
        );
        assert!(all.covers(&Need::CACHE_READ) && all.covers(&Need::CACHE_WRITE));
        assert!(
            !all.covers(&Need::CONFIG) && !all.covers(&Need::EVENTS) && !all.covers(&Need::DB_READ)
        );
    }

    #[test]
    fn reading_and_writing_are_covered_by_one_grant_or_by_one_for_each() {
        for (given, covered) in [
            (&["cache:readwrite"][..], true),
            (&["cache:read", "cache:write=a:"], true),
            (&["cache:read"], false),
            (&["cache:write"], false),
            (&["cache:read", "db:write=*"], false),
        ] {
            assert_eq!(
                grants(given).covers(&Need::CACHE_READ_WRITE),
                covered,
                "{given:?}"
            );
        }
    }

    #[test]
    fn the_largest_quota_counts() {
        let all = grants(&["files", "files=1MiB", "files=2KiB"]);
        assert_eq!(all.files().unwrap().quota.map(Quota::bytes), Some(1 << 20));
        assert_eq!(grants(&["files"]).files().unwrap().quota, None);
        assert_eq!(grants(&["events"]).files(), None);
    }

    #[test]
    fn needs_are_shown_as_the_grants_that_cover_them() {
        assert_eq!(Need::DB_READ.to_string(), "db:read");
        assert_eq!(Need::HTTP.to_string(), "http");
        assert_eq!(Need::CONFIG.to_string(), "config");
        assert_eq!(Need::ENTITY_HARD_DELETE.to_string(), "entity:hard_delete");
        for need in [
            Need::DB_READ,
            Need::CACHE_READ_WRITE,
            Need::HTTP,
            Need::CONFIG,
            Need::ENTITY_HARD_DELETE,
            Need::FILES,
            Need::ROUTES,
        ] {
            assert!(grants(&[&need.to_string()]).covers(&need), "{need}");
        }
    }
}

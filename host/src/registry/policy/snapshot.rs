//! All policies as they are known in memory.
//!
//! What was read from the store is known up to a version. What this process changed itself is known ahead of that: it is
//! kept until a reading that has it. So a reading that began before a change and arrives after it undoes nothing, and a
//! change needs no reading to be seen, which could fail after the change was made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ResourcePolicy;
use crate::contract::PluginName;

/// An immutable view of the policies.
#[derive(Default)]
pub(super) struct Snapshot {
    policies: BTreeMap<PluginName, Arc<ResourcePolicy>>,
    /// The version of the reading.
    version: u64,
    /// What was changed here since, and at which version.
    ahead: BTreeMap<PluginName, u64>,
}

impl Snapshot {
    pub(super) fn get(&self, plugin: &str) -> Option<&Arc<ResourcePolicy>> {
        self.policies.get(plugin)
    }

    pub(super) fn all(&self) -> Vec<Arc<ResourcePolicy>> {
        self.policies.values().cloned().collect()
    }

    /// Whether the store at this version has nothing that is not here.
    pub(super) fn is_complete_at(&self, version: u64) -> bool {
        self.version == version
    }

    /// With a reading of the store; none where this one knows as much.
    pub(super) fn with_reading(&self, version: u64, read: Vec<ResourcePolicy>) -> Option<Self> {
        if version < self.version {
            return None;
        }
        let mut ahead = self.ahead.clone();
        ahead.retain(|_, changed| *changed > version);
        let mut policies: BTreeMap<_, _> = read
            .into_iter()
            .map(|policy| (policy.plugin.clone(), Arc::new(policy)))
            .collect();
        for plugin in ahead.keys() {
            match self.policies.get(plugin) {
                Some(policy) => policies.insert(plugin.clone(), Arc::clone(policy)),
                None => policies.remove(plugin),
            };
        }
        Some(Self {
            policies,
            version,
            ahead,
        })
    }

    /// With a change that this process made: a policy, or none any more.
    pub(super) fn with_change(
        &self,
        plugin: &PluginName,
        version: u64,
        policy: Option<ResourcePolicy>,
    ) -> Option<Self> {
        let known = self.ahead.get(plugin).copied().unwrap_or(self.version);
        if version <= known {
            return None;
        }
        let mut next = Self {
            policies: self.policies.clone(),
            version: self.version,
            ahead: self.ahead.clone(),
        };
        next.ahead.insert(plugin.clone(), version);
        match policy {
            Some(policy) => next.policies.insert(plugin.clone(), Arc::new(policy)),
            None => next.policies.remove(plugin),
        };
        Some(next)
    }

    /// The plugins whose policies differ between two views.
    pub(super) fn changed_since(&self, before: &Self) -> BTreeSet<PluginName> {
        let revision = |snapshot: &Self, plugin: &PluginName| {
            snapshot.get(plugin.as_str()).map(|policy| policy.revision)
        };
        let all = self.policies.keys().chain(before.policies.keys());
        all.filter(|plugin| revision(self, plugin) != revision(before, plugin))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(name: &str, revision: u64) -> ResourcePolicy {
        let mut policy = ResourcePolicy::default_for(name.parse().unwrap());
        policy.revision = revision;
        policy
    }

    fn revision(snapshot: &Snapshot, name: &str) -> Option<u64> {
        snapshot.get(name).map(|policy| policy.revision)
    }

    #[test]
    fn a_reading_from_before_a_change_does_not_undo_it() {
        let name: PluginName = "stats".parse().unwrap();
        let first = Snapshot::default()
            .with_reading(3, vec![policy("stats", 3)])
            .unwrap();
        let changed = first
            .with_change(&name, 5, Some(policy("stats", 5)))
            .unwrap();
        let late = changed
            .with_reading(4, vec![policy("stats", 3), policy("other", 4)])
            .unwrap();
        assert_eq!(
            (revision(&late, "stats"), revision(&late, "other")),
            (Some(5), Some(4))
        );
        let removed = late.with_change(&name, 6, None).unwrap();
        let late = removed.with_reading(5, vec![policy("stats", 5)]).unwrap();
        assert_eq!(revision(&late, "stats"), None);
        let made_anew = late.with_reading(8, vec![policy("stats", 8)]).unwrap();
        assert_eq!(revision(&made_anew, "stats"), Some(8));
        assert!(made_anew.ahead.is_empty());
    }

    #[test]
    fn of_two_changes_the_later_one_stays_whichever_arrives_last() {
        let name: PluginName = "stats".parse().unwrap();
        let later = Snapshot::default()
            .with_change(&name, 2, Some(policy("stats", 2)))
            .unwrap();
        assert!(
            later
                .with_change(&name, 1, Some(policy("stats", 1)))
                .is_none()
        );
        assert!(
            later
                .with_reading(3, Vec::new())
                .unwrap()
                .with_change(&name, 2, None)
                .is_none()
        );
    }
}

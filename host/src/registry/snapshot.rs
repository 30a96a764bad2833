//! All rows of a [`Replicated`](super::replicated::Replicated) table as they are known in memory.
//!
//! What was read from the source is known up to a version. What this process changed itself is known ahead of that: it is
//! kept until a reading that has it. So a reading that began before a change and arrives after it undoes nothing, and a
//! change needs no reading to be seen, which could fail after the change was made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::replicated::Replica;
use crate::contract::PluginName;

/// An immutable view of the rows.
pub(super) struct Snapshot<T> {
    by_name: BTreeMap<PluginName, Arc<T>>,
    /// The same in the order in which they are listed.
    listed: Vec<Arc<T>>,
    /// The version of the reading.
    version: u64,
    /// What was changed here since, and at which version.
    ahead: BTreeMap<PluginName, u64>,
}

impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            listed: Vec::new(),
            version: 0,
            ahead: BTreeMap::new(),
        }
    }
}

impl<T: Replica> Snapshot<T> {
    fn new(
        by_name: BTreeMap<PluginName, Arc<T>>,
        version: u64,
        ahead: BTreeMap<PluginName, u64>,
    ) -> Self {
        let mut listed: Vec<_> = by_name.values().cloned().collect();
        // Stable: equal ones stay in the order of their names.
        listed.sort_by_key(|row| row.place());
        Self {
            by_name,
            listed,
            version,
            ahead,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &PluginName> {
        self.by_name.keys()
    }

    pub(super) fn listed(&self) -> &[Arc<T>] {
        &self.listed
    }

    /// Whether the source at this version has nothing that is not here.
    pub(super) fn is_complete_at(&self, version: u64) -> bool {
        self.version == version
    }

    /// With a reading of the source; none where this one knows as much.
    pub(super) fn with_reading(&self, version: u64, read: Vec<T>) -> Option<Self> {
        if version < self.version {
            return None;
        }
        let mut ahead = self.ahead.clone();
        ahead.retain(|_, changed| *changed > version);
        let mut by_name: BTreeMap<_, _> = read
            .into_iter()
            .map(|row| (row.name().clone(), Arc::new(row)))
            .collect();
        for name in ahead.keys() {
            match self.by_name.get(name) {
                Some(row) => by_name.insert(name.clone(), Arc::clone(row)),
                None => by_name.remove(name),
            };
        }
        Some(Self::new(by_name, version, ahead))
    }

    /// With a change that this process made: a row, or none any more.
    pub(super) fn with_change(
        &self,
        name: &PluginName,
        version: u64,
        row: Option<Arc<T>>,
    ) -> Option<Self> {
        let known = self.ahead.get(name).copied().unwrap_or(self.version);
        if version <= known {
            return None;
        }
        let (mut by_name, mut ahead) = (self.by_name.clone(), self.ahead.clone());
        ahead.insert(name.clone(), version);
        match row {
            Some(row) => by_name.insert(name.clone(), row),
            None => by_name.remove(name),
        };
        Some(Self::new(by_name, self.version, ahead))
    }

    /// The owners of rows that differ between two views.
    pub(super) fn changed_since(&self, before: &Self) -> BTreeSet<PluginName> {
        let revision = |snapshot: &Self, name: &str| snapshot.get(name).map(|row| row.revision());
        let all = self.by_name.keys().chain(before.by_name.keys());
        all.filter(|name| revision(self, name.as_str()) != revision(before, name.as_str()))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Clone)]
    struct Row(PluginName, u64);

    impl Replica for Row {
        fn name(&self) -> &PluginName {
            &self.0
        }

        fn revision(&self) -> u64 {
            self.1
        }

        fn with_revision(self, revision: u64) -> Self {
            Self(self.0, revision)
        }
    }

    fn row(name: &str, revision: u64) -> Row {
        Row(name.parse().unwrap(), revision)
    }

    fn revision(snapshot: &Snapshot<Row>, name: &str) -> Option<u64> {
        snapshot.get(name).map(|row| row.revision())
    }

    #[test]
    fn a_reading_from_before_a_change_does_not_undo_it() {
        let name: PluginName = "stats".parse().unwrap();
        let first = Snapshot::default()
            .with_reading(3, vec![row("stats", 3)])
            .unwrap();
        let changed = first
            .with_change(&name, 5, Some(Arc::new(row("stats", 5))))
            .unwrap();
        let late = changed
            .with_reading(4, vec![row("stats", 3), row("other", 4)])
            .unwrap();
        assert_eq!(
            (revision(&late, "stats"), revision(&late, "other")),
            (Some(5), Some(4))
        );
        let removed = late.with_change(&name, 6, None).unwrap();
        let late = removed.with_reading(5, vec![row("stats", 5)]).unwrap();
        assert_eq!(revision(&late, "stats"), None);
        let made_anew = late.with_reading(8, vec![row("stats", 8)]).unwrap();
        assert_eq!(revision(&made_anew, "stats"), Some(8));
        assert!(made_anew.ahead.is_empty());
    }

    #[test]
    fn of_two_changes_the_later_one_stays_whichever_arrives_last() {
        let name: PluginName = "stats".parse().unwrap();
        let later = Snapshot::default()
            .with_change(&name, 2, Some(Arc::new(row("stats", 2))))
            .unwrap();
        let earlier = later.with_change(&name, 1, Some(Arc::new(row("stats", 1))));
        assert!(earlier.is_none());
        let read = later.with_reading(3, Vec::new()).unwrap();
        assert!(read.with_change(&name, 2, None).is_none());
    }
}

//! In which order plugins are loaded, by what they depend on.
//!
//! The order depends on names, versions and dependencies alone: not on the order in which plugins were found, nor on which
//! of them are enabled. What a plugin needs comes before it; among those that are free to go, the least name goes first. A
//! plugin that cannot have what it needs is refused with the reason, and so is whoever needs it, and nobody else. Nothing
//! here recurses, so a chain of ten thousand plugins is no danger.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use semver::Version;
use thiserror::Error;

use super::manifest::Dependency;
use crate::contract::PluginName;

/// A plugin and what it needs.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name. Names are unique: of two nodes with one name, the first counts.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// An order, and who is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Whoever can be loaded, each behind all that it needs.
    pub sequence: Vec<PluginName>,
    /// Whoever cannot, and why.
    pub refused: BTreeMap<PluginName, DependencyError>,
}

/// Why a plugin cannot have what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DependencyError {
    /// There is no such plugin.
    #[error("plugin \"{plugin}\" needs {needs}, which is not there; install it")]
    Missing {
        /// Who needs it.
        plugin: PluginName,
        /// What it needs.
        needs: Dependency,
    },
    /// There is one of another version.
    #[error(
        "plugin \"{plugin}\" needs {needs}, and there is {} {there}; install a version that fits", needs.name
    )]
    Version {
        /// Who needs it.
        plugin: PluginName,
        /// What it needs.
        needs: Dependency,
        /// The version that is there.
        there: Version,
    },
    /// It needs itself, by way of others.
    #[error(
        "plugin \"{plugin}\" needs itself: {}; one of these must do without the next",
        path(cycle)
    )]
    Cycle {
        /// Who needs itself.
        plugin: PluginName,
        /// The way from its least name back to that, with both ends.
        cycle: Vec<PluginName>,
    },
    /// It needs one that is refused.
    #[error("plugin \"{plugin}\" needs {needs}, which is refused: {reason}")]
    Refused {
        /// Who needs it.
        plugin: PluginName,
        /// What it needs.
        needs: PluginName,
        /// Why the first one of the chain is refused.
        reason: Box<DependencyError>,
    },
}

fn path(cycle: &[PluginName]) -> String {
    let names: Vec<&str> = cycle.iter().map(PluginName::as_str).collect();
    names.join(" -> ")
}

/// Puts plugins into an order.
#[must_use]
pub fn order(nodes: &[Node]) -> Order {
    let mut plugins: BTreeMap<&PluginName, &Node> = BTreeMap::new();
    for node in nodes {
        plugins.entry(&node.name).or_insert(node);
    }
    let mut order = Order::default();
    for node in plugins.values() {
        if let Some(error) = unmet(node, &plugins) {
            order.refused.insert(node.name.clone(), error);
        }
    }
    // How many of a plugin's needs have not been decided yet, and who needs whom.
    let mut waiting: BTreeMap<&PluginName, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&PluginName, Vec<&PluginName>> = BTreeMap::new();
    for node in plugins.values() {
        let there = needs(node).filter(|name| plugins.contains_key(name));
        let mut count = 0;
        for name in there {
            needed_by.entry(name).or_default().push(&node.name);
            count += 1;
        }
        waiting.insert(&node.name, count);
    }
    let mut free: BTreeSet<&PluginName> = waiting
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(name, _)| *name)
        .collect();
    let mut cycles_named = false;
    loop {
        while let Some(name) = free.pop_first() {
            waiting.remove(name);
            if !order.refused.contains_key(name) {
                order.sequence.push(name.clone());
            }
            for other in needed_by.get(name).into_iter().flatten().copied() {
                if let Some(reason) = order.refused.get(name)
                    && !order.refused.contains_key(other)
                {
                    let error = passed_on(other, name, reason);
                    order.refused.insert(other.clone(), error);
                }
                if let Some(count) = waiting.get_mut(other) {
                    *count -= 1;
                    if *count == 0 {
                        free.insert(other);
                    }
                }
            }
        }
        if cycles_named || waiting.is_empty() {
            return order;
        }
        // Whoever waits now is in a cycle, or needs one that is.
        cycles_named = true;
        let stuck: BTreeSet<&PluginName> = waiting.keys().copied().collect();
        for cycle in cycles(&stuck, &plugins) {
            for name in cycle.iter().skip(1) {
                let error = DependencyError::Cycle {
                    plugin: name.clone(),
                    cycle: cycle.clone(),
                };
                order.refused.entry(name.clone()).or_insert(error);
            }
        }
        free.extend(
            stuck
                .into_iter()
                .filter(|name| order.refused.contains_key(*name)),
        );
    }
}

/// The first need of a plugin that nothing there meets.
fn unmet(node: &Node, plugins: &BTreeMap<&PluginName, &Node>) -> Option<DependencyError> {
    node.dependencies
        .iter()
        .find_map(|needs| match plugins.get(&needs.name) {
            None => Some(DependencyError::Missing {
                plugin: node.name.clone(),
                needs: needs.clone(),
            }),
            Some(other) if !needs.versions.matches(&other.version) => {
                Some(DependencyError::Version {
                    plugin: node.name.clone(),
                    needs: needs.clone(),
                    there: other.version.clone(),
                })
            }
            Some(_) => None,
        })
}

/// The names that a plugin needs, each once.
fn needs(node: &Node) -> impl Iterator<Item = &PluginName> {
    let names: BTreeSet<&PluginName> = node.dependencies.iter().map(|needs| &needs.name).collect();
    names.into_iter()
}

/// What refuses a plugin that needs a refused one.
fn passed_on(plugin: &PluginName, needs: &PluginName, reason: &DependencyError) -> DependencyError {
    // Only the first reason is kept, so that a long chain does not nest.
    let reason = match reason {
        DependencyError::Refused { reason, .. } => reason.clone(),
        first => Box::new(first.clone()),
    };
    DependencyError::Refused {
        plugin: plugin.clone(),
        needs: needs.clone(),
        reason,
    }
}

/// A shortest cycle through each of these plugins that is in one, each cycle once.
fn cycles(
    stuck: &BTreeSet<&PluginName>,
    plugins: &BTreeMap<&PluginName, &Node>,
) -> Vec<Vec<PluginName>> {
    let mut found = Vec::new();
    let mut named: BTreeSet<PluginName> = BTreeSet::new();
    for start in stuck {
        if !named.contains(*start)
            && let Some(cycle) = cycle_through(start, stuck, plugins)
        {
            named.extend(cycle.iter().cloned());
            found.push(cycle);
        }
    }
    found
}

/// A shortest cycle through a plugin, from its least name back to that.
fn cycle_through(
    start: &PluginName,
    stuck: &BTreeSet<&PluginName>,
    plugins: &BTreeMap<&PluginName, &Node>,
) -> Option<Vec<PluginName>> {
    let mut came_from: BTreeMap<&PluginName, &PluginName> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(name) = next.pop_front() {
        for needed in needs(plugins.get(name)?) {
            if needed == start {
                let mut way = vec![name.clone()];
                let mut at = name;
                while let Some(before) = came_from.get(at) {
                    way.push((*before).clone());
                    at = before;
                }
                way.reverse();
                return Some(from_the_least(way));
            }
            if stuck.contains(needed) && !came_from.contains_key(needed) {
                came_from.insert(needed, name);
                next.push_back(needed);
            }
        }
    }
    None
}

/// A cycle turned so that it begins with its least name, and that name again at its end.
fn from_the_least(mut way: Vec<PluginName>) -> Vec<PluginName> {
    let least = way.iter().enumerate().min_by_key(|(_, name)| *name);
    let index = least.map_or(0, |(index, _)| index);
    way.rotate_left(index);
    way.extend(way.first().cloned());
    way
}

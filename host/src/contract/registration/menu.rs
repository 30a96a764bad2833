//! Menus: entries, entries to hide, and the page after signing in.
//!
//! WIT has no recursive types, so the tree of a menu comes as a list in which entries name their parent. A parent that
//! is none of the plugin's own may be one of the application's, which this layer does not know; among the plugin's own
//! a cycle, and a parent in another menu, is a problem.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    check::{self, ICON_MAX, LABEL_MAX},
    path::LocalPath,
    problem::{Found, Item},
};
use crate::contract::wire::registration as wire;
use crate::names::text::{quoted, quoted_owned};

/// A navigation entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MenuItem {
    /// Unique in the plugin.
    pub id: String,
    /// Text, or an i18n key.
    pub label: String,
    /// The name of an icon, or an SVG, which is untrusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Where it leads.
    pub path: LocalPath,
    /// Which menu.
    pub location: MenuLocation,
    /// The entry that this one stands under: the plugin's own or the application's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Sorts before plugin and id.
    pub order: i32,
}

words_of_wit! {
    /// Which menu.
    MenuLocation, "menu location" {
        /// The administrators'.
        Admin = "admin",
        /// The agents'.
        Agent = "agent",
        /// The customers'.
        Customer = "customer",
        /// The user's own.
        Profile = "profile",
    }
}

impl MenuItem {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::MenuItem) -> Option<Self> {
        let id = item.id(given.id);
        let label = item.required("label", given.label, LABEL_MAX);
        let icon = item.optional("icon", given.icon, ICON_MAX);
        let path = item.take("path", LocalPath::parse(given.path));
        let location = item.take("location", MenuLocation::known(given.location));
        let parent = item.if_present("parent", given.parent, parse_id);
        Some(MenuItem {
            id: id?,
            label: label?,
            icon: icon?,
            path: path?,
            location: location?,
            parent: parent?,
            order: given.order,
        })
    }
}

/// The id of an entry of the application.
pub(super) fn parse_id(text: String) -> Result<String, String> {
    check::id(&text)?;
    Ok(text)
}

/// What the entries say about their parents, valid or not otherwise, until all of them are known.
#[derive(Debug, Default)]
pub(super) struct Parents {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    index: usize,
    id: String,
    parent: Option<String>,
    location: Option<MenuLocation>,
}

/// How many entries of a cycle a message shows.
const CIRCLE_SHOWN: usize = 8;

impl Parents {
    /// Notes an entry, `index` among the menu items.
    pub(super) fn note(&mut self, index: usize, given: &wire::MenuItem) {
        self.entries.push(Entry {
            index,
            id: given.id.clone(),
            parent: given.parent.clone(),
            location: MenuLocation::known(given.location.clone()).ok(),
        });
    }

    /// Reports cycles, one problem each, and parents in another menu.
    pub(super) fn check(&self, found: &mut Found) {
        let mut own: HashMap<&str, usize> = HashMap::new();
        for (position, entry) in self.entries.iter().enumerate() {
            own.entry(&entry.id).or_insert(position);
        }
        let parent_of =
            |entry: &Entry| -> Option<usize> { own.get(entry.parent.as_deref()?).copied() };
        // Which walk visited an entry: every entry is visited once, so a long chain costs no more than a short one.
        let mut visited: Vec<Option<usize>> = vec![None; self.entries.len()];
        for (walk, start) in self.entries.iter().enumerate() {
            if let Some(parent) = parent_of(start).and_then(|position| self.entries.get(position))
                && let (Some(own), Some(other)) = (start.location, parent.location)
                && own != other
            {
                found.add(
                    format_args!("menu_items[{}].parent", start.index),
                    format_args!(
                        "menu item {}: it stands in the menu {own} and its parent {} in {other}; both must stand in \
                         the same menu",
                        quoted(&start.id),
                        quoted(&parent.id)
                    ),
                );
            }
            let mut position = walk;
            while let (Some(entry), Some(mark)) =
                (self.entries.get(position), visited.get_mut(position))
            {
                if *mark == Some(walk) {
                    self.report_cycle(found, position, &parent_of);
                    break;
                }
                if mark.is_some() {
                    break;
                }
                *mark = Some(walk);
                match parent_of(entry) {
                    Some(parent) => position = parent,
                    None => break,
                }
            }
        }
    }

    fn report_cycle(
        &self,
        found: &mut Found,
        position: usize,
        parent_of: &dyn Fn(&Entry) -> Option<usize>,
    ) {
        let Some(first) = self.entries.get(position) else {
            return;
        };
        let mut chain = vec![quoted_owned(&first.id)];
        let mut entry = first;
        while let Some(next) = parent_of(entry) {
            if chain.len() == CIRCLE_SHOWN && next != position {
                chain.push("…".to_owned());
                break;
            }
            let Some(parent) = self.entries.get(next) else {
                break;
            };
            chain.push(quoted_owned(&parent.id));
            if next == position {
                break;
            }
            entry = parent;
        }
        found.add(
            format_args!("menu_items[{}].parent", first.index),
            format_args!(
                "menu item {}: its parents lead back to itself ({}); expected parents that end at an entry without one",
                quoted(&first.id),
                chain.join(" under ")
            ),
        );
    }
}

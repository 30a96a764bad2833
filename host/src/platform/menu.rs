//! Menus: the application's entries and the plugins', as trees.
//!
//! Siblings are sorted by order, then by plugin (the application first), then by id. A plugin may hide an entry of the
//! application; what stood under it moves up to where it was, so that hiding one entry takes nobody else's away.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Application, Contributor};
use crate::contract::PluginName;
use crate::contract::registration::{MenuItem, MenuLocation};

/// How deep entries may stand under each other.
const DEPTH_MAX: usize = 8;

/// All menus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menus(BTreeMap<MenuLocation, Vec<MenuEntry>>);

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MenuEntry {
    /// Whose it is.
    pub owner: Owner,
    /// Unique among its owner's.
    pub id: String,
    /// Text, or a key of its owner's texts; untrusted.
    pub label: String,
    /// The name of an icon, or an SVG, which is untrusted.
    pub icon: Option<String>,
    /// Where it leads, on this server.
    pub path: String,
    /// Where it stands among its siblings: ascending.
    pub order: i32,
    /// What stands under it.
    pub children: Vec<MenuEntry>,
}

/// Whose an entry is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The application's.
    Application,
    /// A plugin's.
    Plugin(PluginName),
}

impl Owner {
    /// The plugin.
    pub fn plugin(&self) -> Option<&PluginName> {
        match self {
            Self::Application => None,
            Self::Plugin(name) => Some(name),
        }
    }
}

/// What names an entry.
type Key = (Owner, String);

impl Menus {
    pub(super) fn of<'a>(
        application: &Application,
        contributors: impl Iterator<Item = Contributor<'a>>,
    ) -> Self {
        let mut hidden: BTreeSet<&str> = BTreeSet::new();
        let mut theirs = Vec::new();
        for contributor in contributors {
            let registration = contributor.registration();
            hidden.extend(registration.hide_menu_items.iter().map(String::as_str));
            let items = registration.menu_items.iter();
            theirs.extend(items.map(|item| (contributor.name(), item)));
        }
        let own_ids: BTreeSet<Key> = theirs
            .iter()
            .map(|(plugin, item)| (Owner::Plugin((*plugin).clone()), item.id.clone()))
            .collect();
        let mut under: HashMap<(MenuLocation, Option<Key>), Vec<MenuEntry>> = HashMap::new();
        for item in &application.menu {
            if !hidden.contains(item.id.as_str()) {
                let top = under.entry((item.location, None)).or_default();
                top.push(MenuEntry {
                    owner: Owner::Application,
                    id: item.id.clone(),
                    label: item.label.clone(),
                    icon: None,
                    path: item.path.clone(),
                    order: item.order,
                    children: Vec::new(),
                });
            }
        }
        for (plugin, item) in theirs {
            let owner = Owner::Plugin(plugin.clone());
            let parent = item.parent.as_deref().and_then(|parent| {
                let own = (owner.clone(), parent.to_owned());
                if own_ids.contains(&own) {
                    return Some(own);
                }
                // Under a hidden entry means where that entry was.
                (!hidden.contains(parent)).then(|| (Owner::Application, parent.to_owned()))
            });
            under
                .entry((item.location, parent))
                .or_default()
                .push(entry(owner, item));
        }
        let menus = MenuLocation::ALL.iter().map(|&location| {
            let top = under.remove(&(location, None)).unwrap_or_default();
            (location, grown(top, location, &mut under))
        });
        Self(menus.collect())
    }

    /// The entries of a menu at its top, each with those under it.
    pub fn at(&self, location: MenuLocation) -> &[MenuEntry] {
        self.0.get(&location).map_or(&[], Vec::as_slice)
    }
}

fn entry(owner: Owner, item: &MenuItem) -> MenuEntry {
    MenuEntry {
        owner,
        id: item.id.clone(),
        label: item.label.clone(),
        icon: item.icon.clone(),
        path: item.path.as_str().to_owned(),
        order: item.order,
        children: Vec::new(),
    }
}

/// Sorts siblings and puts under each what belongs there. Ends because entries are taken out of `under`.
fn grown(
    mut siblings: Vec<MenuEntry>,
    location: MenuLocation,
    under: &mut HashMap<(MenuLocation, Option<Key>), Vec<MenuEntry>>,
) -> Vec<MenuEntry> {
    for entry in &mut siblings {
        let key = (entry.owner.clone(), entry.id.clone());
        if let Some(children) = under.remove(&(location, Some(key))) {
            entry.children = grown(children, location, under);
        }
    }
    siblings.sort_by(|one, other| {
        let key = |entry: &MenuEntry| (entry.order, entry.owner.clone(), entry.id.clone());
        key(one).cmp(&key(other))
    });
    siblings
}

/// Whether each entry's parent exists, and none stands too deep. Cycles among a plugin's own are refused earlier, by the
/// contract.
pub(super) fn check(application: &Application, candidate: &Contributor<'_>) -> Result<(), String> {
    let name = candidate.name();
    let items = &candidate.registration().menu_items;
    let own: HashMap<&str, &MenuItem> = items.iter().map(|item| (item.id.as_str(), item)).collect();
    for item in items {
        let mut above = item;
        for _ in 0..DEPTH_MAX {
            let Some(parent) = above.parent.as_deref() else {
                break;
            };
            match own.get(parent) {
                Some(next) => above = next,
                None => {
                    check_parent(application, name, above, parent)?;
                    break;
                }
            }
        }
        if above
            .parent
            .as_deref()
            .is_some_and(|parent| own.contains_key(parent))
        {
            return Err(format!(
                "plugin \"{name}\" is not served: its menu item \"{}\" stands more than {DEPTH_MAX} levels deep; put it \
                 higher",
                item.id
            ));
        }
    }
    Ok(())
}

fn check_parent(
    application: &Application,
    plugin: &PluginName,
    item: &MenuItem,
    parent: &str,
) -> Result<(), String> {
    let there = application
        .menu
        .iter()
        .filter(|own| own.location == item.location);
    if there.clone().any(|own| own.id == parent) {
        return Ok(());
    }
    let ids: Vec<&str> = there.map(|own| own.id.as_str()).collect();
    let ids = if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(", ")
    };
    Err(format!(
        "plugin \"{plugin}\" is not served: its menu item \"{}\" stands under \"{parent}\", which is neither an item of \
         the plugin nor one of the application in the menu {} (there are: {ids})",
        item.id, item.location
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::super::ApplicationItem;
    use super::super::testing::{contributor, description};
    use super::*;
    use crate::contract::wire::registration as wire;
    use crate::permission::Grants;
    use crate::runtime::Description;

    fn item(id: &str, order: i32, parent: Option<&str>) -> wire::Contribution {
        wire::Contribution::MenuItem(wire::MenuItem {
            id: id.to_owned(),
            label: id.to_owned(),
            icon: None,
            path: format!("/{id}"),
            location: wire::MenuLocation::Agent,
            parent: parent.map(str::to_owned),
            order,
        })
    }

    fn application() -> Application {
        let own = |id: &str, order| ApplicationItem {
            id: id.to_owned(),
            label: id.to_owned(),
            path: "/".to_owned(),
            location: MenuLocation::Agent,
            order,
        };
        Application {
            routes: Vec::new(),
            menu: vec![own("home", 0), own("tools", 50)],
        }
    }

    fn tree(entries: &[MenuEntry]) -> String {
        let shown = entries.iter().map(|entry| {
            if entry.children.is_empty() {
                entry.id.clone()
            } else {
                format!("{}({})", entry.id, tree(&entry.children))
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn agent(plugins: &[Arc<Description>]) -> String {
        let none = Grants::default();
        let contributors = plugins.iter().map(|plugin| contributor(plugin, &none));
        let menus = Menus::of(&application(), contributors);
        tree(menus.at(MenuLocation::Agent))
    }

    #[test]
    fn siblings_are_sorted_by_order_then_plugin_then_id_with_the_application_first() {
        let one = description("one", vec![item("b", 50, None), item("a", 50, None)]);
        let two = description("two", vec![item("a", -1, None), item("c", 50, None)]);
        assert_eq!(agent(&[two, one]), "a home tools a b c");
    }

    #[test]
    fn entries_stand_under_their_own_and_the_applications() {
        let one = description(
            "one",
            vec![
                item("leaf", 1, Some("branch")),
                item("branch", 1, Some("tools")),
            ],
        );
        let two = description("two", vec![item("branch", 0, Some("tools"))]);
        assert_eq!(agent(&[one, two]), "home tools(branch branch(leaf))");
    }

    #[test]
    fn hiding_an_entry_leaves_what_stood_under_it() {
        let one = description("one", vec![item("mine", 1, Some("tools"))]);
        let two = description(
            "two",
            vec![wire::Contribution::HideMenuItem("tools".to_owned())],
        );
        assert_eq!(agent(&[one, two]), "home mine");
    }

    #[test]
    fn a_parent_that_nobody_has_is_refused_and_named() {
        let none = Grants::default();
        let one = description("one", vec![item("mine", 1, Some("nowhere"))]);
        let refused = check(&application(), &contributor(&one, &none)).unwrap_err();
        assert!(
            refused.contains("\"nowhere\"") && refused.contains("home, tools"),
            "{refused}"
        );
    }

    #[test]
    fn a_tower_of_entries_is_refused() {
        let none = Grants::default();
        let name = |level: usize| format!("level-{level}");
        let mut parts = vec![item(&name(0), 0, None)];
        parts.extend((1..20).map(|level| item(&name(level), 0, Some(&name(level - 1)))));
        let one = description("one", parts);
        let refused = check(&application(), &contributor(&one, &none)).unwrap_err();
        assert!(refused.contains("levels deep"), "{refused}");
    }
}

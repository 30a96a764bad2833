//! What enabled plugins add to the application: routes, menu entries, widgets, a landing page, texts.
//!
//! All of it is one immutable [`Contributions`], computed anew from the manager's table whenever that changes and swapped
//! whole. So nothing has to be undone when a plugin goes: what it added is not in the next value. Readers get a snapshot,
//! whose plugins are called through handles: a call reaches the load that serves then.
//!
//! What does not fit is refused before the plugin is initialised, by naming both sides: the [`Application`] comes first,
//! then plugins in the order in which they were enabled.

mod application;
mod menu;
mod routes;
mod texts;
mod widgets;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

pub use application::{Application, ApplicationItem};
pub use menu::{MenuEntry, Menus, Owner};
pub use routes::{Found, RouteTable, ServedRoute};
pub use texts::{Direction, Texts};
pub use widgets::{PlacedWidget, Widgets};

use crate::contract::PluginName;
use crate::contract::registration::{ErrorCode, LocalPath, Registration};
use crate::manager::{Applier, Entry, Handle, Table};
use crate::permission::Grants;
use crate::runtime::Description;

/// Takes up what plugins add. Give it to [`Manager::applying`](crate::manager::Manager::applying).
pub struct Platform {
    application: Application,
    contributions: ArcSwap<Contributions>,
    changes: watch::Sender<()>,
}

/// What all enabled plugins add, at one moment.
#[derive(Debug, Default)]
pub struct Contributions {
    plugins: BTreeMap<PluginName, Handle>,
    /// Routes.
    pub routes: RouteTable,
    /// Menus, with the application's own entries.
    pub menus: Menus,
    /// Boxes on dashboards.
    pub widgets: Widgets,
    /// Texts by language.
    pub texts: Texts,
    /// Where to go after signing in.
    pub landing: Option<Landing>,
}

/// The page after signing in, if a plugin gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Landing {
    /// The page.
    pub path: LocalPath,
    /// Whose it is.
    pub plugin: PluginName,
    /// Plugins that give one too, and lost.
    pub others: Vec<PluginName>,
}

/// A plugin as the parts of this layer see it.
struct Contributor<'a> {
    description: &'a Arc<Description>,
    grants: &'a Grants,
}

impl<'a> Contributor<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            description: &entry.description,
            grants: &entry.grants,
        }
    }

    fn name(&self) -> &'a PluginName {
        &self.description.registration.name
    }

    fn registration(&self) -> &'a Registration {
        &self.description.registration
    }
}

impl Platform {
    /// A platform without plugins.
    pub fn new(application: Application) -> Arc<Self> {
        let contributions = Contributions::of(&application, &Table::default());
        Arc::new(Self {
            application,
            contributions: ArcSwap::from_pointee(contributions),
            changes: watch::Sender::new(()),
        })
    }

    /// What all enabled plugins add now.
    pub fn snapshot(&self) -> Arc<Contributions> {
        self.contributions.load_full()
    }

    /// Tells of every change of what [`snapshot`](Self::snapshot) gives, after it.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// What plugins must fit beside.
    pub fn application(&self) -> &Application {
        &self.application
    }
}

impl Applier for Platform {
    fn check(&self, present: &Table, candidate: &Entry) -> Result<(), String> {
        let candidate = Contributor::of(candidate);
        let others = || {
            let enabled = present.enabled().map(Contributor::of);
            enabled.filter(|other| other.name() != candidate.name())
        };
        routes::check(&self.application, others(), &candidate)?;
        menu::check(&self.application, &candidate)
    }

    fn apply(&self, table: &Table) {
        let contributions = Contributions::of(&self.application, table);
        self.contributions.store(Arc::new(contributions));
        self.changes.send_replace(());
    }
}

impl Contributions {
    fn of(application: &Application, table: &Table) -> Self {
        let enabled = || table.enabled().map(Contributor::of);
        Self {
            plugins: table
                .enabled()
                .filter_map(Entry::handle)
                .map(|handle| (handle.name().clone(), handle))
                .collect(),
            routes: RouteTable::of(enabled()),
            menus: Menus::of(application, enabled()),
            widgets: Widgets::of(enabled()),
            // Of all plugins, since those that do not serve are shown to operators too.
            texts: Texts::of(table.plugins().map(Contributor::of)),
            landing: landing(enabled()),
        }
    }

    /// An enabled plugin.
    pub fn plugin(&self, name: &str) -> Option<&Handle> {
        self.plugins.get(name)
    }

    /// What an enabled plugin registered for one of its own error codes.
    pub fn error_code(&self, plugin: &str, code: &str) -> Option<&ErrorCode> {
        let registered = &self.plugin(plugin)?.description().registration.error_codes;
        registered.iter().find(|registered| registered.code == code)
    }
}

/// The first plugin by name wins until operators can order them.
fn landing<'a>(contributors: impl Iterator<Item = Contributor<'a>>) -> Option<Landing> {
    let mut given = contributors.filter_map(|contributor| {
        let path = contributor.registration().landing_page.clone()?;
        Some((path, contributor.name().clone()))
    });
    let (path, plugin) = given.next()?;
    let others: Vec<PluginName> = given.map(|(_, plugin)| plugin).collect();
    Some(Landing {
        path,
        plugin,
        others,
    })
}

#[cfg(test)]
mod testing {
    //! Plugins that exist only as what they say about themselves.
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::contract::ContractVersion;
    use crate::contract::wire::registration as wire;

    /// What a plugin says that says nothing but its name and these contributions.
    pub(super) fn description(name: &str, parts: Vec<wire::Contribution>) -> Arc<Description> {
        let given = wire::Registration {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            description: None,
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: parts,
        };
        let host = semver::Version::new(0, 1, 0);
        Arc::new(Description {
            contract: ContractVersion::newest(),
            hash: String::new(),
            bytes: 0,
            imports: Vec::new(),
            exports: Vec::new(),
            registration: Registration::parse(given, &host).unwrap(),
        })
    }

    pub(super) fn contributor<'a>(
        description: &'a Arc<Description>,
        grants: &'a Grants,
    ) -> Contributor<'a> {
        Contributor {
            description,
            grants,
        }
    }
}

//! The table of plugins, as one immutable value.
//!
//! A name in it is one that a plugin's valid registration said, and stands for one file. A file that never got so far, or
//! whose plugin has the name of another one, is listed as [`Refused`], so that it is seen and cannot stand in the way of
//! the name that it claims.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Failure;
use crate::contract::PluginName;
use crate::permission::Grants;
use crate::runtime::{Component, Description, Plugin};

/// All plugins.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub(super) plugins: BTreeMap<PluginName, Entry>,
    pub(super) refused: BTreeMap<PathBuf, Refused>,
    pub(super) loaded: bool,
}

/// A plugin that has been described.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The file that it comes from.
    pub file: PathBuf,
    /// What it says about itself, and what was read off its component.
    pub description: Arc<Description>,
    /// What it is granted; nothing while nobody has decided.
    pub grants: Arc<Grants>,
    /// What it is doing.
    pub state: State,
    pub(super) component: Component,
}

/// A file that did not become a plugin.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What to call it.
    pub name_hint: String,
    /// Why.
    pub failure: Failure,
}

/// What a plugin is doing.
#[derive(Debug, Clone)]
pub enum State {
    /// Described and shown, waiting for a decision about its grants.
    Described {
        /// What would decide it.
        waiting_for: String,
    },
    /// Being linked and initialised.
    Starting {
        /// Which start it is.
        start: u64,
    },
    /// Serving.
    Enabled(Plugin),
    /// Not serving, by an operator's wish.
    Disabled,
    /// Not serving, because it could not be started.
    Failed(Failure),
}

impl State {
    /// The state in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Described { .. } => "described",
            Self::Starting { .. } => "starting",
            Self::Enabled(_) => "enabled",
            Self::Disabled => "disabled",
            Self::Failed(_) => "failed",
        }
    }
}

impl Entry {
    /// The plugin's name.
    pub fn name(&self) -> &PluginName {
        &self.description.registration.name
    }

    /// The plugin, if it serves.
    pub fn plugin(&self) -> Option<&Plugin> {
        match &self.state {
            State::Enabled(plugin) => Some(plugin),
            _ => None,
        }
    }

    /// Why it does not serve, if it failed.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Table {
    /// The plugin of that name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.plugins.get(name)
    }

    /// All described plugins by name.
    pub fn plugins(&self) -> impl Iterator<Item = &Entry> {
        self.plugins.values()
    }

    /// The plugins that serve, by name.
    pub fn enabled(&self) -> impl Iterator<Item = (&Entry, &Plugin)> {
        self.plugins()
            .filter_map(|entry| Some((entry, entry.plugin()?)))
    }

    /// Files that did not become plugins, by path.
    pub fn refused(&self) -> impl Iterator<Item = (&Path, &Refused)> {
        self.refused
            .iter()
            .map(|(file, refused)| (file.as_path(), refused))
    }

    /// Whether all plugins of the directory have been tried once.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(super) fn has_file(&self, file: &Path) -> bool {
        self.plugins().any(|entry| entry.file == file)
    }

    pub(super) fn known(&self) -> String {
        let names: Vec<&str> = self.plugins.keys().map(PluginName::as_str).collect();
        match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }
}

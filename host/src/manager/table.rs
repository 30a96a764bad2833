//! The table of plugins, as one immutable value.
//!
//! A name in it is one that a plugin's valid registration said, and stands for one file. A file that never got so far, or
//! whose plugin has the name of another one, is listed as [`Refused`], so that it is seen and cannot stand in the way of
//! the name that it claims.
//!
//! This table is the only truth about what is loaded: nothing beside it remembers that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::error::Failure;
use super::handle::{Handle, Loads};
use super::origin::{Content, Described, Origin};
use super::policy::Candidate;
use crate::capability::log::PluginLog;
use crate::contract::PluginName;
use crate::loader::PluginFiles;
use crate::loader::manifest::Manifest;
use crate::loader::signature::KeyId;
use crate::permission::Grants;
use crate::runtime::{Description, Limits, Plugin};

/// All plugins.
#[derive(Clone, Default)]
pub struct Table {
    pub(super) plugins: BTreeMap<PluginName, Entry>,
    pub(super) refused: BTreeMap<PathBuf, Refused>,
    pub(super) loaded: bool,
}

/// A plugin that has been described.
#[derive(Clone)]
pub struct Entry {
    /// What it says about itself, and what was read off its component.
    pub description: Arc<Description>,
    /// The trusted key that signed what was described, if one did.
    pub signed_by: Option<KeyId>,
    /// What it is granted; nothing while nobody has decided.
    pub grants: Arc<Grants>,
    /// How much of it; the default policy's while nobody has decided.
    pub limits: Arc<Limits>,
    /// What it is doing.
    pub state: State,
    /// Why the last reload failed, while the plugin that was there before serves on.
    pub reload_failure: Option<Failure>,
    /// Since when what is loaded is loaded.
    pub loaded_at: Option<SystemTime>,
    /// What its package or folder says about it.
    pub manifest: Option<Arc<Manifest>>,
    /// The files of its package or folder.
    pub files: Option<PluginFiles>,
    pub(super) content: Content,
    /// The reload that goes on, if one does.
    pub(super) reload: Option<u64>,
    pub(super) origin: Arc<Origin>,
    pub(super) log: Arc<PluginLog>,
    /// What calls it.
    pub(super) loads: Weak<dyn Loads>,
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
    /// Described and shown; nobody has been asked about it yet.
    Described,
    /// Described and shown, waiting for a decision about its grants.
    Waiting {
        /// What would decide it, as the end of a sentence.
        why: String,
    },
    /// Kept out by a decision. Nobody can call it.
    Blocked {
        /// Who or what decided so, as the end of a sentence.
        why: String,
    },
    /// Being linked and initialised.
    Starting {
        /// Which start it is.
        start: u64,
    },
    /// What it adds is served.
    Enabled(Serving),
    /// Not serving, as an operator wants it.
    Disabled,
    /// Not serving until it is asked for by name.
    Unloaded,
    /// Not serving, because it could not be started or failed too often.
    Failed(Failure),
}

/// How an enabled plugin serves.
#[derive(Debug, Clone)]
pub enum Serving {
    /// It is loaded.
    Loaded(Plugin),
    /// The first call loads it.
    Idle,
    /// There is nothing to load: it has files only.
    Files,
    /// A call is loading it.
    Waking {
        /// Which start it is.
        start: u64,
    },
}

impl State {
    /// The state in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::Waiting { .. } => "waiting",
            Self::Blocked { .. } => "blocked",
            Self::Starting { .. } => "starting",
            Self::Enabled(_) => "enabled",
            Self::Disabled => "disabled",
            Self::Unloaded => "unloaded",
            Self::Failed(_) => "failed",
        }
    }

    /// The plugin, if one is loaded.
    pub(super) fn plugin(&self) -> Option<&Plugin> {
        match self {
            Self::Enabled(Serving::Loaded(plugin)) => Some(plugin),
            _ => None,
        }
    }

    /// The start that goes on, if one does.
    pub(super) fn start(&self) -> Option<u64> {
        match self {
            Self::Starting { start } | Self::Enabled(Serving::Waking { start }) => Some(*start),
            _ => None,
        }
    }
}

impl Entry {
    /// The plugin's name.
    pub fn name(&self) -> &PluginName {
        &self.description.registration.name
    }

    /// The file that it comes from.
    pub fn file(&self) -> &Path {
        self.origin.path()
    }

    /// A plugin that was just described, with its log and what will call it.
    pub(super) fn new(
        origin: Origin,
        described: Described,
        log: Arc<PluginLog>,
        loads: Weak<dyn Loads>,
    ) -> Self {
        let Described {
            description,
            content,
            manifest,
            files,
            signed_by,
        } = described;
        Self {
            log,
            loads,
            description,
            signed_by,
            grants: Arc::default(),
            limits: Arc::default(),
            state: State::Described,
            reload_failure: None,
            loaded_at: None,
            manifest,
            files,
            content,
            reload: None,
            origin: Arc::new(origin),
        }
    }

    /// What was read of it.
    pub(super) fn described(&self) -> Described {
        Described {
            description: Arc::clone(&self.description),
            content: self.content.clone(),
            manifest: self.manifest.clone(),
            files: self.files.clone(),
            signed_by: self.signed_by,
        }
    }

    /// The same plugin as it was read anew.
    pub(super) fn described_as(&self, described: &Described) -> Self {
        let described = described.clone();
        Self {
            description: described.description,
            content: described.content,
            manifest: described.manifest,
            files: described.files,
            signed_by: described.signed_by,
            reload_failure: None,
            ..self.clone()
        }
    }

    /// It, as whoever decides sees it.
    pub(super) fn candidate(&self) -> Candidate<'_> {
        Candidate {
            description: &self.description,
            signed_by: self.signed_by,
        }
    }

    /// Whether what it adds is served.
    pub fn is_enabled(&self) -> bool {
        matches!(self.state, State::Enabled(_))
    }

    /// The plugin, if it is loaded.
    pub fn plugin(&self) -> Option<&Plugin> {
        self.state.plugin()
    }

    /// What calls it, whichever load of it serves, if it is enabled.
    pub fn handle(&self) -> Option<Handle> {
        self.is_enabled().then(|| self.any_handle())
    }

    /// The same, whether it is enabled or not.
    pub(super) fn any_handle(&self) -> Handle {
        Handle {
            description: Arc::clone(&self.description),
            grants: Arc::clone(&self.grants),
            log: Arc::clone(&self.log),
            loads: Weak::clone(&self.loads),
        }
    }

    /// Why it does not serve, if it failed.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// What it waits for, or why it is blocked.
    pub fn undecided(&self) -> Option<&str> {
        match &self.state {
            State::Waiting { why } | State::Blocked { why } => Some(why),
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

    /// The plugins whose additions are served, by name; also those that the first call will load.
    pub fn enabled(&self) -> impl Iterator<Item = &Entry> {
        self.plugins().filter(|entry| entry.is_enabled())
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

    /// The plugin that comes from a file.
    pub fn of_file(&self, file: &Path) -> Option<&Entry> {
        self.plugins().find(|entry| entry.file() == file)
    }

    /// Adds a plugin under its name, unless another file has it.
    pub(super) fn add(&mut self, entry: Entry) -> Result<PluginName, Failure> {
        let name = entry.name().clone();
        if let Some(first) = self.plugins.get(&name) {
            let message = format!(
                "{} is a plugin named \"{name}\", and so is {}, which was there first; remove one of the files",
                entry.file().display(),
                first.file().display()
            );
            return Err(Failure::new("conflict", message));
        }
        self.plugins.insert(name.clone(), entry);
        Ok(name)
    }

    /// Whether the same plugins are there and serve under the same grants, so that what they add is the same.
    pub(super) fn adds_the_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Entry, &Entry)| {
            Arc::ptr_eq(&one.description, &other.description)
                && Arc::ptr_eq(&one.grants, &other.grants)
                && one.is_enabled() == other.is_enabled()
        };
        self.plugins.len() == other.plugins.len() && self.plugins().zip(other.plugins()).all(same)
    }

    pub(super) fn known(&self) -> String {
        let names: Vec<&str> = self.plugins.keys().map(PluginName::as_str).collect();
        match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }
}

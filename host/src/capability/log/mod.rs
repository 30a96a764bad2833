//! `log` and `wasi:logging/logging`: each plugin's own log.
//!
//! The host keeps the newest entries of each plugin, bounded in number and in size, and hands every entry on to `tracing`
//! with the plugin's name. Adding an entry never fails and never waits: a plugin that writes too much loses its own
//! oldest entries and nobody else's. Text is kept as it came, so whoever shows it must escape it.

mod error_output;
mod wasi;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

pub(crate) use error_output::ErrorOutput;
pub use error_output::KEPT_BYTES as ERROR_OUTPUT_BYTES;

use crate::capability::table::{LOG, WASI_LOGGING};
use crate::capability::{Caller, Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::PluginName;
use crate::contract::bindings::link;
use crate::contract::host;
pub use crate::contract::host::LogLevel as Level;

/// How many entries are kept for each plugin.
pub const ENTRIES: usize = 1_000;
/// How many bytes of a message are kept.
pub const MESSAGE_BYTES: usize = 8 * 1024;
/// How many bytes of a field's name and of its value are kept.
pub const FIELD_BYTES: usize = 1024;
/// How many fields of an entry are kept.
pub const FIELDS: usize = 32;

/// An entry of a plugin's log.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// When it was written; RFC 3339 as text.
    pub time: Timestamp,
    /// How serious it is.
    pub level: Level,
    /// Where it came from.
    pub source: Source,
    /// What it says; untrusted text.
    pub message: String,
    /// Names and values; untrusted text.
    #[serde(serialize_with = "as_object")]
    pub fields: Vec<(String, String)>,
    /// The request that led to it; none outside of calls.
    pub request_id: Option<String>,
}

impl Entry {
    /// How many bytes of text it has.
    fn bytes(&self) -> usize {
        let fields = self.fields.iter();
        let fields: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
        self.message.len() + fields
    }
}

fn as_object<S: Serializer>(fields: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

/// Where an entry came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The plugin called `log`, ours or WASI's.
    Plugin,
    /// The plugin wrote to standard output.
    Stdout,
    /// The plugin wrote to standard error.
    Stderr,
    /// The host says something about the plugin: a trap, a failed start.
    Host,
}

/// Of how many components the host keeps what `register` wrote, until they are loaded.
pub const REGISTER_LOGS: usize = 100;
/// How many bytes are kept of what one `register` wrote: its newest entries.
pub const REGISTER_LOG_BYTES: usize = 64 * 1024;

/// The logs of all plugins of a host. They outlive the plugins, so that a failed start can be read about.
///
/// What a component writes while it registers is kept apart until it is loaded: a component that nobody has decided about
/// can claim any name, and must not be able to write into the log of the plugin that has it.
#[derive(Default)]
pub struct Logs {
    plugins: Mutex<HashMap<PluginName, Arc<PluginLog>>>,
    /// By the component's hash, oldest first.
    registers: Mutex<VecDeque<(String, Vec<Entry>)>>,
}

impl Logs {
    /// The log of a plugin.
    pub fn of(&self, plugin: &PluginName) -> Arc<PluginLog> {
        let mut logs = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs
            .entry(plugin.clone())
            .or_insert_with(|| Arc::new(PluginLog::new(plugin.clone())));
        Arc::clone(log)
    }

    /// What the component with this hash wrote when `register` last ran, whether that succeeded or not. Empty where it was
    /// loaded since, because then its plugin's log has it, and where its description was not made by this host.
    pub fn of_register(&self, hash: &str) -> Vec<Entry> {
        let registers = self.registers();
        let found = registers.iter().find(|(of, _)| of == hash);
        found
            .map(|(_, entries)| entries.clone())
            .unwrap_or_default()
    }

    /// Keeps what the component with this hash wrote while it registered, in place of what it wrote before.
    pub(crate) fn keep_register(&self, hash: String, log: &PluginLog) {
        let mut entries = log.entries();
        let mut room = REGISTER_LOG_BYTES;
        let kept = entries.iter().rev().take_while(|entry| {
            let fits = entry.bytes() <= room;
            room = room.saturating_sub(entry.bytes());
            fits
        });
        let dropped = entries.len() - kept.count();
        entries.drain(..dropped);
        let mut registers = self.registers();
        registers.retain(|(of, _)| *of != hash);
        if entries.is_empty() {
            return;
        }
        if registers.len() >= REGISTER_LOGS {
            registers.pop_front();
        }
        registers.push_back((hash, entries));
    }

    /// Moves what the component with this hash wrote while it registered into the log of the plugin that it now is.
    pub(crate) fn adopt_register(&self, hash: &str, plugin: &PluginName) {
        let mut registers = self.registers();
        let Some(index) = registers.iter().position(|(of, _)| of == hash) else {
            return;
        };
        let taken = registers.remove(index);
        drop(registers);
        if let Some((_, entries)) = taken {
            self.of(plugin).append(entries);
        }
    }

    fn registers(&self) -> MutexGuard<'_, VecDeque<(String, Vec<Entry>)>> {
        self.registers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest entries of one plugin's log.
pub struct PluginLog {
    plugin: PluginName,
    entries: Mutex<VecDeque<Entry>>,
}

impl std::fmt::Debug for PluginLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginLog")
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

impl PluginLog {
    /// An empty log.
    pub fn new(plugin: PluginName) -> Self {
        Self {
            plugin,
            entries: Mutex::default(),
        }
    }

    /// The entries that are still kept, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().cloned().collect()
    }

    /// Adds what the host has to say about the plugin.
    pub fn host(&self, level: Level, message: impl Into<String>) {
        self.add(level, Source::Host, message.into(), Vec::new(), None);
    }

    /// Adds an entry, cut to the limits of this module.
    pub fn add(
        &self,
        level: Level,
        source: Source,
        mut message: String,
        mut fields: Vec<(String, String)>,
        request_id: Option<String>,
    ) {
        cut(&mut message, MESSAGE_BYTES);
        fields.truncate(FIELDS);
        for (name, value) in &mut fields {
            cut(name, FIELD_BYTES);
            cut(value, FIELD_BYTES);
        }
        let entry = Entry {
            time: Timestamp::now(),
            level,
            source,
            message,
            fields,
            request_id,
        };
        self.trace(&entry);
        self.append([entry]);
    }

    /// Adds entries that were told to `tracing` before.
    fn append(&self, added: impl IntoIterator<Item = Entry>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in added {
            if entries.len() >= ENTRIES {
                entries.pop_front();
            }
            entries.push_back(entry);
        }
    }

    fn trace(&self, entry: &Entry) {
        let (plugin, message) = (self.plugin.as_str(), &entry.message);
        match entry.level {
            Level::Debug => {
                tracing::debug!(target: "goatherd::plugin", plugin, fields = ?entry.fields, "{message:?}")
            }
            Level::Info => {
                tracing::info!(target: "goatherd::plugin", plugin, fields = ?entry.fields, "{message:?}")
            }
            Level::Warn => {
                tracing::warn!(target: "goatherd::plugin", plugin, fields = ?entry.fields, "{message:?}")
            }
            Level::Error => {
                tracing::error!(target: "goatherd::plugin", plugin, fields = ?entry.fields, "{message:?}")
            }
        }
    }
}

/// Shortens text to at most `bytes` bytes, at the border of a character, and marks that it was cut. The memory of what
/// was cut is given back.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
        text.shrink_to_fit();
    }
}

impl Caller {
    /// Adds an entry to the plugin's log, under the request id of the present call.
    pub(crate) fn write_log(
        &self,
        level: Level,
        source: Source,
        message: String,
        fields: Vec<(String, String)>,
    ) {
        let request_id = Some(self.context().request_id.to_string());
        self.log().add(level, source, message, fields, request_id);
    }
}

/// Serves `log` and `wasi:logging/logging`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logging;

impl Provider for Logging {
    type State = ();

    fn interfaces(&self) -> Vec<Interface<()>> {
        vec![
            Interface::known(LOG, link::log::<_, Of<()>>),
            Interface::known(WASI_LOGGING, wasi::link),
        ]
    }

    async fn prepare(&self, _: &Setup<'_>) -> Result<(), PrepareError> {
        Ok(())
    }
}

impl host::Log for View<'_, ()> {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        if level == Level::Error {
            self.caller.error_output().add_line(&message);
        }
        self.caller
            .write_log(level, Source::Plugin, message, fields);
    }
}

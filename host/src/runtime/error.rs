//! Why a component cannot be used, a plugin not be loaded, a call not be answered.
//!
//! Each error names the plugin, what was tried, the rule that refused and what would change that. Each has a code of the
//! contract, so that a command line, an HTTP response and another plugin tell the same story.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

use super::limits::InstanceMode;
use super::trap::{Said, Trap};
use crate::capability::PrepareError;
use crate::contract::registration::Problems;
use crate::contract::version::VersionError;
use crate::contract::{Chain, Error, ErrorDetail, PluginName, RateLimited};
use crate::permission::Need;

/// Why bytes are not a plugin's component. `component` is what the caller named it, usually its file.
#[derive(Debug, Error)]
pub enum ComponentError {
    /// Neither a component nor a module.
    #[error(
        "{component} is not WebAssembly: it does not begin with the bytes \\0asm; give the .wasm file of a component"
    )]
    NotWasm {
        /// What was given.
        component: String,
    },
    /// A core module.
    #[error(
        "{component} is a core module, not a component: turn it into one with a componentizer, such as \
         `wasm-tools component new`"
    )]
    CoreModule {
        /// What was given.
        component: String,
    },
    /// Broken, or in need of a feature that the host does not have.
    #[error("{component} is not a component that this host can compile: {reason}")]
    Invalid {
        /// What was given.
        component: String,
        /// wasmtime's words.
        reason: String,
    },
    /// It needs what no host of this version serves, in a form that this host cannot even compile.
    #[error(
        "{component} cannot be compiled here, and it needs what this host does not serve: {}",
        list_unknown(unknown)
    )]
    Unserved {
        /// What was given.
        component: String,
        /// What it imports and exports that is not served.
        unknown: Vec<Unknown>,
    },
    /// A component of another world.
    #[error(
        "{component} is a component, but not a plugin: it does not export goatherd:plugin/guest (it exports {exports}); \
         build it for a world that includes goatherd:plugin/plugin"
    )]
    NotAPlugin {
        /// What was given.
        component: String,
        /// What it exports instead.
        exports: String,
    },
    /// A plugin of a contract version that the host does not serve.
    #[error("{component}: {reason}")]
    UnservedVersion {
        /// What was given.
        component: String,
        /// Which version it wants, and which are served.
        reason: VersionError,
    },
    /// The file cannot be read.
    #[error("{component} cannot be read: {reason}")]
    Unreadable {
        /// What was given.
        component: String,
        /// The system's words.
        reason: String,
    },
}

/// An interface that a component imports and no grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The interface with its version, as imported.
    pub interface: String,
    /// What would link it.
    pub need: Need,
    /// The scope that the plugin asks for, as it writes it; empty where it asks for none.
    pub asked: Vec<String>,
}

impl Missing {
    /// The grant that would give the plugin what it asks for: `db:read=ticket,queue`.
    pub fn grant(&self) -> String {
        if self.asked.is_empty() {
            return self.need.to_string();
        }
        format!("{}={}", self.need, self.asked.join(","))
    }
}

/// An interface that a component needs and no host serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The interface, as the component names it.
    pub interface: String,
    /// Why it is not served.
    pub reason: String,
}

/// Why a plugin was not described or loaded. No code of it serves, and nothing that it adds is there.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It imports what nobody serves.
    #[error(
        "plugin \"{plugin}\" imports what nobody serves: {}; a plugin can import what `goatherd wit` prints, the \
         harmless parts of WASI 0.2, and drafts of wasi:keyvalue, wasi:config and wasi:logging",
        list_unknown(unknown)
    )]
    UnknownImports {
        /// The plugin, or its file before it said its name.
        plugin: String,
        /// All of them.
        unknown: Vec<Unknown>,
    },
    /// It imports what the contract has and this host does not serve.
    #[error(
        "plugin \"{plugin}\" imports {}, which this host does not serve{hint}",
        list(interfaces)
    )]
    NotServed {
        /// The plugin.
        plugin: String,
        /// All of them.
        interfaces: Vec<String>,
        /// What would change that, where something would.
        hint: String,
    },
    /// It imports what it has no grant for.
    #[error(
        "plugin \"{plugin}\" is not linked: it imports {}; grant {} to link it",
        list_missing(missing),
        list_needs(missing)
    )]
    NotGranted {
        /// The plugin.
        plugin: PluginName,
        /// All of it.
        missing: Vec<Missing>,
    },
    /// `register` did not return.
    #[error(
        "plugin \"{plugin}\" could not be described: register failed: {trap}{}",
        Said(output)
    )]
    Register {
        /// The file, since the name is not known.
        plugin: String,
        /// Why.
        trap: Trap,
        /// What the plugin printed about it; untrusted, and at most
        /// [`ERROR_OUTPUT_BYTES`](crate::capability::log::ERROR_OUTPUT_BYTES).
        output: String,
    },
    /// Its registration is not valid.
    #[error("plugin \"{plugin}\" has an invalid registration:\n{problems}")]
    Registration {
        /// The file, since the name may be part of the problem.
        plugin: String,
        /// All that is wrong.
        problems: Problems,
    },
    /// A back-end could not serve it.
    #[error("plugin \"{plugin}\" is not loaded: {source}")]
    Prepare {
        /// The plugin.
        plugin: PluginName,
        /// Which, and why.
        source: PrepareError,
    },
    /// Its first instance could not be made or initialised.
    #[error(transparent)]
    Start(CallError),
    /// The component and the contract do not fit together in a way that the checks before did not find.
    #[error("plugin \"{plugin}\" cannot be linked: {reason}")]
    Link {
        /// The plugin.
        plugin: String,
        /// wasmtime's words.
        reason: String,
    },
}

/// Why a call was not answered with a result.
#[derive(Debug, Error)]
pub enum CallError {
    /// The plugin answered with an error. The instance lives on.
    #[error("{error}")]
    Plugin {
        /// The plugin.
        plugin: PluginName,
        /// Its answer, or the host's error that it passed on.
        error: Error,
    },
    /// The instance stopped in the middle and was discarded.
    #[error("plugin \"{plugin}\" failed in {function}: {trap}{}", Said(output))]
    Trapped {
        /// The plugin.
        plugin: PluginName,
        /// The function that was called.
        function: String,
        /// Why.
        trap: Trap,
        /// What the plugin said about it in that call; untrusted, and at most
        /// [`ERROR_OUTPUT_BYTES`](crate::capability::log::ERROR_OUTPUT_BYTES).
        output: String,
    },
    /// A new instance could not be made, or its `init` failed.
    #[error(
        "plugin \"{plugin}\" could not start an instance: {reason}{}",
        Said(output)
    )]
    Start {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        reason: String,
        /// What the plugin said about it; untrusted, and at most
        /// [`ERROR_OUTPUT_BYTES`](crate::capability::log::ERROR_OUTPUT_BYTES).
        output: String,
        /// Whether it was the plugin's doing, and not that of a host which is full or stops.
        by_plugin: bool,
    },
    /// No instance became free in time.
    #[error("plugin \"{plugin}\" is busy: {instances} instances are in use and {why}; {}", relief(*mode))]
    Busy {
        /// The plugin.
        plugin: PluginName,
        /// How they serve calls.
        mode: InstanceMode,
        /// How many instances it may have.
        instances: usize,
        /// What happened while waiting.
        why: &'static str,
    },
    /// It was called more often than its limit.
    #[error(
        "plugin \"{plugin}\" was called more often than its limit of {} calls a second; there is room again in \
         {retry_after_ms} ms, and a higher limit (calls_per_second) would help",
        per_second.map_or(0, NonZeroU32::get)
    )]
    TooOften {
        /// The plugin.
        plugin: PluginName,
        /// Its limit.
        per_second: Option<NonZeroU32>,
        /// After how many milliseconds there is room again.
        retry_after_ms: u64,
    },
    /// A call came back to a single instance that waits for it.
    #[error(
        "plugin \"{plugin}\" has a single instance, which waits for this call: {chain} → {plugin}; another mode of its \
         instances than single would allow it"
    )]
    Reentered {
        /// The plugin.
        plugin: PluginName,
        /// The plugins that wait for the call, this one among them.
        chain: Chain,
    },
    /// It failed repeatedly and is not called for a while, or until its health is reset.
    #[error("plugin \"{plugin}\" {}: it failed repeatedly, last: {last}; {}", not_called(*retry_in), again(*retry_in))]
    LeftAlone {
        /// The plugin.
        plugin: PluginName,
        /// What failed last.
        last: String,
        /// When it is tried again; never by itself where none is given.
        retry_in: Option<Duration>,
    },
    /// The arguments are larger than the limit.
    #[error(
        "the arguments for {function} of plugin \"{plugin}\" have {bytes} bytes, more than its limit of {limit} bytes"
    )]
    ArgsTooLarge {
        /// The plugin.
        plugin: PluginName,
        /// The function that was to be called.
        function: String,
        /// How many they have.
        bytes: usize,
        /// How many they may have.
        limit: usize,
    },
    /// The result is larger than the limit. The instance lives on.
    #[error(
        "the result of {function} of plugin \"{plugin}\" has {bytes} bytes, more than its limit of {limit} bytes"
    )]
    ResultTooLarge {
        /// The plugin.
        plugin: PluginName,
        /// The function that was called.
        function: String,
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The plugin was shut down.
    #[error("plugin \"{plugin}\" is shut down; load it again to call it")]
    ShutDown {
        /// The plugin.
        plugin: PluginName,
    },
    /// The plugin does not serve, and no code of it ran.
    #[error("plugin \"{plugin}\" does not serve: {why}")]
    NotServing {
        /// The plugin.
        plugin: PluginName,
        /// The reason, and what would change it.
        why: String,
    },
    /// The plugin returned text that is not JSON.
    #[error("plugin \"{plugin}\" answered {function} with text that is not JSON: {reason}")]
    NotJson {
        /// The plugin.
        plugin: PluginName,
        /// The function that was called.
        function: String,
        /// Where it stops being JSON.
        reason: String,
    },
}

/// How long a busy plugin's caller should wait.
const RETRY_MS: u64 = 1_000;

impl CallError {
    /// The error as the contract has it, for another plugin, an HTTP response or a command line. What the plugin printed is
    /// not in it: that is for those who run the plugin or wrote it.
    pub fn to_contract(&self) -> Error {
        match self {
            Self::Plugin { error, .. } => error.clone(),
            Self::Trapped {
                trap: Trap::TimedOut,
                ..
            } => Error::TimedOut,
            Self::Busy { .. } => Error::RateLimited(RateLimited {
                retry_after_ms: RETRY_MS,
            }),
            Self::TooOften { retry_after_ms, .. } => Error::RateLimited(RateLimited {
                retry_after_ms: *retry_after_ms,
            }),
            Self::Reentered { .. } => Error::Conflict(self.to_string()),
            Self::ArgsTooLarge { .. } | Self::ResultTooLarge { .. } => {
                Error::TooLarge(self.to_string())
            }
            Self::Trapped {
                plugin,
                function,
                trap,
                ..
            } => Error::Unavailable(format!("plugin \"{plugin}\" failed in {function}: {trap}")),
            Self::Start { plugin, reason, .. } => Error::Unavailable(format!(
                "plugin \"{plugin}\" could not start an instance: {reason}"
            )),
            Self::LeftAlone { .. }
            | Self::ShutDown { .. }
            | Self::NotServing { .. }
            | Self::NotJson { .. } => Error::Unavailable(self.to_string()),
        }
    }

    /// The code of [`to_contract`](Self::to_contract). An error of the plugin's own has the plugin's name before it, so that
    /// it is never mistaken for one of the host's.
    pub fn code(&self) -> String {
        match self {
            Self::Plugin {
                plugin,
                error: Error::Other(ErrorDetail { code, .. }),
            } => format!("{plugin}:{code}"),
            other => other.to_contract().code().to_owned(),
        }
    }
}

impl ComponentError {
    /// The contract's code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "not-found",
            _ => "invalid-argument",
        }
    }
}

impl LoadError {
    /// The contract's code for it.
    pub fn code(&self) -> String {
        match self {
            Self::NotGranted { .. } => "permission-denied".to_owned(),
            Self::UnknownImports { .. } | Self::Registration { .. } | Self::Link { .. } => {
                "invalid-argument".to_owned()
            }
            Self::Register {
                trap: Trap::TimedOut,
                ..
            } => "timed-out".to_owned(),
            Self::NotServed { .. } | Self::Register { .. } | Self::Prepare { .. } => {
                "unavailable".to_owned()
            }
            Self::Start(error) => error.code(),
        }
    }
}

/// What would help where instances are in use.
fn relief(mode: InstanceMode) -> &'static str {
    match mode {
        InstanceMode::Single => {
            "it is in mode single, where one call runs at a time; another mode would help"
        }
        InstanceMode::Pooled | InstanceMode::PerCall => "a higher limit of instances would help",
    }
}

fn not_called(retry_in: Option<Duration>) -> &'static str {
    match retry_in {
        Some(_) => "is left alone for a while",
        None => "is not called any more",
    }
}

fn again(retry_in: Option<Duration>) -> String {
    match retry_in {
        Some(Duration::ZERO) => "one call tries it again now".to_owned(),
        Some(wait) => format!("one call tries it again in {:.1} s", wait.as_secs_f32()),
        None => "an operator has to reset its health".to_owned(),
    }
}

fn list(items: &[String]) -> String {
    items.join(", ")
}

/// The interfaces, each reason once behind all that it holds for: a component for another WASI imports a dozen.
fn list_unknown(unknown: &[Unknown]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in unknown {
        match reasons.iter_mut().find(|(reason, _)| *reason == one.reason) {
            Some((_, interfaces)) => interfaces.push(&one.interface),
            None => reasons.push((&one.reason, vec![&one.interface])),
        }
    }
    let groups: Vec<_> = reasons
        .into_iter()
        .map(|(reason, interfaces)| format!("{} ({reason})", interfaces.join(", ")))
        .collect();
    list(&groups)
}

fn list_missing(missing: &[Missing]) -> String {
    let mut text = String::new();
    for (index, missing) in missing.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{comma}{} (needs {})",
            missing.interface, missing.need
        );
    }
    text
}

fn list_needs(missing: &[Missing]) -> String {
    let mut needs: Vec<String> = Vec::new();
    for grant in missing.iter().map(Missing::grant) {
        // One grant can link several interfaces.
        if !needs.contains(&grant) {
            needs.push(grant);
        }
    }
    needs.join(" and ")
}

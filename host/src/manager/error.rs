//! Why a plugin is not enabled, as text that outlives the error and as an answer to whoever asked for a change.

use std::time::SystemTime;

use serde::Serialize;
use thiserror::Error;

use crate::contract::PluginName;
use crate::runtime::{ComponentError, LoadError};

/// Why a plugin does not serve. Kept with its entry until it is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The contract's code.
    pub code: String,
    /// What was tried, what refused it, and what would change that. May hold details of the machine: for operators.
    pub message: String,
    /// When.
    #[serde(skip)]
    pub at: SystemTime,
    /// Whether it failed only because what it depends on did not serve.
    #[serde(skip)]
    pub(super) for_dependency: bool,
}

impl Failure {
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            at: SystemTime::now(),
            for_dependency: false,
        }
    }

    /// What a plugin depends on does not serve. It is tried again when that does.
    pub(super) fn for_dependency(message: String) -> Self {
        Self {
            for_dependency: true,
            ..Self::new("unavailable", message)
        }
    }
}

impl From<&LoadError> for Failure {
    fn from(error: &LoadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<&ComponentError> for Failure {
    fn from(error: &ComponentError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Why a change was refused.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// No plugin has that name.
    #[error("there is no plugin \"{name}\"; there are: {known}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names of all plugins, or "none".
        known: String,
    },
    /// The plugin's present state does not allow it.
    #[error("plugin \"{name}\" cannot be {change}: it is {state}")]
    Conflict {
        /// The plugin.
        name: PluginName,
        /// What was to be done with it: "enabled", "loaded" or "reloaded".
        change: &'static str,
        /// The name of its state.
        state: &'static str,
    },
    /// Nobody has decided about it.
    #[error("plugin \"{name}\" waits for a decision: {why}")]
    Waiting {
        /// The plugin.
        name: PluginName,
        /// What would decide it.
        why: String,
    },
    /// Somebody has decided against it.
    #[error("plugin \"{name}\" is blocked: {why}")]
    Blocked {
        /// The plugin.
        name: PluginName,
        /// Who or what decided so.
        why: String,
    },
    /// It could not be started. Its entry keeps the reason.
    #[error("{}", .0.message)]
    Failed(Failure),
}

impl ManagerError {
    /// The contract's code for it.
    pub fn code(&self) -> &str {
        match self {
            Self::Unknown { .. } => "not-found",
            Self::Conflict { .. } => "conflict",
            Self::Waiting { .. } | Self::Blocked { .. } => "permission-denied",
            Self::Failed(failure) => &failure.code,
        }
    }
}

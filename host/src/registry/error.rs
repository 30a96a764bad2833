//! Why a change was not made, or a capability gave no result.

use thiserror::Error;

use super::CapabilitySlug;
use crate::contract::{Error as Contract, PluginName};
use crate::store::StoreError;

/// Why a store did not do what it was asked. Nothing of it happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreFault {
    /// The record was changed meanwhile: it has another revision.
    #[error("the record was changed by somebody else at the same time")]
    Stale,
    /// There is no room for another record.
    #[error("the store holds {limit} records, and no more than that")]
    Full {
        /// How many it takes.
        limit: usize,
    },
    /// It does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// Why a change of the plugins table was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// No record has that slug.
    #[error("there is no plugin \"{slug}\" in the plugins table; there are: {known}")]
    Unknown {
        /// The slug that was given.
        slug: String,
        /// The slugs of all records, or "none".
        known: String,
    },
    /// Its schema does not allow the settings.
    #[error("plugin \"{slug}\" is not configured: {reason}")]
    Config {
        /// The plugin.
        slug: PluginName,
        /// What does not fit.
        reason: String,
    },
    /// The store refused.
    #[error("\"{slug}\" is unchanged: {fault}")]
    Store {
        /// The record.
        slug: String,
        /// Why.
        fault: StoreFault,
    },
}

impl RegistryError {
    /// The contract's code for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "not-found",
            Self::Config { .. } => "invalid-argument",
            Self::Store { fault, .. } => match fault {
                StoreFault::Stale => "conflict",
                StoreFault::Full { .. } => "too-large",
                StoreFault::Unavailable(_) => "unavailable",
            },
        }
    }
}

/// Why a capability gave no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// Nobody offers it.
    #[error("there is no capability \"{slug}\"; there are: {known}")]
    Unknown {
        /// The slug that was given.
        slug: String,
        /// Those that there are, or "none".
        known: String,
    },
    /// Its owner is switched off.
    #[error(
        "capability \"{slug}\" does not run: its owner \"{owner}\" is disabled; enable it to run it"
    )]
    Disabled {
        /// The capability.
        slug: CapabilitySlug,
        /// The record that it hangs on.
        owner: String,
    },
    /// Capabilities ran each other too deep.
    #[error(
        "capability \"{slug}\" does not run: capabilities run each other at most {limit} deep: {trail}"
    )]
    Depth {
        /// The capability.
        slug: CapabilitySlug,
        /// How deep they may.
        limit: usize,
        /// The way to it.
        trail: String,
    },
    /// Its input is not what it takes.
    #[error("capability \"{slug}\" does not run: {reason}")]
    Input {
        /// The capability.
        slug: CapabilitySlug,
        /// What does not fit its input schema, one line for each place.
        reason: String,
    },
    /// It ran and failed.
    #[error("{error}")]
    Failed {
        /// The capability.
        slug: CapabilitySlug,
        /// Its own error.
        error: Contract,
    },
    /// A step of a workflow failed.
    #[error(
        "workflow \"{workflow}\" stopped in step \"{step}\": {cause}{}",
        undoing(undone, not_undone)
    )]
    Step {
        /// The workflow.
        workflow: String,
        /// The step that failed.
        step: String,
        /// Why.
        cause: Box<RunError>,
        /// Steps that were undone, in that order.
        undone: Vec<String>,
        /// Steps whose undoing failed, and why.
        not_undone: Vec<(String, String)>,
    },
}

fn undoing(undone: &[String], not_undone: &[(String, String)]) -> String {
    let mut text = String::new();
    if !undone.is_empty() {
        text.push_str(&format!("; undone: {}", undone.join(", ")));
    }
    for (step, reason) in not_undone {
        text.push_str(&format!("; not undone: {step} ({reason})"));
    }
    text
}

impl RunError {
    /// The contract's code for it.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unknown { .. } => "not-found",
            Self::Disabled { .. } => "unavailable",
            Self::Depth { .. } => "conflict",
            Self::Input { .. } => "invalid-argument",
            Self::Failed { error, .. } => error.code(),
            Self::Step { cause, .. } => cause.code(),
        }
    }
}

impl RunError {
    /// The error as the contract has it, for a plugin that ran the capability.
    #[must_use]
    pub fn to_contract(&self) -> Contract {
        match self {
            Self::Failed { error, .. } => error.clone(),
            Self::Unknown { .. } => Contract::NotFound(self.to_string()),
            Self::Disabled { .. } => Contract::Unavailable(self.to_string()),
            Self::Depth { .. } => Contract::Conflict(self.to_string()),
            Self::Input { .. } => Contract::InvalidArgument(self.to_string()),
            Self::Step { cause, .. } => cause.to_contract().with_message(self.to_string()),
        }
    }
}

impl From<StoreError> for StoreFault {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

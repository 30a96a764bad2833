//! Why a decision was not taken down.

use thiserror::Error;

use super::Status;
use crate::contract::PluginName;
use crate::permission::GrantError;
use crate::registry::StoreFault;

/// Why a decision cannot be accompanied by a note.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Who decided is not said.
    #[error(
        "{shown} is nobody who can decide; write a name of 1 to 200 characters in one line, which is neither \"default\" nor begins with \"auto-approve:\""
    )]
    Who {
        /// The beginning of what was given.
        shown: String,
    },
    /// The reason is too long.
    #[error("the reason has {bytes} bytes; at most {limit} are kept")]
    Reason {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// Why a policy is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// There is none.
    #[error(
        "nothing is decided about plugin \"{plugin}\": it has the default policy; approve, restrict or block it"
    )]
    Unknown {
        /// The plugin.
        plugin: PluginName,
    },
    /// It is not blocked.
    #[error("plugin \"{plugin}\" is not unblocked: it is {status}, and only a blocked one can be")]
    NotBlocked {
        /// The plugin.
        plugin: PluginName,
        /// What it is.
        status: Status,
    },
    /// Grants are not limits.
    #[error(
        "the limits of plugin \"{plugin}\" are unchanged: the change has permissions; approve or restrict it with them"
    )]
    NotLimits {
        /// The plugin.
        plugin: PluginName,
    },
    /// A grant or a rate is for a permission that this application does not have.
    #[error("the policy of plugin \"{plugin}\" is unchanged: {source}")]
    NoSuchPermission {
        /// The plugin.
        plugin: PluginName,
        /// What there is.
        source: GrantError,
    },
    /// The store refused.
    #[error("the policy of plugin \"{plugin}\" is unchanged: {fault}")]
    Store {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        fault: StoreFault,
    },
    /// The store cannot be read.
    #[error("the policies cannot be read: {0}")]
    Unread(StoreFault),
}

//! What is to be changed of a policy; what is not named stays.

use std::collections::BTreeMap;

use super::bounds::{Bound, Mebibytes, Timeout};
use crate::permission::{Counted, Grants};
use crate::runtime::InstanceMode;

/// A change of a policy. Its status is changed by the functions of [`Policies`](super::Policies) alone.
///
/// As JSON it has the fields of a policy that are to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// What the plugin may do, in place of all that it could do before.
    pub grants: Option<Grants>,
    /// Linear memory of one instance.
    pub memory: Option<Mebibytes>,
    /// For a call.
    pub call_timeout: Option<Timeout>,
    /// For `init`.
    pub init_timeout: Option<Timeout>,
    /// For all instances to shut down.
    pub shutdown_timeout: Option<Timeout>,
    /// How instances serve calls.
    pub mode: Option<InstanceMode>,
    /// How many instances may live at once; unlimited for as many as the machine has processors.
    pub instances: Option<Bound>,
    /// How many calls may wait for one.
    pub queue: Option<u32>,
    /// After how many calls an instance is replaced.
    pub max_invocations: Option<Bound>,
    /// How often it may do what is counted.
    pub rates: BTreeMap<Counted, Bound>,
}

impl PolicyChange {
    /// A change of nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A change of what the plugin may do.
    #[must_use]
    pub fn grants(grants: Grants) -> Self {
        Self {
            grants: Some(grants),
            ..Self::default()
        }
    }
}

//! Decisions in a configuration.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Candidate, Decision, Policy, Terms};
use crate::contract::PluginName;

/// Decisions that an operator wrote into a configuration. A plugin that is not in it waits.
#[derive(Debug, Clone, Default)]
pub struct Configured(BTreeMap<PluginName, Terms>);

impl Configured {
    /// The decisions by the plugins' names.
    pub fn new(decisions: BTreeMap<PluginName, Terms>) -> Self {
        Self(decisions)
    }

    /// What is decided about a plugin.
    #[must_use]
    pub fn get(&self, plugin: &str) -> Option<&Terms> {
        self.0.get(plugin)
    }
}

#[async_trait]
impl Policy for Configured {
    async fn decide(&self, candidate: Candidate<'_>) -> Decision {
        let name = &candidate.description.registration.name;
        match self.get(name.as_str()) {
            Some(terms) => Decision::Approve(Box::new(terms.clone())),
            None => Decision::Wait {
                why: format!("the configuration says nothing about grants for \"{name}\""),
            },
        }
    }
}

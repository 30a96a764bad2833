//! What a plugin may do, decided before it is started.
//!
//! A [`Policy`] sees what a plugin is, who vouches for it and what it asks for, and answers with terms, with what it waits
//! for, or with why it is blocked. A request never becomes a grant by itself: [`Configured`] grants what an operator wrote
//! into a configuration, [`Reviewed`] what operators decided while the host runs, and only [`TrustAll`], which is for
//! development, gives what the plugin asks for.

mod configured;
mod reviewed;
mod trust_all;

use async_trait::async_trait;

use crate::loader::signature::KeyId;
use crate::permission::Grants;
use crate::registry::policy::ComponentId;
use crate::runtime::{Description, Limits};
use crate::setters::setters;

pub use configured::Configured;
pub use reviewed::Reviewed;
pub use trust_all::TrustAll;

/// Decides about plugins.
#[async_trait]
pub trait Policy: Send + Sync {
    /// Decides about one. Asked each time that the plugin is to be started; may write down what it decides.
    async fn decide(&self, candidate: Candidate<'_>) -> Decision;
}

/// A plugin that is to be started.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What it says about itself, and what was read off its component.
    pub description: &'a Description,
    /// The trusted key that signed the bytes which were compiled, if one did.
    pub signed_by: Option<KeyId>,
}

/// A decision about a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be started.
    Approve(Box<Terms>),
    /// Nobody has decided yet.
    Wait {
        /// What would decide it, as the end of a sentence.
        why: String,
    },
    /// It may not be started, and nobody may call it.
    Block {
        /// What would change that, as the end of a sentence.
        why: String,
    },
}

/// Under what terms a plugin runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// What it may do.
    pub grants: Grants,
    /// How much of it.
    pub limits: Limits,
}

setters!(Terms {
    grants: Grants,
    limits: Limits,
});

impl Terms {
    /// These grants and limits.
    #[must_use]
    pub fn new(grants: Grants, limits: Limits) -> Self {
        Self { grants, limits }
    }
}

impl Terms {
    /// Whether a plugin that runs under these terms can be brought under `others` by its limits alone, without being linked
    /// again. Equal terms differ in nothing.
    #[must_use]
    pub fn only_limits_differ(&self, others: &Self) -> bool {
        self.grants == others.grants && self.limits != others.limits
    }
}

impl<'a> Candidate<'a> {
    /// A plugin that nobody vouches for.
    #[must_use]
    pub const fn unsigned(description: &'a Description) -> Self {
        Self {
            description,
            signed_by: None,
        }
    }

    /// Its component, as decisions are remembered with it.
    #[must_use]
    pub fn component(&self) -> ComponentId {
        ComponentId {
            version: self.description.registration.version.clone(),
            hash: self.description.hash.clone(),
        }
    }
}

//! Through which plugins a call came.
//!
//! Each plugin call adds its caller, so that the depth can be bounded and an error can show the way. The chain of a call
//! from outside is empty and costs nothing.

use std::fmt;
use std::sync::Arc;

use super::PluginName;

/// The plugins that are waiting for the present call, outermost first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Chain(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    caller: PluginName,
    before: Chain,
    depth: usize,
}

impl Chain {
    /// The longest chain that a call may have.
    pub const MAX_DEPTH: usize = 10;

    /// The chain of a call that `caller` makes in the course of a call with this chain.
    #[must_use]
    pub fn with(&self, caller: PluginName) -> Self {
        Self(Some(Arc::new(Link {
            caller,
            depth: self.depth() + 1,
            before: self.clone(),
        })))
    }

    /// How many plugins wait for the call; 0 for one from outside.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.depth)
    }

    /// The plugin that called; none for a call from outside.
    #[must_use]
    pub fn last(&self) -> Option<&PluginName> {
        self.callers().next()
    }

    /// Whether `plugin` waits for the call.
    #[must_use]
    pub fn includes(&self, plugin: &PluginName) -> bool {
        self.callers().any(|caller| caller == plugin)
    }

    /// The waiting plugins, innermost first.
    pub fn callers(&self) -> impl Iterator<Item = &PluginName> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref())
            .map(|link| &link.caller)
    }
}

/// `a → b → c`.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.callers().map(PluginName::as_str).collect();
        names.reverse();
        f.write_str(&names.join(" → "))
    }
}

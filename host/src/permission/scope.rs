//! What a kind of grant is limited to, all entries added up.
//!
//! A scope only ever grows by merging: `own` from a grant without entries, and entries from the others. Nothing is in
//! scope of a grant that is not there, so lookups in [`Grants`](super::Grants) give `Option<&Scope<_>>`, and `None`
//! means that the interface is not linked at all.

use std::fmt;

use super::{ChannelPattern, KeyPattern, KeyPrefix};

/// The plugin's own, entries, both, or nothing.
///
/// What "own" is depends on the kind: the whole namespace of the cache and of the secrets (entries then limit it), or
/// the channel that is called like the plugin. The other kinds have no own, and a grant without entries covers nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<P> {
    own: bool,
    entries: Vec<P>,
}

impl<P> Scope<P> {
    /// The plugin's own and no more.
    #[must_use]
    pub const fn own() -> Self {
        Self {
            own: true,
            entries: Vec::new(),
        }
    }

    /// What one of the entries covers; nothing if there are none.
    #[must_use]
    pub const fn only(entries: Vec<P>) -> Self {
        Self {
            own: false,
            entries,
        }
    }

    /// Whether the plugin's own is covered.
    #[must_use]
    pub const fn covers_own(&self) -> bool {
        self.own
    }

    /// What is covered beside the plugin's own.
    #[must_use]
    pub fn entries(&self) -> &[P] {
        &self.entries
    }

    /// Whether nothing at all is covered.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        !self.own && self.entries.is_empty()
    }

    /// Whether one of the entries satisfies `test`.
    pub fn any(&self, test: impl FnMut(&P) -> bool) -> bool {
        self.entries.iter().any(test)
    }

    /// Adds what `other` covers.
    pub(super) fn add(&mut self, other: Self)
    where
        P: PartialEq,
    {
        self.own |= other.own;
        for entry in other.entries {
            if !self.entries.contains(&entry) {
                self.entries.push(entry);
            }
        }
    }
}

impl Scope<KeyPrefix> {
    /// Whether the cache key may be used. `key` is without the namespace, which is always the plugin's own.
    #[must_use]
    pub fn allows(&self, key: &str) -> bool {
        self.own || self.any(|prefix| prefix.matches(key))
    }
}

impl Scope<KeyPattern> {
    /// Whether the setting or secret under `key` may be used.
    #[must_use]
    pub fn allows(&self, key: &str) -> bool {
        self.own || self.any(|pattern| pattern.matches(key))
    }
}

impl Scope<ChannelPattern> {
    /// Whether `plugin`, whose scope this is, may publish to its channel `channel`.
    #[must_use]
    pub fn allows(&self, plugin: &str, channel: &str) -> bool {
        (self.own && plugin == channel) || self.any(|pattern| pattern.matches(channel))
    }
}

/// For messages: `ticket, queue`, `its own`, `its own, shared.*` or `nothing`.
impl<P: fmt::Display> fmt::Display for Scope<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing");
        }
        let mut separator = "";
        if self.own {
            f.write_str("its own")?;
            separator = ", ";
        }
        for entry in &self.entries {
            write!(f, "{separator}{entry}")?;
            separator = ", ";
        }
        Ok(())
    }
}

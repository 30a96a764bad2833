//! Names of plugins, the scope of `plugin_call` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::scope::Scope;
use crate::names::PluginName;

/// One plugin by its name, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PluginPattern {
    /// `*`.
    Any,
    /// A name.
    Name(PluginName),
}

impl PluginPattern {
    /// Whether the plugin of this name is covered.
    #[must_use]
    pub fn matches(&self, plugin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => name.as_str() == plugin,
        }
    }
}

impl FromStr for PluginPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        text.parse().map(Self::Name).map_err(|_| {
            PatternError::new(
                "is neither * nor the name of a plugin: a name begins with a lower-case letter and has at most 63 \
                 lower-case letters, digits and hyphens",
            )
        })
    }
}

impl fmt::Display for PluginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Scope<PluginPattern> {
    /// Whether the plugin of this name may be called.
    #[must_use]
    pub fn allows(&self, plugin: &str) -> bool {
        self.any(|pattern| pattern.matches(plugin))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::PluginPattern;

    #[test]
    fn a_plugin_is_named_whole() {
        let pattern: PluginPattern = "helpdesk-stats".parse().unwrap();
        assert!(pattern.matches("helpdesk-stats"));
        assert!(!pattern.matches("helpdesk"));
        for bad in ["", "Stats", "9a", "a_b", "helpdesk-*", &"a".repeat(64)] {
            assert!(bad.parse::<PluginPattern>().is_err(), "{bad:?}");
        }
    }
}

//! The name of a plugin.
//!
//! A [`PluginName`] matches `^[a-z][a-z0-9-]{0,62}$`, so it can stand in a path, a cache key, a file name and a log
//! line without being escaped. It is shared text: a clone costs one counter, and a map keyed by it can be asked with a
//! plain `&str`.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::text::{NameShape, quoted_owned};

/// The name of a plugin: 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PluginName(Arc<str>);

/// The longest name, in characters.
const NAME_MAX: usize = 63;

impl PluginName {
    /// A name for a component that has not said its own yet, made from what it is called otherwise, such as its file.
    #[must_use]
    pub fn provisional(label: &str) -> PluginName {
        let stem = label.rsplit(['/', '\\']).next().unwrap_or(label);
        let stem = stem.strip_suffix(".wasm").unwrap_or(stem);
        let allowed = |char: char| match char.to_ascii_lowercase() {
            char @ ('a'..='z' | '0'..='9') => char,
            _ => '-',
        };
        let name: String = stem.chars().take(NAME_MAX).map(allowed).collect();
        let name = if name.starts_with(|first: char| first.is_ascii_lowercase()) {
            name
        } else {
            format!("plugin{name}").chars().take(NAME_MAX).collect()
        };
        PluginName(Arc::from(name))
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not the name of a plugin, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin name {shown} {reason}")]
pub struct PluginNameError {
    shown: String,
    reason: String,
}

impl FromStr for PluginName {
    type Err = PluginNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match NameShape::Hyphen.check(text) {
            Ok(()) => Ok(PluginName(Arc::from(text))),
            Err(reason) => Err(PluginNameError {
                shown: quoted_owned(text),
                reason,
            }),
        }
    }
}

impl TryFrom<&str> for PluginName {
    type Error = PluginNameError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for PluginName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for PluginName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PluginName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_that_need_no_escaping_are_taken() {
        for text in ["a", "stats", "helpdesk-stats", "x9", &"a".repeat(63)] {
            assert_eq!(text.parse::<PluginName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn the_error_says_what_is_wrong_with_which_text() {
        for (text, wrong) in [
            ("", "is empty"),
            ("Stats", "begins with 'S'"),
            ("9lives", "begins with '9'"),
            ("../etc", "begins with '.'"),
            ("a/b", "contains '/'"),
            ("a_b", "contains '_'"),
            ("aé", "contains 'é'"),
            (&"a".repeat(64), "has 64 bytes"),
        ] {
            let message = text.parse::<PluginName>().unwrap_err().to_string();
            assert!(message.contains(wrong), "{message}");
            assert!(message.contains(&format!("\"{text}\"")), "{message}");
            assert!(message.contains("^[a-z][a-z0-9-]{0,62}$"), "{message}");
        }
    }

    #[test]
    fn json_with_a_bad_name_is_refused() {
        assert!(serde_json::from_str::<PluginName>("\"stats\"").is_ok());
        assert!(serde_json::from_str::<PluginName>("\"St\"").is_err());
    }
}

//! Beginnings of keys, the scope of `cache` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::key::check_key;

/// The longest key that the cache knows.
const MAX_BYTES: usize = 512;

/// All keys of the plugin's own namespace that begin with a text; `*` alone for all keys. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// Whether the key is covered.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        key.starts_with(self.beginning())
    }

    /// What the covered keys begin with; nothing where all keys are covered.
    #[must_use]
    pub fn beginning(&self) -> &str {
        if self.0 == "*" { "" } else { &self.0 }
    }
}

impl FromStr for KeyPrefix {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        check_key(text, MAX_BYTES)?;
        if text != "*" && text.contains('*') {
            return Err(PatternError::new(format!(
                "has a *: an entry covers every key that begins with it, so write {} or, for all keys, *",
                text.split('*')
                    .next()
                    .filter(|s| !s.is_empty())
                    .unwrap_or("stats:")
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::KeyPrefix;

    #[test]
    fn a_prefix_covers_what_begins_with_it() {
        let prefix: KeyPrefix = "stats:".parse().unwrap();
        assert!(prefix.matches("stats:"));
        assert!(prefix.matches("stats:today"));
        assert!(!prefix.matches("stats"));
        assert!("*".parse::<KeyPrefix>().unwrap().matches("anything"));
    }

    #[test]
    fn a_star_at_the_end_is_refused_with_the_right_spelling() {
        let error = "stats:*".parse::<KeyPrefix>().unwrap_err().to_string();
        assert!(error.contains("write stats: or"), "{error}");
    }
}

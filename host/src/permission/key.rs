//! Keys with `*`, the scope of `config` and `secure_config` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::glob::{self, Case};

/// The longest key that `config` knows, and so the longest useful pattern.
const MAX_BYTES: usize = 256;

/// One or more keys: a key in which `*` stands for any run of characters. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPattern(String);

impl KeyPattern {
    /// The plugin's own configuration, which every `config` grant covers.
    pub(super) fn own_config() -> Self {
        Self("plugin.*".to_owned())
    }

    /// Whether the key is covered.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        glob::matches(&self.0, key, Case::Sensitive)
    }
}

impl FromStr for KeyPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        check_key(text, MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What keys of settings and of the cache have in common: some visible characters, and no comma, which separates
/// entries.
pub(super) fn check_key(text: &str, max_bytes: usize) -> Result<(), PatternError> {
    if text.is_empty() {
        return Err(PatternError::new("is empty: name a key, or use *"));
    }
    if text.len() > max_bytes {
        return Err(PatternError::new(format!(
            "is {} bytes long: a key has at most {max_bytes}",
            text.len()
        )));
    }
    match text
        .chars()
        .find(|&c| c == ',' || c.is_whitespace() || c.is_control())
    {
        Some(bad) => Err(PatternError::new(format!(
            "has a {bad:?}: a key here has no commas, spaces or control characters"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::KeyPattern;

    #[test]
    fn a_key_matches_whole_and_by_case() {
        let pattern: KeyPattern = "mail.*.host".parse().unwrap();
        assert!(pattern.matches("mail.out.host"));
        assert!(!pattern.matches("mail.out.hosts"));
        assert!(!pattern.matches("Mail.out.host"));
    }
}

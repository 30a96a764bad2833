//! Slugs of capabilities, the scope of `capability` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::glob::{self, Case};
use super::scope::Scope;

/// The most bytes in a pattern: a plugin's name, a dot and a capability's name.
const MAX: usize = 127;

/// Slugs, where `*` stands for any run of characters: `newsletter.send`, `crm.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SlugPattern(String);

impl SlugPattern {
    /// Whether the capability of this slug is covered.
    #[must_use]
    pub fn matches(&self, slug: &str) -> bool {
        glob::matches(&self.0, slug, Case::Sensitive)
    }
}

impl FromStr for SlugPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.*".contains(c);
        if text.is_empty() || text.len() > MAX || !text.chars().all(known) {
            return Err(PatternError::new(
                "is no pattern for slugs: those are lower-case letters, digits, \"-\", \"_\" and a dot, such as \
                 newsletter.send, and * stands for any run of them",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SlugPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Scope<SlugPattern> {
    /// Whether the capability of this slug may be run.
    #[must_use]
    pub fn allows(&self, slug: &str) -> bool {
        self.any(|pattern| pattern.matches(slug))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::SlugPattern;

    #[test]
    fn a_slug_is_matched_whole_and_a_star_stands_for_any_run() {
        let pattern: SlugPattern = "newsletter.*".parse().unwrap();
        assert!(pattern.matches("newsletter.send"));
        assert!(!pattern.matches("newsletters.send") && !pattern.matches("newsletter"));
        assert!("*".parse::<SlugPattern>().unwrap().matches("a.b"));
        for bad in ["", "Newsletter.send", "a b", "a/b", &"a".repeat(128)] {
            assert!(bad.parse::<SlugPattern>().is_err(), "{bad:?}");
        }
    }
}

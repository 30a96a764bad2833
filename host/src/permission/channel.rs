//! Channels: their names, and patterns of them, which are the scope of `events` grants.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::error::PatternError;
use super::glob::{self, Case};

/// The most bytes in a channel's name.
const NAME_MAX: usize = 63;

/// The name of a channel, `^[a-z][a-z0-9._-]{0,62}$`. Shared text: a clone costs one counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

/// One or more channels of the plugin: a channel's name in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ChannelPattern(String);

impl ChannelName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= NAME_MAX && text.bytes().all(may_stand_in_a_name) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(PatternError::new(
                "is not a channel: one begins with a lower-case letter and has at most 63 lower-case letters, digits, \
                 dots, underscores and hyphens",
            ))
        }
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn may_stand_in_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
}

impl ChannelPattern {
    /// Whether the channel of this name is covered.
    #[must_use]
    pub fn matches(&self, channel: &str) -> bool {
        glob::matches(&self.0, channel, Case::Sensitive)
    }
}

impl FromStr for ChannelPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
        let plain = text.bytes().all(|b| may_stand_in_a_name(b) || b == b'*');
        if begins && plain && text.len() <= NAME_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(PatternError::new(
                "is not a channel: one begins with a lower-case letter and has at most 63 lower-case letters, digits, \
                 dots, underscores and hyphens, with * for any run of them",
            ))
        }
    }
}

impl fmt::Display for ChannelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{ChannelName, ChannelPattern};

    #[test]
    fn a_name_has_no_star_and_nothing_that_a_pattern_could_not_name() {
        for good in ["a", "tickets.new", "a-b_c.9", &"a".repeat(63)] {
            assert!(good.parse::<ChannelName>().is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "*",
            "a*",
            "A",
            "9a",
            ".a",
            "a/b",
            "a\n",
            "\u{e4}",
            &"a".repeat(64),
        ] {
            assert!(bad.parse::<ChannelName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_channel_matches_whole() {
        let pattern: ChannelPattern = "tickets.*".parse().unwrap();
        assert!(pattern.matches("tickets.new"));
        assert!(!pattern.matches("tickets"));
        for bad in ["", "Tickets", "a b", ".a", "a/b", &"a".repeat(64)] {
            assert!(bad.parse::<ChannelPattern>().is_err(), "{bad:?}");
        }
    }
}

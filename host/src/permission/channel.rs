//! Channels, the scope of `events` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::glob::{self, Case};

/// One or more channels of the plugin: a channel's name in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelPattern(String);

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
        let plain = text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-' | b'*')
        });
        if begins && plain && text.len() <= 63 {
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
    use super::ChannelPattern;

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

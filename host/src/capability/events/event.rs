//! What is published, and how it is named.
//!
//! A [`Message`] that exists is within the contract's limits, whether it came from a plugin or from a server that nodes
//! share. An [`EventId`] is the same on all nodes: a number that counts a channel's events without holes, and an epoch
//! that is another one whenever counting began anew. So whoever knows the id of the last event that they saw can be told
//! exactly what they missed, or that nobody knows.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::contract::PluginName;
use crate::permission::ChannelName;

/// The most bytes in an event's type.
pub const TYPE_BYTES: usize = 128;
/// The most bytes in an event's data.
pub const DATA_BYTES: usize = 64 * 1024;
/// Types that listeners know from the host (the first two) and from browsers, which plugins therefore cannot use.
pub const RESERVED_TYPES: [&str; 4] = ["connected", "lost", "open", "error"];

/// Where events go: a channel of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The plugin that publishes.
    pub plugin: PluginName,
    /// Its channel.
    pub channel: ChannelName,
}

/// What is said: a type of one line and any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    event_type: String,
    data: String,
}

/// A message with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unique in its channel.
    pub id: EventId,
    /// What is said.
    pub message: Message,
}

/// Names an event in its channel; written `EPOCH-NUMBER`, the epoch as sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    /// In which counting.
    pub epoch: Epoch,
    /// How many events of the channel there are up to this one, from 1.
    pub number: u64,
}

/// Names a counting of events. Two countings have the same name by chance alone, once in 2⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// Why something is no message. Continues a sentence that says who tried to publish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The type is empty.
    #[error("an event without a type; a type has 1 to {TYPE_BYTES} bytes")]
    NoType,
    /// The type could be mistaken for an event of the host or of the browser.
    #[error("an event of the type \"{0}\", which is not for plugins, as are {all}", all = RESERVED_TYPES.join(", "))]
    ReservedType(&'static str),
    /// The type is more than one line, or not only text.
    #[error("an event whose type contains {0:?}; a type is one line without control characters")]
    NotOneLine(char),
    /// The type is too long; its bytes.
    #[error("an event whose type has {0} bytes; a type has 1 to {TYPE_BYTES}")]
    TypeTooLong(usize),
    /// The data is too long; its bytes.
    #[error("an event with {0} bytes of data; there may be {DATA_BYTES}")]
    DataTooLong(usize),
}

impl Message {
    /// A message within the limits.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(event_type: String, data: String) -> Result<Self, MessageError> {
        if event_type.is_empty() {
            return Err(MessageError::NoType);
        }
        if event_type.len() > TYPE_BYTES {
            return Err(MessageError::TypeTooLong(event_type.len()));
        }
        // The two separators of Unicode end lines for some readers.
        let breaks = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if let Some(bad) = event_type.chars().find(breaks) {
            return Err(MessageError::NotOneLine(bad));
        }
        if let Some(reserved) = RESERVED_TYPES.iter().find(|word| **word == event_type) {
            return Err(MessageError::ReservedType(reserved));
        }
        if data.len() > DATA_BYTES {
            return Err(MessageError::DataTooLong(data.len()));
        }
        Ok(Self { event_type, data })
    }

    /// The type: one line of 1 to 128 bytes.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The data: at most 64 KiB of any text.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// How much memory the text takes.
    pub(super) fn bytes(&self) -> usize {
        self.event_type.len() + self.data.len()
    }
}

impl EventId {
    /// Before any event of a channel whose counting is not known: what has been seen by who has seen nothing.
    pub const ORIGIN: Self = Self {
        epoch: Epoch(0),
        number: 0,
    };
}

impl Epoch {
    /// A new counting.
    #[must_use]
    pub fn random() -> Self {
        let drawn = getrandom::u64().unwrap_or_else(|_| {
            // Without the system's randomness the clock still tells processes apart.
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
            now.map_or(1, |now| now.as_nanos() as u64)
        });
        Self(drawn.max(1))
    }

    /// The counting as a number that databases can hold, and back.
    pub(super) fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    pub(super) fn from_i64(number: i64) -> Self {
        Self(number.cast_unsigned())
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// A text that is not an event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the id of an event")]
pub struct NotAnId;

impl FromStr for EventId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (epoch, number) = text.split_once('-').ok_or(NotAnId)?;
        let hexadecimal = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if epoch.len() != 16 || !epoch.bytes().all(hexadecimal) {
            return Err(NotAnId);
        }
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnId);
        }
        Ok(Self {
            epoch: Epoch(u64::from_str_radix(epoch, 16).map_err(|_| NotAnId)?),
            number: number.parse().map_err(|_| NotAnId)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        let id = EventId {
            epoch: Epoch(0xab),
            number: 42,
        };
        assert_eq!(id.to_string(), "00000000000000ab-42");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "42",
            "ab-42",
            "00000000000000AB-42",
            "00000000000000ab-",
            "00000000000000ab-+1",
            "00000000000000ab-1\n",
            "00000000000000ab-99999999999999999999",
        ] {
            assert_eq!(bad.parse::<EventId>(), Err(NotAnId), "{bad:?}");
        }
    }

    #[test]
    fn two_countings_have_different_names() {
        assert_ne!(Epoch::random(), Epoch::random());
    }
}

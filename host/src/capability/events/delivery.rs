//! What a listener gets, and what it says when it comes back.

use std::sync::Arc;

use super::event::{Event, EventId};

/// What a listener gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// An event.
    Event(Arc<Event>),
    /// Events that are gone: the listener was too slow, came back too late, or the node could not hear them.
    Lost {
        /// How many, if that is known.
        count: Option<u64>,
    },
}

/// What a listener saw last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastSeen {
    /// They come for the first time, and want what comes from now on.
    Nothing,
    /// An event.
    Event(EventId),
    /// Something that is no event's id.
    Unknown,
}

impl LastSeen {
    /// What the text of a `Last-Event-ID` says.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        match text {
            None | Some("") => Self::Nothing,
            Some(text) => text.parse().map_or(Self::Unknown, Self::Event),
        }
    }
}

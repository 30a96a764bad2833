//! Functions that decide who may listen to events.

use serde::Serialize;

use super::{check::FunctionName, problem::Item};
use crate::contract::wire::registration as wire;
use crate::names::text::quoted;
use crate::permission::{ChannelName, ChannelPattern};

/// The most patterns of one authorizer.
const CHANNELS_MAX: usize = 100;

/// A function that decides who may listen to some of the plugin's channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EventAuthorizer {
    /// What is asked, by `event-authorizer.authorize`.
    pub handler: FunctionName,
    /// About which channels; at least one.
    pub channels: Vec<ChannelPattern>,
}

impl EventAuthorizer {
    /// Whether the function has to be asked about a channel.
    #[must_use]
    pub fn covers(&self, channel: &ChannelName) -> bool {
        self.channels
            .iter()
            .any(|pattern| pattern.matches(channel.as_str()))
    }

    pub(super) fn parse(item: &mut Item<'_>, given: wire::EventAuthorizer) -> Option<Self> {
        let handler = item.function("handler", &given.handler);
        let count = given.channels.len();
        if !(1..=CHANNELS_MAX).contains(&count) {
            item.problem(
                "channels",
                format_args!("it has {count} channels; expected 1 to {CHANNELS_MAX}"),
            );
            return None;
        }
        let channels = given.channels.into_iter().enumerate().map(|(at, text)| {
            let pattern = text
                .parse::<ChannelPattern>()
                .map_err(|error| format!("{} {error}", quoted(&text)));
            item.take(format_args!("channels[{at}]"), pattern)
        });
        // All of them are read, so that every wrong one is told.
        let channels: Vec<Option<ChannelPattern>> = channels.collect();
        Some(Self {
            handler: handler?,
            channels: channels.into_iter().collect::<Option<_>>()?,
        })
    }
}

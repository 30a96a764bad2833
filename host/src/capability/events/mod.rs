//! `events`: what plugins tell those who listen, on this node and on others.
//!
//! A plugin publishes into channels of its own, which its grant may narrow or widen by name; there is no argument by which
//! it could name another plugin's. An [`EventHub`] takes events to a [`Broker`] and hands them to who listens: to the
//! server's endpoint for browsers, and to embedders that [subscribe](EventHub::subscribe) themselves. Who may listen is
//! decided there, not here.

mod backend;
mod channels;
mod delivery;
mod event;
mod hub;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod ring;
mod sink;

pub use backend::{Broker, PublishError};
pub use channels::HubLimits;
pub use delivery::{Delivery, LastSeen};
pub use event::{
    Address, DATA_BYTES, Epoch, Event, EventId, Message, MessageError, NotAnId, RESERVED_TYPES,
    TYPE_BYTES,
};
pub use hub::{EventHub, SubscribeError, Subscription};
pub use memory::MemoryBroker;
#[cfg(feature = "postgres")]
pub use postgres::PostgresBroker;
#[cfg(feature = "redis")]
pub use redis::RedisBroker;
pub use sink::Sink;

use crate::capability::table::EVENTS;
use crate::capability::{Interface, Of, PrepareError, Provider, RateLimit, Setup, View};
use crate::contract::bindings::link;
use crate::contract::{Error, host};
use crate::names::text::quoted;
use crate::permission::{ChannelName, ChannelPattern, Counted, Scope};

/// Serves `events` from a hub.
pub struct Events {
    hub: EventHub,
}

impl Events {
    /// Serves from this hub.
    pub fn new(hub: EventHub) -> Self {
        Self { hub }
    }
}

impl Provider for Events {
    type State = EventAccess;

    fn interfaces(&self) -> Vec<Interface<EventAccess>> {
        vec![Interface::known(EVENTS, link::events::<_, Of<EventAccess>>)]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<EventAccess, PrepareError> {
        Ok(EventAccess {
            hub: self.hub.clone(),
            scope: setup.grants.events().cloned(),
            rate: setup.rates.of(&Counted::Events),
        })
    }
}

/// What one plugin may publish.
pub struct EventAccess {
    hub: EventHub,
    scope: Option<Scope<ChannelPattern>>,
    rate: RateLimit,
}

impl View<'_, EventAccess> {
    async fn send(&self, channel: &str, event_type: String, data: String) -> Result<(), Error> {
        let access = self.state()?;
        let plugin = self.caller.plugin();
        let channel: ChannelName = channel.parse().map_err(|error| {
            let shown = quoted(channel);
            Error::InvalidArgument(format!(
                "plugin \"{plugin}\" published to {shown}, which {error}"
            ))
        })?;
        let allowed = access.scope.as_ref();
        if !allowed.is_some_and(|scope| scope.allows(plugin.as_str(), channel.as_str())) {
            return Err(Error::PermissionDenied(format!(
                "plugin \"{plugin}\" may not publish to the channel \"{channel}\": its events grant covers {}; grant \
                 events={channel} to allow it",
                allowed.map_or_else(|| "nothing".to_owned(), ToString::to_string)
            )));
        }
        let message = Message::new(event_type, data).map_err(|error| {
            let said = format!("plugin \"{plugin}\" tried to publish to \"{channel}\" {error}");
            match error {
                MessageError::TypeTooLong(_) | MessageError::DataTooLong(_) => {
                    Error::TooLarge(said)
                }
                MessageError::NoType
                | MessageError::ReservedType(_)
                | MessageError::NotOneLine(_) => Error::InvalidArgument(said),
            }
        })?;
        access.rate.check()?;
        let to = Address {
            plugin: plugin.clone(),
            channel,
        };
        access
            .hub
            .publish(&to, message, self.caller.deadline())
            .await?;
        Ok(())
    }
}

impl host::Events for View<'_, EventAccess> {
    async fn publish(
        &mut self,
        channel: String,
        event_type: String,
        data: String,
    ) -> Result<(), Error> {
        self.send(&channel, event_type, data).await
    }
}

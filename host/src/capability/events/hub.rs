//! From events to those who listen, within this process.
//!
//! Publishing wakes listeners and never waits for one: what they have not read yet stays in the channel's
//! [ring](super::ring), and is lost to them when the ring needs the room. What a plugin can make the host keep is bounded
//! by [`HubLimits`]; see [`channels`](super::channels).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use futures::Stream;
use thiserror::Error;
use tokio::sync::watch;

use super::backend::{Broker, PublishError};
use super::channels::{Cell, HubLimits, Local, lock};
use super::delivery::{Delivery, LastSeen};
use super::event::{Address, EventId, Message};
use super::sink::Sink;
use crate::contract::PluginName;
use crate::permission::ChannelName;

/// Why nobody can listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// The plugin has as many listeners as it may have.
    #[error("there are {0} listeners already, which is the most that a plugin may have")]
    Full(usize),
}

/// Events of all plugins: takes them to a [`Broker`], and hands out what comes from there. Cheap to clone; all clones
/// are the same hub.
#[derive(Clone)]
pub struct EventHub(Arc<Shared>);

struct Shared {
    broker: Box<dyn Broker>,
    local: Arc<Local>,
    started: AtomicBool,
    /// Dropped with the hub, which ends what the broker runs.
    alive: watch::Sender<()>,
}

impl EventHub {
    /// A hub over a broker, with the default limits. Within a tokio runtime the broker starts at once, and elsewhere when
    /// the hub is used first.
    pub fn new(broker: impl Broker) -> Self {
        Self::with_limits(broker, HubLimits::default())
    }

    /// A hub with limits of its own.
    pub fn with_limits(broker: impl Broker, limits: HubLimits) -> Self {
        let limits = HubLimits {
            channels: limits.channels.max(limits.listeners.saturating_add(1)),
            ..limits
        };
        let hub = Self(Arc::new(Shared {
            broker: Box::new(broker),
            local: Arc::new(Local::new(limits)),
            started: AtomicBool::new(false),
            alive: watch::Sender::new(()),
        }));
        hub.start();
        hub
    }

    fn start(&self) {
        let within = tokio::runtime::Handle::try_current().is_ok();
        if within && !self.0.started.swap(true, Ordering::AcqRel) {
            let alive = self.0.alive.subscribe();
            self.0.broker.start(Sink::new(&self.0.local, alive));
        }
    }

    /// Publishes, and returns when the broker has the event.
    ///
    /// # Errors
    ///
    /// When the broker does not take it by the deadline.
    pub async fn publish(
        &self,
        to: &Address,
        message: Message,
        deadline: Instant,
    ) -> Result<EventId, PublishError> {
        self.start();
        let published = self.0.broker.publish(to, message, deadline);
        tokio::time::timeout_at(deadline.into(), published)
            .await
            .unwrap_or(Err(PublishError::TimedOut))
    }

    /// Listens to a channel of a plugin, from the event after `last` on or from now on. Dropping the subscription ends it.
    /// To miss nothing that other nodes publish, wait until the hub is [`ready`](Self::ready) first.
    ///
    /// # Errors
    ///
    /// When the plugin has too many listeners.
    pub fn subscribe(
        &self,
        plugin: &PluginName,
        channel: &ChannelName,
        last: LastSeen,
    ) -> Result<Subscription, SubscribeError> {
        self.start();
        let local = &self.0.local;
        local.sweep();
        let cell = local.cell(plugin);
        let mut channels = lock(&cell);
        if channels.listeners >= local.limits.listeners {
            return Err(SubscribeError::Full(local.limits.listeners));
        }
        channels.listeners += 1;
        let key = channels.next;
        channels.next += 1;
        let opened = channels.open(channel, &local.limits);
        opened.listeners.insert(key, None);
        let (position, first) = opened.ring.position_after(last);
        let newest = opened.ring.newest();
        drop(channels);
        Ok(Subscription {
            cell,
            channel: channel.clone(),
            key,
            position,
            first,
            newest,
        })
    }

    /// Ready when the broker hears the other nodes; at once where there are none.
    pub async fn ready(&self) {
        self.start();
        let mut connected = self.0.local.connected.subscribe();
        // The sender is in the hub itself.
        let _ = connected.wait_for(|connected| *connected).await;
    }

    /// How many listen to channels of a plugin.
    pub fn listeners(&self, plugin: &PluginName) -> usize {
        lock(&self.0.local.cell(plugin)).listeners
    }

    /// How many bytes are kept for a plugin, and in how many channels.
    pub fn kept(&self, plugin: &PluginName) -> (usize, usize) {
        let cell = self.0.local.cell(plugin);
        let channels = lock(&cell);
        (channels.bytes, channels.channels.len())
    }
}

/// Somebody who listens. It never ends by itself.
pub struct Subscription {
    cell: Cell,
    channel: ChannelName,
    key: u64,
    position: u64,
    first: Option<Delivery>,
    newest: EventId,
}

impl Subscription {
    /// The newest event that there was when listening began; who saw this last has missed nothing before.
    #[must_use]
    pub fn newest_at_start(&self) -> EventId {
        self.newest
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let this = &mut *self;
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        let mut channels = lock(&this.cell);
        // A channel with listeners is never forgotten.
        let Some(channel) = channels.channels.get_mut(&this.channel) else {
            return Poll::Ready(None);
        };
        if let Some((delivery, position)) = channel.ring.read(this.position) {
            this.position = position;
            return Poll::Ready(Some(delivery));
        }
        channel.listeners.insert(this.key, Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = lock(&self.cell);
        channels.listeners -= 1;
        if let Some(channel) = channels.channels.get_mut(&self.channel) {
            channel.listeners.remove(&self.key);
            channel.used = Instant::now();
        }
    }
}

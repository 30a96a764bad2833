//! From events to those who listen, within this process.
//!
//! Publishing wakes listeners and never waits for one: what they have not read yet stays in the channel's
//! [ring](super::ring), and is lost to them when the ring needs the room. What a plugin can make the host keep is bounded
//! by [`HubLimits`], in channels, listeners and bytes, and over all of its channels; where it keeps too much, the channel
//! that takes most gives way, so a loud channel costs a quiet one nothing. A channel that nobody listens to is forgotten
//! after a while.
//!
//! Each plugin has a lock of its own, held for moments and never while anything is awaited or woken.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::Stream;
use thiserror::Error;
use tokio::sync::watch;

use super::backend::{Broker, PublishError};
use super::event::{Address, Event, EventId, Message};
use super::ring::{LastSeen, Ring};
use crate::contract::PluginName;
use crate::permission::ChannelName;

/// How often channels are looked through for those to forget.
const SWEEP: Duration = Duration::from_secs(30);

/// What the events of one plugin may take of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubLimits {
    /// Listeners. 1,000.
    pub listeners: usize,
    /// Channels that are remembered; at least one more than listeners. 1,024.
    pub channels: usize,
    /// Events that a channel keeps for those who read slowly or come back. 256.
    pub channel_events: usize,
    /// Bytes that a channel keeps. 1 MiB.
    pub channel_bytes: usize,
    /// Bytes that all channels keep. 4 MiB.
    pub plugin_bytes: usize,
    /// How long a channel that nobody listens to is remembered after its last event. 5 minutes.
    pub forget_after: Duration,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self {
            listeners: 1_000,
            channels: 1_024,
            channel_events: 256,
            channel_bytes: 1 << 20,
            plugin_bytes: 4 << 20,
            forget_after: Duration::from_secs(300),
        }
    }
}

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
pub struct EventHub(Arc<Parts>);

struct Parts {
    broker: Box<dyn Broker>,
    local: Arc<Local>,
    started: AtomicBool,
    /// Dropped with the hub, which ends what the broker runs.
    alive: watch::Sender<()>,
}

/// What this process keeps.
struct Local {
    limits: HubLimits,
    plugins: Mutex<HashMap<PluginName, Cell>>,
    swept: Mutex<Instant>,
    connected: watch::Sender<bool>,
}

type Cell = Arc<Mutex<Channels>>;

/// One plugin's channels.
#[derive(Default)]
struct Channels {
    channels: HashMap<ChannelName, Channel>,
    bytes: usize,
    listeners: usize,
    /// Names the next listener.
    next: u64,
}

struct Channel {
    ring: Ring,
    listeners: HashMap<u64, Option<Waker>>,
    used: Instant,
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
        let local = Local {
            limits,
            plugins: Mutex::default(),
            swept: Mutex::new(Instant::now()),
            connected: watch::Sender::new(false),
        };
        let hub = Self(Arc::new(Parts {
            broker: Box::new(broker),
            local: Arc::new(local),
            started: AtomicBool::new(false),
            alive: watch::Sender::new(()),
        }));
        hub.start();
        hub
    }

    fn start(&self) {
        let within = tokio::runtime::Handle::try_current().is_ok();
        if within && !self.0.started.swap(true, Ordering::AcqRel) {
            self.0.broker.start(Sink {
                local: Arc::downgrade(&self.0.local),
                alive: self.0.alive.subscribe(),
            });
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
        let (place, first) = opened.ring.place_after(last);
        let newest = opened.ring.newest();
        drop(channels);
        Ok(Subscription {
            cell,
            channel: channel.clone(),
            key,
            place,
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

impl Local {
    fn cell(&self, plugin: &PluginName) -> Cell {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        match plugins.get(plugin) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(plugins.entry(plugin.clone()).or_default()),
        }
    }

    fn cells(&self) -> Vec<(PluginName, Cell)> {
        let plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let all = plugins.iter();
        all.map(|(name, cell)| (name.clone(), Arc::clone(cell)))
            .collect()
    }

    /// Changes a channel's ring, keeps its plugin within the limits, and wakes who listens if there is something to hear.
    fn change<T>(
        &self,
        to: &Address,
        change: impl FnOnce(&mut Ring, bool) -> T,
        is_news: impl FnOnce(&T) -> bool,
    ) -> T {
        self.sweep();
        let cell = self.cell(&to.plugin);
        let mut channels = lock(&cell);
        let channel = channels.open(&to.channel, &self.limits);
        channel.used = Instant::now();
        let before = channel.ring.bytes();
        let done = change(&mut channel.ring, !channel.listeners.is_empty());
        while channel.ring.len() > self.limits.channel_events
            || channel.ring.bytes() > self.limits.channel_bytes
        {
            channel.ring.drop_oldest();
        }
        let after = channel.ring.bytes();
        let wakers: Vec<Waker> = if is_news(&done) {
            let listeners = channel.listeners.values_mut();
            listeners.filter_map(Option::take).collect()
        } else {
            Vec::new()
        };
        channels.bytes = channels.bytes + after - before;
        channels.shrink(self.limits.plugin_bytes);
        drop(channels);
        wakers.into_iter().for_each(Waker::wake);
        done
    }

    /// Forgets channels that have not been used, now and then.
    fn sweep(&self) {
        let pause = SWEEP.min(self.limits.forget_after);
        {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            if swept.elapsed() < pause {
                return;
            }
            *swept = Instant::now();
        }
        for (_, cell) in self.cells() {
            lock(&cell).forget(self.limits.forget_after);
        }
    }
}

fn lock(cell: &Cell) -> MutexGuard<'_, Channels> {
    // Nothing within a lock leaves a half-made state where it could panic.
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channels {
    /// The channel, new if there is none; an old one that nobody listens to makes room.
    fn open(&mut self, name: &ChannelName, limits: &HubLimits) -> &mut Channel {
        if self.channels.len() >= limits.channels && !self.channels.contains_key(name) {
            let silent = self
                .channels
                .iter()
                .filter(|(_, one)| one.listeners.is_empty());
            let oldest = silent.min_by_key(|(_, one)| one.used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.remove(&oldest);
            }
        }
        self.channels
            .entry(name.clone())
            .or_insert_with(|| Channel {
                ring: Ring::default(),
                listeners: HashMap::new(),
                used: Instant::now(),
            })
    }

    fn remove(&mut self, name: &ChannelName) {
        if let Some(removed) = self.channels.remove(name) {
            self.bytes -= removed.ring.bytes();
        }
    }

    fn forget(&mut self, after: Duration) {
        let now = Instant::now();
        self.channels.retain(|_, one| {
            !one.listeners.is_empty() || now.saturating_duration_since(one.used) < after
        });
        self.bytes = self.channels.values().map(|one| one.ring.bytes()).sum();
    }

    /// Drops the oldest of whatever takes most until all fits.
    fn shrink(&mut self, limit: usize) {
        while self.bytes > limit {
            let largest = self.channels.values_mut();
            let Some(largest) = largest.max_by_key(|one| one.ring.bytes()) else {
                return;
            };
            let before = largest.ring.bytes();
            largest.ring.drop_oldest();
            self.bytes -= before - largest.ring.bytes();
        }
    }
}

/// What a broker tells the hub that it works for. Does not keep the hub alive.
#[derive(Clone)]
pub struct Sink {
    local: Weak<Local>,
    alive: watch::Receiver<()>,
}

impl Sink {
    /// Takes up an event, its own node's included. One that is known already is passed over.
    pub fn deliver(&self, to: &Address, event: Event) {
        if let Some(local) = self.local.upgrade() {
            local.change(to, |ring, _| ring.deliver(event), |new| *new);
        }
    }

    /// Takes up a message that only this process numbers; none if the hub is gone.
    pub fn append(&self, to: &Address, message: Message) -> Option<EventId> {
        let local = self.local.upgrade()?;
        Some(local.change(to, |ring, _| ring.append(message), |_| true))
    }

    /// The broker hears the others, or does not any more.
    pub fn connected(&self, connected: bool) {
        if let Some(local) = self.local.upgrade() {
            local.connected.send_replace(connected);
        }
    }

    /// The channels that this node remembers; after a silence, each has to be [resumed](Self::resume).
    pub fn channels(&self) -> Vec<Address> {
        let cells = self.local.upgrade().map(|local| local.cells());
        let mut all = Vec::new();
        for (plugin, cell) in cells.into_iter().flatten() {
            let channels = lock(&cell);
            all.extend(channels.channels.keys().map(|channel| Address {
                plugin: plugin.clone(),
                channel: channel.clone(),
            }));
        }
        all
    }

    /// The newest event that was delivered of a channel, if any is remembered.
    pub fn newest(&self, at: &Address) -> Option<EventId> {
        let cell = self.local.upgrade()?.cell(&at.plugin);
        let channels = lock(&cell);
        let newest = channels.channels.get(&at.channel)?.ring.newest();
        (newest != EventId::ORIGIN).then_some(newest)
    }

    /// Says what the newest event of a channel is, after a time in which the broker could not hear. Everything up to it
    /// that could still be had must have been delivered before; what is missing then is a gap, of which listeners are
    /// told. None: the channel's counting is gone.
    pub fn resume(&self, at: &Address, newest: Option<EventId>) {
        if let Some(local) = self.local.upgrade() {
            local.change(at, |ring, heard| ring.resume(newest, heard), |gap| *gap);
        }
    }

    /// Ready when the hub is gone.
    pub async fn closed(&mut self) {
        while self.alive.changed().await.is_ok() {}
    }
}

/// Somebody who listens. It never ends by itself.
pub struct Subscription {
    cell: Cell,
    channel: ChannelName,
    key: u64,
    place: u64,
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
        if let Some((delivery, place)) = channel.ring.read(this.place) {
            this.place = place;
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

//! Where a broker hands over what it hears.

use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::channels::{Local, lock};
use super::event::{Address, Event, EventId, Message};

/// What a broker tells the hub that it works for. Does not keep the hub alive.
#[derive(Clone)]
pub struct Sink {
    local: Weak<Local>,
    alive: watch::Receiver<()>,
}

impl Sink {
    pub(super) fn new(local: &Arc<Local>, alive: watch::Receiver<()>) -> Self {
        Self {
            local: Arc::downgrade(local),
            alive,
        }
    }

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

//! What this process keeps of each plugin's channels.
//!
//! What a plugin can make the host keep is bounded by [`HubLimits`], in channels, listeners and bytes, and over all of its
//! channels; where it keeps too much, the channel that takes most gives way, so a loud channel costs a quiet one nothing. A
//! channel that nobody listens to is forgotten after a while.
//!
//! Each plugin has a lock of its own, held for moments and never while anything is awaited or woken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::event::Address;
use super::ring::Ring;
use crate::contract::PluginName;
use crate::permission::ChannelName;
use crate::setters::setters;

/// How often channels are looked through for those to forget.
const SWEEP: Duration = Duration::from_secs(30);

/// What the events of one plugin may take of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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

setters!(HubLimits {
    listeners: usize,
    channels: usize,
    channel_events: usize,
    channel_bytes: usize,
    plugin_bytes: usize,
    forget_after: Duration,
});

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

/// What this process keeps.
pub(super) struct Local {
    pub(super) limits: HubLimits,
    plugins: Mutex<HashMap<PluginName, Cell>>,
    swept: Mutex<Instant>,
    pub(super) connected: watch::Sender<bool>,
}

/// One plugin's channels, behind a lock that is held for moments and never while anything is awaited or woken.
pub(super) type Cell = Arc<Mutex<Channels>>;

/// One plugin's channels.
#[derive(Default)]
pub(super) struct Channels {
    pub(super) channels: HashMap<ChannelName, Channel>,
    pub(super) bytes: usize,
    pub(super) listeners: usize,
    /// Names the next listener.
    pub(super) next: u64,
}

/// One channel, with who listens to it: by their names, and whom to wake.
pub(super) struct Channel {
    pub(super) ring: Ring,
    pub(super) listeners: HashMap<u64, Option<Waker>>,
    pub(super) used: Instant,
}

impl Local {
    /// Nothing yet, and nobody heard.
    pub(super) fn new(limits: HubLimits) -> Self {
        Self {
            limits,
            plugins: Mutex::default(),
            swept: Mutex::new(Instant::now()),
            connected: watch::Sender::new(false),
        }
    }

    pub(super) fn cell(&self, plugin: &PluginName) -> Cell {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        match plugins.get(plugin) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(plugins.entry(plugin.clone()).or_default()),
        }
    }

    pub(super) fn cells(&self) -> Vec<(PluginName, Cell)> {
        let plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let all = plugins.iter();
        all.map(|(name, cell)| (name.clone(), Arc::clone(cell)))
            .collect()
    }

    /// Changes a channel's ring, keeps its plugin within the limits, and wakes who listens if there is something to hear.
    pub(super) fn change<T>(
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
    pub(super) fn sweep(&self) {
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

pub(super) fn lock(cell: &Cell) -> MutexGuard<'_, Channels> {
    // Nothing within a lock leaves a half-made state where it could panic.
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channels {
    /// The channel, new if there is none; an old one that nobody listens to makes room.
    pub(super) fn open(&mut self, name: &ChannelName, limits: &HubLimits) -> &mut Channel {
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

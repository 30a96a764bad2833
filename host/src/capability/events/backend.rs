//! What takes events from node to node.
//!
//! A broker numbers each channel's events without holes, under an epoch that changes when counting begins anew, and hands
//! every event, those of its own node included, to its hub's [`Sink`] in the order of their numbers. It may lose events
//! while it cannot hear; it must then say by [`Sink::resume`] how far each channel has come, so that nobody misses
//! anything without knowing. Publishing waits for the broker and never for listeners.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use thiserror::Error;

use super::event::{Address, EventId, Message};
use super::sink::Sink;
use crate::contract;

/// The first pause before connecting again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A connection that held so long was a good one.
const HELD: Duration = Duration::from_secs(20);

/// Takes events from node to node.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Begins to hand events to a hub, until the hub is [gone](Sink::closed). Called once, within a tokio runtime, and
    /// before anything is published from there.
    fn start(&self, sink: Sink);

    /// Publishes, and returns when all nodes that can hear will get the event. Given up when the deadline passes.
    async fn publish(
        &self,
        to: &Address,
        message: Message,
        deadline: Instant,
    ) -> Result<EventId, PublishError>;
}

/// Why an event was not published. Whether other nodes got it is not known if the broker went away just then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The deadline passed.
    #[error("the event was not published in time")]
    TimedOut,
    /// The broker does not answer.
    #[error("events cannot be published: {0}")]
    Unavailable(String),
}

impl From<PublishError> for contract::Error {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::TimedOut => Self::TimedOut,
            PublishError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Runs `hear` again and again, with growing pauses after it failed, until the hub is gone. `hear` connects, hands over
/// what it hears, and returns only why it no longer can.
pub(super) async fn keep_hearing(
    mut sink: Sink,
    broker: &'static str,
    hear: impl AsyncFn(&Sink) -> String,
) {
    let mut pause = PAUSE;
    let heard = sink.clone();
    loop {
        let began = Instant::now();
        let reason = tokio::select! {
            () = sink.closed() => return,
            reason = hear(&heard) => reason,
        };
        sink.connected(false);
        if began.elapsed() > HELD {
            pause = PAUSE;
        }
        tracing::warn!(
            "events of other nodes are not heard: {broker}: {reason}; trying again in {pause:?}"
        );
        tokio::select! {
            () = sink.closed() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

//! The embedded broker: one process, nothing to install, and nothing left when it ends.
//!
//! Counting begins anew with each process, and with each channel that was forgotten meanwhile, under a random epoch. So a
//! browser that comes back with an id of before is told that nobody knows what it missed.

use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;

use super::backend::{Broker, PublishError};
use super::event::{Address, EventId, Message};
use super::sink::Sink;

/// A broker for one process.
#[derive(Default)]
pub struct MemoryBroker(OnceLock<Sink>);

#[async_trait]
impl Broker for MemoryBroker {
    fn start(&self, sink: Sink) {
        sink.connected(true);
        // It is started once.
        let _ = self.0.set(sink);
    }

    async fn publish(
        &self,
        to: &Address,
        message: Message,
        _deadline: Instant,
    ) -> Result<EventId, PublishError> {
        let sink = self.0.get();
        sink.and_then(|sink| sink.append(to, message))
            .ok_or_else(|| PublishError::Unavailable("the hub is not started".to_owned()))
    }
}

//! Events between nodes through Redis.
//!
//! One script numbers and publishes an event, so that events come to every node in the order of their numbers. Redis
//! keeps nothing but each channel's count, for a day after its last event. A node that lost its connection asks for the
//! counts when it has a new one, and so knows how many events of which channel it has missed.
//!
//! Whoever can publish in the Redis server can forge events. Plugins cannot: the cache gives them values in hashes of
//! their own and no command of Redis.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use redis::{Msg, Script};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::backend::{Broker, PublishError, keep_hearing};
use super::event::{Address, Epoch, Event, EventId, Message};
use super::sink::Sink;
use crate::store::{RedisFailure, RedisStore};

/// How long Redis remembers the count of a channel that is not used.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How long Redis may take to answer what a node asks for itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a silent connection is tried.
const PROBE: Duration = Duration::from_secs(15);
/// How many channels' counts are asked for at once.
const COUNTS: usize = 256;

/// Numbers an event and publishes it. The epoch is the caller's proposal where counting begins.
const PUBLISH: &str = r"
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
    epoch = ARGV[1]
    redis.call('HSET', KEYS[1], 'epoch', epoch)
end
local id = epoch .. '-' .. redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], id .. ' ' .. ARGV[4])
return id
";

/// A broker over a Redis server.
pub struct RedisBroker {
    station: Station,
    publish: Script,
}

/// Where in the server the events of an installation are.
#[derive(Clone)]
struct Station {
    store: RedisStore,
    prefix: String,
}

/// An event on its way, after its id.
#[derive(Serialize, Deserialize)]
struct Parcel<'a> {
    plugin: Cow<'a, str>,
    channel: Cow<'a, str>,
    #[serde(rename = "type")]
    event_type: Cow<'a, str>,
    data: Cow<'a, str>,
}

impl RedisBroker {
    /// A broker for all nodes that use the same server with the same prefix. Installations that share a server need
    /// prefixes of their own, such as `goatherd`, also where they use different databases of it, because Redis hands
    /// messages to all databases. Keys and channels of Redis begin with `PREFIX:events:`.
    pub fn new(store: RedisStore, prefix: impl Into<String>) -> Self {
        Self {
            station: Station {
                store,
                prefix: prefix.into(),
            },
            publish: Script::new(PUBLISH),
        }
    }
}

#[async_trait]
impl Broker for RedisBroker {
    fn start(&self, sink: Sink) {
        let station = self.station.clone();
        let hear = async move |sink: &Sink| station.hear(sink).await.to_string();
        tokio::spawn(keep_hearing(sink, "Redis", hear));
    }

    async fn publish(
        &self,
        to: &Address,
        message: Message,
        deadline: Instant,
    ) -> Result<EventId, PublishError> {
        let parcel = Parcel {
            plugin: to.plugin.as_str().into(),
            channel: to.channel.as_str().into(),
            event_type: message.event_type().into(),
            data: message.data().into(),
        };
        let parcel = serde_json::to_string(&parcel)
            .map_err(|error| PublishError::Unavailable(error.to_string()))?;
        let mut call = self.publish.key(self.station.counter(to));
        call.arg(Epoch::random().to_string())
            .arg(REMEMBERED.as_secs())
            .arg(self.station.topic())
            .arg(parcel);
        let ran = self.station.store.run(deadline, async |mut connection| {
            call.invoke_async::<String>(&mut connection).await
        });
        let id = ran.await.map_err(|failure| match failure {
            RedisFailure::TimedOut => PublishError::TimedOut,
            RedisFailure::Unavailable(_) => PublishError::Unavailable(failure.to_string()),
        })?;
        id.parse().map_err(|_| {
            PublishError::Unavailable(format!("Redis counted {id:?}, which is no event's id"))
        })
    }
}

impl Station {
    /// The channel of Redis that all nodes hear.
    fn topic(&self) -> String {
        format!("{}:events:", self.prefix)
    }

    fn counter(&self, address: &Address) -> String {
        format!(
            "{}:events:{}:{}",
            self.prefix, address.plugin, address.channel
        )
    }

    /// Hands over what the nodes publish, until the connection breaks.
    async fn hear(&self, sink: &Sink) -> RedisFailure {
        match self.try_hear(sink).await {
            Ok(()) => RedisFailure::Unavailable("the connection ended".to_owned()),
            Err(failure) => failure,
        }
    }

    async fn try_hear(&self, sink: &Sink) -> Result<(), RedisFailure> {
        let broken = |error: redis::RedisError| RedisFailure::Unavailable(error.to_string());
        let silent = |_| RedisFailure::TimedOut;
        let subscriber = self.store.subscriber(Instant::now() + PATIENCE).await?;
        let (mut line, mut messages) = subscriber.split();
        let subscribed = timeout(PATIENCE, line.subscribe(self.topic())).await;
        subscribed.map_err(silent)?.map_err(broken)?;

        // What was counted by now was sent by now, and so comes before the answer to a question that is asked after it.
        let counts = self.counts(sink.channels()).await?;
        let answered = timeout(PATIENCE, line.ping::<redis::Value>()).await;
        answered.map_err(silent)?.map_err(broken)?;
        while let Some(Some(message)) = messages.next().now_or_never() {
            accept(sink, &message);
        }
        for (address, newest) in counts {
            sink.resume(&address, newest);
        }
        sink.connected(true);

        let mut probe = interval(PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => accept(sink, &message),
                    None => return Ok(()),
                },
                _ = probe.tick() => {
                    let answered = timeout(PATIENCE, line.ping::<redis::Value>()).await;
                    answered.map_err(silent)?.map_err(broken)?;
                }
            }
        }
    }

    /// The newest events of channels.
    async fn counts(
        &self,
        channels: Vec<Address>,
    ) -> Result<Vec<(Address, Option<EventId>)>, RedisFailure> {
        let mut all = Vec::with_capacity(channels.len());
        for some in channels.chunks(COUNTS) {
            let mut asked = redis::pipe();
            for address in some {
                asked
                    .cmd("HMGET")
                    .arg(self.counter(address))
                    .arg(&["epoch", "number"]);
            }
            let deadline = Instant::now() + PATIENCE;
            let counts: Vec<(Option<String>, Option<u64>)> = self
                .store
                .run(deadline, async |mut connection| {
                    asked.query_async(&mut connection).await
                })
                .await?;
            for (address, count) in some.iter().zip(counts) {
                let newest = match count {
                    (Some(epoch), Some(number)) => format!("{epoch}-{number}").parse().ok(),
                    _ => None,
                };
                all.push((address.clone(), newest));
            }
        }
        Ok(all)
    }
}

/// Hands one message over, if it is an event; nothing else is published there by nodes.
fn accept(sink: &Sink, message: &Msg) {
    match parse(message.get_payload_bytes()) {
        Some((address, event)) => sink.deliver(&address, event),
        None => tracing::warn!("a message in Redis that is no event was passed over"),
    }
}

fn parse(payload: &[u8]) -> Option<(Address, Event)> {
    let (id, parcel) = std::str::from_utf8(payload).ok()?.split_once(' ')?;
    let received: Parcel<'_> = serde_json::from_str(parcel).ok()?;
    let address = Address {
        plugin: received.plugin.parse().ok()?,
        channel: received.channel.parse().ok()?,
    };
    let event = Event {
        id: id.parse().ok()?,
        message: Message::new(received.event_type.into_owned(), received.data.into_owned()).ok()?,
    };
    Some((address, event))
}

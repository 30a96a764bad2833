//! Two nodes over each kind of broker, so that one test body tries them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use goatherd::capability::events::{
    Address, Delivery, Event, EventHub, EventId, Events, LastSeen, MemoryBroker, Message,
    PostgresBroker, PublishError, RedisBroker, Subscription,
};
use goatherd::runtime::Limits;
use goatherd::store::{PostgresStore, RedisStore};
use goatherd::{Host, Plugin, tls};
use goatherd_tests::{Cable, call, guest, host_builder, limits, load, servers};
use serde_json::json;

/// The guest's name.
pub const PLUGIN: &str = "probe-events";

/// Two nodes of one installation.
pub struct Nodes {
    pub first: Node,
    pub second: Node,
    /// The second node's way to the broker, where there is one.
    pub cable: Option<Cable>,
    pub url: String,
    pub prefix: String,
}

/// A host with the guest in it, which may publish to every channel.
pub struct Node {
    pub hub: EventHub,
    pub plugin: Plugin,
    _host: Host,
}

impl Nodes {
    /// One process: both nodes are the same.
    pub async fn memory() -> Self {
        let hub = EventHub::new(MemoryBroker::default());
        Self {
            first: Node::new(hub.clone()).await,
            second: Node::new(hub).await,
            cable: None,
            url: String::new(),
            prefix: String::new(),
        }
    }

    pub async fn redis() -> Self {
        Self::redis_at(servers::redis()).await
    }

    pub async fn redis_at(url: String) -> Self {
        let (cable, through) = Cable::to(&url).await;
        let prefix = unique("goatherd");
        Self {
            first: Node::new(redis_hub(&url, &prefix)).await,
            second: Node::new(redis_hub(&through, &prefix)).await,
            cable: Some(cable),
            url,
            prefix,
        }
    }

    pub async fn postgres() -> Self {
        let url = servers::postgres();
        let (cable, through) = Cable::to(&url).await;
        Self {
            first: Node::new(postgres_hub(&url).await).await,
            second: Node::new(postgres_hub(&through).await).await,
            cable: Some(cable),
            url,
            prefix: String::new(),
        }
    }
}

fn redis_hub(url: &str, prefix: &str) -> EventHub {
    let tls = tls::client(None).expect("certificates");
    let store = RedisStore::new(url, tls).expect("a URL");
    EventHub::new(RedisBroker::new(store, prefix))
}

async fn postgres_hub(url: &str) -> EventHub {
    let tls = tls::client(None).expect("certificates");
    let store = PostgresStore::new(url, tls).expect("a URL");
    let broker = PostgresBroker::open(store).await;
    EventHub::new(broker.expect("the database takes tables"))
}

/// A name that no other test of any process has.
pub fn unique(stem: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{stem}_{}_{number}", std::process::id())
}

/// Limits without a limit on events.
pub fn unlimited() -> Limits {
    limits().rates(limits().rates.events_per_minute(None))
}

impl Node {
    pub async fn new(hub: EventHub) -> Self {
        Self::with(hub, &["events=*"], unlimited()).await
    }

    pub async fn with(hub: EventHub, grants: &[&str], limits: Limits) -> Self {
        let host = host_builder().provider(Events::new(hub.clone()));
        let host = host.build().expect("the host starts");
        let plugin = load(&host, "probe-events.wasm", guest(PLUGIN), grants, limits).await;
        soon(hub.ready()).await;
        Self {
            hub,
            plugin: plugin.unwrap_or_else(|error| panic!("{error}")),
            _host: host,
        }
    }

    /// Publishes through the guest.
    pub async fn publish(&self, channel: &str, data: &str) {
        let args = json!({ "channel": channel, "type": "note", "data": data });
        call(&self.plugin, "publish", args)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Publishes as another plugin would.
    pub async fn publish_as(
        &self,
        plugin: &str,
        channel: &str,
        data: &str,
    ) -> Result<EventId, PublishError> {
        let message = Message::new("note".to_owned(), data.to_owned()).expect("within the limits");
        let deadline = Instant::now() + Duration::from_secs(10);
        self.hub
            .publish(&address(plugin, channel), message, deadline)
            .await
    }

    pub fn listen(&self, channel: &str, last: LastSeen) -> Subscription {
        self.listen_to(PLUGIN, channel, last)
    }

    pub fn listen_to(&self, plugin: &str, channel: &str, last: LastSeen) -> Subscription {
        let at = address(plugin, channel);
        self.hub
            .subscribe(&at.plugin, &at.channel, last)
            .expect("there is room")
    }
}

pub fn address(plugin: &str, channel: &str) -> Address {
    Address {
        plugin: plugin.parse().expect("a plugin's name"),
        channel: channel.parse().expect("a channel's name"),
    }
}

/// What must happen, in the time that a busy machine may need for it.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("it happens soon")
}

/// What comes next.
pub async fn next(subscription: &mut Subscription) -> Delivery {
    soon(subscription.next()).await.expect("it never ends")
}

/// The next event, with nothing lost before.
pub async fn event(subscription: &mut Subscription) -> Arc<Event> {
    match next(subscription).await {
        Delivery::Event(event) => event,
        lost => panic!("{lost:?}"),
    }
}

/// The data of so many next events, with nothing lost between.
pub async fn texts(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(event(subscription).await.message.data().to_owned());
    }
    all
}

/// Whether nothing comes for a moment.
pub async fn is_silent(subscription: &mut Subscription) -> bool {
    let moment = Duration::from_millis(300);
    tokio::time::timeout(moment, subscription.next())
        .await
        .is_err()
}

/// Makes a test of each function, over each broker.
#[macro_export]
macro_rules! on_every_broker {
    ($($test:ident,)+) => {
        on_every_broker!(@on memory: $($test,)+);
        on_every_broker!(@on redis: $($test,)+);
        on_every_broker!(@on postgres: $($test,)+);
    };
    (@on $broker:ident: $($test:ident,)+) => {
        mod $broker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::brokers::Nodes::$broker().await).await;
            })+
        }
    };
}

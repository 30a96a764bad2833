//! A broker that an embedder brings.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use goatherd::capability::events::{
    Address, Broker, Delivery, Epoch, Event, EventHub, EventId, LastSeen, Message, PublishError,
    Sink,
};
use goatherd_tests::{call_in, until};
use serde_json::json;

use super::brokers::{Node, PLUGIN, address, event, is_silent, next};

/// Does what the test says.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<Option<Sink>>>);

impl Own {
    fn sink(&self) -> Sink {
        self.0.lock().unwrap().clone().expect("it is started")
    }
}

#[async_trait]
impl Broker for Own {
    fn start(&self, sink: Sink) {
        sink.connected(true);
        let before = self.0.lock().unwrap().replace(sink);
        assert!(before.is_none(), "it is started once");
    }

    async fn publish(&self, to: &Address, _: Message, _: Instant) -> Result<EventId, PublishError> {
        match to.channel.as_str() {
            "silent" => std::future::pending().await,
            _ => Err(PublishError::Unavailable("it rains".to_owned())),
        }
    }
}

#[tokio::test]
async fn what_a_broker_says_is_what_the_plugin_is_told() {
    let node = Node::new(EventHub::new(Own::default())).await;
    let mut codes = Vec::new();
    for channel in ["dead", "silent"] {
        let args = json!({ "channel": channel, "type": "note", "data": "x" });
        let began = Instant::now();
        let failed = call_in(&node.plugin, until(300), "publish", args).await;
        assert!(began.elapsed() < Duration::from_secs(5));
        codes.push(failed.unwrap_err().to_contract().code().to_owned());
    }
    assert_eq!(codes, ["unavailable", "timed-out"]);
}

#[tokio::test]
async fn what_a_broker_leaves_out_is_told_to_who_listens() {
    let broker = Own::default();
    let hub = EventHub::new(broker.clone());
    let sink = broker.sink();
    let at = address(PLUGIN, "news");
    let mut listener = hub
        .subscribe(&at.plugin, &at.channel, LastSeen::Nothing)
        .unwrap();
    let epoch = Epoch::random();
    let deliver = |number: u64| {
        let message = Message::new("note".to_owned(), number.to_string()).unwrap();
        let id = EventId { epoch, number };
        sink.deliver(&at, Event { id, message });
    };
    deliver(5);
    deliver(8);
    deliver(8);
    deliver(7);
    assert_eq!(event(&mut listener).await.id.number, 5);
    assert_eq!(next(&mut listener).await, Delivery::Lost { count: Some(2) });
    assert_eq!(event(&mut listener).await.id.number, 8);
    assert!(is_silent(&mut listener).await);
    let newest = EventId { epoch, number: 10 };
    assert_eq!(sink.channels(), std::slice::from_ref(&at));
    sink.resume(&at, Some(newest));
    assert_eq!(next(&mut listener).await, Delivery::Lost { count: Some(2) });
    sink.resume(&at, Some(newest));
    assert!(is_silent(&mut listener).await);
    drop(hub);
    let mut gone = sink.clone();
    tokio::time::timeout(Duration::from_secs(5), gone.closed())
        .await
        .expect("the broker is told that its hub is gone");
}

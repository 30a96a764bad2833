//! What a plugin can make the host keep, and for how long.

use std::time::Duration;

use futures::StreamExt as _;
use goatherd::capability::events::{
    DATA_BYTES, Delivery, EventHub, HubLimits, LastSeen, MemoryBroker, SubscribeError,
};
use goatherd_tests::call;
use serde_json::json;

use super::account::{Account, Heard};
use super::brokers::{Node, PLUGIN, address, event, next, texts};

async fn node(limits: HubLimits) -> Node {
    Node::new(EventHub::with_limits(MemoryBroker::default(), limits)).await
}

async fn burst(node: &Node, channel: &str, count: u64, bytes: usize) {
    let args = json!({ "channel": channel, "from": 0, "count": count, "bytes": bytes });
    call(&node.plugin, "burst", args).await.unwrap();
}

fn kept(node: &Node) -> (usize, usize) {
    node.hub.kept(&PLUGIN.parse().unwrap())
}

#[tokio::test]
async fn a_plugin_fills_no_more_than_its_budget_in_however_many_channels() {
    let limits = HubLimits::default();
    let node = node(limits).await;
    for channel in 0..2 * limits.channels {
        let data = "x".repeat(DATA_BYTES / 8);
        node.publish_as(PLUGIN, &format!("c{channel}"), &data)
            .await
            .unwrap();
        let (bytes, channels) = kept(&node);
        assert!(bytes <= limits.plugin_bytes, "{bytes}");
        assert!(
            channels <= limits.channels.max(limits.listeners + 1),
            "{channels}"
        );
    }
    burst(&node, "one", 100, DATA_BYTES - 10).await;
    assert!(kept(&node).0 <= limits.plugin_bytes);
    assert_eq!(node.hub.kept(&"other".parse().unwrap()), (0, 0));
}

#[tokio::test]
async fn a_loud_channel_costs_a_quiet_one_nothing() {
    let node = node(HubLimits::default()).await;
    let mut quiet = node.listen("quiet", LastSeen::Nothing);
    node.publish("quiet", "kept").await;
    for channel in 0..8 {
        burst(&node, &format!("loud{channel}"), 40, DATA_BYTES - 10).await;
    }
    assert_eq!(texts(&mut quiet, 1).await, ["kept"]);
}

#[tokio::test]
async fn who_does_not_read_loses_what_no_longer_fits_and_is_told_how_much() {
    let limits = HubLimits::default();
    let node = node(limits).await;
    let mut listener = node.listen("news", LastSeen::Nothing);
    let total = limits.channel_events as u64 + 100;
    burst(&node, "news", total, 0).await;
    let mut account = Account::from(0);
    let mut end = 0;
    while end < total {
        end = account.take(match next(&mut listener).await {
            Delivery::Event(event) => Heard::Number(event.message.data().parse().unwrap()),
            Delivery::Lost { count } => Heard::Lost(count.unwrap()),
        });
    }
    assert_eq!(account.lost, 100);
}

#[tokio::test]
async fn a_thousand_listeners_who_do_not_read_hold_no_events_of_their_own() {
    let limits = HubLimits::default();
    let node = node(limits).await;
    let all: Vec<_> = (0..limits.listeners)
        .map(|_| node.listen("news", LastSeen::Nothing))
        .collect();
    let before = goatherd_tests::process().anonymous_bytes;
    burst(&node, "news", 2_000, 16_000).await;
    let grown = goatherd_tests::process()
        .anonymous_bytes
        .saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes for 32 MB that nobody read");
    let at = address(PLUGIN, "news");
    let full = node
        .hub
        .subscribe(&at.plugin, &at.channel, LastSeen::Nothing);
    assert_eq!(full.err(), Some(SubscribeError::Full(limits.listeners)));
    drop(all);
    assert_eq!(node.hub.listeners(&at.plugin), 0);
    node.listen("news", LastSeen::Nothing);
}

#[tokio::test]
async fn a_channel_that_nobody_uses_is_forgotten() {
    let node = node(HubLimits::default().forget_after(Duration::from_millis(200))).await;
    let mut listener = node.listen("news", LastSeen::Nothing);
    node.publish("news", "x").await;
    let seen = event(&mut listener).await.id;
    tokio::time::sleep(Duration::from_millis(500)).await;
    node.publish("other", "x").await;
    assert_eq!(kept(&node).1, 2, "somebody listens");
    drop(listener);
    tokio::time::sleep(Duration::from_millis(500)).await;
    node.publish("other", "x").await;
    assert_eq!(kept(&node).1, 1);
    let mut back = node.listen("news", LastSeen::Event(seen));
    assert_eq!(next(&mut back).await, Delivery::Lost { count: None });
    node.publish("news", "y").await;
    let after = event(&mut back).await;
    assert_ne!(after.id.epoch, seen.epoch, "ids are never used twice");
}

#[tokio::test]
async fn a_hub_works_without_any_plugin_or_server() {
    let hub = EventHub::new(MemoryBroker::default());
    let at = address("anything", "news");
    let mut listener = hub
        .subscribe(&at.plugin, &at.channel, LastSeen::Nothing)
        .unwrap();
    let message = goatherd::capability::events::Message::new("a".into(), "b".into()).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(1);
    let id = hub.publish(&at, message, deadline).await.unwrap();
    let Some(Delivery::Event(event)) = listener.next().await else {
        panic!("an event");
    };
    assert_eq!(event.id, id);
}

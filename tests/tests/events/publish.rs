//! What a plugin may publish, decided before anything is.

use std::num::NonZeroU32;

use goatherd::capability::events::{DATA_BYTES, EventHub, LastSeen, MemoryBroker};
use goatherd::permission::Rates;
use goatherd_tests::{call, guest, host, limits, load};
use serde_json::{Value, json};

use super::brokers::{Node, PLUGIN, event, is_silent, texts, unlimited};

async fn node(grants: &[&str]) -> Node {
    Node::with(EventHub::new(MemoryBroker::default()), grants, unlimited()).await
}

/// The code and the text of the error with which something is refused.
async fn refused(node: &Node, channel: &str, event_type: &str, data: Value) -> (String, String) {
    let args = json!({ "channel": channel, "type": event_type, "data": data });
    let error = call(&node.plugin, "publish", args).await.unwrap_err();
    let error = error.to_contract();
    (error.code().to_owned(), error.message().into_owned())
}

fn kept(node: &Node) -> (usize, usize) {
    node.hub.kept(&PLUGIN.parse().unwrap())
}

#[tokio::test]
async fn without_a_scope_a_plugin_has_the_channel_that_is_called_like_it() {
    let node = node(&["events"]).await;
    let mut listener = node.listen(PLUGIN, LastSeen::Nothing);
    node.publish(PLUGIN, "mine").await;
    assert_eq!(texts(&mut listener, 1).await, ["mine"]);
    let (code, message) = refused(&node, "news", "note", json!("x")).await;
    assert_eq!(code, "permission-denied");
    for part in [
        "\"probe-events\"",
        "\"news\"",
        "its own",
        "grant events=news",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_scope_lists_channels_and_nothing_else_is_published() {
    let node = node(&["events=tickets.*,news"]).await;
    for channel in ["tickets.new", "tickets.", "news"] {
        node.publish(channel, "x").await;
    }
    let before = kept(&node);
    for channel in ["tickets", "news2", "anews", PLUGIN] {
        let (code, _) = refused(&node, channel, "note", json!("x")).await;
        assert_eq!(code, "permission-denied", "{channel}");
    }
    assert_eq!(kept(&node), before, "a denial leaves nothing behind");
}

#[tokio::test]
async fn what_is_no_channel_is_no_argument() {
    let node = node(&["events=*"]).await;
    let long = "a".repeat(64);
    for channel in [
        "", "A", "9a", ".a", "a/b", "a b", "a\n", "a\0", "*", "ä", &long,
    ] {
        let (code, message) = refused(&node, channel, "note", json!("x")).await;
        assert_eq!(code, "invalid-argument", "{channel:?}");
        assert!(message.contains("is not a channel"), "{message}");
        assert!(
            !message.contains('\n') && !message.contains('\0'),
            "{message:?}"
        );
    }
    node.publish(&"a".repeat(63), "x").await;
    let huge = "a".repeat(1 << 20);
    let (code, message) = refused(&node, &huge, "note", json!("x")).await;
    assert_eq!(code, "invalid-argument");
    assert!(message.len() < 1_000, "{}", message.len());
}

#[tokio::test]
async fn a_plugin_with_every_channel_still_has_none_of_another_plugin() {
    let node = node(&["events=*"]).await;
    let mut theirs = node.listen_to("other", "other", LastSeen::Nothing);
    let mut own = node.listen("other", LastSeen::Nothing);
    node.publish("other", "x").await;
    assert_eq!(texts(&mut own, 1).await, ["x"]);
    assert!(is_silent(&mut theirs).await);
}

#[tokio::test]
async fn a_type_is_one_line_that_nobody_can_mistake_for_the_hosts() {
    let node = node(&["events=*"]).await;
    for event_type in [
        "",
        "a\nb",
        "a\rb",
        "a\r\nevent: b",
        "\n",
        "a\0",
        "\u{85}",
        "a\u{2028}b",
        "a\u{2029}b",
        "\u{1b}[31m",
        "connected",
        "lost",
        "open",
        "error",
    ] {
        let (code, message) = refused(&node, "news", event_type, json!("x")).await;
        assert_eq!(code, "invalid-argument", "{event_type:?}");
        assert!(
            !message.contains(['\n', '\r', '\0', '\u{1b}']),
            "{message:?}"
        );
    }
    let (code, _) = refused(&node, "news", &"a".repeat(129), json!("x")).await;
    assert_eq!(code, "too-large");
    assert_eq!(kept(&node).0, 0, "nothing of it was published");
    let mut listener = node.listen("news", LastSeen::Nothing);
    for event_type in [&*"a".repeat(128), "message", "Connected", "a: b", " a", "ü"] {
        let args = json!({ "channel": "news", "type": event_type, "data": "x" });
        call(&node.plugin, "publish", args).await.unwrap();
        assert_eq!(event(&mut listener).await.message.event_type(), event_type);
    }
}

#[tokio::test]
async fn data_ends_at_64_kibibytes() {
    let node = node(&["events=*"]).await;
    let (code, message) = refused(&node, "news", "note", json!({ "bytes": DATA_BYTES + 1 })).await;
    assert_eq!(code, "too-large");
    assert!(
        message.contains("65537") && message.contains("65536"),
        "{message}"
    );
    assert_eq!(kept(&node).0, 0);
    let args = json!({ "channel": "news", "type": "note", "data": { "bytes": DATA_BYTES } });
    call(&node.plugin, "publish", args).await.unwrap();
}

#[tokio::test]
async fn events_are_counted_by_the_policy_and_refusals_are_not() {
    let rates = Rates::default().events_per_minute(NonZeroU32::new(3));
    let limits = limits().rates(rates);
    let hub = EventHub::new(MemoryBroker::default());
    let node = Node::with(hub, &["events=news"], limits).await;
    for _ in 0..10 {
        refused(&node, "other", "note", json!("x")).await;
        refused(&node, "news", "lost", json!("x")).await;
    }
    let mut listener = node.listen("news", LastSeen::Nothing);
    for data in ["a", "b", "c"] {
        node.publish("news", data).await;
    }
    let args = json!({ "channel": "news", "type": "note", "data": "d" });
    let error = call(&node.plugin, "publish", args)
        .await
        .unwrap_err()
        .to_contract();
    let goatherd::contract::Error::RateLimited(goatherd::contract::RateLimited { retry_after_ms }) =
        error
    else {
        panic!("{error}");
    };
    assert!((1..=20_001).contains(&retry_after_ms), "{retry_after_ms}");
    assert_eq!(texts(&mut listener, 3).await, ["a", "b", "c"]);
    assert!(is_silent(&mut listener).await);
}

#[tokio::test]
async fn without_a_grant_the_interface_is_not_there() {
    let refused = load(
        host(),
        "probe-events.wasm",
        guest(PLUGIN),
        &["cache:read"],
        limits(),
    )
    .await;
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("goatherd:plugin/events") && error.contains("events"),
        "{error}"
    );
}

//! What holds over every broker, for two nodes of one installation.

use goatherd::capability::events::{DATA_BYTES, Delivery, LastSeen, Message};
use goatherd_tests::call;
use serde_json::json;

use super::brokers::{Nodes, event, is_silent, next, texts};
use super::site::Site;
use crate::on_every_broker;

on_every_broker!(
    an_event_reaches_listeners_of_both_nodes_under_one_id,
    who_comes_back_to_either_node_gets_exactly_what_they_missed,
    any_text_arrives_as_it_was_published,
    two_nodes_that_publish_at_once_are_heard_in_one_order_everywhere,
    plugins_and_channels_do_not_hear_each_other,
    who_comes_back_with_an_id_that_means_nothing_is_told_that_events_may_be_lost,
    who_heard_nothing_yet_can_come_back_all_the_same,
    a_browser_that_comes_back_to_the_other_node_gets_exactly_what_it_missed,
);

async fn an_event_reaches_listeners_of_both_nodes_under_one_id(nodes: Nodes) {
    let mut here = nodes.first.listen("news", LastSeen::Nothing);
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    for node in [&nodes.first, &nodes.second] {
        node.publish("news", "hello").await;
        let (one, other) = (event(&mut here).await, event(&mut there).await);
        assert_eq!(one, other);
        assert_eq!(
            (one.message.event_type(), one.message.data()),
            ("note", "hello")
        );
    }
    assert!(
        is_silent(&mut here).await && is_silent(&mut there).await,
        "each comes once"
    );
}

async fn who_comes_back_to_either_node_gets_exactly_what_they_missed(nodes: Nodes) {
    let mut first = nodes.first.listen("news", LastSeen::Nothing);
    let mut watch = nodes.second.listen("news", LastSeen::Nothing);
    nodes.first.publish("news", "seen").await;
    let seen = event(&mut first).await.id;
    drop(first);
    for missed in ["a", "b", "c"] {
        nodes.first.publish("news", missed).await;
    }
    assert_eq!(texts(&mut watch, 4).await, ["seen", "a", "b", "c"]);
    for node in [&nodes.first, &nodes.second] {
        let mut back = node.listen("news", LastSeen::Event(seen));
        assert_eq!(texts(&mut back, 3).await, ["a", "b", "c"]);
        assert!(is_silent(&mut back).await);
    }
    let mut back = nodes.second.listen("news", LastSeen::Event(seen));
    texts(&mut back, 3).await;
    nodes.first.publish("news", "d").await;
    assert_eq!(texts(&mut back, 1).await, ["d"], "and then what is new");
}

async fn any_text_arrives_as_it_was_published(nodes: Nodes) {
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    let long = "\u{10ffff}".repeat(DATA_BYTES / 4);
    for data in [
        "",
        " ",
        "a\nb\r\nc\rd\n\n",
        "nul \0 and \u{7f} and \u{feff}",
        "{\"quoted\": \"\\\"\"} $1 ? '); DROP TABLE goatherd_event; --",
        "\nevent: forged\ndata: x\n\n",
        &long,
    ] {
        nodes.first.publish("news", data).await;
        assert_eq!(event(&mut there).await.message.data(), data);
    }
    let event_type = "ü".repeat(64);
    let args = json!({ "channel": "news", "type": event_type, "data": "x" });
    call(&nodes.first.plugin, "publish", args).await.unwrap();
    assert_eq!(event(&mut there).await.message.event_type(), event_type);
}

async fn two_nodes_that_publish_at_once_are_heard_in_one_order_everywhere(nodes: Nodes) {
    const EACH: usize = 50;
    let mut here = nodes.first.listen("news", LastSeen::Nothing);
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    let burst = |plugin: &goatherd::Plugin, from: usize| {
        let plugin = plugin.clone();
        let args = json!({ "channel": "news", "from": from, "count": EACH, "bytes": 0 });
        tokio::spawn(async move { call(&plugin, "burst", args).await.unwrap() })
    };
    let bursts = [
        burst(&nodes.first.plugin, 0),
        burst(&nodes.second.plugin, 1_000),
    ];
    let mut numbers = Vec::new();
    for _ in 0..2 * EACH {
        let (one, other) = (event(&mut here).await, event(&mut there).await);
        assert_eq!(one, other);
        numbers.push(one.id.number);
    }
    let first = numbers[0];
    let counted: Vec<u64> = (first..first + 2 * EACH as u64).collect();
    assert_eq!(numbers, counted, "numbers have no holes");
    for burst in bursts {
        burst.await.unwrap();
    }
}

async fn plugins_and_channels_do_not_hear_each_other(nodes: Nodes) {
    let mut other_channel = nodes.second.listen("news-2", LastSeen::Nothing);
    let mut other_plugin = nodes.second.listen_to("other", "news", LastSeen::Nothing);
    let mut own = nodes.second.listen("news", LastSeen::Nothing);
    nodes.first.publish("news", "hello").await;
    nodes
        .first
        .publish_as("other", "news", "theirs")
        .await
        .unwrap();
    assert_eq!(texts(&mut own, 1).await, ["hello"]);
    assert_eq!(texts(&mut other_plugin, 1).await, ["theirs"]);
    assert!(is_silent(&mut other_channel).await);
    assert!(is_silent(&mut own).await && is_silent(&mut other_plugin).await);
}

async fn who_comes_back_with_an_id_that_means_nothing_is_told_that_events_may_be_lost(
    nodes: Nodes,
) {
    let mut there = nodes.second.listen("news", LastSeen::Nothing);
    nodes.first.publish("news", "kept").await;
    event(&mut there).await;
    for id in ["0123456789abcdef-7", "42", "\u{1}", "0123456789abcdef-7, 8"] {
        let mut back = nodes.second.listen("news", LastSeen::of(Some(id)));
        assert_eq!(
            next(&mut back).await,
            Delivery::Lost { count: None },
            "{id:?}"
        );
        assert_eq!(texts(&mut back, 1).await, ["kept"]);
    }
}

async fn who_heard_nothing_yet_can_come_back_all_the_same(nodes: Nodes) {
    let start = nodes
        .second
        .listen("quiet", LastSeen::Nothing)
        .newest_at_start();
    let mut watch = nodes.second.listen("quiet", LastSeen::Nothing);
    nodes.first.publish("quiet", "missed").await;
    event(&mut watch).await;
    let mut back = nodes.second.listen("quiet", LastSeen::Event(start));
    assert_eq!(texts(&mut back, 1).await, ["missed"]);
}

async fn a_browser_that_comes_back_to_the_other_node_gets_exactly_what_it_missed(nodes: Nodes) {
    let first = Site::over(nodes.first.hub.clone(), &["events=*"]).await;
    let second = Site::over(nodes.second.hub.clone(), &["events=*"]).await;
    let mut watch = second.listen("news").await;
    let mut stream = first.listen("news").await;
    second.publish("news", "seen").await;
    let seen = stream.event().await;
    assert_eq!(watch.event().await, seen);
    drop(stream);
    for data in ["a\r\nb", "c"] {
        first.publish("news", data).await;
        watch.event().await;
    }
    let mut back = second.listen_from("news", &seen.last_id).await;
    for data in ["a\nb", "c"] {
        assert_eq!(back.event().await.data, data);
    }
    assert!(back.is_silent(std::time::Duration::from_millis(200)).await);
}

#[test]
fn a_message_from_a_shared_server_is_held_to_the_same_limits() {
    assert!(Message::new("connected".to_owned(), String::new()).is_err());
    assert!(Message::new("a\nb".to_owned(), String::new()).is_err());
    assert!(Message::new("a".to_owned(), "x".repeat(DATA_BYTES + 1)).is_err());
}

//! What mail servers do, and what a plugin is told of it.

use std::time::{Duration, Instant};

use goatherd::runtime::{CallError, Trap};
use goatherd_tests::{call_in, until};
use serde_json::json;

use crate::post::{Post, plugin_at, refusal, send};
use crate::scripted::{Reaction, Scripted, says};

async fn plugin_of(server: &Scripted) -> goatherd::Plugin {
    let post = Post::through(&server.url(), None);
    plugin_at(&post.host, &["email=*"], None).await
}

fn anna() -> serde_json::Value {
    json!({"to": ["anna@example.org"]})
}

#[tokio::test]
async fn a_recipient_whom_the_server_refuses_for_good_is_named_and_nobody_gets_the_message() {
    let post = Post::smtp();
    let plugin = post.plugin_with(&["email=*"]).await;
    let other = format!("rejected@sub.{}", post.domain);
    let message = json!({"to": [post.at("anna"), post.at("rejected")], "bcc": [other]});
    let (code, text) = refusal(&plugin, message).await;
    assert_eq!(code, "invalid-argument");
    for words in [
        &post.at("rejected"),
        &other,
        "no such mailbox",
        "550",
        "nothing was sent",
    ] {
        assert!(text.contains(words), "{text}\nlacks {words}");
    }
    assert!(!text.contains("anna"), "{text}");
    assert!(post.received().is_empty(), "nobody got it");
    send(&plugin, json!({"to": [post.at("anna")]}))
        .await
        .unwrap();
    assert_eq!(
        post.only().recipients,
        [post.at("anna")],
        "the next message is its own"
    );
}

#[tokio::test]
async fn a_refusal_for_now_is_unavailable_in_the_servers_words() {
    let post = Post::smtp();
    let plugin = post.plugin().await;
    let message = json!({"to": [post.at("anna"), post.at("later")]});
    let (code, text) = refusal(&plugin, message).await;
    assert_eq!(code, "unavailable");
    assert!(
        text.contains(&post.at("later")) && text.contains("try again later"),
        "{text}"
    );
    assert!(post.received().is_empty(), "nobody got it");
}

#[tokio::test]
async fn what_the_server_says_at_any_point_is_told() {
    for (kind, says_this, code) in [
        ("GREETING", "421 too many connections", "unavailable"),
        ("GREETING", "this is no mail server", "unavailable"),
        ("EHLO", "502 not implemented", "unavailable"),
        ("MAIL", "550 5.7.1 not from this sender", "unavailable"),
        ("MAIL", "451 4.3.0 disk is full", "unavailable"),
        ("RCPT", "550 5.7.1 relaying denied", "invalid-argument"),
        ("RCPT", "452 4.5.3 too many recipients", "unavailable"),
        ("DATA", "554 5.5.1 no valid recipients", "unavailable"),
        (".", "554 5.7.1 looks like spam", "unavailable"),
        (".", "451 4.3.2 shutting down", "unavailable"),
        (".", "552 5.3.4 message too big", "too-large"),
    ] {
        let server = Scripted::start(says(kind, says_this)).await;
        let plugin = plugin_of(&server).await;
        let (found, text) = refusal(&plugin, anna()).await;
        assert_eq!(found, code, "{kind} {says_this}: {text}");
        let words = says_this.split_once(' ').unwrap().1;
        if !says_this.starts_with("this") {
            assert!(text.contains(words), "{text}\nlacks {words}");
        }
        let (again, _) = refusal(&plugin, anna()).await;
        assert_eq!(again, code, "{kind}: it is the same the next time");
        assert_eq!(
            server.connections(),
            2,
            "{kind}: what failed is not used again"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let post = Post::through(&url, None);
    let plugin = post.plugin().await;
    let began = Instant::now();
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "unavailable");
    assert!(text.contains("no connection to 127.0.0.1:"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_falls_silent_at_any_point_costs_no_more_than_the_deadline() {
    for kind in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let silent = move |line: &str, before| {
            (line.starts_with(kind) && before == 0).then_some(Reaction::Silence)
        };
        let server = Scripted::start(silent).await;
        let plugin = plugin_of(&server).await;
        let args = json!({"to": ["anna@example.org"], "subject": "first", "text": "World"});
        let began = Instant::now();
        let error = call_in(&plugin, until(400), "send", args)
            .await
            .unwrap_err();
        assert!(
            matches!(
                &error,
                CallError::Trapped {
                    trap: Trap::TimedOut,
                    ..
                }
            ) || error.code() == "timed-out",
            "{kind}: {error}"
        );
        assert!(began.elapsed() < Duration::from_secs(3), "{kind}");
        send(&plugin, anna()).await.unwrap();
        assert_eq!(
            server.connections(),
            2,
            "{kind}: no answer is taken for another"
        );
    }
}

#[tokio::test]
async fn messages_one_after_the_other_use_one_connection() {
    let server = Scripted::start(|_, _| None).await;
    let plugin = plugin_of(&server).await;
    for _ in 0..5 {
        send(&plugin, anna()).await.unwrap();
    }
    assert_eq!((server.connections(), server.count(".")), (1, 5));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let goodbye = |line: &str, _| (line == "NOOP").then_some(Reaction::Leaves);
    let server = Scripted::start(goodbye).await;
    let plugin = plugin_of(&server).await;
    for _ in 0..3 {
        send(&plugin, anna()).await.unwrap();
    }
    assert_eq!((server.connections(), server.count(".")), (3, 3));
}

#[tokio::test]
async fn messages_at_a_time_all_arrive() {
    let post = Post::smtp();
    let plugin = post.plugin().await;
    let sends = (0..40).map(|number| {
        let (plugin, to) = (plugin.clone(), post.at(&format!("p{number}")));
        tokio::spawn(async move { send(&plugin, json!({"to": [to], "subject": to})).await })
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    let all = post.received();
    assert_eq!(all.len(), 40);
    for received in all {
        let parsed = received.parsed();
        assert_eq!(received.recipients, [parsed.subject().unwrap()]);
    }
}

#[tokio::test]
async fn what_a_server_says_is_one_short_line() {
    let long = format!("550-\u{1b}[31m{}\r\n550 end", "x".repeat(900));
    let lines = format!("{}550 end", "550-many words on many lines\r\n".repeat(500));
    for answer in [long, lines] {
        let server = Scripted::start(says("RCPT", &answer)).await;
        let plugin = plugin_of(&server).await;
        let (code, text) = refusal(&plugin, anna()).await;
        assert_eq!(code, "invalid-argument");
        assert!(
            text.len() < 600 && !text.contains(char::is_control),
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn nothing_reaches_the_server_that_is_refused_before() {
    let server = Scripted::start(|_, _| None).await;
    let post = Post::through(&server.url(), None);
    let plugin = plugin_at(&post.host, &["email=@example.org"], Some(1)).await;
    for message in [
        json!({"to": ["anna@evil.example"]}),
        json!({"to": ["anna"]}),
        json!({"to": ["anna@example.org"], "subject": "a\r\nb"}),
    ] {
        refusal(&plugin, message).await;
    }
    assert_eq!(server.connections(), 0);
    send(&plugin, anna()).await.unwrap();
    assert_eq!(refusal(&plugin, anna()).await.0, "rate-limited");
    assert_eq!((server.connections(), server.count("DATA")), (1, 1));
}

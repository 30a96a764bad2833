//! Mail servers with TLS and a login.

use goatherd_tests::front::TlsFront;
use goatherd_tests::servers;
use serde_json::json;

use crate::post::{Post, refusal, send};
use crate::scripted::{Reaction, Scripted, says};

/// In front of the tests' mail server, one that speaks TLS from the first byte.
async fn tls_from_the_beginning(name: &str) -> TlsFront {
    let behind = servers::smtp();
    TlsFront::start(name, behind.trim_start_matches("smtp://")).await
}

#[tokio::test]
async fn a_message_goes_through_starttls_and_a_login() {
    let (url, certificate) = servers::smtp_with_starttls();
    let post = Post::through(&format!("{url}?tls=required"), Some(&certificate));
    let plugin = post.plugin().await;
    for _ in 0..3 {
        send(&plugin, json!({"to": [post.at("anna")]}))
            .await
            .unwrap();
    }
    let all = post.received();
    assert_eq!(all.len(), 3);
    for received in all {
        assert_eq!(received.envelope["tls"], true);
        assert_eq!(received.envelope["user"], "goatherd");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_gets_no_message_and_no_login() {
    let (url, _) = servers::smtp_with_starttls();
    let post = Post::through(&format!("{url}?tls=required"), None);
    let plugin = post.plugin().await;
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "unavailable");
    assert!(
        text.contains("no TLS with") && text.contains("certificate"),
        "{text}"
    );
    assert!(post.received().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_wrong_login_is_unavailable_without_the_login() {
    let (url, certificate) = servers::smtp_with_starttls();
    let (_, place) = url.rsplit_once('@').unwrap();
    let url = format!("smtp://goatherd:wrong-password@{place}?tls=required");
    let post = Post::through(&url, Some(&certificate));
    let plugin = post.plugin().await;
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "unavailable");
    assert!(
        text.contains("login (535)") && !text.contains("wrong-password"),
        "{text}"
    );
    assert!(post.received().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_message_goes_through_tls_from_the_beginning() {
    let front = tls_from_the_beginning("localhost").await;
    let post = Post::through(
        &format!("smtps://localhost:{}", front.port),
        Some(&front.certificate),
    );
    let plugin = post.plugin().await;
    send(&plugin, json!({"to": [post.at("anna")]}))
        .await
        .unwrap();
    assert_eq!(post.only().recipients, [post.at("anna")]);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    let front = tls_from_the_beginning("mail.example").await;
    let post = Post::through(
        &format!("smtps://localhost:{}", front.port),
        Some(&front.certificate),
    );
    let plugin = post.plugin().await;
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "unavailable");
    assert!(text.contains("no TLS with"), "{text}");
    assert!(post.received().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_server_that_offers_no_starttls_where_it_is_required_is_told_nothing() {
    let server = Scripted::start(|_, _| None).await;
    let url = format!("smtp://anna:hunter2@127.0.0.1:{}?tls=required", server.port);
    let post = Post::through(&url, None);
    let plugin = post.plugin().await;
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "unavailable");
    assert!(text.contains("does not offer it"), "{text}");
    let heard = server.heard().join("\n");
    assert!(
        heard.starts_with("GREETING\nEHLO ") && heard.lines().count() == 2,
        "{heard}"
    );
}

#[tokio::test]
async fn answers_from_before_the_encryption_are_not_taken_for_later_ones() {
    for answer in [
        "220 go ahead\r\n250-evil.test\r\n250 AUTH LOGIN",
        "220 go ahead\r\n220 greeting",
        "220-go\r\n220 ahead\r\n250 OK",
        "454 not now",
        "250 OK",
    ] {
        let script = move |line: &str, before: usize| match line {
            "STARTTLS" => Some(Reaction::Says(answer.to_owned())),
            _ => says("EHLO", "250-evil.test\r\n250 STARTTLS")(line, before),
        };
        let server = Scripted::start(script).await;
        let url = format!("smtp://anna:hunter2@127.0.0.1:{}?tls=required", server.port);
        let post = Post::through(&url, None);
        let plugin = post.plugin().await;
        let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
        assert_eq!(code, "unavailable");
        assert!(text.contains("no STARTTLS with"), "{answer:?}: {text}");
        assert_eq!(server.heard().last().map(String::as_str), Some("STARTTLS"));
    }
}

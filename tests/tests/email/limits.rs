//! How often a plugin may send.

use goatherd::contract::{Error, RateLimited};
use goatherd::runtime::CallError;
use serde_json::json;

use crate::post::{Post, named, plugin_at, refusal, send};

on_both!(
    over_the_rate_a_plugin_is_told_when_to_try_again,
    another_plugin_has_a_rate_of_its_own,
    what_could_not_be_sent_is_not_counted,
    loading_a_plugin_again_does_not_give_it_a_fresh_allowance,
    ten_a_minute_is_the_rate_unless_said_otherwise,
);

fn scope(post: &Post) -> String {
    format!("email=@{}", post.domain)
}

async fn over_the_rate_a_plugin_is_told_when_to_try_again(post: Post) {
    let plugin = plugin_at(&post.host, &[&scope(&post)], Some(60)).await;
    let message = json!({"to": [post.at("anna")]});
    for _ in 0..60 {
        send(&plugin, message.clone()).await.unwrap();
    }
    let mut refused = None;
    // Sixty a minute is one more each second, so that the last may need another try.
    for _ in 0..30 {
        match send(&plugin, message.clone()).await {
            Ok(()) => {}
            Err(CallError::Plugin {
                error: Error::RateLimited(RateLimited { retry_after_ms }),
                ..
            }) => {
                refused = Some(retry_after_ms);
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let wait = refused.expect("a rate is a rate");
    assert!((1..=1_001).contains(&wait), "{wait} ms");
    let before = post.received().len();
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    send(&plugin, message).await.expect("it is as it was told");
    assert_eq!(post.received().len(), before + 1);
}

async fn another_plugin_has_a_rate_of_its_own(post: Post) {
    let one = plugin_at(&post.host, &[&scope(&post)], Some(1)).await;
    let other = named(&post.host, "probe-other", &[&scope(&post)], Some(1)).await;
    let message = json!({"to": [post.at("anna")]});
    send(&one, message.clone()).await.unwrap();
    assert_eq!(refusal(&one, message.clone()).await.0, "rate-limited");
    send(&other, message.clone())
        .await
        .expect("it sent nothing yet");
    assert_eq!(refusal(&other, message).await.0, "rate-limited");
    assert_eq!(post.received().len(), 2);
}

async fn what_could_not_be_sent_is_not_counted(post: Post) {
    let plugin = plugin_at(&post.host, &[&scope(&post)], Some(1)).await;
    let to = post.at("anna");
    for (message, code) in [
        (json!({"to": ["anna"]}), "invalid-argument"),
        (json!({"to": []}), "invalid-argument"),
        (json!({"to": ["anna@evil.example"]}), "permission-denied"),
        (json!({"to": [to], "subject": "a\nb"}), "invalid-argument"),
        (json!({"to": [to], "subject": "x".repeat(999)}), "too-large"),
    ] {
        assert_eq!(refusal(&plugin, message).await.0, code);
    }
    send(&plugin, json!({"to": [to]}))
        .await
        .expect("it is the first");
    let (code, _) = refusal(&plugin, json!({"to": [to]})).await;
    assert_eq!(code, "rate-limited");
    let (code, _) = refusal(&plugin, json!({"to": ["anna@evil.example"]})).await;
    assert_eq!(
        code, "permission-denied",
        "a denial does not wait for the rate"
    );
}

async fn loading_a_plugin_again_does_not_give_it_a_fresh_allowance(post: Post) {
    let message = json!({"to": [post.at("anna")]});
    let plugin = plugin_at(&post.host, &[&scope(&post)], Some(1)).await;
    send(&plugin, message.clone()).await.unwrap();
    plugin.shutdown().await;
    let again = plugin_at(&post.host, &[&scope(&post)], Some(1)).await;
    assert_eq!(refusal(&again, message).await.0, "rate-limited");
}

async fn ten_a_minute_is_the_rate_unless_said_otherwise(post: Post) {
    let granted = scope(&post);
    let limits = goatherd_tests::limits();
    let plugin = goatherd_tests::plugin(&post.host, "probe-email", &[&granted], limits).await;
    let message = json!({"to": [post.at("anna")]});
    for _ in 0..10 {
        send(&plugin, message.clone()).await.unwrap();
    }
    assert_eq!(refusal(&plugin, message).await.0, "rate-limited");
}

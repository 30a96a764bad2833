//! Who can be written to: whom the grant's scope covers, and nobody who only looks like it.

use goatherd::permission::Grant;
use serde_json::json;

use crate::post::{Post, refusal, send};

on_both!(
    everybody_at_a_domain_and_nobody_who_looks_like_it,
    one_address_and_nobody_else_at_its_domain,
    without_a_scope_nobody_can_be_written_to,
    a_star_covers_everybody,
    one_recipient_outside_the_scope_keeps_the_message_from_all,
);

async fn everybody_at_a_domain_and_nobody_who_looks_like_it(post: Post) {
    let plugin = post.plugin().await;
    let domain = &post.domain;
    for outside in [
        format!("anna@{domain}.evil.example"),
        format!("anna@sub.{domain}"),
        format!("anna@not{domain}"),
        format!("anna@{domain}evil"),
        format!("{domain}@evil.example"),
        format!("anna+{domain}@evil.example"),
        format!("anna%{domain}@evil.example"),
        format!("anna!{domain}@evil.example"),
        // The first letter is Cyrillic.
        format!("anna@\u{442}{}", &domain[1..]),
        format!("anna@{}", domain.replace(".example", ".exampl\u{435}")),
        format!("anna@{}", domain.replace(".example", ".xn--exampl-5of")),
        "anna@example".into(),
    ] {
        let (code, text) = refusal(&plugin, json!({"to": [outside]})).await;
        assert_eq!(code, "permission-denied", "{outside}: {text}");
        let message = json!({"to": [post.at("anna")], "bcc": [outside]});
        assert_eq!(
            refusal(&plugin, message).await.0,
            "permission-denied",
            "{outside}"
        );
    }
    assert!(post.received().is_empty(), "nothing was sent");
    for inside in [
        format!("ANNA@{}", domain.to_uppercase()),
        format!("anna+tag@{domain}."),
        // Full-width letters are the same domain, and sent as such.
        format!("anna@\u{ff54}{}", &domain[1..]),
    ] {
        send(&plugin, json!({"to": [inside]})).await.unwrap();
    }
    for received in post.received() {
        let (_, at) = received.recipients[0].split_once('@').unwrap();
        assert_eq!(at, domain, "it is sent to what was checked");
    }
}

async fn one_address_and_nobody_else_at_its_domain(post: Post) {
    let plugin = post
        .plugin_with(&[&format!("email=Anna@{}", post.domain)])
        .await;
    send(&plugin, json!({"to": [post.at("aNNa")]}))
        .await
        .unwrap();
    for outside in ["anna+tag", "annab", "an.na", "anna."] {
        let (code, text) = refusal(&plugin, json!({"to": [post.at(outside)]})).await;
        let expected = if outside == "anna." {
            "invalid-argument"
        } else {
            "permission-denied"
        };
        assert_eq!(code, expected, "{outside}: {text}");
    }
    assert_eq!(post.received().len(), 1);
}

async fn without_a_scope_nobody_can_be_written_to(post: Post) {
    let plugin = post.plugin_with(&["email"]).await;
    let (code, text) = refusal(&plugin, json!({"to": [post.at("anna")]})).await;
    assert_eq!(code, "permission-denied");
    assert!(text.contains("covers nothing"), "{text}");
    assert!(post.received().is_empty(), "nothing was sent");
}

async fn a_star_covers_everybody(post: Post) {
    let plugin = post.plugin_with(&["email=*"]).await;
    send(
        &plugin,
        json!({"to": [post.at("anna"), format!("carl@sub.{}", post.domain)]}),
    )
    .await
    .unwrap();
    let (code, _) = refusal(&plugin, json!({"to": ["*"]})).await;
    assert_eq!(code, "invalid-argument");
    assert_eq!(post.only().recipients.len(), 2);
}

async fn one_recipient_outside_the_scope_keeps_the_message_from_all(post: Post) {
    let plugin = post.plugin().await;
    let message = json!({
        "to": [post.at("anna"), "eve@one.example"],
        "cc": [post.at("carl"), "EVE@one.example"],
        "bcc": ["mallory@two.example"],
    });
    let (code, text) = refusal(&plugin, message).await;
    assert_eq!(code, "permission-denied");
    for words in [
        "plugin \"probe-email\"",
        "eve@one.example, mallory@two.example",
        "nothing was sent",
        &format!("covers @{}", post.domain),
    ] {
        assert!(text.contains(words), "{text}\nlacks {words}");
    }
    assert!(!text.contains("anna") && !text.contains("carl"), "{text}");
    let (_, advice) = text.split_once("grant email=").unwrap();
    let (scope, _) = advice.split_once(" to allow").unwrap();
    Grant::parse(&format!("email={scope}")).expect("what it advises can be granted");
    assert!(post.received().is_empty(), "nothing was sent");
}

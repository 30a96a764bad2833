//! What is no address, or no subject, is refused and nothing is sent: no text becomes a header or a command.

use serde_json::{Value, json};

use crate::post::{Post, refusal, send};

on_both!(
    nothing_but_a_bare_address_is_taken_in_any_field,
    a_subject_has_no_line_breaks_and_no_control_characters,
    international_domains_are_sent_in_their_ascii_form,
    letters_beside_ascii_before_the_at_are_refused_with_the_reason,
    a_message_has_1_to_100_recipients_over_its_three_lists,
    sizes_over_the_limits_are_too_large,
);

/// Texts that are more, or less, than an address. `D` stands for a domain that is in scope.
const NO_ADDRESSES: &[&str] = &[
    "",
    " ",
    "anna",
    "@D",
    "anna@",
    "anna@D ",
    " anna@D",
    "anna @D",
    "anna@ D",
    "anna@D\r\nBcc: eve@evil.example",
    "anna@D\rBcc: eve@evil.example",
    "anna@D\nBcc: eve@evil.example",
    "anna@D\r\n",
    "anna@D\n",
    "anna\r\n@D",
    "anna\r\n @D",
    "anna@\r\n D",
    "\r\nanna@D",
    "anna@D\0",
    "an\0na@D",
    "anna\u{2028}Bcc: eve@evil.example@D",
    "anna@D\u{2028}",
    "anna@D\u{2029}Bcc",
    "anna@D\u{85}",
    "anna@D\u{b}",
    "anna@D\u{c}",
    "anna@D\t",
    "anna@D\u{a0}",
    "anna@D\u{3000}",
    "<anna@D>",
    "Anna <anna@D>",
    "\"Anna\" <anna@D>",
    "Anna anna@D",
    "anna@D (Anna)",
    "(Anna) anna@D",
    "anna(comment)@D",
    "anna@(comment)D",
    "\"anna smith\"@D",
    "\"anna\"@D",
    "\"anna\r\n smith\"@D",
    "\"a@b\"@D",
    "anna\\@eve@D",
    "anna@eve@D",
    "eve@evil.example@D",
    "anna@D@",
    "@evil.example:anna@D",
    "@a.example,@b.example:anna@D",
    "anna%evil.example@D>",
    "group: anna@D, eve@evil.example;",
    "group:;",
    "anna@D, eve@evil.example",
    "anna@D,eve@evil.example",
    "anna@D;eve@evil.example",
    "anna@D eve@evil.example",
    "anna@D> ORCPT=x",
    "anna@D>\r\nRCPT TO:<eve@evil.example",
    "=?utf-8?Q?anna=0D=0A?= <anna@D>",
    "=?utf-8?B?YW5uYQ==?=@D\r\n",
    "anna.@D",
    ".anna@D",
    "an..na@D",
    "anna@.D",
    "anna@a..D",
    "anna@-..",
    "anna@[127.0.0.1]",
    "anna@127.0.0.1",
    "anna@2130706433",
    "anna@0x7f000001",
    "anna@[::1]",
    "anna@[IPv6:::1]",
    "anna@D:25",
    "anna@D/x",
    "anna@D?x",
    "anna@D#x",
    "anna@*.D",
    "*@D",
    "*",
    "anna@D%0d%0a",
    "mailto:anna@D\r\n",
    "anna,eve@D",
    "anna;eve@D",
    "anna:eve@D",
    "an[na@D",
];

async fn nothing_but_a_bare_address_is_taken_in_any_field(post: Post) {
    let plugin = post.plugin().await;
    let mut wrong = Vec::new();
    for text in NO_ADDRESSES.iter().filter(|text| **text != "*@D") {
        let text = text.replace('D', &post.domain);
        for field in ["to", "cc", "bcc", "reply_to"] {
            let mut message = json!({"to": [post.at("innocent")]});
            message[field] = match field {
                "reply_to" => json!(text),
                _ => json!([post.at("innocent"), text]),
            };
            match send(&plugin, message).await {
                Ok(()) => wrong.push(format!("{field}: {text:?} was sent")),
                Err(error) => {
                    let said = error.to_string();
                    if error.code() != "invalid-argument"
                        || !said.contains("probe-email")
                        || said.contains(['\r', '\n', '\0', '\u{2028}', '\u{85}'])
                    {
                        wrong.push(format!("{field}: {text:?}: {said:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(post.received().is_empty(), "nothing was sent");
}

async fn a_subject_has_no_line_breaks_and_no_control_characters(post: Post) {
    let plugin = post.plugin().await;
    for sign in [
        "\r",
        "\n",
        "\r\n",
        "\r\n ",
        "\n\t",
        "\0",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}[31m",
        "\u{7f}",
        "\t",
    ] {
        let subject = format!("Hello{sign}Bcc: eve@evil.example");
        let (code, text) = refusal(
            &plugin,
            json!({"to": [post.at("anna")], "subject": subject}),
        )
        .await;
        assert_eq!(code, "invalid-argument", "{sign:?}");
        assert!(!text.contains(sign), "{text:?}");
    }
    assert!(post.received().is_empty(), "nothing was sent");
}

async fn international_domains_are_sent_in_their_ascii_form(post: Post) {
    let domain = format!("bücher.{}", post.domain);
    let ascii = format!("xn--bcher-kva.{}", post.domain);
    let plugin = post.plugin_with(&[&format!("email=@{domain}")]).await;
    let to = [
        format!("anna@{domain}"),
        format!("carl@BÜCHER.{}", post.domain),
        format!("dora@{ascii}."),
        format!("emil@b\u{fc}cher\u{3002}{}", post.domain),
        format!("fritz@bu\u{308}cher.{}", post.domain),
    ];
    let message = json!({"to": to, "reply_to": format!("desk@{domain}")});
    send(&plugin, message).await.unwrap();
    let received = post.only();
    let expected: Vec<_> = ["anna", "carl", "dora", "emil", "fritz"]
        .map(|name| format!("{name}@{ascii}"))
        .into();
    assert_eq!(received.recipients, expected);
    assert!(received.message.is_ascii());
    let parsed = received.parsed();
    let shown: Vec<_> = parsed
        .to()
        .unwrap()
        .iter()
        .filter_map(|one| one.address.as_deref())
        .collect();
    assert_eq!(shown, expected);
}

async fn letters_beside_ascii_before_the_at_are_refused_with_the_reason(post: Post) {
    let plugin = post.plugin().await;
    for name in ["ännä", "用户", "anna.ö"] {
        let (code, text) = refusal(&plugin, json!({"to": [post.at(name)]})).await;
        assert_eq!(code, "invalid-argument");
        assert!(text.contains("not ASCII"), "{text}");
    }
    assert!(post.received().is_empty(), "nothing was sent");
}

fn people(post: &Post, numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers
        .map(|number| post.at(&format!("p{number}")).into())
        .collect()
}

async fn a_message_has_1_to_100_recipients_over_its_three_lists(post: Post) {
    let plugin = post.plugin().await;
    let message = |most| json!({"to": people(&post, 0..50), "cc": people(&post, 50..90), "bcc": people(&post, 90..most)});
    let (code, text) = refusal(&plugin, message(101)).await;
    assert_eq!(code, "too-large");
    assert!(text.contains("101") && text.contains("1 to 100"), "{text}");
    let (code, _) = refusal(&plugin, json!({"to": vec![post.at("same"); 101]})).await;
    assert_eq!(code, "too-large", "the same one counts each time");
    let (code, _) = refusal(&plugin, json!({})).await;
    assert_eq!(code, "invalid-argument");
    assert!(post.received().is_empty(), "nothing was sent");
    send(&plugin, message(100)).await.unwrap();
    let received = post.only();
    assert_eq!(received.recipients.len(), 100);
    assert_eq!(received.parsed().to().unwrap().iter().count(), 50);
    assert_eq!(received.parsed().cc().unwrap().iter().count(), 40);
}

async fn sizes_over_the_limits_are_too_large(post: Post) {
    let plugin = post.plugin().await;
    let to = json!([post.at("anna")]);
    for message in [
        json!({"to": to, "subject": "x".repeat(999)}),
        json!({"to": to, "subject": "ä".repeat(500)}),
        json!({"to": to, "text": {"repeat": "x", "times": (1 << 20) + 1}}),
        json!({"to": to, "html": {"repeat": "ä", "times": (1 << 19) + 1}}),
    ] {
        assert_eq!(refusal(&plugin, message).await.0, "too-large");
    }
    assert!(post.received().is_empty(), "nothing was sent");
}

//! What arrives is what was passed, and no more.

use std::time::{SystemTime, UNIX_EPOCH};

use mail_parser::MimeHeaders as _;
use serde_json::json;

use crate::post::{Post, Received, SENDER, send};

on_both!(
    a_message_has_everything_that_was_passed_and_what_the_host_adds,
    those_of_bcc_get_the_message_and_are_not_in_it,
    a_message_to_bcc_alone_names_nobody,
    whoever_is_listed_twice_gets_the_message_once,
    html_arrives_as_html,
    any_body_arrives_as_it_was_passed,
    any_subject_arrives_as_it_was_passed,
    a_body_of_a_mebibyte_arrives,
    messages_arrive_in_the_order_in_which_they_were_sent,
);

/// Texts that differ in the end of their last line are the same in a message.
#[track_caller]
fn is_the_text(found: &str, passed: &str, about: &str) {
    let passed = passed.replace("\r\n", "\n").replace('\n', "\r\n");
    let without = |text: &str| text.strip_suffix("\r\n").unwrap_or(text).to_owned();
    assert!(
        found == passed || passed == without(found),
        "{about:?}: {found:?}"
    );
}

/// Whether the message has the form that every server takes.
#[track_caller]
fn is_well_formed(received: &Received) {
    let message = &received.message;
    assert!(message.is_ascii());
    let text = std::str::from_utf8(message).unwrap();
    for line in text.split("\r\n") {
        assert!(line.len() <= 998, "a line of {} bytes", line.len());
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
    }
    let mut names = received.header_names();
    names.sort();
    for once in [
        "from",
        "date",
        "message-id",
        "subject",
        "to",
        "mime-version",
        "content-type",
    ] {
        let count = names.iter().filter(|name| *name == once).count();
        assert!(
            count == 1 || once == "to" && count == 0,
            "{once}: {names:?}"
        );
    }
    let known = [
        "auto-submitted",
        "cc",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "reply-to",
        "subject",
        "to",
        "x-goatherd-plugin",
    ];
    for name in names {
        assert!(known.contains(&name.as_str()), "a header {name}");
    }
}

fn addresses(list: Option<&mail_parser::Address<'_>>) -> Vec<String> {
    let found = list.map(|list| list.iter().filter_map(|one| one.address.as_deref()));
    found.into_iter().flatten().map(str::to_owned).collect()
}

async fn a_message_has_everything_that_was_passed_and_what_the_host_adds(post: Post) {
    let plugin = post.plugin().await;
    let message = json!({
        "to": [post.at("Anna.Maria+x"), post.at("o'neil")],
        "cc": [post.at("carl")],
        "reply_to": "Desk@Other.EXAMPLE",
        "subject": "Grüße aus Köln: ticket #4711",
        "text": "Liebe Anna,\n\n10 € für 你好.\n",
    });
    send(&plugin, message).await.unwrap();
    let received = post.only();
    is_well_formed(&received);
    let parsed = received.parsed();
    assert_eq!(
        addresses(parsed.to()),
        [post.at("Anna.Maria+x"), post.at("o'neil")]
    );
    assert_eq!(addresses(parsed.cc()), [post.at("carl")]);
    assert_eq!(addresses(parsed.reply_to()), ["Desk@other.example"]);
    assert_eq!(addresses(parsed.from()), [SENDER]);
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!(from.name.as_deref(), Some("Helpdesk, Köln"));
    assert_eq!(parsed.subject(), Some("Grüße aus Köln: ticket #4711"));
    assert_eq!(
        parsed.body_text(0).unwrap(),
        "Liebe Anna,\r\n\r\n10 € für 你好.\r\n"
    );
    let kind = parsed.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("text", Some("plain")));
    assert_eq!(kind.attribute("charset"), Some("utf-8"));
    let header = |name: &str| parsed.header_raw(name.to_owned()).map(str::trim);
    assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(header("X-Goatherd-Plugin"), Some("probe-email"));
    let id = parsed.message_id().unwrap();
    let (number, at) = id.split_once('@').unwrap();
    assert_eq!((number.len(), at), (32, "helpdesk.example"), "{id}");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let date = parsed.date().unwrap().to_timestamp();
    assert!((now as i64 - date).abs() < 120, "{date}");
    assert_eq!(received.sender, SENDER);
    assert_eq!(
        received.recipients,
        [post.at("Anna.Maria+x"), post.at("o'neil"), post.at("carl")]
    );
}

async fn those_of_bcc_get_the_message_and_are_not_in_it(post: Post) {
    let plugin = post.plugin().await;
    let message =
        json!({"to": [post.at("anna")], "bcc": [post.at("secret-one"), post.at("secret-two")]});
    send(&plugin, message).await.unwrap();
    let received = post.only();
    is_well_formed(&received);
    assert_eq!(
        received.recipients,
        [
            post.at("anna"),
            post.at("secret-one"),
            post.at("secret-two")
        ]
    );
    let text = String::from_utf8_lossy(&received.message).to_ascii_lowercase();
    assert!(!text.contains("secret") && !text.contains("bcc"), "{text}");
}

async fn a_message_to_bcc_alone_names_nobody(post: Post) {
    let plugin = post.plugin().await;
    send(&plugin, json!({"bcc": [post.at("anna")]}))
        .await
        .unwrap();
    let received = post.only();
    is_well_formed(&received);
    assert_eq!(received.recipients, [post.at("anna")]);
    let text = String::from_utf8_lossy(&received.message).into_owned();
    assert!(!text.contains(&post.domain), "{text}");
    assert!(text.contains("To: undisclosed-recipients:;\r\n"), "{text}");
}

async fn whoever_is_listed_twice_gets_the_message_once(post: Post) {
    let plugin = post.plugin().await;
    let upper = format!("ANNA@{}", post.domain.to_uppercase());
    let message = json!({
        "to": [post.at("anna"), post.at("anna")],
        "cc": [upper],
        "bcc": [post.at("Anna"), post.at("carl")],
    });
    send(&plugin, message).await.unwrap();
    assert_eq!(post.only().recipients, [post.at("anna"), post.at("carl")]);
}

async fn html_arrives_as_html(post: Post) {
    let plugin = post.plugin().await;
    let html = "<p class=\"a\">Grüße</p>\r\n<p>=3D .</p>";
    send(&plugin, json!({"to": [post.at("anna")], "html": html}))
        .await
        .unwrap();
    let received = post.only();
    is_well_formed(&received);
    let parsed = received.parsed();
    let kind = parsed.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("text", Some("html")));
    assert_eq!(parsed.html_body_count(), 1);
    is_the_text(&parsed.body_html(0).unwrap(), html, html);
}

async fn any_body_arrives_as_it_was_passed(post: Post) {
    let plugin = post.plugin().await;
    let bodies = [
        String::new(),
        ".".into(),
        ".\r\n..\r\n...".into(),
        "a\r\n.\r\nb".into(),
        "\r\n.\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<anna@evil.example>\r\nDATA\r\n".into(),
        "line\n.\nline\n\n\n.".into(),
        "x".repeat(5_000),
        format!("{}.{}", "y ".repeat(499), "z".repeat(3_000)),
        "ä".repeat(5_000),
        "From anna\r\nFrom: nobody\r\n\r\n--boundary\r\n".into(),
        "spaces at the end  \r\ntab\t\r\n \r\n".into(),
        "nul \0 bell \u{7} escape \u{1b}[31m delete \u{7f} next \u{85} \u{2028} end".into(),
        "=3D=20=\r\n=?utf-8?B?QmNj?=".into(),
        "Bcc: anna@evil.example\r\n\r\nnot a header".into(),
        "🦀\u{feff}\u{202e}\u{200d}".into(),
    ];
    for body in &bodies {
        send(&plugin, json!({"to": [post.at("anna")], "text": body}))
            .await
            .unwrap();
    }
    let all = post.received();
    assert_eq!(all.len(), bodies.len());
    for (received, body) in all.iter().zip(&bodies) {
        is_well_formed(received);
        let parsed = received.parsed();
        is_the_text(&parsed.body_text(0).unwrap(), body, body);
        assert_eq!(received.recipients, [post.at("anna")]);
    }
}

async fn any_subject_arrives_as_it_was_passed(post: Post) {
    let plugin = post.plugin().await;
    let subjects = [
        String::new(),
        " ".into(),
        " spaces around ".into(),
        "Bcc: anna@evil.example".into(),
        "=?utf-8?B?QmNjOiBhbm5hQGV2aWwuZXhhbXBsZQ0KQmNjOiB4QHkuZXhhbXBsZQ==?=".into(),
        "=?utf-8?Q?=0D=0ABcc:_anna@evil.example?=".into(),
        "a =?utf-8?Q?b?= c".into(),
        "x".repeat(66),
        "x".repeat(67),
        "x".repeat(998),
        "ä".repeat(499),
        "🦀".repeat(249),
        "words ".repeat(166),
        "right to left \u{202e} mark".into(),
    ];
    for subject in &subjects {
        let message = json!({"to": [post.at("anna")], "subject": subject});
        send(&plugin, message).await.unwrap();
    }
    let all = post.received();
    assert_eq!(all.len(), subjects.len());
    for (received, subject) in all.iter().zip(&subjects) {
        is_well_formed(received);
        let parsed = received.parsed();
        assert_eq!(parsed.subject().unwrap_or_default(), subject);
        is_the_text(&parsed.body_text(0).unwrap(), "World", subject);
    }
}

async fn a_body_of_a_mebibyte_arrives(post: Post) {
    let plugin = post.plugin().await;
    for (text, times) in [("a=\r\n.\r\n\0", 1 << 17), ("€-", 1 << 18)] {
        let message = json!({"to": [post.at("anna")], "text": {"repeat": text, "times": times}});
        send(&plugin, message).await.unwrap();
    }
    let all = post.received();
    let body = |number: usize| all[number].parsed().body_text(0).unwrap().into_owned();
    let first = body(0);
    let first = first.strip_suffix("\r\n").unwrap_or(&first);
    assert!(
        first == "a=\r\n.\r\n\0".repeat(1 << 17),
        "it is another text"
    );
    assert!(body(1) == "€-".repeat(1 << 18), "it is another text");
}

async fn messages_arrive_in_the_order_in_which_they_were_sent(post: Post) {
    let plugin = post.plugin().await;
    for number in 0..20 {
        let message = json!({"to": [post.at("anna")], "subject": format!("number {number}")});
        send(&plugin, message).await.unwrap();
    }
    let all = post.received();
    let subjects: Vec<_> = all
        .iter()
        .map(|one| one.parsed().subject().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (0..20).map(|number| format!("number {number}")).collect();
    assert_eq!(subjects, expected);
}

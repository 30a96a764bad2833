//! Nothing that a plugin says is an event, an id or a field of its own.

use goatherd_tests::SseEvent;
use serde_json::json;

use super::site::Site;

/// What a browser makes of data.
fn normal(data: &str) -> String {
    data.replace("\r\n", "\n").replace('\r', "\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_any_shape_stays_the_data_of_one_event() {
    let site = Site::start().await;
    let mut stream = site.listen("news").await;
    let hostile = [
        "",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "\n\r",
        "\r\n\r\n",
        "a\nb",
        "a\rb",
        "a\r\nb",
        "a\n\rb\r",
        "\nevent: x\n\n",
        "x\n\nevent: connected\ndata: {\"status\":\"ok\"}\n\n",
        "x\r\revent: lost\rdata: {\"count\":1}\r\r",
        "x\r\n\r\nid: 9\r\nretry: 1\r\n\r\n",
        "data: y\n: comment\nid: 9\nretry: 1",
        ":",
        ": x\n:",
        " leading",
        "  two",
        "\u{feff}mark",
        "nul\0id",
        "vertical\u{b}tab\u{c}feed\u{85}next\u{2028}line\u{2029}paragraph",
        "event",
        "]]></script><script>alert(1)</script>",
        "\u{10ffff}é\u{202e}",
    ];
    for (number, data) in (1..).zip(hostile) {
        site.publish("news", data).await;
        let event = stream.event().await;
        assert_eq!(
            (&*event.event_type, event.data),
            ("note", normal(data)),
            "{data:?}"
        );
        let id = event.last_id.rsplit('-').next().unwrap();
        assert_eq!(id, number.to_string(), "the id is the host's");
    }
    assert_eq!(stream.retry, Some(3_000));
    assert_eq!(stream.comments, 0);
    let long = "a\r".repeat(32 * 1024);
    site.publish("news", &long).await;
    assert_eq!(stream.event().await.data, normal(&long));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_stays_a_type() {
    let site = Site::start().await;
    let mut stream = site.listen("news").await;
    for event_type in ["a: b", " a", "data: x", "é", ":", &"a".repeat(128)] {
        let args = json!({ "channel": "news", "type": event_type, "data": "x" });
        site.call("publish", args).await;
        let SseEvent {
            event_type: seen,
            data,
            ..
        } = stream.event().await;
        assert_eq!((&*seen, &*data), (event_type, "x"));
    }
    let raw = String::from_utf8(stream.raw().to_vec()).unwrap();
    assert!(
        !raw.contains('\r'),
        "the host itself writes one form of newline"
    );
}

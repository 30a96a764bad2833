//! A stream from its beginning to its end.

use std::time::{Duration, Instant};

use goatherd_tests::EventStream;

use super::brokers::{PLUGIN, soon};
use super::site::{Site, path};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_connected_and_is_neither_kept_nor_collected_on_its_way() {
    let site = Site::start().await;
    let mut stream = site.listen("news").await;
    let head = &stream.head;
    assert_eq!(head.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    assert_eq!(head.header("content-length"), None);
    site.publish("news", "hello").await;
    let event = stream.event().await;
    assert_eq!((&*event.event_type, &*event.data), ("note", "hello"));
    let second = site.listen("news").await;
    assert!(stream.is_silent(Duration::from_millis(200)).await);
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_comes_back_gets_exactly_what_it_missed() {
    let site = Site::start().await;
    let mut stream = site.listen("news").await;
    site.publish("news", "seen").await;
    let seen = stream.event().await.last_id;
    drop(stream);
    site.until_listeners(0).await;
    for data in ["a", "b"] {
        site.publish("news", data).await;
    }
    let mut by_header = site.listen_from("news", &seen).await;
    let query = format!("{}?last_event_id={seen}", path("news"));
    let mut by_query = site
        .try_open(&query, &[("X-Test-User", "Ada")])
        .await
        .unwrap();
    assert_eq!(by_query.event().await.event_type, "connected");
    for stream in [&mut by_header, &mut by_query] {
        assert_eq!(data(stream, 2).await, ["a", "b"]);
    }
    site.publish("news", "c").await;
    for stream in [&mut by_header, &mut by_query] {
        assert_eq!(data(stream, 1).await, ["c"]);
    }
    // What the browser itself says is newer than what the page was made with.
    let headers = [
        ("X-Test-User", "Ada"),
        ("Last-Event-ID", &*by_header_id(&mut by_header, &site).await),
    ];
    let mut newest = site.try_open(&query, &headers).await.unwrap();
    assert_eq!(newest.event().await.event_type, "connected");
    assert!(newest.is_silent(Duration::from_millis(200)).await);
}

async fn by_header_id(stream: &mut EventStream, site: &Site) -> String {
    site.publish("news", "d").await;
    stream.event().await.last_id
}

async fn data(stream: &mut EventStream, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        let event = stream.event().await;
        assert_eq!(event.event_type, "note", "{event:?}");
        all.push(event.data);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_got_no_event_yet_misses_none_when_it_comes_back() {
    let site = Site::start().await;
    let mut stream = site.try_listen("news", &[]).await.unwrap();
    let start = stream.event().await.last_id;
    assert!(!start.is_empty());
    drop(stream);
    site.publish("news", "missed").await;
    let mut back = site.listen_from("news", &start).await;
    assert_eq!(data(&mut back, 1).await, ["missed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_an_earlier_process_is_answered_with_what_is_there_and_that_events_may_be_lost() {
    let site = Site::start().await;
    site.publish("news", "kept").await;
    for id in ["0123456789abcdef-1", "7", "not an id"] {
        let mut stream = site.listen_from("news", id).await;
        let lost = stream.event().await;
        assert_eq!(
            (&*lost.event_type, &*lost.data),
            ("lost", r#"{"count":null}"#),
            "{id}"
        );
        assert_eq!(lost.last_id, "", "it has no id of its own");
        assert_eq!(data(&mut stream, 1).await, ["kept"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_plugin_and_a_new_one_finds_it_again_when_it_is_back() {
    let site = Site::start().await;
    let mut news = site.listen("news").await;
    let mut other = site.listen("other").await;
    site.publish("news", "last").await;
    site.manager.disable(PLUGIN).await.unwrap();
    assert_eq!(data(&mut news, 1).await, ["last"]);
    assert_eq!((news.next().await, other.next().await), (None, None));
    site.until_listeners(0).await;
    let refused = site.try_listen("news", &[]).await.err().expect("refused");
    assert_eq!(refused.status, 404, "{refused:?}");

    site.manager.enable(PLUGIN).await.unwrap();
    let mut back = site.listen("news").await;
    site.publish("news", "again").await;
    assert_eq!(data(&mut back, 1).await, ["again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_does_not_wait_for_streams() {
    let site = Site::start().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(site.listen("news").await);
    }
    let began = Instant::now();
    soon(site.stop()).await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    for mut stream in streams {
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_is_forgotten_also_where_nothing_is_published() {
    let site = Site::start().await;
    for _ in 0..3 {
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(site.listen("news").await);
        }
        site.until_listeners(20).await;
        drop(streams);
        site.until_listeners(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_leaves_nobody_listening() {
    let site = Site::start().await;
    let mut socket = tokio::net::TcpStream::connect(site.address).await.unwrap();
    let request = format!("HEAD {} HTTP/1.0\r\nX-Test-User: Ada\r\n\r\n", path("news"));
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    soon(tokio::io::AsyncReadExt::read_to_string(
        &mut socket,
        &mut answer,
    ))
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    site.until_listeners(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_kept_open_by_a_comment_every_thirty_seconds() {
    let site = Site::start().await;
    let mut stream = site.listen("news").await;
    assert!(stream.is_silent(Duration::from_secs(25)).await);
    assert_eq!(stream.comments, 0);
    assert!(stream.is_silent(Duration::from_secs(10)).await);
    assert_eq!(stream.comments, 1);
    site.publish("news", "after").await;
    assert_eq!(data(&mut stream, 1).await, ["after"]);
}

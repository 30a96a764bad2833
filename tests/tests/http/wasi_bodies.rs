//! Bodies of `wasi:http`: they stream, within the limit and by the deadline, and cost the host no more than that.

use std::time::Duration;

use goatherd_tests::{Names, Reply, Seen, WebServer, call_in, limits, process, until};
use serde_json::{Value, json};

use crate::{HOSTS, Probe, WASI, here, refused};

const MIB: usize = 1024 * 1024;

async fn asked(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (WebServer, Probe) {
    let server = WebServer::plain(script).await;
    // One instance, so that what is kept from call to call is there in the next one.
    let limits = limits().instances(1);
    let scope = here("api.test", server.port());
    let probe = Probe::load("probe-wasi-http", Names::here(HOSTS), &[&scope], limits).await;
    (server, probe)
}

fn request(server: &WebServer, more: Value) -> Value {
    let authority = format!("api.test:{}", server.port());
    let mut args = json!({"scheme": "http", "authority": authority});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn bodies_arrive_whole_in_both_directions() {
    let (server, probe) = asked(|seen| {
        let body = "x".repeat(seen.body.len());
        Reply::ok(&body)
    })
    .await;
    let bytes = 3 * MIB + 1;
    let args = json!({"method": "POST", "body": {"bytes": bytes}});
    let answer = probe.request(request(&server, args)).await.unwrap();
    assert_eq!(answer["body"], json!({"bytes": bytes}));
    let seen = server.only();
    assert_eq!(seen.body.len(), bytes);
    assert_eq!(seen.header("transfer-encoding"), ["chunked"]);
}

#[tokio::test]
async fn a_guest_may_say_how_long_its_body_is_and_is_held_to_it() {
    let (server, probe) = asked(|_| Reply::ok("hello")).await;
    let with_length = |length: &str| {
        let headers = json!([["content-length", length]]);
        request(
            &server,
            json!({"method": "POST", "headers": headers, "body": "hello"}),
        )
    };
    probe.request(with_length("5")).await.unwrap();
    let seen = server.only();
    assert_eq!(seen.header("content-length"), ["5"]);
    assert_eq!(seen.body, b"hello");
    for length in ["4", "6", "500"] {
        assert!(
            probe.request(with_length(length)).await.is_err(),
            "{length}"
        );
    }
    // Whatever arrived of those, nothing that follows it on the connection is a request.
    let seen = server.seen();
    for pair in seen.windows(2) {
        assert!(!pair[0].cut_off || pair[0].connection != pair[1].connection);
    }
}

#[tokio::test]
async fn a_body_that_is_given_up_is_not_a_whole_request() {
    let (server, probe) = asked(|_| Reply::ok("hello")).await;
    let args = json!({"method": "POST", "body": "half of it"});
    assert!(probe.call("abandon", request(&server, args)).await.is_err());
    server.until_closed(1).await;
    assert!(server.seen().iter().all(|seen| seen.cut_off));
}

#[tokio::test]
async fn a_request_body_ends_at_the_limit() {
    let (server, probe) = asked(|_| Reply::ok("hello")).await;
    let whole = json!({"method": "PUT", "body": {"bytes": 10 * MIB}});
    probe.request(request(&server, whole)).await.unwrap();
    assert_eq!(server.only().body.len(), 10 * MIB);
    let more = json!({"method": "PUT", "body": {"bytes": 10 * MIB + 1}});
    let text = refused(probe.request(request(&server, more)).await, WASI);
    assert!(text.contains("HttpRequestBodySize"), "{text}");
    server.until_closed(1).await;
    assert!(server.seen()[1..].iter().all(|seen| seen.cut_off));
}

#[tokio::test]
async fn a_response_body_ends_at_the_limit() {
    let (server, probe) = asked(|_| {
        let piece = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        Reply::Endless(CHUNKED.into(), piece, Duration::ZERO)
    })
    .await;
    let text = refused(probe.request(request(&server, json!({}))).await, WASI);
    assert!(text.contains("body size exceeds"), "{text}");
    server.until_closed(1).await;
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    let (server, probe) =
        asked(move |_| Reply::Endless(length.into(), Vec::new(), Duration::from_secs(60))).await;
    let text = refused(probe.request(request(&server, json!({}))).await, WASI);
    assert!(text.contains("HttpResponseBodySize"), "{text}");
}

#[tokio::test]
async fn a_server_that_takes_its_time_costs_no_more_than_the_deadline() {
    let drip = |head: &'static str, piece: &'static str| {
        move |_: &Seen| Reply::Endless(head.into(), piece.into(), Duration::from_millis(20))
    };
    for (server, probe) in [
        asked(|_| Reply::Silence).await,
        asked(drip(CHUNKED, "1\r\nx\r\n")).await,
        asked(drip("HTTP/1.1 200 OK\r\n", "X: y\r\n")).await,
    ] {
        let outcome = probe
            .request_in(until(300), request(&server, json!({})))
            .await;
        let code = outcome.expect_err("the server never ends").code();
        assert!(["timed-out", WASI].contains(&code.as_str()), "{code:?}");
        server.until_closed(1).await;
    }
}

#[tokio::test]
async fn a_guests_own_patience_is_kept() {
    let (server, probe) = asked(|_| Reply::Silence).await;
    let args = request(&server, json!({"first_byte_ms": 50}));
    let text = refused(probe.request(args).await, WASI);
    assert!(text.contains("HttpResponseTimeout"), "{text}");
    let (server, probe) = asked(|_| {
        let piece = "1\r\nx\r\n".into();
        Reply::Endless(CHUNKED.into(), piece, Duration::from_secs(60))
    })
    .await;
    let args = request(&server, json!({"between_bytes_ms": 50}));
    let text = refused(probe.request(args).await, WASI);
    assert!(text.contains("read timeout"), "{text}");
}

#[tokio::test]
async fn a_response_that_nobody_reads_is_closed_at_the_deadline_of_its_call() {
    let (server, probe) = asked(|_| {
        let piece = "1\r\nx\r\n".into();
        Reply::Endless(CHUNKED.into(), piece, Duration::from_millis(5))
    })
    .await;
    let args = request(&server, json!({}));
    let held = call_in(&probe.plugin, until(500), "hold", args).await;
    assert_eq!(held.unwrap(), Value::Null);
    server.until_closed(1).await;
    let text = refused(probe.call("resume", json!({})).await, WASI);
    assert!(text.contains("read timeout"), "{text}");
}

#[tokio::test]
async fn a_plugin_may_have_so_many_requests_open_and_no_more() {
    let (server, probe) =
        asked(|_| Reply::Endless(CHUNKED.into(), Vec::new(), Duration::from_secs(60))).await;
    let limits = limits().rates(limits().rates.http_per_minute(None));
    let scope = here("api.test", server.port());
    let unlimited = Probe::load("probe-wasi-http", Names::here(HOSTS), &[&scope], limits).await;
    let mut args = request(&server, json!({}));
    args["times"] = json!(100);
    let open = goatherd::capability::http::OPEN;
    for _ in 0..2 {
        // The second time, those of the first are gone.
        let sent = unlimited.call("many", args.clone()).await.unwrap();
        assert_eq!(sent, json!({"sent": open}));
    }
    drop(probe);
}

#[tokio::test]
async fn long_texts_are_not_kept_for_a_guest() {
    let (_server, probe) = asked(|_| Reply::ok("hello")).await;
    let accepted = probe.call("long", json!({})).await.unwrap();
    assert_eq!(
        accepted,
        json!({"method": false, "authority": false, "path": false})
    );
}

#[tokio::test]
async fn what_a_guest_hoards_in_the_host_is_bounded() {
    let (_server, probe) = asked(|_| Reply::ok("hello")).await;
    probe.call("hoard", json!({"headers": 900})).await.unwrap();
    let before = process().anonymous_bytes;
    let outcome = probe.call("hoard", json!({"headers": 100_000})).await;
    outcome.expect_err("there is no room for so many");
    let grown = process().anonymous_bytes.saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more");
    // The next instance starts afresh.
    probe.call("hoard", json!({"headers": 900})).await.unwrap();
}

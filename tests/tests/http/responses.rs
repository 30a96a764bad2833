//! What comes back: as it was sent, within bounds, and by the deadline, whatever the server does.

use std::time::{Duration, Instant};

use goatherd_tests::{Reply, Seen, WebServer, until};
use serde_json::{Value, json};

use crate::{Probe, here, refused};

const MIB: usize = 1024 * 1024;

async fn asked(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (WebServer, Probe) {
    let server = WebServer::plain(script).await;
    let probe = Probe::with(&[&here("api.test", server.port())]).await;
    (server, probe)
}

fn url(server: &WebServer) -> String {
    format!("http://api.test:{}/", server.port())
}

/// What a probe gets from a server that answers with these bytes and closes.
async fn last(bytes: impl Into<Vec<u8>>) -> Result<Value, goatherd::runtime::CallError> {
    let bytes = bytes.into();
    let (server, probe) = asked(move |_| Reply::Last(bytes.clone())).await;
    probe.get(&url(&server)).await
}

#[tokio::test]
async fn a_status_of_400_or_more_is_a_response() {
    for status in [204, 304, 400, 404, 500, 599] {
        let (server, probe) = asked(move |_| Reply::new(status, &[], "")).await;
        let answer = probe.get(&url(&server)).await.unwrap();
        assert_eq!(answer["status"], status);
    }
}

#[tokio::test]
async fn headers_come_in_order_in_lower_case_and_as_text() {
    let head = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nX-A: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Utf8: gr\xc3\xbcn\r\n\
        X-Latin: gr\xfcn\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok";
    let answer = last(&head[..]).await.unwrap();
    assert_eq!(
        answer["headers"],
        json!([
            ["x-b", "1"],
            ["x-a", "2"],
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
            ["x-utf8", "grün"],
            ["x-latin", "grün"],
            ["x-empty", ""],
            ["content-length", "2"],
        ])
    );
    assert_eq!(answer["body"], "ok");
}

#[tokio::test]
async fn a_packed_body_is_given_as_it_came() {
    let (server, probe) = asked(|_| {
        let headers = [("Content-Encoding", "gzip")];
        Reply::new(200, &headers, "not really packed")
    })
    .await;
    let answer = probe.get(&url(&server)).await.unwrap();
    assert_eq!(answer["body"], "not really packed");
}

#[tokio::test]
async fn a_body_may_have_10_mib_and_no_byte_more_however_it_is_framed() {
    let body = |bytes: usize| vec![b'x'; bytes];
    let framed = |head: String, bytes: usize| [head.into_bytes(), body(bytes)].concat();
    let by_length = |bytes: usize| {
        framed(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n"),
            bytes,
        )
    };
    let in_a_chunk = |bytes: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n");
        [framed(head, bytes), b"\r\n0\r\n\r\n".to_vec()].concat()
    };
    let to_the_end = |bytes: usize| framed("HTTP/1.1 200 OK\r\n\r\n".into(), bytes);
    for frame in [
        &by_length as &dyn Fn(usize) -> Vec<u8>,
        &in_a_chunk,
        &to_the_end,
    ] {
        let answer = last(frame(10 * MIB)).await.unwrap();
        assert_eq!(answer["body"], json!({"bytes": 10 * MIB}));
        let text = refused(last(frame(10 * MIB + 1)).await, "too-large");
        assert!(text.contains("10485760"), "{text}");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit_and_its_connection_closed() {
    let (server, probe) = asked(|_| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let piece = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        Reply::Endless(head.into(), piece, Duration::ZERO)
    })
    .await;
    refused(probe.get(&url(&server)).await, "too-large");
    server.until_closed(1).await;
}

#[tokio::test]
async fn a_huge_announced_length_is_refused_at_once_and_does_not_matter_without_a_body() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    let (server, probe) =
        asked(move |_| Reply::Endless(head.into(), Vec::new(), Duration::from_secs(60))).await;
    refused(probe.get(&url(&server)).await, "too-large");
    let args = json!({"url": url(&server), "method": "HEAD"});
    let answer = probe.request(args).await.unwrap();
    assert_eq!(
        (&answer["status"], &answer["body"]),
        (&json!(200), &json!(""))
    );
}

#[tokio::test]
async fn a_server_that_takes_its_time_costs_no_more_than_the_deadline() {
    let drip = |head: &'static str, piece: &'static str| {
        move |_: &Seen| Reply::Endless(head.into(), piece.into(), Duration::from_millis(20))
    };
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (server, probe) in [
        asked(|_| Reply::Silence).await,
        asked(drip(length, "x")).await,
        asked(drip(chunked, "1\r\nx\r\n")).await,
        asked(drip("HTTP/1.1 200 OK\r\n", "X: y\r\n")).await,
        asked(drip("", "HTTP/1.1 100 Continue\r\n\r\n")).await,
    ] {
        let began = Instant::now();
        let args = json!({"url": url(&server)});
        refused(probe.request_in(until(300), args).await, "timed-out");
        assert!(began.elapsed() < Duration::from_secs(5));
        server.until_closed(1).await;
        // The next call is served.
        assert!(probe.call("nothing", json!({})).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_costs_no_more_than_the_deadline() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let probe = Probe::with(&[&format!("api.test:{port}+private")]).await;
    let args = json!({"url": format!("https://api.test:{port}/")});
    refused(probe.request_in(until(300), args).await, "timed-out");
}

#[tokio::test]
async fn a_server_that_breaks_off_or_talks_nonsense_is_unavailable() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hexadecimal\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
    ] {
        let text = refused(last(bytes).await, "unavailable");
        assert!(text.contains("http://api.test"), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Nobody listens at port 1.
    let probe = Probe::with(&[&here("api.test", 1)]).await;
    let text = refused(probe.get("http://api.test:1/").await, "unavailable");
    assert!(text.contains("refuses the connection"), "{text}");
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_too_large() {
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(70 * 1024));
    for headers in [many, long] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n");
        refused(last(bytes).await, "too-large");
    }
    let (server, probe) = asked(|_| {
        let line = format!("X: {}\r\n", "y".repeat(1_000)).into_bytes();
        Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), line, Duration::ZERO)
    })
    .await;
    refused(probe.get(&url(&server)).await, "too-large");
    server.until_closed(1).await;
}

#[tokio::test]
async fn what_follows_a_response_is_not_taken_for_the_next_one() {
    let (server, probe) = asked(|seen| {
        if seen.line.contains("first") {
            let both = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst\
                HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
            Reply::Bytes(both.into())
        } else {
            Reply::ok("second")
        }
    })
    .await;
    for _ in 0..10 {
        let answer = probe.get(&format!("{}first", url(&server))).await.unwrap();
        assert_eq!(answer["body"], "first");
        let answer = probe.get(&format!("{}second", url(&server))).await.unwrap();
        assert_eq!(answer["body"], "second");
    }
}

#[tokio::test]
async fn a_server_cannot_switch_to_another_protocol() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello";
    let outcome = last(head).await;
    refused(outcome, "unavailable");
}

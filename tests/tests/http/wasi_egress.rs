//! `wasi:http/outgoing-handler` by the same rules: what may leave, and what is sent.

use goatherd::permission::Rates;
use goatherd_tests::{Names, Reply, WebServer, limits};
use serde_json::{Value, json};

use crate::{HOSTS, Probe, WASI, here, refused};

fn request(authority: impl Into<String>, more: Value) -> Value {
    let mut args = json!({"scheme": "http", "authority": authority.into()});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

/// The words of a refusal by WASI.
fn wasi(outcome: Result<Value, goatherd::runtime::CallError>, code: &str) {
    let text = refused(outcome, WASI);
    assert!(text.contains(code), "{text} is not {code}");
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written() {
    let server = WebServer::plain(|_| Reply::new(201, &[("X-A", "1")], "hello")).await;
    let port = server.port();
    let probe = Probe::wasi(&[&here("api.test", port)]).await;
    let more = json!({"path": "/a?b=%2F", "headers": [["X-Many", "1"], ["x-many", "2"]]});
    let answer = probe
        .request(request(format!("api.test:{port}"), more))
        .await;
    assert_eq!(
        answer.unwrap(),
        json!({"status": 201, "headers": [["x-a", "1"], ["content-length", "5"]], "body": "hello"})
    );
    let seen = server.only();
    assert_eq!(seen.line, "GET /a?b=%2F HTTP/1.1");
    assert_eq!(seen.header("host"), [format!("api.test:{port}")]);
    assert_eq!(seen.header("x-many"), ["1", "2"]);
    assert!(seen.header("transfer-encoding").is_empty());
    assert!(seen.header("content-length").is_empty());
}

#[tokio::test]
async fn a_refusal_happens_before_anything_else_and_is_explained_in_the_log() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let probe = Probe::wasi(&[&here("api.test", port)]).await;
    for (scheme, authority) in [
        ("http", format!("other.test:{port}")),
        ("https", format!("api.test:{port}")),
        ("http", "api.test".into()),
        ("http", format!("deep.api.test:{port}")),
        ("http", format!("2130706433:{port}")),
    ] {
        let args = request(
            authority,
            json!({"scheme": scheme, "path": "/?key=hunter2"}),
        );
        wasi(probe.request(args).await, "HttpRequestDenied");
    }
    let log = probe.logged();
    let hint = format!("grant http=http://other.test:{port} to allow it");
    assert!(log.contains(&hint), "{log}");
    assert!(log.contains("plugin \"probe-wasi-http\""), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    assert!(probe.names.asked().is_empty());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_authority_passes_for_another() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let probe = Probe::wasi(&[&here("api.test", port)]).await;
    for authority in [
        format!("api.test:x@other.test:{port}"),
        format!("api.test@other.test:{port}"),
        format!("user@api.test:{port}"),
        format!("other.test:{port}\\@api.test:{port}"),
        format!("other.test:{port}/@api.test:{port}"),
        format!("other.test:{port}#@api.test:{port}"),
        format!("other.test:{port}?@api.test:{port}"),
        format!("api.test:{port} HTTP/1.1\r\nX: y"),
        format!("api.test:{port}\r\nX: y"),
        String::new(),
    ] {
        let outcome = probe.request(request(authority.clone(), json!({}))).await;
        refused(outcome, WASI);
    }
    for path in [
        "http://other.test/",
        "other",
        " / HTTP/1.1\r\nX: y",
        "/\r\nX: y",
    ] {
        let args = request(format!("api.test:{port}"), json!({"path": path}));
        refused(probe.request(args).await, WASI);
    }
    for scheme in ["ftp", "file", "unix"] {
        let args = request(format!("api.test:{port}"), json!({"scheme": scheme}));
        refused(probe.request(args).await, WASI);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn special_addresses_are_prohibited_in_every_form() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let everything = Probe::wasi(&["*"]).await;
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
    ] {
        let args = request(format!("{host}:{port}"), json!({"scheme": "https"}));
        refused(everything.request(args).await, WASI);
    }
    let scope = [
        format!("http://api.test:{port}"),
        format!("http://127.0.0.1:{port}"),
    ];
    let probe = Probe::wasi(&[&scope[0], &scope[1]]).await;
    for host in ["api.test", "127.0.0.1", "2130706433"] {
        let outcome = probe
            .request(request(format!("{host}:{port}"), json!({})))
            .await;
        wasi(outcome, "DestinationIpProhibited");
    }
    let hint = format!("grant http=http://api.test:{port}+private to allow it");
    assert!(probe.logged().contains(&hint), "{}", probe.logged());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_a_response_and_following_it_is_the_next_request() {
    let server = WebServer::plain(|_| Reply::redirect(302, "http://other.test/")).await;
    let port = server.port();
    let probe = Probe::wasi(&[&here("api.test", port)]).await;
    let args = request(format!("api.test:{port}"), json!({}));
    let answer = probe.request(args).await.unwrap();
    assert_eq!(answer["status"], 302);
    assert_eq!(
        answer["headers"][0],
        json!(["location", "http://other.test/"])
    );
    let next = request("other.test", json!({}));
    wasi(probe.request(next).await, "HttpRequestDenied");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn headers_that_frame_or_route_a_message_are_forbidden() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let authority = format!("api.test:{}", server.port());
    let probe = Probe::wasi(&[&here("api.test", server.port())]).await;
    for name in [
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Upgrade",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
    ] {
        let args = request(authority.as_str(), json!({"headers": [[name, "x"]]}));
        wasi(probe.request(args).await, "Forbidden");
    }
    for header in [["x", "a\r\nEvil: 1"], ["x\r\nEvil", "1"], ["x", "a\0"]] {
        let args = request(authority.as_str(), json!({"headers": [header]}));
        wasi(probe.request(args).await, "InvalidSyntax");
    }
    for length in ["+5", "5, 6", "-1", "0x5", "1000000000000"] {
        let headers = json!([["Content-Length", length]]);
        let args = request(
            authority.as_str(),
            json!({"headers": headers, "body": "hello"}),
        );
        assert!(probe.request(args).await.is_err(), "{length}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn only_the_methods_of_the_contract_are_sent() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let authority = format!("api.test:{}", server.port());
    let probe = Probe::wasi(&[&here("api.test", server.port())]).await;
    for method in ["CONNECT", "TRACE", "PROPFIND", "get"] {
        let args = request(authority.as_str(), json!({"method": method}));
        wasi(probe.request(args).await, "HttpRequestMethodInvalid");
    }
    for method in ["", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "A B"] {
        let args = request(authority.as_str(), json!({"method": method}));
        refused(probe.request(args).await, WASI);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_policy_counts_these_requests_too() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let limits = limits().rates(Rates::default().http_per_minute(2.try_into().ok()));
    let scope = here("api.test", server.port());
    let probe = Probe::load("probe-wasi-http", Names::here(HOSTS), &[&scope], limits).await;
    let args = request(format!("api.test:{}", server.port()), json!({}));
    for _ in 0..2 {
        probe.request(args.clone()).await.unwrap();
    }
    wasi(probe.request(args).await, "ConnectionLimitReached");
    assert!(probe.logged().contains("too often"), "{}", probe.logged());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn names_and_servers_that_are_not_there_are_told_apart() {
    let probe = Probe::wasi(&["http://unknown.test", &here("api.test", 1)]).await;
    wasi(
        probe.request(request("unknown.test", json!({}))).await,
        "DnsError",
    );
    wasi(
        probe.request(request("api.test:1", json!({}))).await,
        "ConnectionRefused",
    );
}

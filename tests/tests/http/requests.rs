//! What is sent: exactly what the plugin said, within bounds, and nothing that could be read as more than one request.

use goatherd::permission::Rates;
use goatherd_tests::{Names, Reply, WebServer, limits};
use serde_json::{Value, json};

use crate::{HOSTS, Probe, here, refused};

const MIB: usize = 1024 * 1024;

async fn server() -> (WebServer, Probe) {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let probe = Probe::with(&[&here("api.test", server.port())]).await;
    (server, probe)
}

fn request(server: &WebServer, more: Value) -> Value {
    let mut args = json!({"url": format!("http://api.test:{}/", server.port())});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written() {
    let (server, probe) = server().await;
    let url = format!(
        "http://api.test:{}/a/../b%20c?q=1&r=%2F#part",
        server.port()
    );
    let headers = [
        ["X-First", "1"],
        ["accept", "a/b"],
        ["x-many", "one"],
        ["X-Many", "two, three"],
        ["x-empty", ""],
        ["x-utf8", "grün"],
    ];
    let args = json!({"url": url, "method": "POST", "headers": headers, "body": "the body"});
    let answer = probe.request(args).await.unwrap();
    assert_eq!(answer["status"], 200);

    let seen = server.only();
    assert_eq!(seen.line, "POST /b%20c?q=1&r=%2F HTTP/1.1");
    assert_eq!(seen.body, b"the body");
    assert_eq!(seen.header("host"), [format!("api.test:{}", server.port())]);
    assert_eq!(seen.header("content-length"), ["8"]);
    assert_eq!(seen.header("x-first"), ["1"]);
    assert_eq!(seen.header("accept"), ["a/b"]);
    assert_eq!(seen.header("x-many"), ["one", "two, three"]);
    assert_eq!(seen.header("x-empty"), [""]);
    assert_eq!(seen.header("x-utf8"), ["grün"]);
    assert!(seen.header("transfer-encoding").is_empty());
    assert!(seen.header("accept-encoding").is_empty());
    assert!(seen.header("user-agent")[0].starts_with("goatherd/"));
}

#[tokio::test]
async fn the_methods_of_the_contract_are_sent_and_no_others() {
    let (server, probe) = server().await;
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    for method in methods {
        let args = request(&server, json!({"method": method}));
        probe.request(args).await.unwrap();
    }
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.line.clone()).collect();
    let expected = methods.map(|method| format!("{method} / HTTP/1.1"));
    assert_eq!(sent, expected);
    for method in [
        "",
        "get",
        "CONNECT",
        "TRACE",
        "GET ",
        "PROPFIND",
        "GET / HTTP/1.1\r\nX: y\r\n\r\nGET",
    ] {
        let args = request(&server, json!({"method": method}));
        refused(probe.request(args).await, "invalid-argument");
    }
    assert_eq!(server.seen().len(), methods.len());
}

#[tokio::test]
async fn a_request_without_a_body_says_so_where_servers_ask() {
    let (server, probe) = server().await;
    for (method, length) in [("POST", &["0"][..]), ("PUT", &["0"]), ("GET", &[])] {
        let args = request(&server, json!({"method": method}));
        probe.request(args).await.unwrap();
        let seen = server.seen();
        let seen = seen.last().unwrap();
        assert_eq!(seen.header("content-length"), length, "{method}");
        assert!(seen.header("transfer-encoding").is_empty(), "{method}");
    }
}

#[tokio::test]
async fn headers_that_frame_or_route_a_message_are_the_hosts_to_set() {
    let (server, probe) = server().await;
    for (name, value) in [
        ("Host", "other.test"),
        ("host", "api.test"),
        ("Content-Length", "5"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity, chunked"),
        ("Connection", "keep-alive, authorization"),
        ("Keep-Alive", "timeout=1"),
        ("Upgrade", "websocket"),
        ("HTTP2-Settings", "AAAA"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Expect", "100-continue"),
        ("Proxy-Connection", "close"),
        ("Proxy-Authorization", "Basic eDp5"),
    ] {
        let args = json!({"method": "POST", "headers": [[name, value]], "body": "x"});
        let outcome = probe.request(request(&server, args)).await;
        let text = refused(outcome, "invalid-argument");
        assert!(text.contains(name), "{text}");
    }
    // The pairs with which two servers can be made to disagree on where a request ends.
    for pair in [
        [["Content-Length", "5"], ["Transfer-Encoding", "chunked"]],
        [["Content-Length", "5"], ["Content-Length", "6"]],
        [["X", "y"], ["Transfer-Encoding", "xchunked"]],
    ] {
        let args = json!({"method": "POST", "headers": pair, "body": "x"});
        refused(
            probe.request(request(&server, args)).await,
            "invalid-argument",
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_text_of_a_plugin_can_end_a_line() {
    let (server, probe) = server().await;
    for ends in ["\r\n", "\n", "\r", "\0"] {
        for header in [
            ["x", &format!("a{ends}Evil: 1")],
            ["x", &format!("a{ends}")],
            [&format!("x{ends}Evil"), "1"],
            [&format!("x: 1{ends}Evil"), "1"],
        ] {
            let args = request(&server, json!({"headers": [header]}));
            refused(probe.request(args).await, "invalid-argument");
        }
        let port = server.port();
        for url in [
            format!("http://api.test:{port}/{ends}Evil: 1"),
            format!("http://api.test:{port}/?q={ends}Evil: 1"),
            format!("http://api.test{ends}:{port}/"),
            format!("http://api.test:{port}/ HTTP/1.1{ends}Evil: 1"),
        ] {
            refused(probe.get(&url).await, "invalid-argument");
        }
    }
    for name in ["", " ", "x y", "x:", "(x)", "ü", "x\t"] {
        let args = request(&server, json!({"headers": [[name, "1"]]}));
        refused(probe.request(args).await, "invalid-argument");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn escaped_line_ends_stay_escaped() {
    let (server, probe) = server().await;
    let url = format!(
        "http://api.test:{}/%0d%0aEvil:%201?%0d%0aEvil:%202",
        server.port()
    );
    probe.get(&url).await.unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "GET /%0d%0aEvil:%201?%0d%0aEvil:%202 HTTP/1.1");
    assert!(seen.header("evil").is_empty());
}

#[tokio::test]
async fn a_body_has_at_most_10_mib() {
    let (server, probe) = server().await;
    let whole = json!({"method": "PUT", "body": {"bytes": 10 * MIB}});
    let answer = probe.request(request(&server, whole)).await.unwrap();
    assert_eq!(answer["status"], 200);
    assert_eq!(server.only().body.len(), 10 * MIB);
    let more = json!({"method": "PUT", "body": {"bytes": 10 * MIB + 1}});
    refused(probe.request(request(&server, more)).await, "too-large");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn headers_and_urls_are_bounded() {
    let (server, probe) = server().await;
    let many: Vec<_> = (0..101).map(|n| [format!("x-{n}"), "y".into()]).collect();
    let long = [["x", &"y".repeat(64 * 1024)]];
    for headers in [json!(many), json!(long)] {
        let args = request(&server, json!({"headers": headers}));
        refused(probe.request(args).await, "too-large");
    }
    let fits = [["x", &"y".repeat(60 * 1024)]];
    let args = request(&server, json!({"headers": fits}));
    probe.request(args).await.unwrap();
    let url = format!("http://api.test:{}/{}", server.port(), "x".repeat(8 * 1024));
    refused(probe.get(&url).await, "invalid-argument");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn connections_are_used_again() {
    let (server, probe) = server().await;
    for _ in 0..3 {
        probe.request(request(&server, json!({}))).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn the_policy_counts_requests_and_not_refusals() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let limits = limits().rates(Rates::default().http_per_minute(2.try_into().ok()));
    let scope = here("api.test", server.port());
    let probe = Probe::load("probe-http", Names::here(HOSTS), &[&scope], limits.clone()).await;
    for _ in 0..10 {
        refused(probe.get("https://other.test/").await, "permission-denied");
        let args = request(&server, json!({"method": "BAD"}));
        refused(probe.request(args).await, "invalid-argument");
    }
    for _ in 0..2 {
        probe.request(request(&server, json!({}))).await.unwrap();
    }
    refused(
        probe.request(request(&server, json!({}))).await,
        "rate-limited",
    );
    // Loading it again gives no fresh allowance.
    let again = crate::grant(&[&scope]);
    let again = goatherd_tests::plugin(&probe.host, "probe-http", &[&again], limits).await;
    let outcome = goatherd_tests::call(&again, "request", request(&server, json!({}))).await;
    refused(outcome, "rate-limited");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    // Nobody listens at port 1, so whoever asks there fails. The environment is that of a process, hence another one.
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "requests::a_request_arrives_as_it_was_written"]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
        "ALL_PROXY",
    ] {
        again.env(name, "http://127.0.0.1:1");
    }
    let output = again
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

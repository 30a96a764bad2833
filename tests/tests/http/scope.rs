//! Which hosts may be asked at all. A refusal is decided before a name is resolved or a connection made.

use goatherd::runtime::LoadError;
use goatherd_tests::{Names, Reply, WebServer, guest, host_builder, http_client, limits, load};

use crate::{Probe, grant, here, refused};

#[tokio::test]
async fn a_covered_host_is_asked_and_others_are_refused_before_anything_happens() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let probe = Probe::with(&[&here("api.test", port), "*.tenor.test", "media.test:8443"]).await;
    let answer = probe
        .get(&format!("http://api.test:{port}/"))
        .await
        .unwrap();
    assert_eq!(answer["body"], "hello");

    let asked = probe.names.asked().len();
    for url in [
        format!("http://other.test:{port}/"),
        format!("https://api.test:{port}/"),
        "http://api.test/".into(),
        format!("http://deep.api.test:{port}/"),
        format!("http://api.test.evil.test:{port}/"),
        format!("http://notapi.test:{port}/"),
        "http://tenor.test/".into(),
        "https://nottenor.test/".into(),
        "https://tenor.test.evil.test/".into(),
        "https://tenor.test:8443/".into(),
        "https://media.test/".into(),
    ] {
        refused(probe.get(&url).await, "permission-denied");
    }
    assert_eq!(probe.names.asked().len(), asked, "nothing was looked up");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_refusal_says_who_tried_what_which_rule_refused_and_what_would_allow_it() {
    let probe = Probe::with(&["api.giphy.com", "*.tenor.com"]).await;
    let text = refused(
        probe
            .get("https://api.example.org:8443/v1?key=hunter2")
            .await,
        "permission-denied",
    );
    for part in [
        "plugin \"probe-http\"",
        "https://api.example.org:8443",
        "only api.giphy.com, *.tenor.com",
        "grant http=api.example.org:8443 to allow it",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn credentials_before_the_host_do_not_pass_for_the_host() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let allowed = here("api.test", port);
    let probe = Probe::with(&[&allowed]).await;
    for url in [
        format!("http://api.test:x@other.test:{port}/"),
        format!("http://api.test@other.test:{port}/"),
        format!("http://api.test:{port}@other.test:{port}/"),
        format!("http://other.test:{port}@api.test:{port}/"),
        format!("http://user:secret@api.test:{port}/"),
    ] {
        let text = refused(probe.get(&url).await, "invalid-argument");
        assert!(!text.contains("secret"), "{text}");
    }
    // A backslash is a slash in such URLs, so what follows it is a path.
    let url = format!("http://other.test:{port}\\@api.test:{port}/");
    refused(probe.get(&url).await, "permission-denied");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_host_has_one_form_whatever_its_spelling() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let scope = [here("api.test", port), here("bücher.test", port)];
    let probe = Probe::with(&[&scope[0], &scope[1]]).await;
    for (host, sent) in [
        ("API.Test", "api.test"),
        ("api.test.", "api.test."),
        ("a%70i.test", "api.test"),
        ("ａｐｉ.test", "api.test"),
        ("BÜCHER.test", "xn--bcher-kva.test"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
    ] {
        let answer = probe.get(&format!("http://{host}:{port}/")).await;
        assert_eq!(answer.unwrap()["status"], 200, "{host}");
        let seen = server.seen();
        let seen = seen.last().unwrap();
        assert_eq!(seen.header("host"), [format!("{sent}:{port}")], "{host}");
    }
}

#[tokio::test]
async fn what_is_no_url_of_a_web_server_is_an_invalid_argument() {
    let probe = Probe::with(&["*"]).await;
    for url in [
        "",
        "api.test",
        "/path",
        "//api.test/",
        "file:///etc/passwd",
        "ftp://api.test/",
        "gopher://api.test/",
        "data:text/plain,x",
        "https://",
        "https://api.test:99999/",
        "https://[::1%25lo]/",
        "https://[fe80::1%eth0]/",
    ] {
        refused(probe.get(url).await, "invalid-argument");
    }
}

#[tokio::test]
async fn a_grant_without_a_scope_covers_no_host() {
    let probe = Probe::with(&[]).await;
    let text = refused(probe.get("https://api.test/").await, "permission-denied");
    assert!(text.contains("covers no host"), "{text}");
}

#[tokio::test]
async fn without_the_grant_neither_interface_is_linked() {
    let client = http_client(&Names::default(), None);
    let host = host_builder().provider(client).build().unwrap();
    for (name, interface) in [
        ("probe-http", "goatherd:plugin/http-client"),
        ("probe-wasi-http", "wasi:http/outgoing-handler"),
    ] {
        let loaded = load(&host, name, guest(name), &["cache:readwrite"], limits()).await;
        let error = loaded.expect_err("nothing is granted");
        let LoadError::NotGranted { missing, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(missing.len(), 1, "{error}");
        assert!(missing[0].interface.starts_with(interface), "{error}");
    }
}

#[tokio::test]
async fn a_host_without_a_client_refuses_both_interfaces_by_name() {
    let host = host_builder().build().unwrap();
    for name in ["probe-http", "probe-wasi-http"] {
        let loaded = load(&host, name, guest(name), &[&grant(&["*"])], limits()).await;
        let error = loaded.expect_err("nobody serves it");
        assert!(matches!(error, LoadError::NotServed { .. }), "{error}");
    }
}

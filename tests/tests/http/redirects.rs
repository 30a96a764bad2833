//! Redirects: each is checked like a new request, and takes no credentials to another origin.

use goatherd::permission::Rates;
use goatherd_tests::{Names, Reply, WebServer, limits};
use serde_json::json;

use crate::{HOSTS, Probe, here, refused};

/// A server at whose paths `/302/URL` there is a redirect to the URL, and elsewhere an answer.
async fn crossroads() -> WebServer {
    WebServer::plain(|seen| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        let mut parts = path.splitn(3, '/').skip(1);
        let status = parts.next().and_then(|status| status.parse().ok());
        match (status, parts.next()) {
            (Some(status), Some(to)) => Reply::redirect(status, to),
            _ => Reply::ok("arrived"),
        }
    })
    .await
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_sixth_is_not() {
    let server = WebServer::plain(|seen| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        match path.trim_start_matches('/').parse::<u32>() {
            Ok(0) | Err(_) => Reply::ok("arrived"),
            Ok(left) => Reply::redirect(302, &format!("/{}", left - 1)),
        }
    })
    .await;
    let port = server.port();
    let probe = Probe::with(&[&here("api.test", port)]).await;
    let answer = probe.get(&format!("http://api.test:{port}/5")).await;
    assert_eq!(answer.unwrap()["body"], "arrived");
    assert_eq!(server.seen().len(), 6);
    let text = refused(
        probe.get(&format!("http://api.test:{port}/6")).await,
        "unavailable",
    );
    assert!(text.contains("more than 5 times"), "{text}");
    assert_eq!(server.seen().len(), 12);
}

#[tokio::test]
async fn a_loop_ends() {
    let server = WebServer::plain(|_| Reply::redirect(307, "/again")).await;
    let port = server.port();
    let probe = Probe::with(&[&here("api.test", port)]).await;
    refused(
        probe.get(&format!("http://api.test:{port}/")).await,
        "unavailable",
    );
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_a_request_could_not() {
    let inside = WebServer::plain(|_| Reply::ok("inside")).await;
    let to = inside.port();
    let server = crossroads().await;
    let port = server.port();
    let scope = [
        here("api.test", port),
        // Covered, but not with the mark.
        format!("http://127.0.0.1:{to}"),
        format!("http://other.test:{to}"),
        "*".into(),
    ];
    let scope: Vec<_> = scope.iter().map(String::as_str).collect();
    let probe = Probe::with(&scope).await;
    for (location, code) in [
        (format!("http://127.0.0.1:{to}/"), "permission-denied"),
        (format!("http://2130706433:{to}/"), "permission-denied"),
        (format!("//0x7f.1:{to}/"), "permission-denied"),
        (format!("http://other.test:{to}/"), "permission-denied"),
        (format!("http://deep.api.test:{to}/"), "permission-denied"),
        (format!("https://[::1]:{to}/"), "permission-denied"),
        (format!("https://localhost.test:{to}/"), "unavailable"),
        (format!("http://api.test:{to}/"), "permission-denied"),
        ("http://169.254.169.254/latest/".into(), "permission-denied"),
        ("ftp://api.test/".into(), "invalid-argument"),
        ("file:///etc/passwd".into(), "invalid-argument"),
        (
            format!("http://api.test:x@other.test:{to}/"),
            "invalid-argument",
        ),
    ] {
        let url = format!("http://api.test:{port}/302/{location}");
        let text = refused(probe.get(&url).await, code);
        if code != "unavailable" {
            let who = format!("redirected by http://api.test:{port}");
            assert!(text.contains(&who), "{text}");
        }
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn credentials_stay_with_the_origin_that_they_were_for() {
    let other = crossroads().await;
    let server = crossroads().await;
    let (port, to) = (server.port(), other.port());
    let probe = Probe::with(&[
        &here("api.test", port),
        &here("other.test", port),
        &here("api.test", to),
    ])
    .await;
    let headers = [
        ["Authorization", "Bearer hunter2"],
        ["Cookie", "session=hunter2"],
        ["X-Api-Key", "hunter2"],
        ["Accept", "a/b"],
    ];
    let secrets = |seen: &goatherd_tests::Seen| {
        let values = seen.headers.iter();
        values
            .filter(|(_, value)| value.contains("hunter2"))
            .count()
    };
    let home = format!("http://api.test:{port}");
    for (path, expected) in [
        // To another path, they go along.
        ("/302//landing".to_owned(), vec![3, 3]),
        // To another host, and to another port.
        (format!("/307/http://other.test:{port}/"), vec![3, 0]),
        // Not even back again.
        (
            format!("/302/http://other.test:{port}/302/{home}/"),
            vec![3, 0, 0],
        ),
    ] {
        let before = server.seen().len();
        let args = json!({"url": format!("{home}{path}"), "headers": headers});
        assert_eq!(probe.request(args).await.unwrap()["body"], "arrived");
        let seen = server.seen();
        let carried: Vec<_> = seen[before..].iter().map(secrets).collect();
        assert_eq!(carried, expected, "{path}");
        for seen in &seen[before..] {
            assert_eq!(seen.header("accept"), ["a/b"]);
        }
    }
    let url = format!("{home}/302/http://api.test:{to}/");
    probe
        .request(json!({"url": url, "headers": headers}))
        .await
        .unwrap();
    assert_eq!(secrets(&other.only()), 0);
    assert_eq!(
        other.only().header("host"),
        [format!("api.test:{to}")],
        "the host is that of the new URL"
    );
}

#[tokio::test]
async fn the_method_and_the_body_change_as_browsers_have_it() {
    let server = crossroads().await;
    let port = server.port();
    let probe = Probe::with(&[&here("api.test", port)]).await;
    for (status, method, then, body) in [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (307, "POST", "POST", "content"),
        (308, "PUT", "PUT", "content"),
    ] {
        let args = json!({
            "url": format!("http://api.test:{port}/{status}//landing"),
            "method": method,
            "headers": [["content-type", "text/plain"]],
            "body": "content",
        });
        probe.request(args).await.unwrap();
        let seen = server.seen();
        let seen = seen.last().unwrap();
        assert_eq!(seen.line, format!("{then} /landing HTTP/1.1"));
        assert_eq!(seen.body, body.as_bytes(), "{status}");
        let types = usize::from(!body.is_empty());
        assert_eq!(seen.header("content-type").len(), types, "{status}");
    }
}

#[tokio::test]
async fn what_leads_nowhere_is_a_response() {
    let server = WebServer::plain(|seen| match seen.line.as_str() {
        line if line.contains("/none") => Reply::new(302, &[], "no location"),
        line if line.contains("/300") => Reply::new(300, &[("Location", "/x")], "choices"),
        line if line.contains("/304") => Reply::new(304, &[("Location", "/x")], ""),
        _ => Reply::redirect(302, "http://[not an address/"),
    })
    .await;
    let port = server.port();
    let probe = Probe::with(&[&here("api.test", port)]).await;
    for (path, status) in [("none", 302), ("300", 300), ("304", 304), ("bad", 302)] {
        let answer = probe.get(&format!("http://api.test:{port}/{path}")).await;
        assert_eq!(answer.unwrap()["status"], status, "{path}");
    }
}

#[tokio::test]
async fn redirects_do_not_count_as_requests() {
    let server = crossroads().await;
    let port = server.port();
    let limits = limits().rates(Rates::default().http_per_minute(1.try_into().ok()));
    let scope = here("api.test", port);
    let probe = Probe::load("probe-http", Names::here(HOSTS), &[&scope], limits).await;
    let url = format!("http://api.test:{port}/302//302//landing");
    assert_eq!(probe.get(&url).await.unwrap()["body"], "arrived");
    assert_eq!(server.seen().len(), 3);
    refused(probe.get(&url).await, "rate-limited");
}

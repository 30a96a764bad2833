//! Encryption: whose certificates are believed, and for which names.

use goatherd_tests::{
    Authority, Names, Reply, WebServer, call, host_builder, http_client, limits, plugin,
};
use serde_json::json;

use crate::{HOSTS, Probe, grant, refused};

/// A probe in a host whose operator named this authority.
async fn believing(authority: &Authority, scope: &[&str]) -> Probe {
    let names = Names::here(HOSTS);
    let client = http_client(&names, Some(authority));
    let host = host_builder().provider(client).build().unwrap();
    let plugin = plugin(&host, "probe-http", &[&grant(scope)], limits()).await;
    Probe {
        host,
        plugin,
        names,
    }
}

#[tokio::test]
async fn a_server_of_the_operators_authority_is_believed() {
    let authority = Authority::new();
    let tls = authority.server(&["api.test", "127.0.0.1"]);
    let server = WebServer::secure(tls, |_| Reply::ok("hello")).await;
    let port = server.port();
    let scope = [
        format!("api.test:{port}+private"),
        format!("127.0.0.1:{port}+private"),
    ];
    let probe = believing(&authority, &[&scope[0], &scope[1]]).await;
    for host in ["api.test", "api.test.", "127.0.0.1"] {
        let answer = probe.get(&format!("https://{host}:{port}/")).await;
        assert_eq!(answer.unwrap()["body"], "hello", "{host}");
    }
    assert_eq!(
        server.seen()[0].header("host"),
        [format!("api.test:{port}")]
    );
}

#[tokio::test]
async fn a_certificate_of_nobody_or_for_another_name_is_refused_before_the_request_is_sent() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for (signer, name) in [(&stranger, "api.test"), (&authority, "other.test")] {
        let tls = signer.server(&[name]);
        let server = WebServer::secure(tls, |_| Reply::ok("hello")).await;
        let port = server.port();
        let probe = believing(&authority, &[&format!("api.test:{port}+private")]).await;
        let args = json!({
            "url": format!("https://api.test:{port}/?key=hunter2"),
            "headers": [["Authorization", "hunter2"]],
        });
        let text = refused(probe.request(args).await, "unavailable");
        assert!(text.contains("certificate is not believed"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_answers_in_plain_where_tls_is_asked_is_unavailable() {
    let server = WebServer::plain(|_| Reply::ok("hello")).await;
    let port = server.port();
    let probe = Probe::with(&[&format!("api.test:{port}+private")]).await;
    // The server takes the handshake for the beginning of a request and waits for more of it.
    let args = json!({"url": format!("https://api.test:{port}/")});
    let outcome = probe.request_in(goatherd_tests::until(300), args).await;
    refused(outcome, "timed-out");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn encryption_is_not_lost_in_a_redirect() {
    let plain = WebServer::plain(|_| Reply::ok("in plain")).await;
    let authority = Authority::new();
    let to = format!("http://api.test:{}/", plain.port());
    let tls = authority.server(&["api.test"]);
    let server = WebServer::secure(tls, move |_| Reply::redirect(302, &to)).await;
    let port = server.port();
    let encrypted = format!("api.test:{port}+private");
    let probe = believing(
        &authority,
        &[&encrypted, &format!("api.test:{}", plain.port())],
    )
    .await;
    let url = format!("https://api.test:{port}/");
    refused(probe.get(&url).await, "permission-denied");
    assert_eq!(plain.connections(), 0);

    let allowed = format!("http://api.test:{}+private", plain.port());
    let probe = believing(&authority, &[&encrypted, &allowed]).await;
    let args = json!({"url": url, "headers": [["Authorization", "hunter2"]]});
    let answer = call(&probe.plugin, "request", args).await;
    assert_eq!(answer.unwrap()["body"], "in plain");
    assert!(plain.only().header("authorization").is_empty());
}

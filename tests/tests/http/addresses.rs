//! Which addresses are dialled: public ones, and others only where the scope has the very host with `+private`.

use goatherd::capability::http::{HttpClient, HttpOptions};
use goatherd_tests::{Names, Reply, WebServer, host_builder, http_client, limits, plugin, until};
use serde_json::json;

use crate::{Probe, grant, here, refused};

/// An address of the public internet that nobody has: none below this prefix was ever given out.
const NOBODY: &str = "2d00::1";

/// Spellings of this machine.
const SPELLINGS: &[&str] = &[
    "127.0.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.01",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0X7F.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
];

/// Forms that lead to this machine, or into a network.
const OTHERS: &[&str] = &[
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "0.0.0.0",
    "0",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::1]",
    "[2001:0:808:808::3f57:fefe]",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[fd00::1]",
    "[fe80::1]",
    "[ff02::1]",
    "[2001:db8::1]",
];

#[tokio::test]
async fn no_spelling_of_a_special_address_is_a_public_host() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let probe = Probe::with(&["*"]).await;
    for host in SPELLINGS.iter().chain(OTHERS) {
        let text = refused(
            probe.get(&format!("https://{host}:{port}/")).await,
            "permission-denied",
        );
        assert!(text.contains("not public"), "{host}: {text}");
    }
    assert_eq!(server.connections(), 0);
    assert!(probe.names.asked().is_empty());
}

#[tokio::test]
async fn an_entry_for_the_very_address_needs_the_mark() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let probe = Probe::with(&[&format!("http://127.0.0.1:{port}")]).await;
    for host in SPELLINGS {
        let url = format!("http://{host}:{port}/");
        let text = refused(probe.get(&url).await, "permission-denied");
        let hint = format!("grant http=http://127.0.0.1:{port}+private");
        assert!(text.contains(&hint), "{text}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn with_the_mark_every_spelling_leads_there() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let probe = Probe::with(&[&here("127.0.0.1", port)]).await;
    for host in SPELLINGS {
        let answer = probe.get(&format!("http://{host}:{port}/")).await;
        assert_eq!(answer.unwrap()["body"], "inside", "{host}");
    }
    for seen in server.seen() {
        assert_eq!(seen.header("host"), [format!("127.0.0.1:{port}")]);
    }
    // The mark is for that host, not for what is somehow the same.
    let url = format!("http://[::ffff:127.0.0.1]:{port}/");
    refused(probe.get(&url).await, "permission-denied");
}

#[tokio::test]
async fn a_name_that_leads_to_a_special_address_is_refused_without_showing_it() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let names = Names::default();
    let exact = format!("http://inside.test:{port}");
    let below = format!("http://*.inside.test:{port}");
    let probe = Probe::knowing(names.clone(), &[&exact, &below]).await;
    for address in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "10.1.2.3",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "64:ff9b::a01:203",
        "fd00::1",
        "fe80::1",
    ] {
        for name in ["inside.test", "a.inside.test"] {
            names.answer(name, &[&[address]]);
            let url = format!("http://{name}:{port}/");
            let text = refused(probe.get(&url).await, "permission-denied");
            assert!(!text.contains(address), "{text}");
            let hint = format!("grant http=http://{name}:{port}+private");
            assert!(text.contains(&hint), "{text}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn of_a_mixed_answer_the_special_address_is_never_dialled() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let names = Names::default();
    let probe = Probe::knowing(names.clone(), &[&format!("http://mixed.test:{port}")]).await;
    for answer in [
        &["127.0.0.1", NOBODY][..],
        &[NOBODY, "127.0.0.1"],
        &["::1", NOBODY, "127.0.0.1"],
    ] {
        names.answer("mixed.test", &[answer]);
        let args = json!({"url": format!("http://mixed.test:{port}/")});
        let outcome = probe.request_in(until(1_000), args).await;
        let code = outcome.expect_err("nobody is there").code();
        assert!(
            ["unavailable", "timed-out"].contains(&code.as_str()),
            "{code:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_was_checked_is_what_is_dialled_though_the_name_changes_its_mind() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let names = Names::default();
    names.answer("rebind.test", &[&[NOBODY], &["127.0.0.1"]]);
    let probe = Probe::knowing(names.clone(), &[&format!("http://rebind.test:{port}")]).await;
    let args = json!({"url": format!("http://rebind.test:{port}/")});
    let outcome = probe.request_in(until(1_000), args.clone()).await;
    let code = outcome.expect_err("nobody is there").code();
    assert_ne!(code.as_str(), "permission-denied");
    assert_eq!(names.asked().len(), 1, "it is looked up once");
    // From now on it leads here.
    refused(probe.request(args).await, "permission-denied");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_connection_that_one_plugin_may_have_is_not_lent_to_another() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let names = Names::here(&["inside.test"]);
    let client = http_client(&names, None);
    let host = host_builder().provider(client).build().unwrap();
    let url = json!({"url": format!("http://inside.test:{port}/")});

    let marked = grant(&[&here("inside.test", port)]);
    let allowed = plugin(&host, "probe-http", &[&marked], limits()).await;
    for _ in 0..2 {
        let answer = goatherd_tests::call(&allowed, "request", url.clone()).await;
        assert_eq!(answer.unwrap()["body"], "inside");
    }
    assert_eq!(server.connections(), 1, "its own requests share one");

    let unmarked = grant(&[&format!("http://inside.test:{port}")]);
    let other = plugin(&host, "probe-http", &[&unmarked], limits()).await;
    let outcome = goatherd_tests::call(&other, "request", url).await;
    refused(outcome, "permission-denied");
    assert_eq!((server.connections(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn the_systems_own_names_for_this_machine_are_refused_as_well() {
    let server = WebServer::plain(|_| Reply::ok("inside")).await;
    let port = server.port();
    let tls = goatherd::tls::client(None).unwrap();
    let client = HttpClient::new(HttpOptions::new(tls)).unwrap();
    let host = host_builder().provider(client).build().unwrap();
    let url = json!({"url": format!("http://localhost:{port}/")});

    let unmarked = grant(&[&format!("http://localhost:{port}")]);
    let probe = plugin(&host, "probe-http", &[&unmarked], limits()).await;
    let outcome = goatherd_tests::call(&probe, "request", url.clone()).await;
    refused(outcome, "permission-denied");
    assert_eq!(server.connections(), 0);

    let marked = grant(&[&here("localhost", port)]);
    let probe = plugin(&host, "probe-http", &[&marked], limits()).await;
    let answer = goatherd_tests::call(&probe, "request", url).await;
    assert_eq!(answer.unwrap()["body"], "inside");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unavailable() {
    let probe = Probe::with(&["https://unknown.test"]).await;
    let text = refused(probe.get("https://unknown.test/").await, "unavailable");
    assert!(text.contains("cannot be resolved"), "{text}");
    assert_eq!(probe.names.asked(), ["unknown.test"]);
}

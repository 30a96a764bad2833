//! The tour of the whole contract, in three languages and on both kinds of back-ends, by one table of expectations.
//!
//! `expectations.json` has a line for each step: what it does and how it ends, `ok` or the code of an error. The guests are
//! examples, `guest-examples/api-tour` and its siblings.

mod application;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use goatherd::contract::{CallContext, User};
use goatherd_tests::{Managed, Reply, WebServer, call_in, guest, limits, relay};
use serde_json::{Value, json};
use wit_parser::{Resolve, Type, TypeDefKind, WorldItem};

use application::Application;

/// The same plugin in three languages.
const GUESTS: [&str; 3] = ["api-tour", "api-tour-js", "api-tour-py"];

/// Functions that can fail, but not on a tour: they refuse nobody, and need only what every host of a tour has.
const NEVER_REFUSED: [&str; 1] = ["capabilities.available"];

/// What they are granted, but for the server that they ask.
const GRANTED: [&str; 11] = [
    "db:readwrite=tour_*",
    "cache:readwrite=tour",
    "config=app.*",
    "secure_config:readwrite=tour.*",
    "plugin_call=relay-a,relay-z",
    "capability=*.echo",
    "events=tour",
    "email=@example.org",
    "custom_fields:readwrite=contact",
    "entity:readwrite=contact",
    "entity:hard_delete=contact",
];

/// A line of the table.
struct Step {
    /// `interface.function`, and after a slash what is special about it.
    step: String,
    /// For people.
    does: String,
    /// `ok`, or the code of an error.
    ends: String,
}

impl Step {
    fn function(&self) -> &str {
        self.step.split('/').next().unwrap_or_default()
    }
}

fn table() -> Vec<Step> {
    let table = include_str!("expectations.json");
    let table: Vec<BTreeMap<String, String>> =
        serde_json::from_str(table).expect("the table is JSON");
    table
        .into_iter()
        .map(|mut line| {
            let mut part = |name| line.remove(name).expect("three parts");
            Step {
                step: part("step"),
                does: part("does"),
                ends: part("ends"),
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_ends_as_expected_on_embedded_back_ends() {
    go_around(Application::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_ends_as_expected_on_postgresql_redis_and_smtp() {
    go_around(Application::shared().await).await;
}

/// The guest in Rust has no standard error, on which panics would be printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_rust_is_readable_with_its_line_in_the_error_and_in_the_log() {
    let application = Application::embedded().await;
    let granted: Vec<&str> = GRANTED
        .into_iter()
        .chain(["http=api.example.org"])
        .collect();
    let managed = Managed::new(&application.host, &[("api-tour", &granted)], &limits());
    let plugin = managed.load("api-tour", guest("api-tour")).await;
    let failed = call_in(&plugin, CallContext::default(), "fail", json!({})).await;
    let error = failed.expect_err("it panics").to_string();

    let source = include_str!("../../../guest-examples/api-tour/src/lib.rs");
    let line = source
        .lines()
        .position(|line| line.contains("panic!(\"a bug"))
        .expect("it has a bug");
    let place = format!("api-tour/src/lib.rs:{}:", line + 1);
    let log = plugin.log().entries();
    for part in ["a bug, with {}", &place] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
        let logged = log.iter().any(|entry| entry.message.contains(part));
        assert!(logged, "{part:?} is not in: {log:?}");
    }
}

/// One language after the other, on the same host.
async fn go_around(application: Application) {
    let server = WebServer::plain(|seen| Reply::ok(&String::from_utf8_lossy(&seen.body))).await;
    let origin = format!("http://127.0.0.1:{}", server.port());
    let http = format!("http={origin}+private");
    let granted: Vec<&str> = GRANTED.into_iter().chain([http.as_str()]).collect();
    let mut decided: Vec<(&str, &[&str])> =
        GUESTS.iter().map(|name| (*name, &granted[..])).collect();
    decided.push(("relay-a", &["plugin_call"]));
    let limits = limits().call_timeout(std::time::Duration::from_secs(120));
    let managed = Managed::with_registry(&application.host, &decided, &limits).await;
    managed.load("relay-a", relay('a')).await;

    let expected: BTreeMap<String, String> = table()
        .into_iter()
        .map(|step| (step.step, step.ends))
        .collect();
    for (place, name) in (1..).zip(GUESTS) {
        let plugin = managed.load(name, guest(name)).await;
        let context = CallContext::default()
            .org_id(Some(7))
            .user(Some(User::new("u1".to_owned(), "Zoë".to_owned()).into()))
            .language("de".parse().expect("a language"));
        let recipient = format!("tour-{}-{place}@example.org", std::process::id());
        let args = json!({
            "org_id": 7,
            "user_id": "u1",
            "language": "de",
            "table": format!("tour_{place}"),
            "app_name": "Helpdesk",
            "peer": "relay-a",
            "absent_peer": "relay-z",
            "capability": format!("{name}.echo"),
            "absent_capability": "nobody.echo",
            "http_url": format!("{origin}/echo"),
            "recipient": recipient,
            "contacts": [2 * place - 1, 2 * place],
        });
        let ended = call_in(&plugin, context, "tour", args).await;
        let ended = ended.unwrap_or_else(|error| {
            let log: Vec<String> = plugin
                .log()
                .entries()
                .into_iter()
                .map(|entry| entry.message)
                .collect();
            panic!("{name}: {error}\n{}", log.join("\n"))
        });
        let ended: BTreeMap<String, String> =
            serde_json::from_value(ended).expect("a text for each step");
        let surprises: Vec<String> = expected
            .keys()
            .chain(ended.keys())
            .collect::<BTreeSet<&String>>()
            .into_iter()
            .filter(|step| expected.get(*step) != ended.get(*step))
            .map(|step| {
                format!(
                    "{step}: {:?}, not {:?}",
                    ended.get(step),
                    expected.get(step)
                )
            })
            .collect();
        assert!(surprises.is_empty(), "{name}:\n{}", surprises.join("\n"));
        assert_eq!(
            application.messages_to(&recipient),
            2,
            "{name} sent a text and HTML, and nothing that was refused"
        );
    }
    let requests = server.seen().len();
    assert_eq!(
        requests,
        GUESTS.len(),
        "one request was sent for each guest"
    );
}

#[test]
fn every_function_of_the_contract_is_on_the_tour_with_a_success_and_a_refusal() {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_dir(&wit).expect("the contract parses");
    let world = resolve.packages[package].worlds["everything"];
    let mut functions = BTreeMap::new();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else {
            panic!("{item:?} is no interface")
        };
        let interface = &resolve.interfaces[*id];
        let name = interface.name.as_deref().expect("a name");
        for (function, what) in &interface.functions {
            let can_fail = match what.result {
                Some(Type::Id(id)) => matches!(resolve.types[id].kind, TypeDefKind::Result(_)),
                _ => false,
            };
            functions.insert(format!("{name}.{function}"), can_fail);
        }
    }
    assert!(functions.len() > 25, "{functions:?}");

    let table = table();
    for (function, can_fail) in &functions {
        let of = |ends: fn(&str) -> bool| {
            table
                .iter()
                .any(|step| step.function() == function && ends(&step.ends))
        };
        assert!(of(|ends| ends == "ok"), "no step has {function} succeed");
        assert!(
            !can_fail || NEVER_REFUSED.contains(&function.as_str()) || of(|ends| ends != "ok"),
            "no step has {function} fail"
        );
    }
    let mut seen = BTreeSet::new();
    for step in &table {
        assert!(
            functions.contains_key(step.function()),
            "there is no function for {}",
            step.step
        );
        assert!(seen.insert(&step.step), "{} is there twice", step.step);
        assert!(!step.does.is_empty(), "{} does nothing", step.step);
    }
}

/// Counts the messages in a folder whose envelope names the recipient.
fn messages_to(folder: &Path, recipient: &str) -> usize {
    let entries = std::fs::read_dir(folder).expect("the folder of messages");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .filter(|path| {
            let envelope = std::fs::read_to_string(path).expect("an envelope");
            let envelope: Value = serde_json::from_str(&envelope).expect("JSON");
            envelope.to_string().contains(recipient)
        })
        .count()
}

//! A component that names any patch version of WASI 0.2 gets one and the same implementation.

use std::time::{SystemTime, UNIX_EPOCH};

use goatherd::capability::log::{Level, Source};
use goatherd::runtime::{LoadError, Verdict};
use goatherd::{Host, Plugin};
use goatherd_tests::{
    call, guest, host, host_builder, importing, in_version, limits, load, probe_wasi,
};
use serde_json::{Value, json};

use crate::messages;

/// The version of this host's wasmtime, a later one than any that there is, and an earlier one.
const VERSIONS: [&str; 3] = ["0.2.12", "0.2.99", "0.2.10"];

async fn plugin(host: &Host, version: &str) -> Plugin {
    let bytes = probe_wasi(version, b'n');
    load(host, "probe-wasi.wasm", bytes, &["config"], limits())
        .await
        .unwrap_or_else(|error| panic!("{version}: {error}"))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}

/// Whether a time of day is within an hour of this machine's, which tells a real clock from an invented one.
#[track_caller]
fn is_now(wall: u64) {
    const HOUR: u64 = 3_600_000;
    assert!(wall.abs_diff(now()) < HOUR, "{wall} is not now");
}

#[tokio::test]
async fn every_patch_version_is_linked_without_a_grant() {
    for version in VERSIONS {
        let component = host()
            .compile("probe-wasi.wasm", probe_wasi(version, b'n'))
            .await
            .unwrap();
        let wasi = component.imports().iter();
        let wasi: Vec<_> = wasi
            .filter(|import| import.name.starts_with("wasi:"))
            .collect();
        assert!(wasi.len() > 10, "{wasi:?}");
        for import in wasi {
            assert!(import.name.ends_with(version), "{import:?}");
            assert_eq!(import.verdict, Verdict::Ambient, "{import:?}");
        }
    }
}

#[tokio::test]
async fn register_reads_clocks_draws_random_numbers_and_prints_in_every_version() {
    for version in VERSIONS {
        let host = host_builder().build().unwrap();
        let component = host
            .compile("probe-wasi.wasm", probe_wasi(version, b'n'))
            .await
            .unwrap();
        host.describe(&component)
            .await
            .unwrap_or_else(|error| panic!("{version}: {error}"));

        let log = host.logs().of_register(&component.hash());
        let lines = messages(&log);
        let [wall, monotonic, random, unfinished] = lines[..] else {
            panic!("{version}: {lines:?}")
        };
        is_now(wall.strip_prefix("wall ").unwrap().parse().unwrap());
        let monotonic: Result<u64, _> = monotonic.strip_prefix("monotonic ").unwrap().parse();
        assert!(monotonic.is_ok(), "{lines:?}");
        let bytes: Vec<u8> = serde_json::from_str(random.strip_prefix("random ").unwrap()).unwrap();
        assert_eq!(bytes.len(), 4);
        assert_eq!(unfinished, "no end", "a line ends with its entry");
        assert_eq!((log[0].source, log[0].level), (Source::Stdout, Level::Info));
        assert_eq!((log[3].source, log[3].level), (Source::Stderr, Level::Warn));
    }
}

#[tokio::test]
async fn calls_have_clocks_timers_and_random_numbers_in_every_version() {
    for version in VERSIONS {
        let plugin = plugin(host(), version).await;
        let time = call(&plugin, "time", json!({})).await.unwrap();
        is_now(time["wall"].as_u64().unwrap());
        assert_eq!(call(&plugin, "wait", json!({})).await.unwrap(), Value::Null);
        let later = call(&plugin, "time", json!({})).await.unwrap();
        assert!(later["monotonic"].as_u64() >= time["monotonic"].as_u64());
        let one = call(&plugin, "random", json!({})).await.unwrap();
        let other = call(&plugin, "random", json!({})).await.unwrap();
        assert_ne!(one, other);
    }
}

#[tokio::test]
async fn what_register_printed_is_at_the_beginning_of_the_log_of_the_plugin_that_was_loaded() {
    let host = host_builder().build().unwrap();
    let plugin = plugin(&host, "0.2.12").await;
    let entries = plugin.log().entries();
    let lines = messages(&entries);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[0].starts_with("wall "), "{lines:?}");
    assert_eq!(lines[3..], ["no end", "initialised"]);
}

#[tokio::test]
async fn a_component_that_is_only_described_writes_into_no_plugins_log() {
    let host = host_builder().build().unwrap();
    let serving = plugin(&host, "0.2.12").await;
    let before = serving.log().entries().len();
    // Another component that claims the same name.
    let impostor = host
        .compile("impostor.wasm", probe_wasi("0.2.10", b'n'))
        .await
        .unwrap();
    host.describe(&impostor).await.unwrap();
    assert_eq!(serving.log().entries().len(), before);
    assert_eq!(host.logs().of_register(&impostor.hash()).len(), 4);
}

#[tokio::test]
async fn sockets_and_names_answer_access_denied() {
    for version in VERSIONS {
        let plugin = plugin(host(), version).await;
        let ends = call(&plugin, "sockets", json!({})).await.unwrap();
        let ends = ends.as_object().unwrap();
        assert_eq!(ends.len(), 7);
        for (way, end) in ends {
            assert_eq!(end, "access-denied", "{version}: {way}");
        }
    }
}

#[tokio::test]
async fn every_interface_of_sockets_is_linked_without_a_grant() {
    for interface in [
        "network",
        "instance-network",
        "tcp",
        "tcp-create-socket",
        "udp",
        "udp-create-socket",
        "ip-name-lookup",
    ] {
        let name = format!("wasi:sockets/{interface}@0.2.0");
        let component = host()
            .compile("importing.wasm", importing(&[&name]))
            .await
            .unwrap();
        assert_eq!(component.imports()[0].verdict, Verdict::Ambient, "{name}");
    }
}

/// The types of a gated interface can come from one that is always linked, as those of the outgoing handler do.
#[tokio::test]
async fn a_gated_interface_with_types_of_an_open_one_is_described_in_every_version() {
    for version in ["0.2.0", "0.2.3", "0.2.9"] {
        let bytes = in_version(guest("probe-wasi-http"), "0.2.0", version);
        let component = host().compile("probe-wasi-http.wasm", bytes).await.unwrap();
        let handler = format!("wasi:http/outgoing-handler@{version}");
        let gated = component
            .imports()
            .iter()
            .find(|import| import.name == handler);
        assert!(
            matches!(gated.unwrap().verdict, Verdict::Granted { .. }),
            "{gated:?}"
        );
        host()
            .describe(&component)
            .await
            .unwrap_or_else(|error| panic!("{version}: {error}"));
    }
}

#[tokio::test]
async fn one_interface_in_two_versions_is_linked_once() {
    let names = ["wasi:random/random@0.2.0", "wasi:random/random@0.2.12"];
    let component = importing(&names);
    let error = load(host(), "two.wasm", component, &[], limits())
        .await
        .expect_err("it has nothing but imports");
    // What is missing is what every component must export.
    let LoadError::Link { reason, .. } = &error else {
        panic!("{error}")
    };
    assert!(reason.contains("register"), "{reason}");
}

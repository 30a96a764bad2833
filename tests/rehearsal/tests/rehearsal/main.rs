//! Versions of the contract, rehearsed: what was built against 0.1.0, against a 0.1.1 that adds to it, and against a draft of
//! 0.2.0 that changes a record, in one host. `tests/rehearsal` has the contracts and what the components are made of.

mod contracts;

use std::sync::Arc;

use goatherd::capability::custom_fields::{CustomFields, SqliteFields};
use goatherd::contract::invocation::{HandleRoute, ReportHealth};
use goatherd::contract::wire::handlers::{Request, Response, ResponseBody};
use goatherd::contract::wire::types::Method;
use goatherd::contract::{CallContext, Chain, PluginName};
use goatherd::runtime::{CallError, ComponentError, Description, DescriptionCache, LoadError};
use goatherd::store::SqliteStore;
use goatherd::{Host, Plugin};
use goatherd_tests::{call, call_in, host_builder, in_language, in_version, limits, load};
use serde_json::{json, to_value};
use tempfile::TempDir;

/// Built against 0.1.0.
const FIRST: &[u8] = include_bytes!("data/first.wasm");
/// Built against 0.1.1.
const SECOND: &[u8] = include_bytes!("data/second.wasm");
/// Built against the draft of 0.2.0.
const DRAFT: &[u8] = include_bytes!("data/draft.wasm");

const ALL: [(&str, &[u8], &str); 3] = [
    ("first", FIRST, "0.1.0"),
    ("second", SECOND, "0.1.1"),
    ("draft", DRAFT, "0.2.0-draft"),
];

/// What a refusal lists.
const SERVED: &str = "goatherd:plugin 0.1.0 to 0.1.1, 0.2.0-draft";

/// All three, in one host with one table of fields.
struct Stage {
    _folder: TempDir,
    host: Host,
    first: Plugin,
    second: Plugin,
    draft: Plugin,
}

fn host_in(folder: &TempDir) -> Host {
    let store = SqliteStore::open(folder.path().join("fields.db")).unwrap();
    let fields = CustomFields::new(SqliteFields::open(store).unwrap());
    host_builder().provider(fields).build().unwrap()
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = host_in(&folder);
        let own = "custom_fields:readwrite=ticket";
        let and_first = "custom_fields:readwrite=ticket,ticket/first:colour";
        let plugin = async |name, bytes: &[u8], grant| {
            load(&host, name, bytes.to_vec(), &[grant], limits())
                .await
                .unwrap_or_else(|error| panic!("{error}"))
        };
        Self {
            first: plugin("first", FIRST, own).await,
            second: plugin("second", SECOND, own).await,
            draft: plugin("draft", DRAFT, and_first).await,
            host,
            _folder: folder,
        }
    }
}

fn request(path: &str) -> Request {
    Request {
        method: Method::Get,
        path: path.to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        ui: None,
        details: Vec::new(),
    }
}

async fn page(plugin: &Plugin) -> Response {
    let name = plugin.name();
    let request = request(&format!("/api/plugins/{name}/page"));
    let asked = HandleRoute {
        handler: "page",
        request: &request,
    };
    let answer = plugin.ask(&asked, in_language("de")).await;
    answer.unwrap_or_else(|error| panic!("{error}"))
}

/// What a plugin answered when it refused.
fn refusal(outcome: Result<impl std::fmt::Debug, CallError>) -> (String, String) {
    match outcome {
        Err(CallError::Plugin { error, .. }) => (error.code().to_owned(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_component_was_built_against_its_version_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(&folder);
    for (name, bytes, version) in ALL {
        let component = host.compile(name, bytes.to_vec()).await.unwrap();
        assert_eq!(component.contract().to_string(), version, "{name}");
        let imports = component.imports().iter().map(|import| &import.name);
        let named: Vec<&String> = imports.chain(component.exports()).collect();
        let of_version = named.iter().filter(|name| {
            let version_of = name.strip_prefix("goatherd:plugin/");
            version_of.is_some_and(|name| name.ends_with(&format!("@{version}")))
        });
        assert_eq!(of_version.count(), named.len(), "{named:?}");
        assert!(named.len() >= 6, "{named:?}");
    }
}

#[tokio::test]
async fn what_was_built_against_three_versions_answers_in_one_host_at_the_same_time() {
    let Stage {
        host,
        first,
        second,
        draft,
        _folder,
    } = Stage::set().await;
    let answers = tokio::join!(page(&first), page(&second), page(&draft));
    let answers = [
        ("first", answers.0),
        ("second", answers.1),
        ("draft", answers.2),
    ];
    for (name, answer) in answers {
        let text = format!("{name} answers /api/plugins/{name}/page in de");
        assert_eq!(answer.body, ResponseBody::Text(text));
        assert_eq!(
            answer.headers,
            [("x-handler".to_owned(), "page".to_owned())]
        );
    }
    drop(host);
}

#[tokio::test]
async fn each_uses_the_same_functions_of_the_host_in_its_own_version() {
    let stage = Stage::set().await;
    for (plugin, colour) in [
        (&stage.first, "red"),
        (&stage.second, "green"),
        (&stage.draft, "blue"),
    ] {
        assert_eq!(
            call(plugin, "colour", json!(null)).await.unwrap(),
            json!(null)
        );
        call(plugin, "paint", json!(colour)).await.unwrap();
        assert_eq!(call(plugin, "colour", json!(null)).await.unwrap(), colour);
    }
    // None of them touched another's.
    assert_eq!(
        call(&stage.first, "colour", json!(null)).await.unwrap(),
        "red"
    );
}

#[tokio::test]
async fn the_function_that_0_1_1_adds_answers() {
    let stage = Stage::set().await;
    let alone = call(&stage.second, "callers", json!(null)).await.unwrap();
    assert_eq!(alone, json!([]));
    let name = |name: &str| name.parse::<PluginName>().unwrap();
    let context =
        CallContext::default().chain(Chain::default().with(name("outer")).with(name("inner")));
    let called = call_in(&stage.second, context, "callers", json!(null)).await;
    assert_eq!(called.unwrap(), json!(["inner", "outer"]));
}

#[tokio::test]
async fn the_export_that_0_1_1_adds_is_found_and_called_where_a_component_has_it() {
    let stage = Stage::set().await;
    let report = async |plugin: &Plugin| plugin.ask(&ReportHealth, in_language("fr")).await;
    assert_eq!(report(&stage.second).await.unwrap(), "well, in fr");
    let (code, text) = refusal(report(&stage.draft).await);
    assert_eq!(code, "unavailable");
    assert!(text.contains("a draft is never well"), "{text}");
    let error = report(&stage.first).await.unwrap_err();
    assert!(
        error.to_string().contains("does not export health"),
        "{error}"
    );
    // It serves on.
    page(&stage.first).await;
}

#[tokio::test]
async fn the_record_that_the_draft_changes_goes_both_ways() {
    let stage = Stage::set().await;
    // What one version wrote the other reads, each as it knows it.
    call(&stage.first, "paint", json!("red")).await.unwrap();
    let read = call(&stage.draft, "colour-of-first", json!(null)).await;
    let expected = json!({"plugin": "first", "name": "colour", "value": "red"});
    assert_eq!(read.unwrap(), expected);
    call(&stage.draft, "paint-first", json!("blue"))
        .await
        .unwrap();
    assert_eq!(
        call(&stage.first, "colour", json!(null)).await.unwrap(),
        "blue"
    );
    // Its own field of the same name is another.
    assert_eq!(
        call(&stage.draft, "colour", json!(null)).await.unwrap(),
        json!(null)
    );
}

#[tokio::test]
async fn what_the_changed_record_cannot_mean_is_refused() {
    let stage = Stage::set().await;
    let (code, text) = refusal(call(&stage.draft, "paint-mixed", json!("blue")).await);
    assert_eq!(code, "invalid-argument");
    assert!(text.contains("\"first:colour\""), "{text}");
    assert_eq!(
        call(&stage.first, "colour", json!(null)).await.unwrap(),
        json!(null)
    );
}

#[tokio::test]
async fn versions_that_are_not_served_are_refused_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(&folder);
    for (from, to, why) in [
        ("0.1.0", "0.1.2", "is newer than this host"),
        ("0.1.0", "0.2.0", "is newer than this host"),
        ("0.1.0", "0.3.0", "is not served"),
        ("0.1.0", "1.0.0", "is not served"),
        ("0.2.0-draft", "0.2.0-dra.1", "is not served"),
        ("0.2.0-draft", "0.2.1-draft", "is newer than this host"),
    ] {
        let (_, bytes, _) = ALL.iter().find(|(_, _, version)| *version == from).unwrap();
        let bytes = in_version(bytes.to_vec(), from, to);
        let error = host.compile("later.wasm", bytes).await.unwrap_err();
        assert!(
            matches!(error, ComponentError::UnservedVersion { .. }),
            "{error}"
        );
        let text = error.to_string();
        for part in [
            "later.wasm",
            &format!("contract version {to} {why}"),
            SERVED,
        ] {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
    }
}

#[tokio::test]
async fn an_export_is_looked_for_in_the_line_of_the_guest_and_refused_by_its_name_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(&folder);
    // Its handler's interface is as long under another name, of a version that the host serves beside its own.
    let own = "goatherd:plugin/route-handler@0.1.1";
    let other = "goatherd:plugin/route-handler@0.1.0";
    let bytes = replaced(SECOND, own, other);
    let plugin = load(
        &host,
        "second",
        bytes,
        &["custom_fields:readwrite=ticket"],
        limits(),
    );
    // Within a line this is no other interface.
    let plugin = plugin.await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(page(&plugin).await.status, None);
    let foreign = replaced(SECOND, own, "goatherd:plugin/route-handler@0.4.1");
    let error = load(
        &host,
        "second",
        foreign,
        &["custom_fields:readwrite=ticket"],
        limits(),
    );
    let error = error.await.expect_err("it is of no served version");
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
    assert!(error.to_string().contains("route-handler"), "{error}");
}

/// Bytes with one text instead of another that is as long.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - from.len())
        .filter(|place| bytes[*place..].starts_with(from.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "it has {from}");
    for place in places {
        bytes[place..][..to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[tokio::test]
async fn descriptions_of_all_versions_are_kept_and_read_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let descriptions = folder.path().join("descriptions");
    let describe = async |bytes: &'static [u8]| -> Description {
        let cache = DescriptionCache::open(&descriptions).unwrap();
        let host = host_builder().description_cache(cache).build().unwrap();
        let described = host.describe_bytes("guest.wasm", Arc::from(bytes)).await;
        described.unwrap_or_else(|error| panic!("{error}"))
    };
    for (name, bytes, version) in ALL {
        let fresh = describe(bytes).await;
        let kept = describe(bytes).await;
        assert_eq!(fresh.contract.to_string(), version, "{name}");
        assert_eq!(fresh.registration.name.as_str(), name);
        assert_eq!(to_value(&kept).unwrap(), to_value(&fresh).unwrap());
    }
    let entries = std::fs::read_dir(&descriptions).unwrap();
    assert_eq!(entries.count(), ALL.len());
}

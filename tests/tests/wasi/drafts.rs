//! Drafts of WASI's proposals: a component that is built against these and `guest` alone is linked, and runs.

use std::collections::{BTreeMap, BTreeSet};

use goatherd::capability::config::{Config, FixedSettings};
use goatherd::capability::log::{Level, Source};
use goatherd::capability::wasi::{DRAFTS, Draft};
use goatherd::runtime::{LoadError, Trap, Verdict};
use goatherd::{Host, Plugin};
use goatherd_tests::{call, host, host_builder, in_version, limits, load, probe_standard};
use serde_json::{Value, json};

const GRANTS: [&str; 2] = ["cache:readwrite", "config"];

async fn standard(host: &Host, granted: &[&str]) -> Result<Plugin, LoadError> {
    let bytes = probe_standard("probe-standard", b'n');
    load(host, "probe-standard.wasm", bytes, granted, limits()).await
}

#[tokio::test]
async fn a_component_that_is_built_against_nothing_else_imports_every_draft_and_runs() {
    let component = host()
        .compile(
            "probe-standard.wasm",
            probe_standard("probe-standard", b'n'),
        )
        .await
        .unwrap();
    let imports = component
        .imports()
        .iter()
        .map(|import| import.name.as_str());
    let (wasi, own): (BTreeSet<_>, BTreeSet<_>) =
        imports.partition(|name| name.starts_with("wasi:"));
    let drafts: Vec<String> = DRAFTS.iter().flat_map(Draft::names).collect();
    assert_eq!(wasi, drafts.iter().map(String::as_str).collect());
    let types = [
        "goatherd:plugin/registration@0.1.0",
        "goatherd:plugin/types@0.1.0",
    ];
    assert_eq!(own, BTreeSet::from(types), "these have no functions");

    let plugin = standard(host(), &GRANTS).await.unwrap();
    for draft in ["draft", "draft2"] {
        let args = json!({"draft": draft, "bucket": "b", "key": draft, "value": "v"});
        call(&plugin, "set", args.clone()).await.unwrap();
        assert_eq!(call(&plugin, "get", args).await.unwrap(), "v");
    }
}

#[tokio::test]
async fn what_is_not_granted_is_a_load_error_that_names_each_interface_and_the_grant() {
    let error = standard(host(), &["cache:read"]).await.unwrap_err();
    assert!(matches!(error, LoadError::NotGranted { .. }), "{error}");
    let text = error.to_string();
    for words in [
        "plugin \"probe-standard\" is not linked",
        "wasi:keyvalue/store@0.2.0-draft2 (needs cache:readwrite)",
        "wasi:keyvalue/batch@0.2.0-draft (needs cache:readwrite)",
        "wasi:config/store@0.2.0-rc.1 (needs config)",
        "; grant cache:readwrite and config to link it",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    assert!(!text.contains("logging"), "{text}");
    for granted in [
        &["cache:readwrite=a:", "config"][..],
        &["cache:read", "cache:write=a:", "config"],
    ] {
        standard(host(), granted).await.unwrap();
    }
}

#[tokio::test]
async fn a_component_for_a_draft_that_is_not_served_is_refused_with_those_that_are() {
    let bytes = probe_standard("probe-standard", b'n');
    let bytes = in_version(bytes, "0.2.0-draft2", "0.2.0-draft9");
    let error = load(host(), "later.wasm", bytes, &GRANTS, limits())
        .await
        .unwrap_err();
    assert!(matches!(error, LoadError::UnknownImports { .. }), "{error}");
    let text = error.to_string();
    for words in [
        "later.wasm",
        "wasi:keyvalue/store@0.2.0-draft9",
        "WASI has not released wasi:keyvalue",
        "this host serves wasi:keyvalue/store@0.2.0-draft and wasi:keyvalue/store@0.2.0-draft2",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

#[tokio::test]
async fn while_a_plugin_registers_it_can_log_and_what_needs_a_grant_traps_with_its_name() {
    let host = host_builder().build().unwrap();
    let bytes = probe_standard("probe-standard", b'k');
    let component = host.compile("probe-standard.wasm", bytes).await.unwrap();
    let error = host.describe(&component).await.unwrap_err();
    assert!(
        matches!(
            &error,
            LoadError::Register {
                trap: Trap::NotLinked { .. },
                ..
            }
        ),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains("wasi:keyvalue/store@0.2.0-draft2"), "{text}");
    assert!(text.contains("open"), "{text}");
    let log = host.logs().of_register(&component.hash());
    assert_eq!((log[0].source, log[0].level), (Source::Plugin, Level::Info));
    assert_eq!(log[0].message, "registering");
    assert_eq!(
        log[0].fields,
        [("context".to_owned(), "register".to_owned())]
    );
}

#[tokio::test]
async fn an_import_is_shown_with_what_links_it() {
    let bytes = probe_standard("probe-standard", b'n');
    let component = host().compile("probe-standard.wasm", bytes).await.unwrap();
    for import in component.imports() {
        let needs = match &import.verdict {
            Verdict::Ambient => String::new(),
            Verdict::Granted { permission } => permission.to_string(),
            Verdict::Refused { reason } => panic!("{}: {reason}", import.name),
        };
        let expected = match import.name.split_once('/').unwrap().0 {
            "wasi:keyvalue" => "cache:readwrite",
            "wasi:config" => "config",
            _ => "",
        };
        assert_eq!(needs, expected, "{}", import.name);
    }
}

#[tokio::test]
async fn settings_are_those_of_config_in_every_version() {
    let own = |value: Value| BTreeMap::from([("colour".to_owned(), value)]);
    let settings = FixedSettings {
        application: BTreeMap::from([
            ("site.name".to_owned(), json!("Helpdesk")),
            ("site.limits".to_owned(), json!({"max": 3})),
            ("mail.host".to_owned(), json!("mail.example")),
            ("plugin.colour".to_owned(), json!("not reachable")),
            ("plugin.size".to_owned(), json!("not reachable")),
        ]),
        plugins: BTreeMap::from([
            ("probe-standard".to_owned(), own(json!("red"))),
            ("probe".to_owned(), own(json!("blue"))),
        ]),
    };
    let host = host_builder()
        .provider(Config::new(settings))
        .build()
        .unwrap();
    let plugin = standard(&host, &["cache:readwrite", "config=site.*"])
        .await
        .unwrap();
    for interface in ["rc.1", "draft-2024-09-27", "draft", "runtime"] {
        let get = async |key: &str| {
            let args = json!({"interface": interface, "key": key});
            call(&plugin, "settings", args).await
        };
        for (key, value) in [
            ("site.name", json!("Helpdesk")),
            ("site.limits", json!(r#"{"max":3}"#)),
            ("site.absent", Value::Null),
            ("plugin.colour", json!("red")),
            ("plugin.size", Value::Null),
        ] {
            assert_eq!(get(key).await.unwrap(), value, "{interface} {key}");
        }
        let error = get("mail.host").await.unwrap_err();
        assert_eq!(error.code(), "probe-standard:upstream");
        let text = error.to_string();
        assert!(text.contains("grant config:read=mail.host"), "{text}");
        let all = call(&plugin, "settings", json!({"interface": interface})).await;
        assert_eq!(
            all.unwrap(),
            json!([
                ["plugin.colour", "red"],
                ["site.limits", r#"{"max":3}"#],
                ["site.name", "Helpdesk"],
            ])
        );
    }
}

#[tokio::test]
async fn what_is_logged_is_in_the_plugins_log_with_its_context_as_a_field() {
    let host = host_builder().build().unwrap();
    let plugin = standard(&host, &GRANTS).await.unwrap();
    let log = async |versioned: bool, level: &str, context: &str, message: &str| {
        let args =
            json!({"versioned": versioned, "level": level, "context": context, "message": message});
        call(&plugin, "log", args).await.unwrap();
        plugin.log().entries().pop().unwrap()
    };
    for versioned in [true, false] {
        for (level, expected) in [
            ("trace", Level::Debug),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("warn", Level::Warn),
            ("error", Level::Error),
            ("critical", Level::Error),
        ] {
            let entry = log(versioned, level, "here", "what happened").await;
            assert_eq!(entry.level, expected, "{level}");
            assert_eq!(entry.source, Source::Plugin);
            assert_eq!(entry.message, "what happened");
            assert_eq!(entry.fields, [("context".to_owned(), "here".to_owned())]);
            assert!(entry.request_id.is_some());
        }
        let entry = log(versioned, "info", "", "no context").await;
        assert!(entry.fields.is_empty(), "{:?}", entry.fields);
        let entry = log(versioned, "info", &"c".repeat(2_000), &"m".repeat(10_000)).await;
        assert!(entry.message.len() < 8_200 && entry.message.ends_with('…'));
        assert!(entry.fields[0].1.len() < 1_030 && entry.fields[0].1.ends_with('…'));
    }
}

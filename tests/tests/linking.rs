//! Linking by grant: what is refused before any code of a component runs, and in which words.

use goatherd::Host;
use goatherd::permission::{Need, Permission};
use goatherd::runtime::{Component, ComponentError, LoadError, Verdict};
use goatherd_tests::{grants, guest, host, importing, limits, load, misregistered, plugin};

async fn compile_error(label: &str, bytes: Vec<u8>) -> ComponentError {
    let error = host().compile(label, bytes).await.expect_err(label);
    let text = error.to_string();
    assert!(
        text.contains(label),
        "an error names what was given: {text}"
    );
    error
}

async fn compiled(host: &Host, name: &str) -> Component {
    host.compile(&format!("{name}.wasm"), guest(name))
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The interfaces of a refusal, each with what would link it.
fn missing(error: &LoadError) -> Vec<(String, String)> {
    match error {
        LoadError::NotGranted { missing, .. } => missing
            .iter()
            .map(|missing| (missing.interface.clone(), missing.need.to_string()))
            .collect(),
        other => panic!("expected a refusal for lack of grants: {other}"),
    }
}

#[tokio::test]
async fn one_error_lists_every_import_without_a_grant_and_what_would_link_it() {
    let error = load(host(), "probe.wasm", guest("probe"), &[], limits())
        .await
        .expect_err("nothing is granted");
    assert_eq!(error.code(), "permission-denied");
    let mut listed = missing(&error);
    listed.sort();
    let expected = [
        ("goatherd:plugin/cache-read@0.1.0", "cache:read"),
        ("goatherd:plugin/cache-write@0.1.0", "cache:write"),
        ("goatherd:plugin/config@0.1.0", "config"),
        ("goatherd:plugin/db-read@0.1.0", "db:read"),
        ("goatherd:plugin/db-write@0.1.0", "db:write"),
    ];
    assert_eq!(
        listed,
        expected.map(|(interface, need)| (interface.to_owned(), need.to_owned()))
    );
    let text = error.to_string();
    assert!(text.contains("plugin \"probe\""), "{text}");
    for (interface, need) in expected {
        assert!(text.contains(interface) && text.contains(need), "{text}");
    }
}

#[tokio::test]
async fn a_grant_for_reading_links_nothing_that_writes() {
    let granted = ["db:read=ticket", "cache:readwrite", "config"];
    let error = load(host(), "probe.wasm", guest("probe"), &granted, limits())
        .await
        .expect_err("db:write is missing");
    assert_eq!(
        missing(&error),
        [(
            "goatherd:plugin/db-write@0.1.0".to_owned(),
            "db:write".to_owned()
        )]
    );
}

#[tokio::test]
async fn grants_of_other_types_link_nothing() {
    let granted = ["http=*", "email=*", "entity:hard_delete=*", "config"];
    let error = load(host(), "probe.wasm", guest("probe"), &granted, limits())
        .await
        .expect_err("db and cache are missing");
    assert_eq!(missing(&error).len(), 4, "{error}");
}

#[tokio::test]
async fn what_is_granted_but_has_no_back_end_is_refused_by_name_with_what_would_help() {
    let granted = ["db:readwrite=*", "cache:readwrite", "config"];
    let error = load(host(), "probe.wasm", guest("probe"), &granted, limits())
        .await
        .expect_err("there is no database");
    assert_eq!(error.code(), "unavailable");
    let text = error.to_string();
    for words in [
        "plugin \"probe\"",
        "goatherd:plugin/db-read@0.1.0",
        "goatherd:plugin/db-write@0.1.0",
        "--database",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("cache-read"), "{text}");
}

#[tokio::test]
async fn a_missing_back_end_is_told_with_what_an_operator_sets_and_what_an_embedder_adds() {
    for (name, granted, operator, embedder) in [
        (
            "probe",
            "db:readwrite=*",
            "set database (--database)",
            "db::Databases",
        ),
        ("probe-email", "email=*", "mail.smtp", "email::Mail"),
        (
            "probe-secrets",
            "secure_config:readwrite",
            "secret_keys",
            "secure_config::SecureConfig",
        ),
        (
            "probe-entities",
            "entity:readwrite=*",
            "[entity.NAME]",
            "entities::Entities",
        ),
        (
            "probe-fields",
            "custom_fields:readwrite=*",
            "set database (--database)",
            "custom_fields::CustomFields",
        ),
        (
            "probe-http",
            "http=*",
            "the program always has",
            "http::HttpClient",
        ),
        (
            "probe-wasi-http",
            "http=*",
            "the program always has",
            "http::HttpClient",
        ),
        (
            "probe-events",
            "events=*",
            "the program always has",
            "events::Events",
        ),
        (
            "probe-files",
            "files",
            "set data",
            "HostBuilder::data_folders",
        ),
    ] {
        let all = [granted, "entity:hard_delete=*", "cache:readwrite", "config"];
        let loaded = load(host(), name, guest(name), &all, limits()).await;
        let error = loaded.expect_err(name);
        assert_eq!(error.code(), "unavailable", "{error}");
        let text = error.to_string();
        for words in [&format!("plugin \"{name}\""), operator, embedder] {
            assert!(text.contains(words), "{words:?} is not in: {text}");
        }
        assert_eq!(text.matches("embedders").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn an_import_that_nobody_serves_is_refused_by_name_whatever_is_granted() {
    let error = load(
        host(),
        "stranger.wasm",
        guest("stranger"),
        &["http=*", "db:readwrite=*"],
        limits(),
    )
    .await;
    let error = error.expect_err("nobody serves telepathy");
    assert_eq!(error.code(), "invalid-argument");
    assert!(
        matches!(&error, LoadError::UnknownImports { unknown, .. } if unknown.len() == 1),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("stranger") && text.contains("acme:telepathy/mind@1.0.0"),
        "{text}"
    );
    // Describing refuses it as well: it could not even be shown what it does.
    let component = compiled(host(), "stranger").await;
    let described = host()
        .describe(&component)
        .await
        .expect_err("nobody serves telepathy");
    assert!(
        matches!(described, LoadError::UnknownImports { .. }),
        "{described}"
    );
}

#[tokio::test]
async fn a_component_says_what_would_link_each_of_its_imports_before_anything_runs() {
    let component = compiled(host(), "probe").await;
    let verdict = |name: &str| {
        let import = component
            .imports()
            .iter()
            .find(|import| import.name == name);
        import
            .unwrap_or_else(|| panic!("the probe imports {name}"))
            .verdict
            .clone()
    };
    assert_eq!(verdict("goatherd:plugin/log@0.1.0"), Verdict::Ambient);
    assert_eq!(verdict("goatherd:plugin/context@0.1.0"), Verdict::Ambient);
    assert_eq!(verdict("goatherd:plugin/types@0.1.0"), Verdict::Ambient);
    assert_eq!(
        verdict("goatherd:plugin/db-write@0.1.0"),
        Verdict::Granted {
            permission: Need::DB_WRITE
        }
    );
    assert_eq!(component.needs().len(), 5);
    assert_eq!(component.contract().to_string(), "0.1.0");
}

#[tokio::test]
async fn a_plugin_is_described_with_nothing_granted() {
    let component = compiled(host(), "probe").await;
    let description = host()
        .describe(&component)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(description.registration.name.as_str(), "probe");
    assert_eq!(description.registration.routes.len(), 4);
    let asked: Vec<_> = description
        .registration
        .requested_permissions()
        .map(|request| request.kind.clone())
        .collect();
    assert_eq!(
        asked,
        [Permission::Db, Permission::Cache, Permission::Config]
    );
    assert!(
        description
            .imports
            .iter()
            .any(|import| import.name == "goatherd:plugin/db-read@0.1.0")
    );
}

#[tokio::test]
async fn describing_leaves_nothing_behind_that_a_call_could_reach() {
    let granted = grants(&["cache:readwrite"]);
    let component = compiled(host(), "bench").await;
    host()
        .describe(&component)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let plugin = host()
        .load(&component, granted.clone(), limits())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(plugin.instances(), 1, "only the one that was initialised");
    assert_eq!(plugin.grants(), &granted);
}

#[tokio::test]
async fn a_plugin_without_gated_imports_needs_no_grant() {
    let plugin = plugin(host(), "hostile", &[], limits()).await;
    assert!(plugin.grants().is_empty());
}

#[tokio::test]
async fn a_component_of_another_world_is_refused_with_what_it_exports() {
    let error = compile_error("foreign.wasm", guest("foreign")).await;
    assert!(
        matches!(error, ComponentError::NotAPlugin { .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("goatherd:plugin/guest") && text.contains("other:world/thing"),
        "{text}"
    );
}

#[tokio::test]
async fn a_contract_version_that_does_not_exist_is_refused_with_those_that_are_served() {
    let error = compile_error("future.wasm", guest("future")).await;
    assert!(
        matches!(error, ComponentError::UnservedVersion { .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("0.9.0") && text.contains("goatherd:plugin 0.1.0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_core_module_is_refused_with_how_to_make_a_component_of_it() {
    let error = compile_error("bench.core.wasm", guest("bench.core")).await;
    assert!(
        matches!(error, ComponentError::CoreModule { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("wasm-tools component new"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_wasm_is_refused_as_such() {
    let page = b"<!doctype html><title>404</title>".to_vec();
    // wasmtime would take this one for a component's text, which a file that is uploaded must not be.
    let text = b"(component (core module))".to_vec();
    let cases = [
        ("empty", Vec::new()),
        ("short", b"\0as".to_vec()),
        ("page", page),
        ("wat", text),
        ("module-text", b"(module)".to_vec()),
        ("gzip", vec![0x1f, 0x8b, 8, 0]),
    ];
    for (label, bytes) in cases {
        let error = compile_error(label, bytes).await;
        assert!(
            matches!(error, ComponentError::NotWasm { .. }),
            "{label}: {error}"
        );
        assert_eq!(error.code(), "invalid-argument", "{label}");
    }
}

#[tokio::test]
async fn a_component_that_was_cut_or_changed_is_refused() {
    let whole = guest("hostile");
    for length in [4, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let label = format!("first {length} bytes");
        let error = compile_error(&label, whole[..length].to_vec()).await;
        let known = matches!(
            error,
            ComponentError::Invalid { .. } | ComponentError::NotAPlugin { .. }
        );
        assert!(known, "{label}: {error}");
    }
    let mut unknown = whole.clone();
    unknown[4] = 0x7f;
    let error = compile_error("of a layer that does not exist", unknown).await;
    assert!(matches!(error, ComponentError::Invalid { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_with_the_systems_words() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("absent.wasm"), folder.path().to_owned()] {
        let error = host()
            .compile_file(&path)
            .await
            .expect_err("it cannot be read");
        assert!(
            matches!(error, ComponentError::Unreadable { .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_plugin_that_needs_a_newer_host_is_refused_with_both_versions() {
    let error = load(host(), "needy.wasm", misregistered(b'v'), &[], limits())
        .await
        .expect_err("there is no host 99");
    let LoadError::Registration { problems, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(problems.len(), 1, "{error}");
    let text = error.to_string();
    let this = host().version().to_string();
    assert!(
        text.contains(&format!(
            "misregistered 1.0.0 requires goatherd >= 99.0.0, this is {this}"
        )),
        "{text}"
    );
}

/// What the host says to an import of this name.
async fn verdict(name: &str) -> Verdict {
    let component = host()
        .compile("importing.wasm", importing(&[name]))
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(component.imports().len(), 1);
    assert_eq!(component.imports()[0].name, name);
    component.imports()[0].verdict.clone()
}

#[tokio::test]
async fn every_interface_of_the_table_is_recognised_in_its_served_version() {
    use goatherd::capability::table::{Gate, KNOWN};
    use goatherd::capability::wasi::{DRAFTS, Draft};
    for draft in DRAFTS {
        let known = KNOWN.iter().any(|known| known.name == draft.interface);
        assert!(known, "{} is in the table", draft.interface);
    }
    for known in KNOWN {
        let drafts = DRAFTS.iter().filter(|draft| draft.interface == known.name);
        let mut names: Vec<String> = drafts.flat_map(Draft::names).collect();
        if names.is_empty() {
            let version = if known.name.starts_with("wasi:") {
                "0.2.6"
            } else {
                "0.1.0"
            };
            names.push(format!("{}@{version}", known.name));
        }
        let expected = match &known.gate {
            Gate::TypesOnly | Gate::Ambient => Verdict::Ambient,
            Gate::Needs(need) => Verdict::Granted {
                permission: need.clone(),
            },
        };
        for name in names {
            assert_eq!(verdict(&name).await, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn imports_of_other_names_and_versions_are_refused_with_the_reason() {
    for (name, reason) in [
        ("goatherd:plugin/log@0.2.0", "0.1.0"),
        ("goatherd:plugin/log@0.1.99", "newer"),
        ("goatherd:plugin/log@9.0.0", "0.1.0"),
        ("goatherd:plugin/log", "version"),
        ("goatherd:plugin/guest@0.1.0", "no host interface"),
        ("goatherd:pluginx/log@0.1.0", "no host interface"),
        ("goatherd:plugin/lo@0.1.0", "no host interface"),
    ] {
        match verdict(name).await {
            Verdict::Refused { reason: said } => assert!(said.contains(reason), "{name}: {said}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn all_imports_that_nobody_serves_are_in_one_error() {
    let names = [
        "wasi:nn/graph@0.2.0",
        "goatherd:plugin/log@0.1.0",
        "acme:telepathy/mind@1.0.0",
        "wasi:nn/tensor@0.2.0",
    ];
    let error = load(host(), "importing.wasm", importing(&names), &[], limits())
        .await
        .expect_err("three are unknown");
    let LoadError::UnknownImports { unknown, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(unknown.len(), 3, "{error}");
    for name in [names[0], names[2], names[3]] {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_component_that_has_only_the_contracts_name_is_not_linked() {
    let error = load(host(), "hollow.wasm", importing(&[]), &[], limits())
        .await
        .expect_err("it has no functions");
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
    assert!(error.to_string().contains("hollow.wasm"), "{error}");
}

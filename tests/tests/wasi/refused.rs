//! What of WASI is not served is refused by name, with the reason that fits.

use goatherd::runtime::{ComponentError, LoadError, Verdict};
use goatherd_tests::{host, importing, importing_async, limits, load, probe_wasi};

async fn reason(name: &str) -> String {
    let component = host()
        .compile("importing.wasm", importing(&[name]))
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    match &component.imports()[0].verdict {
        Verdict::Refused { reason } => reason.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn each_import_that_is_not_served_has_the_reason_that_fits() {
    for (name, expected) in [
        (
            "wasi:cli/stdout@0.3.0",
            "this host does not serve WASI 0.3 yet",
        ),
        (
            "wasi:http/handler@0.3.2",
            "this host does not serve WASI 0.3 yet",
        ),
        (
            "wasi:io/streams@1.0.0",
            "this host does not serve WASI 1.0 yet",
        ),
        ("wasi:sockets/types@0.3.0-rc-2026-01-06", "WASI 0.3 yet"),
        (
            "wasi:io/streams@0.2.0-rc-2023-11-10",
            "a draft from before the release",
        ),
        ("wasi:io/streams@0.1.0", "this host serves version 0.2"),
        ("wasi:io/streams", "it has no version"),
        (
            "wasi:http/incoming-handler@0.2.12",
            "to be exported, not imported",
        ),
        ("wasi:cli/run@0.2.0", "to be exported, not imported"),
        (
            "wasi:cli/stdouts@0.2.0",
            "no interface of this name in wasi:cli",
        ),
        (
            "wasi:clocks/timezone@0.2.0",
            "no interface of this name in wasi:clocks",
        ),
        (
            "wasi:sockets/raw@0.2.0",
            "no interface of this name in wasi:sockets",
        ),
        ("wasi:nn/graph@0.2.0", "this host does not serve wasi:nn"),
        (
            "wasi:keyvalue/store@0.2.0-draft3",
            "WASI has not released wasi:keyvalue, and of its drafts this host serves wasi:keyvalue/store@0.2.0-draft and \
             wasi:keyvalue/store@0.2.0-draft2, so build",
        ),
        (
            "wasi:keyvalue/atomics@0.2.0",
            "wasi:keyvalue/atomics@0.2.0-draft2",
        ),
        (
            "wasi:keyvalue/store",
            "serves wasi:keyvalue/store@0.2.0-draft and",
        ),
        (
            "wasi:keyvalue/watcher@0.2.0-draft2",
            "no interface of this name in wasi:keyvalue; it serves wasi:keyvalue/store@0.2.0-draft, ",
        ),
        (
            "wasi:config/store@0.2.0-rc.2",
            "this host serves wasi:config/store@0.2.0-rc.1, ",
        ),
        (
            "wasi:config/runtime@0.2.0-rc.1",
            "this host serves wasi:config/runtime@0.2.0-draft, so",
        ),
        (
            "wasi:logging/logging@0.1.0",
            "this host serves wasi:logging/logging and wasi:logging/logging@0.1.0-draft, so",
        ),
        ("wasix:io/streams@0.2.0", "no host interface has this name"),
    ] {
        let said = reason(name).await;
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_component_for_wasi_0_3_is_refused_with_every_import_and_what_would_help() {
    let bytes = probe_wasi("0.3.12", b'n');
    let error = load(host(), "later.wasm", bytes, &["config"], limits())
        .await
        .expect_err("it asks for 0.3");
    assert!(matches!(error, LoadError::UnknownImports { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "later.wasm",
        "wasi:cli/stdout@0.3.12",
        "wasi:clocks/monotonic-clock@0.3.12",
        "this host does not serve WASI 0.3 yet; it serves 0.2, so build the component for that",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert_eq!(error.code(), "invalid-argument");
}

#[tokio::test]
async fn a_component_with_asynchronous_functions_of_wasi_0_3_is_refused_by_their_names() {
    let names = [
        "goatherd:plugin/log@0.1.0",
        "wasi:clocks/monotonic-clock@0.3.0",
        "wasi:cli/stdout@0.3.0",
    ];
    let error = host()
        .compile("async.wasm", importing_async(&names))
        .await
        .expect_err("the engine has no asynchronous functions");
    let ComponentError::Unserved { unknown, .. } = &error else {
        panic!("{error}")
    };
    let refused: Vec<_> = unknown.iter().map(|one| one.interface.as_str()).collect();
    assert_eq!(refused, names[1..]);
    let text = error.to_string();
    assert!(text.contains("async.wasm"), "{text}");
    assert!(text.contains("does not serve WASI 0.3 yet"), "{text}");
    assert_eq!(error.code(), "invalid-argument");
}

#[tokio::test]
async fn a_component_that_cannot_be_compiled_for_another_reason_keeps_the_engines_words() {
    let names = ["goatherd:plugin/log@0.1.0"];
    let error = host()
        .compile("async.wasm", importing_async(&names))
        .await
        .expect_err("the engine has no asynchronous functions");
    assert!(matches!(error, ComponentError::Invalid { .. }), "{error}");
    assert!(error.to_string().contains("async"), "{error}");
}

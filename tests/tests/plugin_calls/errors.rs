//! What a caller is told.

use super::*;

#[tokio::test]
async fn a_plugin_that_does_not_exist_is_named_with_who_needed_it() {
    let managed = relays(&['a'], &limits()).await;
    let args = json!({ "plugin": "tickets", "function": "list", "args": {} });
    let error = refused(call(&managed.plugin("relay-a"), "call", args).await);
    assert_eq!(
        error,
        Error::NotFound(
            "plugin \"tickets\" not found (required by \"relay-a\" to call \"list\")".to_owned()
        )
    );
}

#[tokio::test]
async fn a_disabled_plugin_is_unavailable_until_it_is_enabled_again() {
    let managed = relays(&['a', 'b'], &limits()).await;
    managed.manager.disable("relay-b").await.unwrap();
    let a = managed.plugin("relay-a");
    let args = json!({ "path": ["relay-b"] });
    let error = refused(call(&a, "relay", args.clone()).await);
    assert_eq!(
        error,
        Error::Unavailable("plugin \"relay-b\" is disabled (required by \"relay-a\")".to_owned())
    );
    managed.manager.enable("relay-b").await.unwrap();
    assert_eq!(call(&a, "relay", args).await.unwrap()["plugin"], "relay-b");
}

#[tokio::test]
async fn errors_of_the_called_function_pass_as_they_are() {
    let managed = relays(&['a', 'b'], &limits()).await;
    for code in [
        "permission-denied",
        "not-found",
        "invalid-argument",
        "conflict",
        "rate-limited",
        "timed-out",
        "too-large",
        "unavailable",
    ] {
        let args = json!({ "plugin": "relay-b", "function": "fail", "args": { "error": code } });
        let error = refused(call(&managed.plugin("relay-a"), "call", args).await);
        assert_eq!(error.code(), code);
    }
    let args = json!({ "plugin": "relay-b", "function": "fail", "args": { "error": "other" } });
    let error = refused(call(&managed.plugin("relay-a"), "call", args).await);
    let own = Error::Other(ErrorDetail {
        code: "as-asked".to_owned(),
        message: "other as asked".to_owned(),
    });
    assert_eq!(error, own);
}

#[tokio::test]
async fn a_trap_in_the_called_plugin_is_unavailable_and_the_caller_goes_on() {
    let managed = relays(&['a', 'b'], &limits()).await;
    let a = managed.plugin("relay-a");
    for (function, words) in [
        ("trap", "plugin \"relay-b\" failed in trap"),
        ("not-json", "not JSON"),
    ] {
        let args = json!({ "plugin": "relay-b", "function": function, "args": {} });
        let error = refused(call(&a, "call", args).await);
        let Error::Unavailable(text) = error else {
            panic!("{error:?}")
        };
        assert!(text.contains(words), "{text}");
    }
    let path = json!({ "path": ["relay-b"] });
    assert_eq!(call(&a, "relay", path).await.unwrap()["plugin"], "relay-b");
}

#[tokio::test]
async fn args_that_are_not_json_reach_nobody() {
    let managed = relays(&['a', 'b'], &limits()).await;
    let args = json!({ "plugin": "relay-b", "function": "echo", "args": "{\"a\":" });
    let error = refused(call(&managed.plugin("relay-a"), "call", args).await);
    assert!(matches!(error, Error::InvalidArgument(_)), "{error:?}");
    assert_eq!(managed.plugin("relay-b").metrics().calls, 0);
}

#[tokio::test]
async fn a_name_outside_the_scope_is_denied_whether_it_exists_or_not() {
    let managed = Managed::new(host(), &[("relay-a", &["plugin_call=relay-b"])], &limits());
    let a = managed.load("relay-a", relay('a')).await;
    for name in [
        "relay-c",
        "relay-bb",
        "RELAY-B",
        "relay-b ",
        "",
        "*",
        "../relay-b",
    ] {
        let args = json!({ "plugin": name, "function": "echo", "args": {} });
        let error = refused(call(&a, "call", args).await);
        assert!(
            matches!(error, Error::PermissionDenied(_)),
            "{name:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn without_a_manager_there_are_no_other_plugins() {
    let grants: &[&str] = &["plugin_call=*"];
    let plugin = goatherd_tests::plugin(host(), "relay", grants, limits()).await;
    let args = json!({ "plugin": "relay-b", "function": "echo", "args": {} });
    let error = refused(call(&plugin, "call", args).await);
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
}

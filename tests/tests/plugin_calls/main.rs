//! `plugins` and `capabilities`: what goes along with a call from plugin to plugin, what comes back, and what ends a circle.

mod capabilities;
mod chains;
mod errors;

use std::time::{Duration, Instant};

use goatherd::contract::{CallContext, Error, ErrorDetail, RequestId, User};
use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{Managed, call, call_in, host, limits, relay};
use serde_json::{Value, json};

/// Relays with these letters, each of which may call all others.
async fn relays(letters: &[char], limits: &Limits) -> Managed {
    let names: Vec<String> = letters
        .iter()
        .map(|letter| format!("relay-{letter}"))
        .collect();
    let grants: &[&str] = &["plugin_call=*"];
    let decided: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), grants)).collect();
    let managed = Managed::new(host(), &decided, limits);
    for letter in letters {
        managed
            .load(&format!("relay-{letter}"), relay(*letter))
            .await;
    }
    managed
}

/// The contract's error that a call ended with.
fn refused(result: Result<Value, CallError>) -> Error {
    match result {
        Err(CallError::Plugin { error, .. }) => error,
        other => panic!("expected an error that the plugin passed on, not {other:?}"),
    }
}

#[tokio::test]
async fn the_acting_user_the_organisation_and_the_request_go_along() {
    let managed = relays(&['a', 'b', 'c'], &limits()).await;
    let context = CallContext::default()
        .org_id(Some(7))
        .user(Some(User::new("u1".to_owned(), "Zoë".to_owned()).into()))
        .language("de".parse().unwrap())
        .request_id(RequestId::given("outermost").unwrap());
    let path = json!({ "path": ["relay-b", "relay-c"] });
    let seen = call_in(&managed.plugin("relay-a"), context, "relay", path).await;
    let seen = seen.unwrap();
    assert_eq!(seen["plugin"], "relay-c");
    assert_eq!(seen["org_id"], 7);
    assert_eq!(seen["user"], "u1");
    assert_eq!(seen["language"], "de");
    assert_eq!(seen["request_id"], "outermost");
}

#[tokio::test]
async fn what_is_left_of_the_deadline_goes_along_and_ends_the_innermost_call() {
    let managed = relays(&['a', 'b'], &limits()).await;
    let context =
        CallContext::default().deadline(Some(Instant::now() + Duration::from_millis(700)));
    let a = managed.plugin("relay-a");
    let args = json!({ "path": ["relay-b"] });
    let seen = call_in(&a, context.clone(), "relay", args).await.unwrap();
    assert!(seen["deadline_ms"].as_u64().unwrap() <= 700, "{seen}");

    let args = json!({ "path": ["relay-b"], "then": "spin", "with": { "ms": 20_000 } });
    let began = Instant::now();
    let ended = call_in(&a, context, "relay", args).await.unwrap_err();
    assert_eq!(ended.code(), "timed-out");
    assert!(began.elapsed() < Duration::from_secs(10));
    // Nobody holds anything afterwards.
    let path = json!({ "path": ["relay-b"] });
    assert_eq!(call(&a, "relay", path).await.unwrap()["plugin"], "relay-b");
}

#[tokio::test]
async fn arguments_and_results_pass_unchanged() {
    let managed = relays(&['a', 'b'], &limits()).await;
    let value = json!({ "a": [1, 2.5, "\u{0}é\n", null, { "b": 9_007_199_254_740_993_i64 }] });
    let args = json!({ "plugin": "relay-b", "function": "echo", "args": value });
    let echoed = call(&managed.plugin("relay-a"), "call", args)
        .await
        .unwrap();
    assert_eq!(echoed, value);
}

#[tokio::test]
async fn the_called_plugin_has_its_own_grants_and_not_those_of_the_caller() {
    let managed = Managed::new(
        host(),
        &[
            ("relay-a", &["plugin_call=relay-b"]),
            ("relay-b", &["plugin_call"]),
            ("relay-c", &["plugin_call"]),
        ],
        &limits(),
    );
    for letter in ['a', 'b', 'c'] {
        managed
            .load(&format!("relay-{letter}"), relay(letter))
            .await;
    }
    let args = json!({ "path": ["relay-b", "relay-c"] });
    let error = refused(call(&managed.plugin("relay-a"), "relay", args).await);
    let Error::PermissionDenied(text) = error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("plugin \"relay-b\" may not call plugin \"relay-c\""),
        "{text}"
    );
    assert!(text.contains("grant plugin_call=relay-c"), "{text}");
}

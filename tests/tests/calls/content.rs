//! What a call carries: arguments and a context in, a result out, each within its limit and as it was given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::contract::call::{RequestId, User};
use goatherd::contract::{CallContext, Json};
use goatherd::runtime::CallError;
use goatherd_tests::{call, call_in, call_text, limits, probe, probe_host};
use serde_json::{Value, json};

use crate::with_instances;

/// Echoes 1,000 bytes, which is within the limit, and then one more, whose error names plugin and function.
async fn echo_over_a_limit_of_1_000(plugin: &Plugin) -> CallError {
    let text = |bytes: usize| json!("a".repeat(bytes - 2));
    assert_eq!(
        call(plugin, "echo", text(1_000)).await.unwrap(),
        text(1_000)
    );
    let error = call(plugin, "echo", text(1_001))
        .await
        .expect_err("it is over the limit");
    let message = error.to_string();
    assert!(
        message.contains("plugin \"probe\"") && message.contains("echo"),
        "{message}"
    );
    error
}

#[tokio::test]
async fn arguments_over_the_limit_are_refused_before_the_plugin_sees_them() {
    let plugin = probe(probe_host(), limits().args_bytes(1_000)).await;
    let error = echo_over_a_limit_of_1_000(&plugin).await;
    assert!(
        matches!(
            error,
            CallError::ArgsTooLarge {
                bytes: 1_001,
                limit: 1_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.code(), "too-large");
    assert_eq!(plugin.metrics().calls, 1);
}

#[tokio::test]
async fn a_result_over_the_limit_is_the_plugins_fault_and_costs_no_instance() {
    let plugin = probe(probe_host(), with_instances(1).result_bytes(1_000)).await;
    let error = echo_over_a_limit_of_1_000(&plugin).await;
    assert!(
        matches!(
            error,
            CallError::ResultTooLarge {
                bytes: 1_001,
                limit: 1_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(plugin.instances(), 1);
}

#[tokio::test]
async fn arguments_and_results_of_megabytes_arrive_whole() {
    let plugin = probe(probe_host(), limits()).await;
    let text: String = (0..4_000_000)
        .map(|n| char::from(b'a' + (n % 26) as u8))
        .collect();
    let args = Json::from_value(&json!(text)).unwrap();
    let reply = plugin
        .call("echo", &args, CallContext::default())
        .await
        .unwrap();
    assert!(reply.as_str() == args.as_str());
}

#[test]
fn arguments_that_are_not_json_cannot_even_be_made() {
    for text in ["", "{", "{'a': 1}", "nul", "{} {}", "\u{feff}{}"] {
        assert!(Json::parse(text).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn a_result_that_is_not_json_is_the_plugins_fault_and_says_where() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    assert_eq!(
        call_text(&plugin, "not-json", json!({})).await.unwrap(),
        "not json"
    );
    let error = call(&plugin, "not-json", json!({}))
        .await
        .expect_err("it is not JSON");
    assert!(matches!(error, CallError::NotJson { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("plugin \"probe\"") && text.contains("not-json") && text.contains("line 1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_plugin_sees_for_whom_it_runs_and_arguments_cannot_change_it() {
    let plugin = probe(probe_host(), limits()).await;
    let context = CallContext::default()
        .org_id(Some(7))
        .user(Some(Arc::new(
            User::new("u1".to_owned(), "Zoë".to_owned())
                .groups(vec!["admin".to_owned(), "agents".to_owned()]),
        )))
        .language("pt-BR".parse().unwrap())
        .request_id(RequestId::given("request-42").unwrap())
        .deadline(Some(Instant::now() + Duration::from_secs(5)));
    let forged = json!({
        "org_id": 1, "user": {"id": "root", "name": "root", "groups": []}, "language": "xx", "request_id": "forged",
        "deadline_ms": 1_000_000, "caller": "crm", "context": {"org_id": 1},
    });
    let mut seen = call_in(&plugin, context, "context", forged).await.unwrap();
    let left = seen["deadline_ms"].take().as_u64().unwrap();
    assert!(left <= 5_000 && left > 3_000, "{left}");
    let expected = json!({
        "org_id": 7, "user": {"id": "u1", "name": "Zoë", "groups": ["admin", "agents"]}, "language": "pt-BR",
        "request_id": "request-42", "caller": null, "deadline_ms": null,
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn nothing_of_one_call_is_left_in_the_context_of_the_next() {
    let plugin = probe(probe_host(), with_instances(1)).await;
    let context = CallContext::default()
        .org_id(Some(7))
        .user(Some(Arc::new(User::new("u1".to_owned(), String::new()))))
        .language("de".parse().unwrap());
    let first = call_in(&plugin, context, "context", json!({}))
        .await
        .unwrap();
    let second = call(&plugin, "context", json!({})).await.unwrap();
    assert_eq!(
        (&second["org_id"], &second["user"], &second["language"]),
        (&Value::Null, &Value::Null, &json!("en"))
    );
    assert_ne!(first["request_id"], second["request_id"]);
    assert_eq!(plugin.instances(), 1, "it was the same instance");
}

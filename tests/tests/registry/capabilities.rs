//! Capabilities of the application.

use goatherd::contract::{CallContext, Error, Json};
use goatherd::registry::{Capability, CapabilitySlug, Run, RunError, Schema};
use serde_json::json;

use super::*;

fn slug(text: &str) -> CapabilitySlug {
    text.parse().unwrap()
}

async fn run(service: &Service, slug: &str, input: Value) -> Result<Value, RunError> {
    service
        .run_capability(slug, input, CallContext::default())
        .await
}

#[tokio::test]
async fn a_capability_runs_while_its_owner_is_on() {
    let service = Service::new();
    service.register(record("newsletter")).await.unwrap();
    let send = Capability::new(|run: Run, input| async move {
        Ok(json!({ "to": input["to"], "org": run.context.org_id }))
    });
    service.register_capability(slug("newsletter.send"), send.described("Send", "Sends it"));
    let context = CallContext::default().org_id(Some(7));
    let sent = service
        .run_capability("newsletter.send", json!({ "to": "a" }), context)
        .await;
    assert_eq!(sent, Ok(json!({ "to": "a", "org": 7 })));
    service.disable("newsletter").await.unwrap();
    let error = run(&service, "newsletter.send", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(
        error.to_string().contains("\"newsletter\" is disabled"),
        "{error}"
    );
    // It is listed, so that an administrator sees what switching it on brings.
    assert_eq!(service.capabilities()[0].0.as_str(), "newsletter.send");
    service.enable("newsletter").await.unwrap();
    assert!(run(&service, "newsletter.send", json!({})).await.is_ok());
}

#[tokio::test]
async fn an_input_that_does_not_fit_never_reaches_the_capability() {
    let service = Service::new();
    let schema = json!({ "type": "object", "required": ["to"], "properties": { "to": { "type": "string" } } });
    let schema = Schema::compile(&Json::from_value(&schema).unwrap()).unwrap();
    let send = Capability::new(|_, input| async move { Ok(input) }).taking(schema);
    service.register_capability(slug("newsletter.send"), send);
    let fits = json!({ "to": "a" });
    assert_eq!(
        run(&service, "newsletter.send", fits.clone()).await,
        Ok(fits)
    );
    let error = run(&service, "newsletter.send", json!({ "to": 7 }))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid-argument");
    assert!(error.to_string().contains("/to"), "{error}");
    let error = run(&service, "newsletter.send", json!(null))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the input"), "{error}");
}

#[tokio::test]
async fn a_capability_without_a_record_of_its_owner_is_the_applications_own() {
    let service = Service::new();
    service.register_capability(
        slug("onboard"),
        Capability::new(|_, input| async { Ok(input) }),
    );
    assert_eq!(run(&service, "onboard", json!(1)).await, Ok(json!(1)));
}

#[tokio::test]
async fn an_unknown_capability_is_named_with_those_that_there_are() {
    let service = Service::new();
    service.register_capability(slug("a.b"), Capability::new(|_, input| async { Ok(input) }));
    for name in ["a.c", "", "A.B", "a..b", "a.b.", "../a"] {
        let error = run(&service, name, json!({})).await.unwrap_err();
        assert_eq!(error.code(), "not-found");
        assert!(error.to_string().contains("there are: a.b"), "{error}");
    }
}

#[tokio::test]
async fn capabilities_of_one_owner_are_taken_back_together() {
    let service = Service::new();
    for name in ["a.one", "a.two", "ab.one"] {
        service.register_capability(slug(name), Capability::new(|_, input| async { Ok(input) }));
    }
    service.unregister_capabilities("a");
    let left: Vec<_> = service
        .capabilities()
        .into_iter()
        .map(|(slug, _)| slug)
        .collect();
    assert_eq!(left, [slug("ab.one")]);
}

#[tokio::test]
async fn its_own_error_passes_as_it_is() {
    let service = Service::new();
    let failing = Capability::new(|_, _| async { Err(Error::Conflict("taken".to_owned())) });
    service.register_capability(slug("a.fail"), failing);
    let error = run(&service, "a.fail", json!({})).await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("conflict", "conflict: taken")
    );
}

#[tokio::test]
async fn capabilities_that_run_each_other_in_a_circle_end_with_the_way() {
    let service = Service::new();
    for (name, other) in [("a.ping", "b.pong"), ("b.pong", "a.ping")] {
        let circle = Capability::new(move |run: Run, input| async move {
            run.capability(other, input)
                .await
                .map_err(|error| Error::Conflict(error.to_string()))
        });
        service.register_capability(slug(name), circle);
    }
    let error = run(&service, "a.ping", json!({})).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("at most 10 deep") && text.contains("a.ping → b.pong → a.ping"),
        "{text}"
    );
}

//! `capabilities`: what a plugin may run of what the application and other plugins can do, and how it ends.

use goatherd_tests::guest;

use super::*;

/// The guest, loaded with this grant, beside a registry.
async fn granted(grant: &str) -> Managed {
    let decided: [(&str, &[&str]); 1] = [("probe-capabilities", &[grant])];
    let managed = Managed::with_registry(host(), &decided, &limits()).await;
    managed
        .load("probe-capabilities", guest("probe-capabilities"))
        .await;
    managed
}

async fn run(managed: &Managed, slug: &str, input: Value) -> Result<Value, CallError> {
    let plugin = managed.plugin("probe-capabilities");
    call(&plugin, "run", json!({ "slug": slug, "input": input })).await
}

#[tokio::test]
async fn a_capability_answers_by_its_slug_with_who_ran_it() {
    let managed = granted("capability=*").await;
    let said = run(
        &managed,
        "probe-capabilities.echo",
        json!({ "said": "héllo" }),
    )
    .await;
    assert_eq!(said.unwrap(), json!({ "said": "héllo" }));
    let context = CallContext::default()
        .org_id(Some(7))
        .request_id(RequestId::given("outermost").unwrap());
    let plugin = managed.plugin("probe-capabilities");
    let args = json!({ "slug": "probe-capabilities.context", "input": {} });
    let seen = call_in(&plugin, context, "run", args).await.unwrap();
    assert_eq!(seen["org_id"], 7);
    assert_eq!(seen["request_id"], "outermost");
    assert_eq!(seen["caller"], "probe-capabilities");
}

#[tokio::test]
async fn a_workflow_is_run_like_any_capability() {
    let managed = granted("capability=*").await;
    let ran = run(&managed, "probe-capabilities.twice", json!({ "said": "a" })).await;
    let ran = ran.unwrap();
    assert!(ran.to_string().contains(r#"{"said":"a"}"#), "{ran}");
}

#[tokio::test]
async fn what_the_grant_does_not_cover_is_refused_before_it_runs_and_is_not_listed() {
    let managed = granted("capability=*.echo").await;
    let error = refused(run(&managed, "probe-capabilities.trap", json!({})).await);
    let Error::PermissionDenied(message) = &error else {
        panic!("{error:?}")
    };
    for part in [
        "probe-capabilities.trap",
        "*.echo",
        "grant capability=probe-capabilities.trap",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let plugin = managed.plugin("probe-capabilities");
    let listed = call(&plugin, "available", json!({})).await.unwrap();
    let slugs: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|capability| &capability["slug"])
        .collect();
    assert_eq!(slugs, ["probe-capabilities.echo"]);
    let schema = listed[0]["input_schema"].as_str().unwrap();
    assert!(schema.contains("said"), "{schema}");
}

#[tokio::test]
async fn each_way_to_fail_has_its_own_code() {
    let managed = granted("capability=*").await;
    for (slug, input, code) in [
        ("nobody.echo", json!({}), "not-found"),
        ("not a slug", json!({}), "not-found"),
        ("probe-capabilities.echo", json!("{"), "invalid-argument"),
        (
            "probe-capabilities.echo",
            json!({ "said": 7 }),
            "invalid-argument",
        ),
        (
            "probe-capabilities.fail",
            json!({ "error": "conflict" }),
            "conflict",
        ),
        (
            "probe-capabilities.fail",
            json!({ "error": "other" }),
            "as-asked",
        ),
        ("probe-capabilities.trap", json!({}), "unavailable"),
    ] {
        let error = refused(run(&managed, slug, input.clone()).await);
        assert_eq!(error.code(), code, "{slug} with {input}: {error}");
    }
    // None of that ended the plugin.
    let said = run(&managed, "probe-capabilities.echo", json!({})).await;
    assert_eq!(said.unwrap(), json!({}));
}

#[tokio::test]
async fn a_capability_that_runs_itself_ends_as_a_circle_of_calls_does() {
    let managed = granted("capability=*").await;
    let mut input = json!({ "slug": "probe-capabilities.echo", "input": {} });
    for _ in 0..20 {
        input = json!({ "slug": "probe-capabilities.run", "input": input });
    }
    let plugin = managed.plugin("probe-capabilities");
    let error = refused(call(&plugin, "run", input).await);
    assert_eq!(error.code(), "conflict", "{error}");
}

#[tokio::test]
async fn a_plugin_without_the_grant_is_not_linked() {
    let loaded = goatherd_tests::load(
        host(),
        "probe-capabilities",
        guest("probe-capabilities"),
        &[],
        limits(),
    );
    let error = loaded.await.unwrap_err().to_string();
    for part in ["goatherd:plugin/capabilities@0.1.0", "needs capability"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn without_a_registry_there_are_no_capabilities() {
    let decided: [(&str, &[&str]); 1] = [("probe-capabilities", &["capability=*"])];
    let managed = Managed::new(host(), &decided, &limits());
    let plugin = managed
        .load("probe-capabilities", guest("probe-capabilities"))
        .await;
    for function in ["available", "run"] {
        let args = json!({ "slug": "probe-capabilities.echo", "input": {} });
        let error = refused(call(&plugin, function, args).await);
        assert_eq!(error.code(), "unavailable", "{function}: {error}");
        assert!(error.to_string().contains("registry"), "{error}");
    }
}

//! What a plugin says about itself, when it says it wrongly.

use goatherd::runtime::LoadError;
use goatherd_tests::{Phase, host, hostile, limits, load, misregistered, mistyped};

#[tokio::test]
async fn five_mistakes_are_reported_together_each_with_its_field() {
    let error = load(
        host(),
        "misregistered.wasm",
        misregistered(b'm'),
        &[],
        limits(),
    )
    .await
    .expect_err("it is wrong");
    assert_eq!(error.code(), "invalid-argument");
    let LoadError::Registration { plugin, problems } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        plugin, "misregistered.wasm",
        "its own name is one of the problems"
    );
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "jobs[0].schedule",
            "name",
            "routes[0].methods[0]",
            "routes[1].middleware[0]",
            "version"
        ]
    );
    let text = error.to_string();
    for words in ["Bad Name", "\"1.0\"", "FETCH", "autth", "61 3 * * *"] {
        assert!(text.contains(words), "the message quotes {words}: {text}");
    }
    assert_eq!(
        text.lines().count(),
        6,
        "one line for each, after the first: {text}"
    );
}

#[tokio::test]
async fn describing_reports_the_same_as_loading() {
    let component = host().compile("m.wasm", misregistered(b'm')).await.unwrap();
    let described = host().describe(&component).await.expect_err("it is wrong");
    let LoadError::Registration { problems, .. } = &described else {
        panic!("{described}")
    };
    assert_eq!(problems.len(), 5, "{described}");
}

#[tokio::test]
async fn a_contribution_whose_interface_is_not_exported_is_told_with_the_world_to_include() {
    let component = host().compile("e.wasm", misregistered(b'e')).await.unwrap();
    let described = host().describe(&component).await.expect_err("it is wrong");
    let LoadError::Registration { problems, .. } = &described else {
        panic!("{described}")
    };
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(fields, ["widgets[0]"], "the component has the others");
    let text = described.to_string();
    for words in ["\"lost\"", "widget-handler", "serves-widgets"] {
        assert!(text.contains(words), "the message names {words}: {text}");
    }
}

#[tokio::test]
async fn an_export_of_the_right_name_and_the_wrong_type_is_told_as_such() {
    let loaded = load(host(), "mistyped.wasm", mistyped(), &[], limits()).await;
    let error = loaded.expect_err("nothing can call it").to_string();
    for words in [
        "mistyped.wasm",
        "goatherd:plugin/route-handler@0.1.0",
        "`goatherd wit`",
    ] {
        assert!(error.contains(words), "the message names {words}: {error}");
    }
}

#[tokio::test]
async fn a_right_registration_of_the_same_guest_loads() {
    let plugin = load(
        host(),
        "hostile.wasm",
        hostile(&[(Phase::Register, b'n')]),
        &[],
        limits(),
    )
    .await;
    assert_eq!(
        plugin.unwrap().description().registration.name.as_str(),
        "hostile"
    );
}

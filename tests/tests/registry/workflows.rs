//! Workflows: outputs that feed later steps, failure, and taking back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use goatherd::contract::{CallContext, Error};
use goatherd::registry::{Capability, RunError, Step, Undo, Workflow};
use serde_json::json;

use super::*;

/// Which capability was asked, and with what.
type Notes = Arc<Mutex<Vec<(String, Value)>>>;

/// A service whose capabilities note what they were asked: `a.make` returns an id, `a.pass` its input, `a.fail` fails.
fn service() -> (Service, Notes) {
    let service = Service::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for name in ["a.make", "a.pass", "a.remove", "a.fail"] {
        let seen = Arc::clone(&seen);
        let capability = Capability::new(move |_, input: Value| {
            let mut all = seen.lock().unwrap();
            all.push((name.to_owned(), input.clone()));
            let number = all.len();
            async move {
                match name {
                    "a.make" => Ok(json!({ "id": number, "tags": ["x", { "y": "z" }] })),
                    "a.fail" => Err(Error::Conflict("it is full".to_owned())),
                    _ => Ok(input),
                }
            }
        });
        service.register_capability(name.parse().unwrap(), capability);
    }
    (service, seen)
}

fn step(name: &str, capability: &str, input: Value) -> Step {
    Step {
        name: name.to_owned(),
        capability: capability.to_owned(),
        input,
        undo: None,
    }
}

fn undone_by(step: Step, capability: &str, input: Value) -> Step {
    let capability = capability.to_owned();
    Step {
        undo: Some(Undo { capability, input }),
        ..step
    }
}

async fn run(service: &Service, steps: &[Step], context: CallContext) -> Result<Value, RunError> {
    service.register_workflow(Workflow::new("onboarding", steps).unwrap());
    let capability = service.workflow_capability("onboarding");
    service.register_capability("onboard".parse().unwrap(), capability);
    service
        .run_capability("onboard", json!({ "user": "zoe", "n": 3 }), context)
        .await
}

#[tokio::test]
async fn outputs_feed_later_steps_with_their_types() {
    let (service, _) = service();
    let steps = [
        step("create", "a.make", json!({})),
        step(
            "welcome",
            "a.pass",
            json!({
                "id": "${steps.create.id}", "tag": "${steps.create.tags.1.y}", "text": "Hi ${input.user}, no ${steps.create.id}",
                "whole": "${input}", "plain": "$${input.user}", "list": ["${input.n}", 4]
            }),
        ),
    ];
    let done = run(&service, &steps, CallContext::default()).await.unwrap();
    let welcome = json!({
        "id": 1, "tag": "z", "text": "Hi zoe, no 1", "whole": { "user": "zoe", "n": 3 }, "plain": "${input.user}", "list": [3, 4]
    });
    assert_eq!(done["output"], welcome);
    assert_eq!(done["steps"]["create"]["id"], 1);
}

#[tokio::test]
async fn the_first_failure_stops_it_by_name_and_what_was_done_is_undone_backwards() {
    let (service, seen) = service();
    let remove = json!({ "id": "${steps.first.id}" });
    let steps = [
        undone_by(step("first", "a.make", json!({})), "a.remove", remove),
        step("between", "a.pass", json!({})),
        undone_by(
            step("second", "a.make", json!({})),
            "a.remove",
            json!("${steps.second.id}"),
        ),
        step("third", "a.fail", json!({})),
        step("never", "a.pass", json!({})),
    ];
    let error = run(&service, &steps, CallContext::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "conflict");
    let text = error.to_string();
    assert!(
        text.contains("stopped in step \"third\": conflict: it is full; undone: second, first"),
        "{text}"
    );
    let seen = seen.lock().unwrap();
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "a.make", "a.pass", "a.make", "a.fail", "a.remove", "a.remove"
        ]
    );
    assert_eq!((&seen[4].1, &seen[5].1), (&json!(3), &json!({ "id": 1 })));
}

#[tokio::test]
async fn undoing_goes_on_after_a_failure_and_says_what_is_left() {
    let (service, _) = service();
    let steps = [
        undone_by(step("first", "a.make", json!({})), "a.remove", json!({})),
        undone_by(step("second", "a.make", json!({})), "a.fail", json!({})),
        step("third", "a.fail", json!({})),
    ];
    let error = run(&service, &steps, CallContext::default())
        .await
        .unwrap_err();
    let RunError::Step {
        undone, not_undone, ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(undone, ["first"]);
    assert_eq!(
        not_undone,
        [("second".to_owned(), "conflict: it is full".to_owned())]
    );
}

#[tokio::test]
async fn a_workflow_whose_time_is_over_stops_and_still_cleans_up() {
    let (service, seen) = service();
    let slow = Capability::new(|_, input| async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        Ok(input)
    });
    service.register_capability("a.slow".parse().unwrap(), slow);
    let steps = [
        undone_by(step("first", "a.make", json!({})), "a.remove", json!({})),
        step("slow", "a.slow", json!({})),
        step("late", "a.pass", json!({})),
    ];
    let context = CallContext::default().deadline(Some(Instant::now() + Duration::from_millis(40)));
    let error = run(&service, &steps, context).await.unwrap_err();
    assert_eq!(error.code(), "timed-out");
    assert!(error.to_string().contains("step \"late\""), "{error}");
    assert_eq!(seen.lock().unwrap().last().unwrap().0, "a.remove");
}

#[tokio::test]
async fn what_an_output_does_not_have_is_named() {
    let (service, _) = service();
    let steps = [
        step("create", "a.make", json!({})),
        step("use", "a.pass", json!("${steps.create.name.first}")),
    ];
    let error = run(&service, &steps, CallContext::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("steps.create has no \"name\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_workflow_that_nobody_made_is_unknown_when_it_is_run() {
    let (service, _) = service();
    let capability = service.workflow_capability("offboarding");
    service.register_capability("leave".parse().unwrap(), capability);
    let error = service
        .run_capability("leave", json!({}), CallContext::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "not-found");
}

#[test]
fn steps_that_make_no_workflow_are_refused_with_the_step() {
    for (steps, words) in [
        (vec![], "0 steps"),
        (
            vec![step("a", "x", json!({})), step("a", "x", json!({}))],
            "same name",
        ),
        (vec![step("a.b", "x", json!({}))], "no dot"),
        (vec![step("a", "X", json!({}))], "no capability"),
        (
            vec![
                step("a", "x", json!("${steps.b}")),
                step("b", "x", json!(1)),
            ],
            "not before",
        ),
        (vec![step("a", "x", json!("${steps.a}"))], "not before"),
        (
            vec![step("a", "x", json!("${inputs.b}"))],
            "neither input nor steps",
        ),
        (vec![step("a", "x", json!("${input.b"))], "without its }"),
        (vec![step("a", "x", json!("${input..b}"))], "empty part"),
        (vec![step("a", "x", json!(1)); 101], "101 steps"),
    ] {
        let error = Workflow::new("w", &steps).unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is not in {error:?}");
    }
}

//! Organisations: the values of one do not exist for another.

use goatherd::contract::CallContext;
use goatherd_tests::call_in;
use serde_json::{Value, json};

use crate::{Desk, Place, on_both};

on_both!(
    each_organisation_has_values_of_its_own,
    no_organisation_can_take_anothers_entity,
);

fn of(organisation: Option<i64>) -> CallContext {
    CallContext::default().org_id(organisation)
}

async fn ask(desk: &Desk, organisation: Option<i64>, function: &str, args: Value) -> Value {
    let answer = call_in(&desk.probe, of(organisation), function, args.clone()).await;
    answer.unwrap_or_else(|error| panic!("{function} {args}: {error}"))
}

const ALL: [Option<i64>; 4] = [None, Some(1), Some(-1), Some(11)];

async fn each_organisation_has_values_of_its_own(place: Place) {
    let desk = place.desk().await;
    for (number, organisation) in ALL.into_iter().enumerate() {
        let id = 100 + number;
        let values = json!([["number", {"integer": 5}], ["multi", {"choices": ["red"]}], ["point", {"point": [48.2, 16.3]}]]);
        ask(
            &desk,
            organisation,
            "set",
            json!({"type": "ticket", "id": id, "values": values}),
        )
        .await;
    }
    let filters = [
        json!([["number", "eq", {"integer": 5}]]),
        json!([["number", "neq", {"integer": 6}]]),
        json!([["multi", "eq", {"text": "red"}]]),
        json!([["point", "near", [48.2, 16.3]]]),
        json!([["number", "gt", {"integer": 0}], ["multi", "like", "r%"]]),
    ];
    for (number, organisation) in ALL.into_iter().enumerate() {
        for filters in &filters {
            let args = json!({"type": "ticket", "filters": filters});
            assert_eq!(
                ask(&desk, organisation, "query", args).await,
                json!([100 + number])
            );
        }
        for other in 0..ALL.len() {
            let args = json!({"type": "ticket", "id": 100 + other, "fields": ["number"]});
            let expected = if other == number {
                json!({"integer": 5})
            } else {
                Value::Null
            };
            assert_eq!(
                ask(&desk, organisation, "get", args).await["number"],
                expected
            );
        }
    }
}

async fn no_organisation_can_take_anothers_entity(place: Place) {
    let desk = place.desk().await;
    let set = |value: Value| json!({"type": "ticket", "id": 7, "values": [["text", value]]});
    let get = json!({"type": "ticket", "id": 7, "fields": ["text"]});
    // One that is there first changes nothing for the one whose entity it is.
    ask(&desk, Some(2), "set", set(json!({"text": "intruder"}))).await;
    ask(&desk, Some(1), "set", set(json!({"text": "owner"}))).await;
    ask(&desk, Some(2), "set", set(json!({"text": "again"}))).await;
    let toggle = json!({"type": "ticket", "id": 7, "changes": [["boolean", "toggle"]]});
    ask(&desk, Some(2), "apply", toggle).await;
    assert_eq!(
        ask(&desk, Some(1), "get", get.clone()).await["text"],
        json!({"text": "owner"})
    );
    ask(&desk, Some(2), "set", set(Value::Null)).await;
    assert_eq!(
        ask(&desk, Some(1), "get", get.clone()).await["text"],
        json!({"text": "owner"})
    );
    assert_eq!(ask(&desk, None, "get", get).await["text"], Value::Null);
    let filters = json!({"type": "ticket", "filters": [["boolean", "eq", {"boolean": true}]]});
    assert_eq!(ask(&desk, Some(1), "query", filters).await, json!([]));
}

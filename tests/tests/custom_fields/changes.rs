//! `apply`: changes that lose nothing of what others change at the same time, each call all or nothing.

use serde_json::{Value, json};

use crate::{Place, on_both, refused};

on_both!(
    an_increment_is_exact_and_stays_within_floor_and_ceiling,
    results_obey_the_fields_rules,
    choices_are_made_once_and_taken_back,
    toggling_begins_with_true,
    compare_and_set_writes_only_over_what_is_expected,
    a_call_makes_all_changes_or_none,
    a_change_that_does_not_fit_is_refused_by_name,
    changes_at_the_same_time_are_all_made,
    compare_and_set_has_one_winner,
);

async fn an_increment_is_exact_and_stays_within_floor_and_ceiling(place: Place) {
    let desk = place.desk().await;
    let steps = [
        ("number", json!({"by": "5"}), json!({"integer": 5})),
        ("number", json!({"by": "-7"}), json!({"integer": -2})),
        (
            "number",
            json!({"by": "-7", "floor": "0"}),
            json!({"integer": 0}),
        ),
        (
            "number",
            json!({"by": "100", "ceiling": "10"}),
            json!({"integer": 10}),
        ),
        (
            "number",
            json!({"by": "1", "floor": "50", "ceiling": "60"}),
            json!({"integer": 50}),
        ),
        (
            "number",
            json!({"by": "9223372036854775807", "ceiling": "9223372036854775807"}),
            json!({"integer": i64::MAX}),
        ),
        ("decimal", json!({"by": "0.1"}), json!({"decimal": "0.1"})),
        ("decimal", json!({"by": "0.2"}), json!({"decimal": "0.3"})),
        (
            "decimal",
            json!({"by": "-0.30"}),
            json!({"decimal": "0.00"}),
        ),
        (
            "decimal",
            json!({"by": "-1", "floor": "-0.5"}),
            json!({"decimal": "-0.5"}),
        ),
        (
            "decimal",
            json!({"by": "12345678901234567890.12345678901234567890"}),
            json!({"decimal": "12345678901234567889.62345678901234567890"}),
        ),
    ];
    for (name, argument, expected) in steps {
        let after = desk.apply(1, json!([[name, "increment", argument]])).await;
        assert_eq!(after.unwrap()[name], expected, "{argument}");
        assert_eq!(desk.one(1, name).await, expected);
    }
}

async fn results_obey_the_fields_rules(place: Place) {
    let desk = place.desk().await;
    desk.set(
        1,
        json!([
            ["percent", {"integer": 95}],
            ["number", {"integer": i64::MAX}],
            ["decimal", {"decimal": "9".repeat(38)}],
            ["price", {"decimal": "0.02"}],
            ["must", {"text": "a"}],
            ["chosen", {"choices": ["red"]}],
        ]),
    )
    .await
    .unwrap();
    let before = desk.get(1, &[]).await;
    for (change, reason) in [
        (
            json!(["percent", "increment", {"by": "6"}]),
            "percent: 101 is more than 100",
        ),
        (
            json!(["number", "increment", {"by": "1"}]),
            "number: the result has too many digits",
        ),
        (
            json!(["decimal", "increment", {"by": "1"}]),
            "decimal: the result has too many digits",
        ),
        (
            json!(["price", "increment", {"by": "-0.015"}]),
            "price: 0.005 is less than 0.01",
        ),
        (
            json!(["multi", "append", "purple"]),
            "multi: \"purple\" is none of the options",
        ),
        (
            json!(["chosen", "remove", "red"]),
            "chosen: a value is required",
        ),
        (
            json!(["must", "compare-and-set", {"expected": {"text": "a"}, "new": null}]),
            "must: a value is required",
        ),
        (
            json!(["percent", "compare-and-set", {"expected": {"integer": 95}, "new": {"integer": 101}}]),
            "percent: 101",
        ),
    ] {
        let outcome = desk.apply(1, json!([["boolean", "toggle"], change])).await;
        let text = refused(outcome, "invalid-argument");
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(desk.get(1, &[]).await, before);
    let after = desk
        .apply(
            1,
            json!([["percent", "increment", {"by": "6", "ceiling": "100"}]]),
        )
        .await;
    assert_eq!(after.unwrap()["percent"], json!({"integer": 100}));
}

async fn choices_are_made_once_and_taken_back(place: Place) {
    let desk = place.desk().await;
    let steps = [
        (
            json!(["multi", "append", "green"]),
            json!({"choices": ["green"]}),
        ),
        (
            json!(["multi", "append", "red"]),
            json!({"choices": ["green", "red"]}),
        ),
        (
            json!(["multi", "append", "green"]),
            json!({"choices": ["green", "red"]}),
        ),
        (
            json!(["multi", "remove", "green"]),
            json!({"choices": ["red"]}),
        ),
        (
            json!(["multi", "remove", "purple"]),
            json!({"choices": ["red"]}),
        ),
    ];
    for (change, expected) in steps {
        let after = desk.apply(1, json!([change])).await.unwrap();
        assert_eq!(after["multi"], expected, "{change}");
    }
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": "red"}]])).await,
        [1]
    );
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": "green"}]]))
            .await,
        [0i64; 0]
    );
    let after = desk
        .apply(1, json!([["multi", "remove", "red"]]))
        .await
        .unwrap();
    assert_eq!(after["multi"], json!({"choices": []}));
    let after = desk
        .apply(2, json!([["multi", "remove", "red"]]))
        .await
        .unwrap();
    assert_eq!(after["multi"], Value::Null, "what is not set stays so");
}

async fn toggling_begins_with_true(place: Place) {
    let desk = place.desk().await;
    for expected in [true, false, true] {
        let after = desk.apply(1, json!([["boolean", "toggle"]])).await.unwrap();
        assert_eq!(after["boolean"], json!({"boolean": expected}));
    }
}

async fn compare_and_set_writes_only_over_what_is_expected(place: Place) {
    let desk = place.desk().await;
    let swap = |expected: Value, new: Value| {
        desk.apply(
            1,
            json!([["decimal", "compare-and-set", {"expected": expected, "new": new}]]),
        )
    };
    let one = json!({"decimal": "1.0"});
    let two = json!({"decimal": "2"});
    refused(swap(one.clone(), two.clone()).await, "conflict");
    assert_eq!(
        swap(Value::Null, one.clone()).await.unwrap()["decimal"],
        one
    );
    let text = refused(swap(Value::Null, two.clone()).await, "conflict");
    assert!(text.contains("decimal"), "{text}");
    let same = json!({"decimal": "1.00"});
    assert_eq!(swap(same, two.clone()).await.unwrap()["decimal"], two);
    assert_eq!(
        swap(two, Value::Null).await.unwrap()["decimal"],
        Value::Null
    );
    assert_eq!(desk.one(1, "decimal").await, Value::Null);
}

async fn a_call_makes_all_changes_or_none(place: Place) {
    let desk = place.desk().await;
    let after = desk
        .apply(
            1,
            json!([
                ["number", "increment", {"by": "1"}],
                ["boolean", "toggle"],
                ["number", "increment", {"by": "1"}],
                ["text", "compare-and-set", {"expected": null, "new": {"text": "a"}}],
            ]),
        )
        .await
        .unwrap();
    assert_eq!(
        after,
        json!({"number": {"integer": 2}, "boolean": {"boolean": true}, "text": {"text": "a"}})
    );
    let before = desk.get(1, &[]).await;
    let text = refused(
        desk.apply(
            1,
            json!([
                ["number", "increment", {"by": "1"}],
                ["boolean", "toggle"],
                ["text", "compare-and-set", {"expected": {"text": "b"}, "new": {"text": "c"}}],
                ["multi", "append", "red"],
            ]),
        )
        .await,
        "conflict",
    );
    assert!(text.contains("text"), "{text}");
    assert_eq!(desk.get(1, &[]).await, before);
    assert_eq!(desk.apply(1, json!([])).await.unwrap(), json!({}));
}

async fn a_change_that_does_not_fit_is_refused_by_name(place: Place) {
    let desk = place.desk().await;
    for change in [
        json!(["text", "increment", {"by": "1"}]),
        json!(["number", "increment", {"by": "0.5"}]),
        json!(["number", "increment", {"by": "1", "floor": "x"}]),
        json!(["number", "increment", {"by": ""}]),
        json!(["number", "increment", {"by": "1e3"}]),
        json!(["number", "increment", {"by": "9".repeat(10_000)}]),
        json!(["number", "increment", {"by": "1", "floor": "2", "ceiling": "1"}]),
        json!(["decimal", "increment", {"by": "NaN"}]),
        json!(["number", "append", "red"]),
        json!(["select", "append", "red"]),
        json!(["select", "remove", "red"]),
        json!(["number", "toggle"]),
        json!(["boolean", "compare-and-set", {"expected": {"integer": 1}, "new": null}]),
        json!(["point", "compare-and-set", {"expected": null, "new": {"point": ["NaN", 0]}}]),
        json!(["boolean", "explode", 1]),
        json!(["no_such_field", "toggle"]),
    ] {
        let name = change[0].as_str().unwrap().to_owned();
        let outcome = desk
            .apply(1, json!([["percent", "increment", {"by": "1"}], change]))
            .await;
        let text = refused(outcome, "invalid-argument");
        assert!(text.contains(&format!("{name}: ")), "{text}");
    }
    assert_eq!(desk.one(1, "percent").await, Value::Null);
}

async fn changes_at_the_same_time_are_all_made(place: Place) {
    // Two hosts, as two nodes on one database. The values are not there yet, so there is no row that could be locked.
    let nodes = [place.desk().await, place.desk().await];
    let calls: Vec<_> = (0..60)
        .map(|number| {
            let probe = nodes[number % 2].probe.clone();
            let choice = ["red", "green", "blue"][number % 3];
            tokio::spawn(async move {
                let changes = json!([
                    ["number", "increment", {"by": "1"}],
                    ["decimal", "increment", {"by": "0.1"}],
                    ["boolean", "toggle"],
                    ["multi", "append", choice],
                ]);
                crate::apply(&probe, 1, changes).await
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for call in calls {
        let after = call.await.unwrap().unwrap();
        numbers.push(after["number"]["integer"].as_i64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (1..=60).collect::<Vec<_>>(),
        "each call saw a value of its own"
    );
    let all = nodes[0]
        .get(1, &["number", "decimal", "boolean", "multi"])
        .await;
    assert_eq!(all["number"], json!({"integer": 60}));
    assert_eq!(all["decimal"], json!({"decimal": "6.0"}));
    assert_eq!(all["boolean"], json!({"boolean": false}));
    assert_eq!(
        all["multi"]["choices"].as_array().unwrap().len(),
        3,
        "{all}"
    );
}

async fn compare_and_set_has_one_winner(place: Place) {
    let nodes = [place.desk().await, place.desk().await];
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let probe = nodes[number % 2].probe.clone();
            tokio::spawn(async move {
                let new = json!({"integer": number});
                let change = json!([["number", "compare-and-set", {"expected": null, "new": new}]]);
                crate::apply(&probe, 1, change).await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(after) => winners.push(after["number"].clone()),
            Err(error) => assert_eq!(error.code(), "conflict", "{error}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(nodes[1].one(1, "number").await, winners[0]);
}

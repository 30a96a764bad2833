//! Queries: what each condition finds, which conditions a type has, and how filters work together.

use serde_json::{Value, json};

use crate::{Desk, Place, on_both, refused};

on_both!(
    all_filters_must_hold,
    no_condition_holds_for_a_field_that_is_not_set,
    choices_are_found_one_by_one_and_as_a_whole,
    patterns_match_whole_texts_without_case,
    a_condition_that_does_not_fit_is_refused_by_name,
    a_query_has_1_to_20_filters_and_an_in_up_to_1000_values,
    what_a_type_takes_for_the_same_is_found,
    a_field_that_changes_is_found_by_what_it_is_now,
    long_texts_are_told_apart_behind_what_is_indexed,
    addresses_and_polygons_are_found_as_a_whole,
);

/// Sets one field of tickets 1, 2, … to these values.
async fn fill(desk: &Desk, name: &str, values: &[Value]) {
    for (id, value) in (1..).zip(values) {
        desk.set(id, json!([[name, value]])).await.unwrap();
    }
}

async fn all_filters_must_hold(place: Place) {
    let desk = place.desk().await;
    for id in 1..=200 {
        desk.set(id, json!([
            ["number", {"integer": id % 20}],
            ["boolean", {"boolean": id % 2 == 0}],
            ["text", {"text": format!("Ticket {id}")}],
            ["multi", {"choices": if id % 50 == 0 { vec!["red", "blue"] } else { vec!["green"] }}],
            ["point", {"point": [f64::from(id as i32) / 10.0, 0.0]}],
        ])).await.unwrap();
    }
    let cases: [(Value, Vec<i64>); 8] = [
        (
            json!([["number", "eq", {"integer": 4}], ["boolean", "eq", {"boolean": false}]]),
            vec![],
        ),
        (
            json!([["number", "lt", {"integer": 2}], ["boolean", "eq", {"boolean": true}], ["text", "like", "ticket 1%"]]),
            vec![100, 120, 140, 160, 180],
        ),
        (
            json!([["multi", "eq", {"text": "red"}], ["number", "gte", {"integer": 10}]]),
            vec![50, 150],
        ),
        (
            json!([["multi", "in", [{"text": "red"}, {"text": "blue"}]]]),
            vec![50, 100, 150, 200],
        ),
        (
            json!([["multi", "in", [{"text": "red"}, {"text": "blue"}]], ["boolean", "neq", {"boolean": true}]]),
            vec![],
        ),
        (
            json!([["number", "gt", {"integer": 3}], ["number", "lt", {"integer": 5}], ["text", "lte", {"text": "Ticket 24"}]]),
            vec![24, 104, 124, 144, 164, 184],
        ),
        (
            json!([["point", "near", [5.0, 0.0, 12.0]], ["number", "neq", {"integer": 10}]]),
            vec![49, 51],
        ),
        (
            json!([["number", "eq", {"integer": 3}], ["number", "eq", {"integer": 4}]]),
            vec![],
        ),
    ];
    for (filters, expected) in cases {
        assert_eq!(desk.found(filters.clone()).await, expected, "{filters}");
        let mut turned = filters.as_array().unwrap().clone();
        turned.reverse();
        assert_eq!(
            desk.found(json!(turned)).await,
            expected,
            "{filters} turned around"
        );
    }
}

async fn no_condition_holds_for_a_field_that_is_not_set(place: Place) {
    let desk = place.desk().await;
    desk.set(1, json!([["number", {"integer": 1}]]))
        .await
        .unwrap();
    desk.set(2, json!([["text", {"text": "a"}]])).await.unwrap();
    assert_eq!(
        desk.found(json!([["number", "neq", {"integer": 5}]])).await,
        [1]
    );
    assert_eq!(
        desk.found(json!([["number", "lt", {"integer": 5}]])).await,
        [1]
    );
    assert_eq!(desk.found(json!([["text", "like", "%"]])).await, [2]);
    let neither = json!([["number", "neq", {"integer": 5}], ["text", "neq", {"text": "b"}]]);
    assert_eq!(desk.found(neither).await, [0i64; 0]);
    assert_eq!(
        desk.found(json!([["multi", "neq", {"text": "red"}]])).await,
        [0i64; 0]
    );
}

async fn choices_are_found_one_by_one_and_as_a_whole(place: Place) {
    let desk = place.desk().await;
    let values = [
        json!({"choices": ["red", "green"]}),
        json!({"choices": ["green", "red"]}),
        json!({"choices": ["red"]}),
        json!({"choices": []}),
        json!({"choices": ["blue"]}),
    ];
    fill(&desk, "multi", &values).await;
    let cases: [(Value, Vec<i64>); 10] = [
        (json!(["multi", "eq", {"text": "red"}]), vec![1, 2, 3]),
        (json!(["multi", "neq", {"text": "red"}]), vec![4, 5]),
        (
            json!(["multi", "in", [{"text": "blue"}, {"text": "green"}]]),
            vec![1, 2, 5],
        ),
        (
            json!(["multi", "eq", {"choices": ["red", "green"]}]),
            vec![1, 2],
        ),
        (
            json!(["multi", "neq", {"choices": ["red", "green"]}]),
            vec![3, 4, 5],
        ),
        (json!(["multi", "eq", {"choices": []}]), vec![4]),
        (
            json!(["multi", "in", [{"choices": []}, {"choices": ["blue"]}]]),
            vec![4, 5],
        ),
        (json!(["multi", "like", "RE%"]), vec![1, 2, 3]),
        (json!(["multi", "like", "%e"]), vec![5]),
        (json!(["multi", "eq", {"text": "redgreen"}]), vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(desk.found(json!([filter])).await, expected, "{filter}");
    }
}

async fn patterns_match_whole_texts_without_case(place: Place) {
    let desk = place.desk().await;
    let texts = [
        "Printer on fire",
        "printer on FIRE",
        "fire on printer",
        "Drucker brennt",
        "100% fire_",
        "ÄRGER",
    ];
    fill(&desk, "text", &texts.map(|text| json!({"text": text}))).await;
    let cases: [(&str, Vec<i64>); 12] = [
        ("printer%", vec![1, 2]),
        ("PRINTER ON FIRE", vec![1, 2]),
        ("%fire", vec![1, 2]),
        ("%fire%", vec![1, 2, 3, 5]),
        ("_rinter%", vec![1, 2]),
        ("printer", vec![]),
        ("%", vec![1, 2, 3, 4, 5, 6]),
        ("", vec![]),
        ("ärg__", vec![6]),
        ("är%", vec![6]),
        ("p%o%f%", vec![1, 2]),
        ("'; DROP TABLE x", vec![]),
    ];
    for (pattern, expected) in cases {
        assert_eq!(
            desk.found(json!([["text", "like", pattern]])).await,
            expected,
            "{pattern}"
        );
    }
}

async fn a_condition_that_does_not_fit_is_refused_by_name(place: Place) {
    let desk = place.desk().await;
    for filter in [
        json!(["number", "eq", {"text": "1"}]),
        json!(["number", "like", "1%"]),
        json!(["number", "near", [0, 0]]),
        json!(["number", "in", [{"integer": 1}, {"text": "1"}]]),
        json!(["number", "between", [{"integer": 1}, {"decimal": "2"}]]),
        json!(["boolean", "gt", {"boolean": false}]),
        json!(["boolean", "like", "t%"]),
        json!(["select", "lt", {"text": "red"}]),
        json!(["multi", "gt", {"choices": ["red"]}]),
        json!(["multi", "in", [{"text": "red"}, {"choices": ["red"]}]]),
        json!(["multi", "between", [{"choices": []}, {"choices": []}]]),
        json!(["point", "like", "%"]),
        json!(["point", "gt", {"point": [0, 0]}]),
        json!(["point", "eq", {"point": ["NaN", 0]}]),
        json!(["point", "near", ["NaN", 0]]),
        json!(["point", "near", [0, "inf"]]),
        json!(["point", "near", [91, 0]]),
        json!(["point", "near", [0, 0, "NaN"]]),
        json!(["point", "near", [0, 0, "inf"]]),
        json!(["point", "near", [0, 0, -1]]),
        json!(["polygon", "near", [0, 0]]),
        json!(["address", "like", "Wien"]),
        json!(["decimal", "eq", {"decimal": "1,5"}]),
        json!(["decimal", "eq", {"decimal": "9".repeat(1_000)}]),
        json!(["date", "lt", {"date": "today"}]),
        json!(["datetime", "lt", {"date": "2026-01-01"}]),
        json!(["text", "regexp", "a.*"]),
        json!(["text", "eq", {"text": "two\nlines"}]),
    ] {
        let name = filter[0].as_str().unwrap().to_owned();
        let text = refused(desk.query(json!([filter])).await, "invalid-argument");
        assert!(text.contains(&format!("{name}: ")), "{filter}: {text}");
    }
    refused(
        desk.query(json!([["no_such_field", "eq", {"integer": 1}]]))
            .await,
        "not-found",
    );
}

async fn a_query_has_1_to_20_filters_and_an_in_up_to_1000_values(place: Place) {
    let desk = place.desk().await;
    fill(
        &desk,
        "number",
        &[json!({"integer": 7}), json!({"integer": 8})],
    )
    .await;
    refused(desk.query(json!([])).await, "invalid-argument");
    let many =
        |count: usize| -> Value { vec![json!(["number", "gt", {"integer": 0}]); count].into() };
    assert_eq!(desk.found(many(20)).await, [1, 2]);
    refused(desk.query(many(21)).await, "invalid-argument");
    let values = |count: i64| -> Value {
        (0..count)
            .map(|number| json!({"integer": number}))
            .collect()
    };
    assert_eq!(
        desk.found(json!([["number", "in", values(1_000)]])).await,
        [1, 2]
    );
    refused(
        desk.query(json!([["number", "in", values(1_001)]])).await,
        "too-large",
    );
    assert_eq!(desk.found(json!([["number", "in", []]])).await, [0i64; 0]);
    assert_eq!(
        desk.found(json!([["number", "in", [{"integer": 8}, {"integer": 8}]]]))
            .await,
        [2]
    );
    refused(
        desk.query(json!([["text", "like", "a".repeat(1_025)]]))
            .await,
        "too-large",
    );
}

async fn what_a_type_takes_for_the_same_is_found(place: Place) {
    let desk = place.desk().await;
    desk.set(
        1,
        json!([
            ["phone", {"text": "+44 (7700) 900-000"}],
            ["email", {"text": "Anna@Example.ORG"}],
            ["decimal", {"decimal": "12.50"}],
            ["datetime", {"datetime": "2026-11-20T11:00:00+01:00"}],
            ["point", {"point": [-0.0, 0.0]}],
        ]),
    )
    .await
    .unwrap();
    for filter in [
        json!(["phone", "eq", {"text": "+447700900000"}]),
        json!(["phone", "like", "+44 (77%"]),
        json!(["phone", "like", "%900-000"]),
        json!(["email", "eq", {"text": "Anna@example.org"}]),
        json!(["email", "like", "anna@example.org"]),
        json!(["decimal", "eq", {"decimal": "12.5"}]),
        json!(["decimal", "in", [{"decimal": "012.5000"}]]),
        json!(["datetime", "eq", {"datetime": "2026-11-20T10:00:00Z"}]),
        json!(["point", "eq", {"point": [0.0, -0.0]}]),
        json!(["point", "near", [0.0, 0.0, 0]]),
    ] {
        assert_eq!(desk.found(json!([filter])).await, [1], "{filter}");
    }
    assert_eq!(
        desk.found(json!([["email", "eq", {"text": "anna@example.org"}]]))
            .await,
        [0i64; 0]
    );
}

async fn a_field_that_changes_is_found_by_what_it_is_now(place: Place) {
    let desk = place.desk().await;
    let cases = [
        ("number", json!({"integer": 1}), json!({"integer": 2})),
        (
            "multi",
            json!({"choices": ["red"]}),
            json!({"choices": ["blue", "green"]}),
        ),
        (
            "point",
            json!({"point": [1.0, 1.0]}),
            json!({"point": [-1.0, -1.0]}),
        ),
        ("text", json!({"text": "a"}), json!({"text": "b"})),
    ];
    for (name, before, after) in cases {
        desk.set(1, json!([[name, before]])).await.unwrap();
        desk.set(1, json!([[name, after]])).await.unwrap();
        assert_eq!(
            desk.found(json!([[name, "eq", before]])).await,
            [0i64; 0],
            "{name}"
        );
        assert_eq!(
            desk.found(json!([[name, "eq", after]])).await,
            [1],
            "{name}"
        );
        desk.set(1, json!([[name, null]])).await.unwrap();
        assert_eq!(
            desk.found(json!([[name, "eq", after]])).await,
            [0i64; 0],
            "{name}"
        );
    }
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": "blue"}]])).await,
        [0i64; 0]
    );
}

async fn long_texts_are_told_apart_behind_what_is_indexed(place: Place) {
    let desk = place.desk().await;
    let long = |end: &str| json!({"text": format!("{}{end}", "Ä".repeat(1_500))});
    fill(&desk, "text", &[long("a"), long("b"), long("c"), long("")]).await;
    let cases: [(Value, Vec<i64>); 9] = [
        (json!(["text", "eq", long("b")]), vec![2]),
        (json!(["text", "neq", long("b")]), vec![1, 3, 4]),
        (json!(["text", "gt", long("a")]), vec![2, 3]),
        (json!(["text", "gte", long("a")]), vec![1, 2, 3]),
        (json!(["text", "lt", long("b")]), vec![1, 4]),
        (json!(["text", "lte", long("b")]), vec![1, 2, 4]),
        (
            json!(["text", "between", [long("a"), long("b")]]),
            vec![1, 2],
        ),
        (
            json!(["text", "in", [long("c"), long("x"), {"text": "z"}]]),
            vec![3],
        ),
        (
            json!(["text", "like", format!("{}_", "ä".repeat(500))]),
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(desk.found(json!([filter])).await, expected, "{}", filter[1]);
    }
}

async fn addresses_and_polygons_are_found_as_a_whole(place: Place) {
    let desk = place.desk().await;
    let address = |city: &str, location: Value| json!({"address": {"city": city, "country": "at", "location": location}});
    let square = json!({"polygon": [[0, 0], [0, 1], [1, 1]]});
    let values = [
        address("Wien", json!([48.2, 16.37])),
        address("Graz", json!([48.2, 16.37])),
        address("Wien", Value::Null),
    ];
    fill(&desk, "address", &values).await;
    fill(
        &desk,
        "polygon",
        &[square.clone(), json!({"polygon": [[0, 1], [1, 1], [0, 0]]})],
    )
    .await;
    let cases: [(Value, Vec<i64>); 6] = [
        (json!(["address", "eq", values[0]]), vec![1]),
        (json!(["address", "eq", values[2]]), vec![3]),
        (json!(["address", "neq", values[1]]), vec![1, 3]),
        (json!(["address", "in", [values[1], values[2]]]), vec![2, 3]),
        (json!(["polygon", "eq", square]), vec![1]),
        (json!(["polygon", "neq", square]), vec![2]),
    ];
    for (filter, expected) in cases {
        assert_eq!(desk.found(json!([filter])).await, expected, "{filter}");
    }
}

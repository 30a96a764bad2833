//! Values of every type: what is kept as it was given, and what is refused, with a reason for each field.

use serde_json::{Value, json};

use crate::{Place, ask, on_both, refused};

on_both!(
    a_value_of_every_type_comes_back_as_it_was_given,
    what_is_no_value_of_its_field_is_refused_by_name,
    one_bad_field_keeps_all_others_from_being_written,
    each_bad_field_has_a_line_of_its_own,
    none_removes_a_value_and_a_required_one_stays,
    sizes_are_bounded,
    what_looks_like_sql_is_only_text,
    a_field_is_set_once_in_a_call,
    values_are_there_after_a_restart,
);

async fn a_value_of_every_type_comes_back_as_it_was_given(place: Place) {
    let desk = place.desk().await;
    let values = json!([
        ["text", {"text": ""}],
        ["code", {"text": "ABC-123"}],
        ["textarea", {"text": "one\r\n\ttwo ünïcödé 🐐"}],
        ["select", {"text": "blue"}],
        ["multi", {"choices": ["green", "red"]}],
        ["number", {"integer": -9_223_372_036_854_775_808i64}],
        ["percent", {"integer": 100}],
        ["decimal", {"decimal": "-12345678901234567890123456789012345678.10"}],
        ["price", {"decimal": "0.01"}],
        ["boolean", {"boolean": false}],
        ["date", {"date": "2024-02-29"}],
        ["due", {"date": "2026-12-31"}],
        ["datetime", {"datetime": "2026-11-20T10:00:00Z"}],
        ["window", {"datetime": "2026-12-31T23:59:59.999Z"}],
        ["url", {"text": "https://example.org/a?b=%20#c"}],
        ["mailto", {"text": "mailto:anna@example.org"}],
        ["email", {"text": "Anna+x@Example.org"}],
        ["phone", {"text": "(020) 7946-0958"}],
        ["point", {"point": [48.208_174_312_345_67, -179.999_999_999]}],
        ["polygon", {"polygon": [[0.0, 0.0], [0.1, 0.2], [1.0, -0.3]]}],
        ["address", {"address": {
            "street": "Ring 1", "postal_code": "1010", "city": "Wien", "region": null, "country": "AT", "location": [48.2, 16.37],
        }}],
        ["domestic", {"address": {
            "street": null, "postal_code": null, "city": "Berlin", "region": null, "country": "DE", "location": null,
        }}],
        ["must", {"text": "here"}],
        ["chosen", {"choices": ["red"]}],
    ]);
    desk.set(1, values.clone()).await.unwrap();
    for pair in values.as_array().unwrap() {
        let name = pair[0].as_str().unwrap();
        assert_eq!(desk.one(1, name).await, pair[1], "{name}");
    }
    let all = desk.get(1, &[]).await;
    assert_eq!(all["polygon"], values[19][1]);
    assert_eq!(all.as_object().unwrap().len(), 25, "{all}");
    assert_eq!(all["slow"], Value::Null);
    assert_eq!(
        desk.one(2, "text").await,
        Value::Null,
        "another ticket has none"
    );
    // What says the same in another way is kept in one way.
    desk.set(1, json!([["datetime", {"datetime": "2026-11-20T11:30:00.250+01:30"}], ["decimal", {"decimal": "007.50"}]]))
        .await
        .unwrap();
    assert_eq!(
        desk.one(1, "datetime").await,
        json!({"datetime": "2026-11-20T10:00:00.25Z"})
    );
    assert_eq!(desk.one(1, "decimal").await, json!({"decimal": "7.50"}));
}

async fn what_is_no_value_of_its_field_is_refused_by_name(place: Place) {
    let desk = place.desk().await;
    let cases = [
        ("text", json!({"integer": 1})),
        ("text", json!({"text": "two\nlines"})),
        ("text", json!({"text": "a\u{0}b"})),
        ("text", json!({"hologram": 1})),
        ("code", json!({"text": "abc-123"})),
        ("code", json!({"text": "AB-1"})),
        ("code", json!({"text": "ABC-12345678"})),
        ("select", json!({"text": "purple"})),
        ("select", json!({"text": "Blue"})),
        ("select", json!({"choices": ["red"]})),
        ("multi", json!({"choices": ["red", "purple"]})),
        ("multi", json!({"text": "red"})),
        ("number", json!({"decimal": "1"})),
        ("number", json!({"text": "1"})),
        ("percent", json!({"integer": 101})),
        ("percent", json!({"integer": -1})),
        ("decimal", json!({"decimal": "1e3"})),
        ("decimal", json!({"decimal": "1".repeat(39)})),
        ("decimal", json!({"decimal": "9".repeat(100_000)})),
        (
            "decimal",
            json!({"decimal": format!("0.{}", "1".repeat(39))}),
        ),
        ("decimal", json!({"decimal": "NaN"})),
        ("decimal", json!({"integer": 1})),
        ("price", json!({"decimal": "0.009"})),
        ("price", json!({"decimal": "100000"})),
        ("boolean", json!({"text": "on"})),
        ("date", json!({"date": "2026-02-29"})),
        ("date", json!({"datetime": "2026-02-28T00:00:00Z"})),
        ("due", json!({"date": "2027-01-01"})),
        ("datetime", json!({"datetime": "2026-11-20 10:00"})),
        ("window", json!({"datetime": "2027-01-01T00:00:00Z"})),
        ("window", json!({"datetime": "2025-12-31T23:59:59Z"})),
        ("url", json!({"text": "javascript:alert(1)"})),
        ("url", json!({"text": "ftp://example.org"})),
        ("url", json!({"text": "//example.org"})),
        ("mailto", json!({"text": "https://example.org"})),
        ("email", json!({"text": "anna@example.org\r\nBcc: x@y"})),
        ("email", json!({"text": "anna"})),
        ("phone", json!({"text": "call me"})),
        ("point", json!({"point": ["NaN", 0]})),
        ("point", json!({"point": [0, "inf"]})),
        ("point", json!({"point": ["-inf", 0]})),
        ("point", json!({"point": [90.1, 0]})),
        ("point", json!({"point": [0, 180.1]})),
        ("polygon", json!({"polygon": [[0, 0], [1, 1]]})),
        ("polygon", json!({"polygon": [[0, 0], [1, 1], [91, 0]]})),
        ("address", json!({"address": {"country": "Austria"}})),
        (
            "address",
            json!({"address": {"city": "Wien\n", "country": "AT"}}),
        ),
        ("address", json!({"address": {"location": ["NaN", 0]}})),
        ("domestic", json!({"address": {"country": "FR"}})),
        ("must", json!({"text": "  "})),
        ("chosen", json!({"choices": []})),
        ("no_such_field", json!({"text": "a"})),
        ("Text", json!({"text": "a"})),
        ("text ", json!({"text": "a"})),
        ("", json!({"text": "a"})),
    ];
    for (name, value) in cases {
        let outcome = desk.set(1, json!([[name, value]])).await;
        let text = refused(outcome, "invalid-argument");
        let shown = match name {
            "Text" | "text " | "" => format!("{name:?}: "),
            name => format!("{name}: "),
        };
        assert!(text.contains(&shown), "{name} {value}: {text}");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.len() < 1_000, "{} bytes", text.len());
    }
    let all = desk.get(1, &[]).await;
    assert!(
        all.as_object().unwrap().values().all(Value::is_null),
        "{all}"
    );
}

async fn one_bad_field_keeps_all_others_from_being_written(place: Place) {
    let desk = place.desk().await;
    desk.set(
        1,
        json!([["text", {"text": "before"}], ["number", {"integer": 1}]]),
    )
    .await
    .unwrap();
    let values = json!([
        ["text", {"text": "after"}],
        ["number", {"integer": 2}],
        ["percent", {"integer": 200}],
        ["boolean", {"boolean": true}],
    ]);
    refused(desk.set(1, values).await, "invalid-argument");
    let all = desk.get(1, &["text", "number", "percent", "boolean"]).await;
    assert_eq!(
        all,
        json!({"text": {"text": "before"}, "number": {"integer": 1}, "percent": null, "boolean": null})
    );
}

async fn each_bad_field_has_a_line_of_its_own(place: Place) {
    let desk = place.desk().await;
    let values = json!([
        ["percent", {"integer": 200}],
        ["text", {"text": "good"}],
        ["nothing", {"text": "a"}],
        ["code", {"text": "line\nafter\nline: number: all is well"}],
        ["select", {"text": "purple"}],
        ["evil\nname is fine", {"text": "a"}],
    ]);
    let text = refused(desk.set(1, values).await, "invalid-argument");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    for (line, begins) in lines.iter().zip([
        "percent: 200 is more than 100",
        "nothing: ",
        "code: ",
        "select: \"purple\"",
        "\"evil\\n",
    ]) {
        // The first line has the words of the call before it.
        assert!(line.contains(begins), "{line}");
    }
    for line in &lines[1..] {
        let (name, reason) = line.split_once(": ").unwrap();
        assert!(!name.is_empty() && !reason.is_empty(), "{line}");
    }
}

async fn none_removes_a_value_and_a_required_one_stays(place: Place) {
    let desk = place.desk().await;
    desk.set(
        1,
        json!([["text", {"text": "a"}], ["multi", {"choices": ["red"]}], ["must", {"text": "a"}]]),
    )
    .await
    .unwrap();
    desk.set(1, json!([["text", null], ["multi", null], ["date", null]]))
        .await
        .unwrap();
    assert_eq!(
        desk.get(1, &["text", "multi", "must"]).await,
        json!({"text": null, "multi": null, "must": {"text": "a"}})
    );
    assert_eq!(
        desk.found(json!([["multi", "eq", {"text": "red"}]])).await,
        [0i64; 0]
    );
    let text = refused(
        desk.set(1, json!([["must", null]])).await,
        "invalid-argument",
    );
    assert!(text.contains("must: a value is required"), "{text}");
    assert_eq!(desk.one(1, "must").await, json!({"text": "a"}));
}

async fn sizes_are_bounded(place: Place) {
    let desk = place.desk().await;
    let long =
        json!([["textarea", {"text": {"bytes": 65_536}}], ["text", {"text": {"bytes": 4_096}}]]);
    desk.set(1, long).await.unwrap();
    assert_eq!(
        desk.one(1, "textarea").await,
        json!({"text": "x".repeat(65_536)})
    );
    for (name, bytes) in [("textarea", 65_537), ("text", 4_097), ("textarea", 5 << 20)] {
        let outcome = desk.set(
            1,
            json!([["number", {"integer": 1}], [name, {"text": {"bytes": bytes}}]]),
        );
        let text = refused(outcome.await, "too-large");
        assert!(
            text.contains(&format!("{name}: has {bytes} bytes")),
            "{text}"
        );
    }
    let corners: Vec<_> = (0..1_001)
        .map(|number| [0.0, f64::from(number) / 10.0])
        .collect();
    refused(
        desk.set(1, json!([["polygon", {"polygon": corners}]]))
            .await,
        "too-large",
    );
    let many: Vec<_> = (0..1_001)
        .map(|_| json!(["number", {"integer": 1}]))
        .collect();
    refused(desk.set(1, json!(many)).await, "too-large");
    let names = vec!["number"; 1_001];
    refused(crate::get(&desk.probe, 1, &names).await, "too-large");
    assert_eq!(desk.one(1, "number").await, Value::Null);
    desk.set(1, json!([])).await.unwrap();
}

async fn what_looks_like_sql_is_only_text(place: Place) {
    let desk = place.desk().await;
    let hostile = [
        "'; DROP TABLE goatherd_custom_value; --",
        "\" OR 1=1 --",
        "?1 $1 :a @b",
        "\\'; SELECT pg_sleep(10); --",
        "%_%",
        "{\"text\": 1}",
    ];
    for (id, text) in (1..).zip(hostile) {
        desk.set(
            id,
            json!([["text", {"text": text}], ["textarea", {"text": text}]]),
        )
        .await
        .unwrap();
    }
    for (id, text) in (1..).zip(hostile) {
        assert_eq!(desk.one(id, "text").await, json!({"text": text}));
        assert_eq!(
            desk.found(json!([["text", "eq", {"text": text}]])).await,
            [id]
        );
        assert_eq!(
            desk.found(json!([["textarea", "in", [{"text": text}]]]))
                .await,
            [id]
        );
        let name = format!("text{text}");
        refused(
            crate::get(&desk.probe, id, &[&name]).await,
            if text.contains(':') {
                "permission-denied"
            } else {
                "not-found"
            },
        );
    }
    for kind in hostile {
        let outcome = ask(
            &desk.probe,
            "get",
            json!({"type": kind, "id": 1, "fields": []}),
        )
        .await;
        refused(outcome, "not-found");
    }
}

async fn a_field_is_set_once_in_a_call(place: Place) {
    let desk = place.desk().await;
    for (one, other) in [("text", "text"), ("text", "probe-fields:text")] {
        let values = json!([[one, {"text": "a"}], [other, {"text": "b"}]]);
        let text = refused(desk.set(1, values).await, "invalid-argument");
        assert!(text.contains("text: stands there twice"), "{text}");
    }
    assert_eq!(desk.one(1, "text").await, Value::Null);
}

async fn values_are_there_after_a_restart(place: Place) {
    let before = place.desk().await;
    before
        .set(1, json!([["multi", {"choices": ["blue"]}]]))
        .await
        .unwrap();
    before.probe.shutdown().await;
    drop(before);
    let after = place.desk().await;
    assert_eq!(after.one(1, "multi").await, json!({"choices": ["blue"]}));
}

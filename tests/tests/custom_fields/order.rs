//! Comparisons by order, for each type that has one: the same answers as sorting by hand gives.

use serde_json::{Value, json};

use crate::{Place, on_both};

on_both!(every_type_with_an_order_compares_by_it);

/// Values of a field in ascending order, some of them equal to the one before.
fn ascending() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect();
    let most = "9".repeat(38);
    vec![
        (
            "number",
            "integer",
            [i64::MIN, -256, -1, 0, 1, 255, 256, i64::MAX]
                .map(Value::from)
                .to_vec(),
        ),
        (
            "decimal",
            "decimal",
            texts(&[
                &format!("-{most}.{most}"),
                "-12.51",
                "-12.5",
                "-1",
                "-0.5",
                "0",
                "0.00000000000000000001",
                "0.1",
                "9",
                "10",
                "256.5",
                &most,
            ]),
        ),
        (
            "date",
            "date",
            texts(&[
                "0001-01-01",
                "1969-12-31",
                "2026-02-28",
                "2026-03-01",
                "9999-12-31",
            ]),
        ),
        (
            "datetime",
            "datetime",
            texts(&[
                "1900-01-01T00:00:00Z",
                "1969-12-31T23:59:59.5Z",
                "2026-11-20T10:00:00+02:00",
                "2026-11-20T09:00:00Z",
                "2026-11-20T09:00:00.000000001Z",
            ]),
        ),
        (
            "text",
            "text",
            texts(&["", "a", "A", "a b", "ab", "b", "B", "zz", "ä"]),
        ),
        ("textarea", "text", texts(&["1", "10", "2", "a\nb", "a b"])),
        (
            "url",
            "text",
            texts(&["http://a.example", "https://a.example", "https://b.example"]),
        ),
        (
            "email",
            "text",
            texts(&["a@example.org", "b@example.org", "b@example.org.at"]),
        ),
        ("phone", "text", texts(&["+43 1 234567", "0664 123", "112"])),
    ]
}

async fn every_type_with_an_order_compares_by_it(place: Place) {
    let desk = place.desk().await;
    for (name, kind, values) in ascending() {
        let values: Vec<Value> = values
            .into_iter()
            .map(|value| json!({kind: value}))
            .collect();
        let count = values.len() as i64;
        // Written in another order than that of the values.
        for id in (1..=count).rev() {
            desk.set(id, json!([[name, values[(id - 1) as usize]]]))
                .await
                .unwrap();
        }
        for (id, value) in (1..).zip(&values) {
            for (operator, expected) in [
                ("eq", (id..=id).collect::<Vec<_>>()),
                ("neq", (1..=count).filter(|other| *other != id).collect()),
                ("lt", (1..id).collect()),
                ("lte", (1..=id).collect()),
                ("gt", (id + 1..=count).collect()),
                ("gte", (id..=count).collect()),
            ] {
                let found = desk.found(json!([[name, operator, value]])).await;
                assert_eq!(found, expected, "{name} {operator} {value}");
            }
        }
        let (second, last) = (&values[1], &values[values.len() - 1]);
        let between = |low: &Value, high: &Value| json!([[name, "between", [low, high]]]);
        assert_eq!(
            desk.found(between(second, last)).await,
            (2..=count).collect::<Vec<_>>()
        );
        assert_eq!(desk.found(between(second, second)).await, [2]);
        assert_eq!(desk.found(between(last, second)).await, [0i64; 0]);
    }
}

#![allow(clippy::unwrap_used)]

use super::*;

fn text(text: &str, sense: Sense) -> Value {
    Value::Text(Text::new(text.to_owned(), sense))
}

fn address(city: &str, location: Option<Point>) -> Value {
    Value::Address(Address {
        street: "Ring \"1\"\n".into(),
        postal_code: "1010".into(),
        city: city.into(),
        region: String::new(),
        country: "AT".into(),
        location,
    })
}

fn moment(text: &str) -> Value {
    Value::Datetime(text.parse().unwrap())
}

#[test]
fn a_value_is_read_back_from_its_text() {
    let point = Point::new(0.1 + 0.2, -16.373_819_1).unwrap();
    let values = [
        (
            FieldType::Text,
            text("a'b\"; DROP TABLE x --", Sense::Plain),
        ),
        (
            FieldType::MultiSelect,
            Value::Choices(vec!["a,b".into(), "\"".into()]),
        ),
        (FieldType::MultiSelect, Value::Choices(Vec::new())),
        (FieldType::Integer, Value::Integer(i64::MIN)),
        (
            FieldType::Decimal,
            Value::Decimal(Decimal::parse("-0.10").unwrap()),
        ),
        (FieldType::Boolean, Value::Boolean(true)),
        (FieldType::Date, Value::Date("0001-01-01".parse().unwrap())),
        (
            FieldType::Datetime,
            moment("1969-12-31T23:59:59.999999999Z"),
        ),
        (FieldType::Point, Value::Point(point)),
        (FieldType::Polygon, Value::Polygon(vec![point; 3])),
        (FieldType::Address, address("Wien", Some(point))),
        (FieldType::Address, address("Wien", None)),
    ];
    for (field_type, value) in values {
        let back = Value::read(field_type, value.to_text()).unwrap();
        assert!(back.same(&value), "{value:?} {back:?}");
        assert_eq!(back.key(), value.key());
        assert_eq!(back.to_text(), value.to_text());
    }
}

#[test]
fn keys_are_in_the_order_of_values() {
    let ascending = [
        [i64::MIN, -256, -1, 0, 1, 255, 256, i64::MAX]
            .map(Value::Integer)
            .to_vec(),
        [
            "-009999-01-10T00:00:00Z",
            "1969-12-31T23:59:59.1Z",
            "1969-12-31T23:59:59.9Z",
            "1970-01-01T00:00:00Z",
            "2026-11-20T10:00:00.000000001Z",
            "9999-12-30T00:00:00Z",
        ]
        .map(moment)
        .to_vec(),
        ["0001-01-01", "1999-12-31", "2000-01-01"]
            .map(|date| Value::Date(date.parse().unwrap()))
            .to_vec(),
    ];
    for values in ascending {
        for [low, high] in values.array_windows() {
            assert_eq!(low.order(high), Some(Ordering::Less), "{low:?} {high:?}");
            assert!(low.key() < high.key(), "{low:?} {high:?}");
        }
    }
}

#[test]
fn what_does_not_matter_in_a_type_does_not_matter_in_comparisons() {
    let same = [
        (
            text("+44 (7700) 900-000", Sense::Phone),
            text("+447700900000", Sense::Phone),
        ),
        (
            text("Anna@Example.ORG", Sense::Email),
            text("Anna@example.org", Sense::Email),
        ),
        (
            Value::Choices(vec!["a".into(), "b".into()]),
            Value::Choices(vec!["b".into(), "a".into()]),
        ),
        (
            moment("2026-11-20T11:00:00+01:00"),
            moment("2026-11-20T10:00:00Z"),
        ),
    ];
    for (a, b) in same {
        assert!(a.same(&b), "{a:?} {b:?}");
        assert_eq!(a.key(), b.key());
    }
    let different = [
        (text("a", Sense::Plain), text("A", Sense::Plain)),
        (
            text("Anna@x.org", Sense::Email),
            text("anna@x.org", Sense::Email),
        ),
        (
            Value::Choices(vec!["a".into(), "b".into()]),
            Value::Choices(vec!["ab".into()]),
        ),
        (address("Wien", None), address("Graz", None)),
        (Value::Integer(1), Value::Boolean(true)),
    ];
    for (a, b) in different {
        assert!(!a.same(&b), "{a:?} {b:?}");
        assert_ne!(a.key(), b.key());
    }
}

#[test]
fn no_key_is_long() {
    let long = "Ä".repeat(60_000);
    for value in [
        text(&long, Sense::Plain),
        Value::Choices(vec![long.clone()]),
        address(&long, None),
    ] {
        assert!(value.key().len() <= 200);
    }
}

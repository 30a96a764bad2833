//! The fields that `register` adds to contacts: one for each kind of value. The grant covers contacts and not agents.

use crate::goatherd::plugin::custom_field_types::{Address, Field, FieldValue, Point};
use crate::goatherd::plugin::custom_fields_read::{self as read, Circle, Condition, Filter};
use crate::goatherd::plugin::custom_fields_write::{
    self as write, Change, CompareAndSet, Increment, Operation,
};
use crate::steps::Steps;

const BERLIN: Point = Point {
    latitude: 52.52,
    longitude: 13.405,
};
const POTSDAM: Point = Point {
    latitude: 52.4,
    longitude: 13.06,
};
const MUNICH: Point = Point {
    latitude: 48.137,
    longitude: 11.575,
};

pub fn tour(steps: &mut Steps, contact: i64) {
    let set = write::set("contact", contact, &values());
    steps.gives("custom-fields-write.set", set, ());
    let bad = [
        field("score", FieldValue::Text("many".into())),
        field("seen", FieldValue::Datetime("yesterday".into())),
    ];
    steps.refuses(
        "custom-fields-write.set/bad-values",
        write::set("contact", contact, &bad),
    );
    let denied = write::set("agent", contact, &values());
    steps.refuses("custom-fields-write.set/denied", denied);

    let all = read::get("contact", contact, &[]);
    steps.shows("custom-fields-read.get", all, |found| {
        same(found, &values())
    });
    let unknown = read::get("contact", contact, &["no_such_field".into()]);
    steps.refuses("custom-fields-read.get/unknown", unknown);
    let foreign = read::get("contact", contact, &["crm:segment".into()]);
    steps.refuses("custom-fields-read.get/denied", foreign);

    let applied = write::apply("contact", contact, &changes());
    steps.shows("custom-fields-write.apply", applied, |found| {
        same(found, &changed())
    });
    let stale = Change {
        field: "nickname".into(),
        operation: Operation::CompareAndSet(CompareAndSet {
            expected: Some(FieldValue::Text("Ada".into())),
            new: None,
        }),
    };
    steps.refuses(
        "custom-fields-write.apply/conflict",
        write::apply("contact", contact, &[stale]),
    );
    let misfit = Change {
        field: "score".into(),
        operation: Operation::Toggle,
    };
    steps.refuses(
        "custom-fields-write.apply/misfit",
        write::apply("contact", contact, &[misfit]),
    );
    let denied = write::apply("agent", contact, &changes());
    steps.refuses("custom-fields-write.apply/denied", denied);

    let found = read::query("contact", &filters());
    steps.gives("custom-fields-read.query", found, vec![contact]);
    let far = filter("home", near(MUNICH, Some(100.0)));
    steps.gives(
        "custom-fields-read.query/none",
        read::query("contact", &[far]),
        vec![],
    );
    let misfit = filter("score", Condition::Like("4%".into()));
    steps.refuses(
        "custom-fields-read.query/misfit",
        read::query("contact", &[misfit]),
    );
    steps.refuses(
        "custom-fields-read.query/no-filter",
        read::query("contact", &[]),
    );
    let denied = read::query("agent", &filters());
    steps.refuses("custom-fields-read.query/denied", denied);

    // Setting none removes a value.
    let removed = [Field {
        name: "nickname".into(),
        value: None,
    }];
    let set = write::set("contact", contact, &removed);
    steps.gives("custom-fields-write.set/none", set, ());
    let nickname = read::get("contact", contact, &["nickname".into()]);
    steps.gives("custom-fields-read.get/not-set", nickname, removed.to_vec());
}

/// A value of each kind.
fn values() -> Vec<Field> {
    vec![
        field("nickname", FieldValue::Text("Ada".into())),
        field(
            "tags",
            FieldValue::Choices(vec!["red".into(), "green".into()]),
        ),
        field("score", FieldValue::Integer(3)),
        field("balance", FieldValue::Decimal("12.75".into())),
        field("vip", FieldValue::Boolean(true)),
        field("birthday", FieldValue::Date("1815-12-10".into())),
        field("seen", FieldValue::Datetime("2026-11-20T10:00:00Z".into())),
        field("home", FieldValue::Point(BERLIN)),
        field("area", FieldValue::Polygon(vec![BERLIN, POTSDAM, MUNICH])),
        field("office", FieldValue::Address(office())),
    ]
}

fn office() -> Address {
    Address {
        street: Some("Karl-Liebknecht-Straße 1".into()),
        postal_code: Some("10178".into()),
        city: Some("Berlin".into()),
        region: None,
        country: Some("DE".into()),
        location: Some(BERLIN),
    }
}

/// Each operation once, on what [`values`] set.
fn changes() -> Vec<Change> {
    let change = |field: &str, operation| Change {
        field: field.into(),
        operation,
    };
    let increment = |by: &str, ceiling: Option<&str>| {
        Operation::Increment(Increment {
            by: by.into(),
            floor: None,
            ceiling: ceiling.map(str::to_owned),
        })
    };
    vec![
        change("score", increment("1", Some("10"))),
        change("balance", increment("-0.50", None)),
        change("tags", Operation::Append("blue".into())),
        change("tags", Operation::Remove("red".into())),
        change("vip", Operation::Toggle),
        change(
            "nickname",
            Operation::CompareAndSet(CompareAndSet {
                expected: Some(FieldValue::Text("Ada".into())),
                new: Some(FieldValue::Text("Countess".into())),
            }),
        ),
    ]
}

/// What [`changes`] made of it.
fn changed() -> Vec<Field> {
    vec![
        field("score", FieldValue::Integer(4)),
        field("balance", FieldValue::Decimal("12.25".into())),
        field(
            "tags",
            FieldValue::Choices(vec!["green".into(), "blue".into()]),
        ),
        field("vip", FieldValue::Boolean(false)),
        field("nickname", FieldValue::Text("Countess".into())),
    ]
}

/// Each condition once, all of them true.
fn filters() -> Vec<Filter> {
    let integer = FieldValue::Integer;
    vec![
        filter("score", Condition::Eq(integer(4))),
        filter("score", Condition::Neq(integer(5))),
        filter("score", Condition::Gt(integer(3))),
        filter("score", Condition::Lt(integer(5))),
        filter("score", Condition::Gte(integer(4))),
        filter("score", Condition::Lte(integer(4))),
        filter("score", Condition::In(vec![integer(1), integer(4)])),
        filter("score", Condition::Between((integer(4), integer(9)))),
        filter("nickname", Condition::Like("count%".into())),
        filter("home", near(POTSDAM, Some(30.0))),
        // 25 kilometres when no radius is given.
        filter("office", near(BERLIN, None)),
    ]
}

fn near(center: Point, radius_km: Option<f64>) -> Condition {
    Condition::Near(Circle { center, radius_km })
}

fn filter(field: &str, condition: Condition) -> Filter {
    Filter {
        field: field.into(),
        condition,
    }
}

fn field(name: &str, value: FieldValue) -> Field {
    Field {
        name: name.into(),
        value: Some(value),
    }
}

/// Whether both have the same fields with the same values, in whatever order.
fn same(found: &[Field], expected: &[Field]) -> bool {
    found.len() == expected.len() && expected.iter().all(|field| found.contains(field))
}

//! Entity types that fit the database and those that do not, found out when the host starts.

use std::sync::Arc;

use goatherd::capability::Alone;
use goatherd::capability::entities::{Actor, OpenError};
use goatherd::contract::CallContext;
use serde_json::{Value, json};

use crate::desk::parsed;
use crate::ground::{Ground, SCHEMA};

/// The ticket's type with changes.
fn ticket(changes: Value) -> Value {
    let mut ticket =
        json!({"table": "ticket", "soft_delete": {"column": "deleted_at", "now": "timestamp"}});
    for (key, value) in changes.as_object().unwrap() {
        ticket[key] = value.clone();
    }
    json!({ "ticket": ticket })
}

/// Why these types cannot be opened.
async fn mismatch(ground: &Ground, types: Value) -> String {
    match ground.open(parsed(types.clone())).await {
        Err(error @ OpenError::Mismatch { .. }) => error.to_string(),
        Err(error) => panic!("{types}: {error}"),
        Ok(_) => panic!("{types} was taken"),
    }
}

fn host() -> Actor {
    Actor::host(CallContext::default(), Arc::new(Alone))
}

async fn a_table_or_column_that_is_missing_is_named_at_the_start(ground: Ground) {
    ground.run(SCHEMA).await;
    for (changes, words) in [
        (
            json!({"table": "tickets"}),
            &["\"ticket\"", "no table \"tickets\""][..],
        ),
        (
            json!({"table": "ticket\"; DROP TABLE ticket; --"}),
            &["no table"],
        ),
        (
            json!({"id": "nr"}),
            &["no column \"nr\"", "as id", "deleted_at"],
        ),
        (
            json!({"organisation": "org"}),
            &["no column \"org\"", "as organisation"],
        ),
        (
            json!({"personal": ["customer", "fax"]}),
            &["no column \"fax\"", "as personal"],
        ),
        (
            json!({"personal": ["phone\" = 'x', \"title"]}),
            &["no column"],
        ),
        (
            json!({"soft_delete": {"column": "gone", "value": 1}}),
            &["no column \"gone\"", "as soft_delete"],
        ),
        (json!({"organisation": "title"}), &["\"title\"", "integer"]),
        (json!({"id": "org_id"}), &["\"org_id\"", "not unique"]),
    ] {
        let said = mismatch(&ground, ticket(changes.clone())).await;
        for word in words {
            assert!(said.contains(word), "{changes}: {said}");
        }
    }
    ground.run("CREATE VIEW seen AS SELECT * FROM ticket").await;
    let said = mismatch(&ground, ticket(json!({"table": "seen"}))).await;
    assert!(said.contains("no table \"seen\""), "{said}");
    assert_eq!(ground.number("SELECT COUNT(*) FROM ticket").await, 4);
}

async fn names_with_quotes_spaces_and_sql_in_them_are_names(ground: Ground) {
    ground
        .run(
            "CREATE TABLE \"odd \"\"table\"\"; DROP TABLE ticket; --\" (
                 \"the id\" INTEGER PRIMARY KEY, \"select\" TEXT, \"a\"\"b\" TEXT, \"Org\" INTEGER, \"wörd\" BOOLEAN);
             INSERT INTO \"odd \"\"table\"\"; DROP TABLE ticket; --\" VALUES (5, 'Ada', 'x', 7, NULL)",
        )
        .await;
    ground.run(SCHEMA).await;
    let types = json!({"odd": {
        "table": "odd \"table\"; DROP TABLE ticket; --", "id": "the id", "organisation": "Org",
        "personal": ["select", "a\"b"], "soft_delete": {"column": "wörd", "value": true},
    }});
    let service = ground.open(parsed(types)).await.unwrap();
    let row =
        "SELECT \"select\", \"a\"\"b\", \"Org\" FROM \"odd \"\"table\"\"; DROP TABLE ticket; --\"
               WHERE \"wörd\" IS NOT NULL";
    service.soft_delete(&host(), "odd", 5, "r").await.unwrap();
    assert_eq!(ground.line(row).await, "[DELETED] | [DELETED] | 7");
    service.restore(&host(), "odd", 5).await.unwrap();
    assert_eq!(ground.rows(row).await.len(), 0);
    service.hard_delete(&host(), "odd", 5, "r").await.unwrap();
    assert_eq!(ground.number("SELECT COUNT(*) FROM ticket").await, 4);
}

async fn personal_data_that_cannot_be_replaced_are_found_at_the_start_with_what_helps(
    ground: Ground,
) {
    ground
        .run(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, born INTEGER NOT NULL, shoe REAL, state INTEGER NOT NULL,
                 part TEXT NOT NULL, other TEXT NOT NULL, UNIQUE (part, other));
             INSERT INTO person VALUES (1, 1815, 38.5, 1, 'a', 'b'), (2, 1912, 43, 1, 'c', 'd')",
        )
        .await;
    let person = |personal: Value| json!({"person": {"table": "person", "personal": personal, "soft_delete": {"column": "state", "value": 2}}});
    let said = mismatch(&ground, person(json!(["born"]))).await;
    assert!(
        said.contains("\"born\"") && said.contains("NOT NULL") && said.contains("value = …"),
        "{said}"
    );
    let personal = json!([{"column": "born", "value": 0}, "shoe", "part", "other"]);
    let service = ground.open(parsed(person(personal))).await.unwrap();
    for id in [1, 2] {
        service
            .soft_delete(&host(), "person", id, "")
            .await
            .unwrap();
    }
    assert_eq!(
        ground.line("SELECT * FROM person WHERE id = 2").await,
        "2 | 0 | - | 2 | [DELETED] 2 | [DELETED] 2"
    );
}

async fn the_mark_can_be_a_time_in_seconds_or_milliseconds(ground: Ground) {
    ground
        .run(
            "CREATE TABLE s (id INTEGER PRIMARY KEY, gone BIGINT); CREATE TABLE ms (id INTEGER PRIMARY KEY, gone BIGINT);
             INSERT INTO s VALUES (1, 5); INSERT INTO ms VALUES (1, NULL)",
        )
        .await;
    let types = json!({
        "s": {"table": "s", "soft_delete": {"column": "gone", "now": "seconds"}},
        "ms": {"table": "ms", "soft_delete": {"column": "gone", "now": "milliseconds"}},
    });
    let service = ground.open(parsed(types)).await.unwrap();
    for entity_type in ["s", "ms"] {
        service
            .soft_delete(&host(), entity_type, 1, "")
            .await
            .unwrap();
    }
    let seconds = ground.number("SELECT gone FROM s").await;
    let milliseconds = ground.number("SELECT gone FROM ms").await;
    assert!(
        (0..100).contains(&(milliseconds / 1_000 - seconds)),
        "{seconds} {milliseconds}"
    );
    service.restore(&host(), "s", 1).await.unwrap();
    service.restore(&host(), "ms", 1).await.unwrap();
    assert_eq!(ground.line("SELECT gone FROM s").await, "5");
    assert_eq!(ground.line("SELECT gone FROM ms").await, "-");
}

#[tokio::test]
async fn a_postgres_column_that_cannot_hold_the_mark_or_the_replacement_is_found_at_the_start() {
    let ground = Ground::postgres();
    ground
        .run(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(9) NOT NULL, short VARCHAR(8) NOT NULL,
                 once VARCHAR(20) NOT NULL UNIQUE, shorter CHAR(3), since TIMESTAMPTZ, day DATE, code CHAR(12) NOT NULL,
                 computed TEXT GENERATED ALWAYS AS ('x') STORED, kind JSON);
             INSERT INTO person (id, name, short, once, shorter, since, code) VALUES
                 (1, 'Ada', 'A', 'o', 'abc', '2020-01-02 03:04:05.678901+02', 'c')",
        )
        .await;
    let person = |personal: Value, mark: Value| json!({"person": {"table": "person", "personal": personal, "soft_delete": mark}});
    let since = || json!({"column": "since", "now": "timestamp"});
    for (personal, mark, words) in [
        (json!(["short"]), since(), "\"short\""),
        (json!(["once"]), since(), "\"once\""),
        (json!(["computed"]), since(), "computed by the database"),
        (
            json!([{"column": "day", "value": "soon"}]),
            since(),
            "\"soon\"",
        ),
        (
            json!([]),
            json!({"column": "since", "now": "seconds"}),
            "\"since\"",
        ),
        (
            json!([]),
            json!({"column": "since", "value": "never"}),
            "\"never\"",
        ),
        (
            json!([]),
            json!({"column": "kind", "value": "1"}),
            "operator",
        ),
        (
            json!([]),
            json!({"column": "Since", "now": "timestamp"}),
            "no column",
        ),
    ] {
        let said = mismatch(&ground, person(personal.clone(), mark.clone())).await;
        assert!(said.contains(words), "{personal} {mark}: {said}");
    }
    let personal = json!(["name", "shorter", "code", {"column": "day", "value": "1900-01-01"}]);
    let service = ground
        .open(parsed(person(personal, since())))
        .await
        .unwrap();
    service.soft_delete(&host(), "person", 1, "").await.unwrap();
    assert_eq!(
        ground.line("SELECT name, shorter, rtrim(code), day, since > now() - interval '1 hour' FROM person").await,
        "[DELETED] | - | [DELETED] | 1900-01-01 | t"
    );
    service.restore(&host(), "person", 1).await.unwrap();
    assert_eq!(
        ground
            .line("SELECT since = '2020-01-02 03:04:05.678901+02' FROM person")
            .await,
        "t"
    );
}

on_both! {
    a_table_or_column_that_is_missing_is_named_at_the_start
    names_with_quotes_spaces_and_sql_in_them_are_names
    personal_data_that_cannot_be_replaced_are_found_at_the_start_with_what_helps
    the_mark_can_be_a_time_in_seconds_or_milliseconds
}

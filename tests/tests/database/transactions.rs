//! Transactions: all statements or none, and no change lost to another at the same time.

use goatherd::capability::db::Caps;
use goatherd_tests::{call, limits};
use serde_json::{Value, json};

use crate::{DENIED_OR_INVALID, Desk, On, both, refused};

both! {
async fn all_statements_happen_in_order(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    let outcomes = desk
        .transaction(json!([
            {"sql": "INSERT INTO note (text) VALUES (?)", "params": ["a"]},
            {"sql": "INSERT INTO note (text) VALUES (?)", "params": ["b"]},
            {"sql": "UPDATE note SET number = id"},
        ]))
        .await
        .unwrap();
    let affected: Vec<_> = outcomes
        .as_array()
        .unwrap()
        .iter()
        .map(|outcome| outcome["rows_affected"].as_u64().unwrap())
        .collect();
    assert_eq!(affected, [1, 1, 2]);
    assert_eq!(
        desk.store.number("SELECT COUNT(*) FROM note WHERE number = id"),
        2
    );
}
}

both! {
async fn a_statement_that_fails_undoes_all_and_is_named_by_its_number(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    let cases = [
        (
            "a constraint",
            "INSERT INTO note (text) VALUES ('a')",
            "conflict",
        ),
        (
            "a missing value",
            "INSERT INTO note (text) VALUES (NULL)",
            "conflict",
        ),
        (
            "a table that is not granted",
            "DELETE FROM ticket",
            "permission-denied",
        ),
        ("nonsense", "INSERT INTO", "invalid-argument"),
        ("an end of the transaction", "COMMIT", "permission-denied"),
        (
            "two at once",
            "INSERT INTO note (text) VALUES ('x'); COMMIT",
            "invalid-argument",
        ),
    ];
    for (name, sql, code) in cases {
        let statements = json!([
            {"sql": "INSERT INTO note (text) VALUES ('a')"},
            {"sql": "INSERT INTO note (text) VALUES ('b')"},
            {"sql": sql},
            {"sql": "INSERT INTO note (text) VALUES ('d')"},
        ]);
        let error = desk.transaction(statements).await.expect_err(name);
        let text = error.to_string();
        let allowed = if code == "permission-denied" {
            DENIED_OR_INVALID.to_vec()
        } else {
            vec![code]
        };
        assert!(allowed.contains(&error.code().as_str()), "{name}: {text}");
        assert!(text.contains("statement 3"), "{name}: {text}");
        assert_eq!(
            desk.store.number("SELECT COUNT(*) FROM note"),
            0,
            "{name}"
        );
    }
    desk.transaction(json!([{"sql": "INSERT INTO note (text) VALUES ('a')"}]))
        .await
        .expect("the connection is as it was");
}
}

both! {
async fn more_than_a_thousand_statements_are_refused_before_the_first(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    let statements = |count: usize| -> Value {
        (0..count).map(|n| json!({"sql": "INSERT INTO note (text) VALUES (?)", "params": [format!("{n}")]})).collect()
    };
    let error = desk
        .transaction(statements(1_001))
        .await
        .expect_err("it is over the limit");
    assert!(
        ["too-large", "invalid-argument"].contains(&error.code().as_str()),
        "{error}"
    );
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 0);
    desk.transaction(statements(1_000)).await.unwrap();
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 1_000);
}
}

both! {
async fn an_empty_transaction_changes_nothing(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    assert_eq!(desk.transaction(json!([])).await.unwrap(), json!([]));
}
}

both! {
async fn a_broken_constraint_is_a_conflict_with_its_name(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    desk.execute("INSERT INTO note (text) VALUES ('a')")
        .await
        .unwrap();
    let text = refused(
        "the same again",
        desk.execute("INSERT INTO note (text) VALUES ('a')")
            .await,
        &["conflict"],
    );
    assert!(text.contains(on.pick("note.text", "note_text_key")), "{text}");
}
}

both! {
async fn changes_at_the_same_time_are_all_made_once(on: On) {
    let desk = Desk::within(on, &["db:write=note"],
        Caps::default(),
        limits().instances(4),
    )
    .await;
    desk.execute(
        "INSERT INTO note (text, number) VALUES ('sum', 0)")
    .await
    .unwrap();
    let adds: Vec<_> = (0..40)
        .map(|_| {
            let probe = desk.probe.clone();
            tokio::spawn(async move {
                call(
                    &probe,
                    "db.execute",
                    json!({"sql": "UPDATE note SET number = number + 1"}),
                )
                .await
            })
        })
        .collect();
    for add in adds {
        add.await.unwrap().unwrap();
    }
    assert_eq!(
        desk.store.number("SELECT CAST(number AS INTEGER) FROM note"),
        40
    );
}
}

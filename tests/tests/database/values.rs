//! Values: parameters on their way in, rows and counts on their way out, and what is no statement at all.

use serde_json::json;

use crate::{DENIED_OR_INVALID, Desk, On, both, only, refused};

both! {
async fn parameters_of_each_type_come_back_as_they_went(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    for value in [
        json!(null),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(-2.5e300),
        json!(""),
        json!("text"),
        json!("O'Neil; DROP TABLE ticket --"),
        json!("naïve 北京 🐐"),
        json!({"blob": []}),
        json!({"blob": [0, 255, 10, 128]}),
    ] {
        let answer = desk.query_with("SELECT ?", json!([value])).await.unwrap();
        assert_eq!(only(answer), value);
    }
}
}

both! {
async fn booleans_are_numbers_where_no_column_says_otherwise(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    assert_eq!(
        only(
            desk.query_with("SELECT ? + 1", json!([true]))
                .await
                .unwrap()
        ),
        2
    );
    assert_eq!(
        only(
            desk.query_with("SELECT ? = 0", json!([false]))
                .await
                .unwrap()
        ),
        if on == On::Sqlite {
            json!(1)
        } else {
            json!(true)
        }
    );
}
}

both! {
async fn text_with_a_zero_byte_is_kept_whole_or_refused(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    match desk.query_with("SELECT ?", json!(["a\u{0}b"])).await {
        Ok(answer) => assert_eq!(only(answer), "a\u{0}b"),
        Err(error) => assert_eq!(error.code(), "invalid-argument", "{error}"),
    }
}
}

both! {
async fn columns_keep_their_names_and_order_and_may_be_the_same(on: On) {
    let desk = Desk::with(on, &["db:read=*"]).await;
    let answer = desk.query("SELECT 1 AS b, 2 AS a, 3 AS b").await.unwrap();
    assert_eq!(
        answer,
        json!({"columns": ["b", "a", "b"], "rows": [[1, 2, 3]]})
    );
    let none = desk
        .query("SELECT id, name FROM queue WHERE 1 = 0")
        .await
        .unwrap();
    assert_eq!(none, json!({"columns": ["id", "name"], "rows": []}));
}
}

both! {
async fn a_wrong_number_of_parameters_is_refused(on: On) {
    let desk = Desk::with(on, &["db:read=*", "db:write=*"]).await;
    for (sql, params) in [
        ("SELECT ?", json!([])),
        ("SELECT ?", json!([1, 2])),
        ("SELECT 1", json!([1])),
        ("SELECT ?, ?", json!([1])),
    ] {
        refused(
            sql,
            desk.query_with(sql, params).await,
            &["invalid-argument"],
        );
    }
    refused(
        "execute",
        desk.execute("INSERT INTO note (text) VALUES (?)")
            .await,
        &["invalid-argument"],
    );
    assert_eq!(desk.store.number("SELECT COUNT(*) FROM note"), 0);
}
}

both! {
async fn what_does_not_parse_or_does_not_exist_is_an_invalid_argument_that_says_what(on: On) {
    let desk = Desk::with(on, &["db:read=*", "db:write=*"]).await;
    for (sql, word) in [
        ("SELEC 1", "SELEC"),
        ("SELECT FROM", "syntax"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT no_such_column FROM ticket", "no_such_column"),
        ("SELECT no_such_function(1)", "no_such_function"),
    ] {
        let text = refused(sql, desk.query(sql).await, DENIED_OR_INVALID);
        assert!(text.contains(word), "{text}");
    }
    for sql in ["", "   ", "-- nothing", ";"] {
        refused(sql, desk.query(sql).await, &["invalid-argument"]);
    }
}
}

both! {
async fn a_change_says_how_many_rows_and_which_is_the_last(on: On) {
    let desk = Desk::with(on, &["db:write=note"]).await;
    let first = desk
        .execute_with(
            "INSERT INTO note (text, number, data) VALUES (?, ?, ?)",
            json!(["a", 1.5, {"blob": [1, 2]}]),
        )
        .await
        .unwrap();
    assert_eq!(
        (&first["rows_affected"], &first["last_insert_id"]),
        (&json!(1), &json!(1))
    );
    desk.execute("INSERT INTO note (text) VALUES ('b'), ('c')")
        .await
        .unwrap();
    let changed = desk
        .execute_with("UPDATE note SET number = 2 WHERE text > ?", json!(["a"]))
        .await
        .unwrap();
    assert_eq!(
        (&changed["rows_affected"], &changed["last_insert_id"]),
        (&json!(2), &json!(null))
    );
    let none = desk
        .execute("DELETE FROM note WHERE text = 'z'")
        .await
        .unwrap();
    assert_eq!(none["rows_affected"], 0);
    assert_eq!(
        desk.store.number("SELECT COUNT(*) FROM note WHERE length(data) = 2"),
        1
    );
}
}

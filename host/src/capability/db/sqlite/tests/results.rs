//! Values, parameters and columns.

use super::*;

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(1.5),
        text("ä\u{1F410}"),
        text(""),
        Value::Blob(vec![0, 255]),
        Value::Blob(vec![]),
    ];
    let rows = plugin
        .query_with("SELECT ?, ?, ?, ?, ?, ?, ?", values.clone())
        .await
        .unwrap();
    assert_eq!(rows.rows, [values]);
}

#[tokio::test]
async fn booleans_are_known_by_the_declared_type() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    let rows = plugin
        .query("SELECT open, id, open AS o, open + 0, title FROM ticket WHERE id < 3 ORDER BY id")
        .await
        .unwrap();
    assert_eq!(rows.columns, ["open", "id", "o", "open + 0", "title"]);
    assert_eq!(
        rows.rows[0],
        [
            Value::Boolean(true),
            Value::Integer(1),
            Value::Boolean(true),
            Value::Integer(1),
            text("Printer")
        ]
    );
    assert_eq!(rows.rows[1][0], Value::Boolean(false));
    let rows = plugin
        .query_with(
            "SELECT count(*) FROM ticket WHERE open = ?",
            vec![Value::Boolean(true)],
        )
        .await
        .unwrap();
    assert_eq!(rows.rows[0], [Value::Integer(2)]);
}

#[tokio::test]
async fn parameters_are_question_marks_and_as_many_as_values() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for (sql, params) in [
        ("SELECT ?", vec![]),
        ("SELECT 1", vec![Value::Null]),
        ("SELECT ?, ?", vec![Value::Null]),
        ("SELECT ?1", vec![Value::Null]),
        ("SELECT ?, ?1", vec![Value::Null]),
        ("SELECT :a", vec![Value::Null]),
        ("SELECT @a", vec![Value::Null]),
        ("SELECT $a", vec![Value::Null]),
    ] {
        let error = plugin.query_with(sql, params).await.unwrap_err();
        assert!(error.reason == DbReason::Invalid, "{sql}: {error}");
    }
    let rows = plugin
        .query_with(
            "SELECT '?', \"title\", ? FROM ticket -- ?\nWHERE id = ? /* ? */",
            vec![text("a"), Value::Integer(1)],
        )
        .await
        .unwrap();
    assert_eq!(rows.rows, [vec![text("?"), text("Printer"), text("a")]]);
    // Values of an earlier call are not left in a kept statement.
    let error = plugin
        .query_with(
            "SELECT '?', \"title\", ? FROM ticket -- ?\nWHERE id = ? /* ? */",
            vec![],
        )
        .await
        .unwrap_err();
    assert!(error.reason == DbReason::Invalid, "{error}");
}

#[tokio::test]
async fn text_that_is_not_utf8_is_an_error_that_says_how_to_read_it() {
    let desk = Desk::new();
    desk.host("INSERT INTO queue VALUES (9, CAST(x'ff' AS TEXT))");
    let plugin = desk.plugin(&["db:read=*"]);
    let error = plugin
        .query("SELECT name FROM queue WHERE id = 9")
        .await
        .unwrap_err();
    assert!(
        error.reason == DbReason::Invalid && error.text.contains("CAST(name AS BLOB)"),
        "{error}"
    );
    let rows = plugin
        .query("SELECT CAST(name AS BLOB) FROM queue WHERE id = 9")
        .await
        .unwrap();
    assert_eq!(rows.rows[0], [Value::Blob(vec![255])]);
}

#[tokio::test]
async fn a_database_that_is_missing_or_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.db");
    assert!(SqliteDatabase::open(&missing).is_err());
    assert!(!missing.exists());
    let other = folder.path().join("other.db");
    std::fs::write(&other, "this is no database, whatever its name says").unwrap();
    assert!(SqliteDatabase::create(&other).is_err());
}

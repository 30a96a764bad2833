#![allow(clippy::unwrap_used)]

use rusqlite::Connection;

use super::*;

/// How SQLite runs a statement, line by line.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    // The plan does not depend on what is bound.
    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
    let lines = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail"));
    lines.unwrap().map(Result::unwrap).collect()
}

#[test]
fn no_statement_scans_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.db");
    SqliteFields::open(SqliteStore::open(&path).unwrap()).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    for sql in [
        FIELD,
        VALUE,
        SET,
        REMOVE,
        UNCHOOSE,
        CHOOSE,
        declare::DECLARED,
        query::COUNT_VALUES,
        query::COUNT_CHOICES,
        query::FIND_VALUES,
        query::FIND_CHOICES,
        schema::DELETE_VALUES_SQLITE,
    ] {
        for line in plan(&connection, sql) {
            let scans = line.starts_with("SCAN goatherd");
            assert!(!scans, "{sql}\n{line}");
        }
    }
    for sql in [query::FIND_VALUES, query::COUNT_VALUES] {
        let lines = plan(&connection, sql);
        let covering = "SEARCH goatherd_custom_value USING COVERING INDEX goatherd_custom_value_by_key \
                        (field_id=? AND organisation=? AND key>? AND key<?)";
        assert!(lines.iter().any(|line| line == covering), "{lines:?}");
    }
}

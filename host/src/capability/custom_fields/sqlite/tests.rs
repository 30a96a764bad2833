#![allow(clippy::unwrap_used)]

use rusqlite::Connection;

use super::*;
use crate::capability::custom_fields::schema;

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
        schema::DELETE_VALUES,
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

#[test]
fn deleting_an_entitys_values_leaves_nothing_of_it_and_all_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.db");
    SqliteFields::open(SqliteStore::open(&path).unwrap()).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO goatherd_custom_field
                 (id, plugin, entity_type, name, field_type, required, config, label, section, position, description, placeholder)
                 VALUES (1, 'a', 'ticket', 'm', 'multi_select', 0, '{}', '', '', 0, '', ''),
                        (2, 'b', 'ticket', 'm', 'multi_select', 0, '{}', '', '', 0, '', ''),
                        (3, 'a', 'contact', 'm', 'multi_select', 0, '{}', '', '', 0, '', '');
             INSERT INTO goatherd_custom_value (entity_id, field_id, organisation, key, value)
                 SELECT e.value, f.id, o.value, x'00', '[\"red\"]'
                 FROM goatherd_custom_field f, json_each('[7, 8]') e, json_each('[\"\", \"5\"]') o;
             INSERT INTO goatherd_custom_choice (entity_id, field_id, organisation, key)
                 SELECT entity_id, field_id, organisation, key FROM goatherd_custom_value;",
        )
        .unwrap();
    let deleted = connection
        .execute(schema::DELETE_VALUES, params!["ticket", 7])
        .unwrap();
    assert_eq!(deleted, 4);
    for table in ["goatherd_custom_value", "goatherd_custom_choice"] {
        let count = |of: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE {of}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count("entity_id = 7 AND field_id < 3"), 0, "{table}");
        assert_eq!(count("TRUE"), 8, "{table}");
    }
}

//! Queries that reach for what is not granted.

use super::*;

/// Every way of naming a table that is not granted, with the table that the refusal must name.
const REACHING: &[(&str, &str)] = &[
    ("SELECT * FROM account", "account"),
    ("SELECT count(*) FROM account", "account"),
    ("SELECT 1 FROM account", "account"),
    ("SELECT rowid FROM account", "account"),
    (
        "SELECT ticket.id FROM ticket JOIN account ON account.id = ticket.id",
        "account",
    ),
    (
        "SELECT ticket.id FROM ticket LEFT JOIN account ON true",
        "account",
    ),
    ("SELECT ticket.id FROM ticket, account", "account"),
    ("SELECT ticket.id FROM ticket CROSS JOIN account", "account"),
    (
        "SELECT ticket.title FROM ticket JOIN account USING (id)",
        "account",
    ),
    (
        "SELECT ticket.title FROM ticket NATURAL JOIN account",
        "account",
    ),
    ("SELECT 1 FROM ticket NATURAL LEFT JOIN account", "account"),
    (
        "SELECT 1 FROM ticket RIGHT JOIN account USING (id)",
        "account",
    ),
    (
        "SELECT 1 FROM ticket FULL JOIN account USING (id)",
        "account",
    ),
    (
        "WITH g (password) AS (VALUES ('sesame')) SELECT 1 FROM g NATURAL JOIN account",
        "account",
    ),
    (
        "WITH g (password) AS (VALUES ('sesame')) SELECT 1 FROM g JOIN account USING (password)",
        "account",
    ),
    (
        "SELECT 1 FROM (SELECT 'sesame' AS password) NATURAL JOIN account",
        "account",
    ),
    ("SELECT * FROM \"account\"", "account"),
    ("SELECT * FROM [account]", "account"),
    ("SELECT * FROM `account`", "account"),
    ("SELECT * FROM 'account'", "account"),
    ("SELECT * FROM main.account", "account"),
    ("SELECT * FROM AcCoUnT", "account"),
    ("SELECT * FROM ticket/**/,/**/account", "account"),
    ("SELECT * FROM ticket --x\n, account", "account"),
    ("SELECT * FROM account ticket", "account"),
    ("SELECT ticket.* FROM account AS ticket", "account"),
    (
        "WITH ticket AS (SELECT * FROM account) SELECT * FROM ticket",
        "account",
    ),
    (
        "WITH ticket AS (SELECT * FROM main.account) SELECT count(*) FROM ticket",
        "account",
    ),
    (
        "WITH x AS (SELECT 1 FROM account) SELECT * FROM x",
        "account",
    ),
    (
        "WITH RECURSIVE x (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x, account WHERE n < 3) SELECT * FROM x",
        "account",
    ),
    ("SELECT (SELECT password FROM account LIMIT 1)", "account"),
    ("SELECT 1 WHERE EXISTS (SELECT 1 FROM account)", "account"),
    (
        "SELECT 'sesame' IN (SELECT password FROM account)",
        "account",
    ),
    ("SELECT (1, 'a', 'b') IN account", "account"),
    (
        "SELECT 1 FROM ticket ORDER BY (SELECT password FROM account)",
        "account",
    ),
    (
        "SELECT 1 FROM ticket LIMIT (SELECT id FROM account)",
        "account",
    ),
    (
        "SELECT 1 FROM ticket GROUP BY id HAVING (SELECT count(*) FROM account) > 0",
        "account",
    ),
    (
        "SELECT id FROM ticket UNION SELECT id FROM account",
        "account",
    ),
    (
        "SELECT id FROM ticket EXCEPT SELECT id FROM account",
        "account",
    ),
    (
        "SELECT sum(id) OVER (ORDER BY (SELECT password FROM account)) FROM ticket",
        "account",
    ),
    (
        "SELECT value FROM json_each((SELECT json_group_array(password) FROM account))",
        "account",
    ),
    ("VALUES ((SELECT password FROM account))", "account"),
    ("SELECT * FROM login", "account"),
    ("SELECT count(*) FROM hidden", "hidden"),
    ("SELECT id FROM hidden", "hidden"),
    ("SELECT * FROM natural_view", "natural_view"),
    ("SELECT * FROM sqlite_master", "sqlite_master"),
    ("SELECT * FROM sqlite_schema", "sqlite_"),
    ("SELECT count(*) FROM sqlite_schema", "sqlite_"),
    ("SELECT * FROM temp.sqlite_master", "sqlite_temp_master"),
    ("SELECT * FROM sqlite_temp_schema", "sqlite_temp"),
    ("SELECT * FROM sqlite_sequence", "sqlite_sequence"),
    (
        "SELECT 1 FROM (SELECT 'note' AS name) NATURAL JOIN sqlite_sequence",
        "sqlite_sequence",
    ),
    (
        "SELECT 1 FROM (SELECT 'account' AS tbl_name) NATURAL JOIN sqlite_schema",
        "sqlite_",
    ),
    ("SELECT * FROM pragma_table_list", "pragma_table_list"),
    (
        "SELECT count(*) FROM pragma_table_list",
        "pragma_table_list",
    ),
    (
        "SELECT * FROM pragma_table_info('account')",
        "pragma_table_info",
    ),
    (
        "SELECT 1 FROM pragma_table_info('account')",
        "pragma_table_info",
    ),
    ("SELECT * FROM pragma_database_list", "pragma_database_list"),
    ("SELECT * FROM dbstat", "dbstat"),
    ("SELECT count(*) FROM dbstat('main')", "dbstat"),
    ("SELECT * FROM goatherd_plugin", "goatherd_plugin"),
    (
        "SELECT count(*) FROM \"GoatHerd_Plugin\"",
        "GoatHerd_Plugin",
    ),
];

#[tokio::test]
async fn no_way_of_naming_a_table_reaches_one_that_is_not_granted() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=ticket,login"]);
    for (sql, table) in REACHING {
        let message = plugin.refused(sql).await;
        assert!(message.contains(table), "{sql}\n{message}");
        assert!(message.contains("plugin \"stats\" may not"), "{message}");
    }
    // A refused statement is refused again, and the connection goes on serving.
    for (sql, _) in REACHING {
        plugin.refused(sql).await;
        assert_eq!(
            plugin
                .query("SELECT id FROM ticket")
                .await
                .unwrap()
                .rows
                .len(),
            3
        );
    }
}

#[tokio::test]
async fn the_same_queries_run_once_their_table_is_granted() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=ticket,account,bare,hidden,login,natural_view"]);
    let mut ran = 0;
    for (sql, table) in REACHING {
        if ["account", "hidden", "natural_view"].contains(table) {
            plugin
                .query(sql)
                .await
                .unwrap_or_else(|e| panic!("{sql}\n{e}"));
            ran += 1;
        }
    }
    assert!(ran > 40);
}

#[tokio::test]
async fn a_star_covers_neither_the_host_nor_the_engine() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    plugin.query("SELECT * FROM account").await.unwrap();
    for table in [
        "goatherd_plugin",
        "sqlite_master",
        "sqlite_schema",
        "sqlite_sequence",
        "pragma_table_list",
        "dbstat",
        "pragma_function_list",
    ] {
        for sql in [
            format!("SELECT * FROM {table}"),
            format!("SELECT count(*) FROM {table}"),
            format!("SELECT 1 FROM (SELECT 'x' AS name) NATURAL JOIN {table}"),
        ] {
            let message = plugin.refused(&sql).await;
            assert!(
                message.contains("closed to plugins") || message.contains("by NATURAL or USING"),
                "{sql}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn a_view_needs_itself_and_everything_below_it() {
    let desk = Desk::new();
    let both = desk.plugin(&["db:read=ticket,open_ticket"]);
    assert_eq!(
        both.query("SELECT count(*) FROM open_ticket")
            .await
            .unwrap()
            .rows[0],
        [Value::Integer(2)]
    );
    let view = desk.plugin(&["db:read=open_ticket"]);
    let message = view.refused("SELECT title FROM open_ticket").await;
    assert!(
        message.contains("table \"ticket\" (through \"open_ticket\")"),
        "{message}"
    );
    let table = desk.plugin(&["db:read=ticket"]);
    assert!(
        table
            .refused("SELECT 1 FROM open_ticket")
            .await
            .contains("open_ticket")
    );
    let natural = desk.plugin(&["db:read=natural_view,bare"]);
    assert!(
        natural
            .refused("SELECT login FROM natural_view")
            .await
            .contains("account")
    );
}

#[tokio::test]
async fn a_common_table_expression_is_no_table() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=ticket"]);
    for (sql, found) in [
        (
            "WITH x AS (SELECT id FROM ticket) SELECT count(*) FROM x",
            3,
        ),
        ("WITH x AS (SELECT 7) SELECT count(*) FROM x, x AS y", 1),
        (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT count(*) FROM n",
            5,
        ),
        ("SELECT count(*) FROM (SELECT 1 UNION SELECT 2)", 2),
        ("SELECT count(*) FROM json_each('[1, 2, 3, 4]')", 4),
    ] {
        assert_eq!(
            plugin.query(sql).await.unwrap().rows[0],
            [Value::Integer(found)],
            "{sql}"
        );
    }
}

#[tokio::test]
async fn the_refusal_names_plugin_table_rule_and_grant() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=ticket"]);
    assert_eq!(
        plugin
            .refused("SELECT t.id FROM ticket t JOIN queue q ON q.id = t.queue_id")
            .await,
        "plugin \"stats\" may not read table \"queue\": its db:read grant covers ticket; grant db:read=queue to allow it"
    );
    let none = desk.plugin(&["db:write=ticket"]);
    assert!(
        none.refused("SELECT 1")
            .await
            .contains("it has no db:read grant")
    );
    let nothing = desk.plugin(&["db:read"]);
    assert!(
        nothing
            .refused("SELECT * FROM ticket")
            .await
            .contains("covers nothing")
    );
}

#[tokio::test]
async fn a_query_cannot_change_anything() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for sql in [
        "INSERT INTO note (body) VALUES ('x')",
        "INSERT INTO note (body) VALUES ('x') RETURNING id",
        "UPDATE ticket SET title = 'x'",
        "UPDATE ticket SET title = 'x' RETURNING id",
        "DELETE FROM ticket",
        "DELETE FROM ticket RETURNING *",
        "REPLACE INTO ticket (id) VALUES (1)",
        "WITH x AS (SELECT 1) INSERT INTO note (body) SELECT * FROM x",
        "CREATE TABLE mine (a)",
        "DROP TABLE ticket",
        "ALTER TABLE ticket RENAME TO other",
        "CREATE INDEX i ON ticket (title)",
        "CREATE TEMP TABLE t (a)",
        "CREATE VIEW v AS SELECT 1",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT s",
        "PRAGMA query_only = 0",
        "PRAGMA table_info(ticket)",
        "PRAGMA writable_schema = 1",
        "ATTACH ':memory:' AS other",
        "ATTACH '/etc/passwd' AS other",
        "DETACH main",
        "VACUUM",
        "/* x */ vacuum",
        "VACUUM INTO '/tmp/goatherd-stolen.db'",
        "ANALYZE",
        "REINDEX",
        "EXPLAIN SELECT * FROM ticket",
        "EXPLAIN QUERY PLAN SELECT * FROM ticket",
        "DROP TABLE IF EXISTS nothing_there",
    ] {
        plugin.refused(sql).await;
    }
    assert_eq!(desk.count("ticket"), 3);
    assert!(!std::path::Path::new("/tmp/goatherd-stolen.db").exists());
}

#[tokio::test]
async fn functions_that_reach_further_are_refused() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for call in [
        "load_extension('/tmp/x.so')",
        "fts3_tokenizer('simple')",
        "fts3_tokenizer('simple', x'0000000000000000')",
        "sqlite_log(1, 'x')",
        "rtreecheck('account')",
        "sqlite_compileoption_get(1)",
        "json_patch('{}', '{}')",
        "sqlite_rename_table('main', 'a', 'b', 'c', 'd', 'e', 0)",
    ] {
        let message = plugin.refused(&format!("SELECT {call}")).await;
        assert!(message.contains("SQL function"), "{message}");
    }
    for call in [
        "writefile('/tmp/x', 'x')",
        "readfile('/etc/passwd')",
        "edit('x')",
        "shell('ls')",
    ] {
        let error = plugin.query(&format!("SELECT {call}")).await.unwrap_err();
        assert!(
            error.reason == DbReason::Invalid && error.text.contains("no such function"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn more_or_less_than_one_statement_is_invalid() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:readwrite=*"]);
    for sql in [
        "",
        "   ",
        "-- nothing",
        "/* nothing */",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE ticket",
        "SELECT 1;;",
        "; SELECT 1",
        "SELECT 1; ATTACH 'x' AS y",
        "SELECT 1\0; DROP TABLE ticket",
        "SELECT 1\0",
    ] {
        let error = plugin.query(sql).await.unwrap_err();
        assert!(error.reason == DbReason::Invalid, "{sql:?}: {error}");
        let error = plugin.execute(sql).await.unwrap_err();
        assert!(error.reason == DbReason::Invalid, "{sql:?}: {error}");
    }
    for sql in [
        "SELECT 1;",
        "SELECT 1 ; -- end",
        "/* a; b */ SELECT 1 /* ; */;\n",
        "SELECT ';'",
    ] {
        assert_eq!(plugin.query(sql).await.unwrap().rows.len(), 1, "{sql}");
    }
}

#[tokio::test]
async fn what_does_not_compile_is_invalid_and_says_why() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=*"]);
    for (sql, part) in [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELECT nowhere FROM ticket", "no such column: nowhere"),
        ("SELECT \"nowhere\" FROM ticket", "no such column"),
        ("SELECT 'open", "unrecognized token"),
    ] {
        let error = plugin.query(sql).await.unwrap_err();
        assert!(
            error.reason == DbReason::Invalid && error.text.contains(part),
            "{sql}: {error}"
        );
    }
}

#[tokio::test]
async fn a_grant_of_one_plugin_does_not_leak_into_another_or_a_later_one() {
    let desk = Desk::new();
    let wide = desk.plugin(&["db:read=*"]);
    let narrow = desk.plugin(&["db:read=ticket"]);
    for _ in 0..3 {
        wide.query("SELECT * FROM account").await.unwrap();
        narrow.refused("SELECT * FROM account").await;
    }
}

#[tokio::test]
async fn a_view_that_changes_under_a_kept_statement_is_checked_again() {
    let desk = Desk::new();
    let plugin = desk.plugin(&["db:read=ticket,open_ticket,bare"]);
    for _ in 0..2 {
        plugin.query("SELECT id FROM open_ticket").await.unwrap();
    }
    desk.host("DROP VIEW open_ticket; CREATE VIEW open_ticket AS SELECT id FROM account;");
    assert!(
        plugin
            .refused("SELECT id FROM open_ticket")
            .await
            .contains("account")
    );
    desk.host(
        "DROP VIEW open_ticket; CREATE VIEW open_ticket AS SELECT bare.login AS id FROM bare;",
    );
    for _ in 0..2 {
        plugin.query("SELECT id FROM open_ticket").await.unwrap();
    }
    // This one only the second look sees.
    desk.host("DROP VIEW open_ticket; CREATE VIEW open_ticket AS SELECT bare.login AS id FROM bare NATURAL JOIN account;");
    assert!(
        plugin
            .refused("SELECT id FROM open_ticket")
            .await
            .contains("account")
    );
}

#[tokio::test]
async fn statistics_of_the_planner_do_not_get_in_the_way() {
    let desk = Desk::new();
    desk.host("ANALYZE");
    let plugin = desk.plugin(&["db:readwrite=*"]);
    plugin.query("SELECT * FROM ticket").await.unwrap();
    plugin.refused("SELECT * FROM sqlite_stat1").await;
    plugin.refused("SELECT count(*) FROM sqlite_stat1").await;
    desk.host("CREATE TABLE another (a); ANALYZE");
    plugin.query("SELECT * FROM ticket").await.unwrap();
    plugin
        .query("SELECT * FROM ticket WHERE id = 1")
        .await
        .unwrap();
    plugin.refused("SELECT * FROM sqlite_stat1").await;
    plugin.execute("CREATE TABLE mine (a)").await.unwrap();
    plugin.execute("DROP TABLE mine").await.unwrap();
    plugin.refused_change("DELETE FROM sqlite_stat1").await;
}

//! What an error says to programs: its reason, its kind and the engine's code, whatever language its text is in.

use std::time::{Duration, Instant};

use goatherd::capability::db::{
    Call, Caps, DbError, DbErrorKind, DbReason, Engine, PluginDatabase, PostgresSettings, Statement,
};

use crate::{On, Store, both, each};

/// Tables with a constraint of each sort, and one of another's.
const SQLITE: &str = "
    CREATE TABLE parent (id INTEGER PRIMARY KEY, word TEXT UNIQUE);
    CREATE TABLE child (
        id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id), word TEXT NOT NULL DEFAULT '', size INTEGER CHECK (size < 10)
    );
    CREATE TABLE strict_one (id INTEGER PRIMARY KEY, size INTEGER) STRICT;
    INSERT INTO parent (id, word) VALUES (1, 'a'), (2, 'b');
    INSERT INTO child (id, parent_id) VALUES (1, 1);";
const POSTGRES: &str = "
    CREATE TABLE parent (id INTEGER PRIMARY KEY, word TEXT UNIQUE);
    CREATE TABLE child (
        id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id), word TEXT NOT NULL DEFAULT '', size INTEGER CHECK (size < 10)
    );
    CREATE TABLE strict_one (id INTEGER PRIMARY KEY, size INTEGER, EXCLUDE USING btree (size WITH =));
    INSERT INTO parent (id, word) VALUES (1, 'a'), (2, 'b');
    INSERT INTO child (id, parent_id) VALUES (1, 1);
    INSERT INTO strict_one (id, size) VALUES (1, 7);";

const GRANTED: [&str; 2] = [
    "db:read=parent,child,strict_one,nowhere",
    "db:write=parent,child,strict_one,nowhere",
];

fn soon() -> Call {
    Call::until(Instant::now() + Duration::from_secs(20))
}

async fn change(plugin: &dyn PluginDatabase, sql: &str) -> DbError {
    let done = plugin.execute(sql.to_owned(), vec![], soon()).await;
    done.expect_err(sql)
}

async fn query(plugin: &dyn PluginDatabase, sql: &str) -> DbError {
    let done = plugin.query(sql.to_owned(), vec![], soon()).await;
    done.expect_err(sql)
}

#[track_caller]
fn expect(
    sql: &str,
    error: &DbError,
    (reason, kind, code): (DbReason, impl Into<Option<DbErrorKind>>, Option<&str>),
) {
    assert_eq!(
        (error.reason, error.kind, error.code.as_deref()),
        (reason, kind.into(), code),
        "{sql}\n{error}"
    );
    assert!(error.text.contains("\"probe\""), "{sql}\n{error}");
}

each! {
async fn what_the_engine_says_has_its_kind_and_its_code(on: On) {
    use DbErrorKind::{Check, Data, ForeignKey, NotNull, Other, Syntax, UndefinedColumn, UndefinedTable, Unique};
    use DbReason::{Conflict, Invalid};

    let store = Store::with(on, on.pick(SQLITE, POSTGRES));
    let plugin = store.open(PostgresSettings::default(), &GRANTED);
    let plugin = &*plugin;
    let changes = [
        ("INSERT INTO parent (id, word) VALUES (3, 'a')", Conflict, Unique, "2067", "23505"),
        ("INSERT INTO parent (id, word) VALUES (1, 'c')", Conflict, Unique, "1555", "23505"),
        ("INSERT INTO child (id, parent_id) VALUES (2, 9)", Conflict, ForeignKey, "787", "23503"),
        ("DELETE FROM parent WHERE id = 1", Conflict, ForeignKey, "787", "23503"),
        ("INSERT INTO child (id, word) VALUES (2, NULL)", Conflict, NotNull, "1299", "23502"),
        ("INSERT INTO child (id, size) VALUES (2, 10)", Conflict, Check, "275", "23514"),
        ("INSERT INTO strict_one (id, size) VALUES (2, 'many')", Invalid, Data, "3091", "22P02"),
        ("INSERT INTO parent (id) VALUES ('x')", Invalid, Data, "20", "22P02"),
        ("INSERT INTO parent (missing) VALUES (1)", Invalid, UndefinedColumn, "1", "42703"),
        ("UPDATE parent SET missing = 1", Invalid, UndefinedColumn, "1", "42703"),
        ("INSERT INTO nowhere (id) VALUES (1)", Invalid, UndefinedTable, "1", "42P01"),
        ("INSERT INTO parent (id) VALUES (1", Invalid, Syntax, "1", "42601"),
    ];
    for (sql, reason, kind, sqlite, postgres) in changes {
        let code = on.pick(sqlite, postgres);
        expect(sql, &change(plugin, sql).await, (reason, kind, Some(code)));
    }
    let queries = [
        ("SELECT id FORM parent WHERE", Syntax, "1", "42601"),
        ("SELECT 1 +", Syntax, "1", "42601"),
        ("SELECT missing FROM parent", UndefinedColumn, "1", "42703"),
        ("SELECT id FROM nowhere", UndefinedTable, "1", "42P01"),
        (
            on.pick("SELECT abs(-9223372036854775807 - 1)", "SELECT 9223372036854775807 + id FROM parent"),
            Data, "1", "22003",
        ),
        (on.pick("SELECT json('{')", "SELECT 1 / 0"), Data, "1", "22012"),
        (
            on.pick("SELECT group_concat(DISTINCT word, ',') FROM parent", "SELECT count(*) FROM parent GROUP BY count(*)"),
            Other, "1", "42803",
        ),
    ];
    for (sql, kind, sqlite, postgres) in queries {
        let code = on.pick(sqlite, postgres);
        expect(sql, &query(plugin, sql).await, (Invalid, kind, Some(code)));
    }
    if on.is_postgres() {
        let sql = "INSERT INTO strict_one (id, size) VALUES (2, 7)";
        let said = (Conflict, DbErrorKind::Exclusion, Some("23P01"));
        expect(sql, &change(plugin, sql).await, said);
    }
}
}

each! {
async fn a_query_that_would_change_something_is_refused_as_one(on: On) {
    let store = Store::with(on, on.pick(SQLITE, POSTGRES));
    let plugin = store.open(PostgresSettings::default(), &GRANTED);
    // Only the last comes as far as to a server.
    for sql in [
        "INSERT INTO parent (id) VALUES (3)",
        "DELETE FROM parent",
        on.pick(
            "UPDATE parent SET word = 'x' RETURNING id",
            "WITH x AS (UPDATE parent SET word = 'x' RETURNING id) SELECT id FROM x",
        ),
    ] {
        let error = query(&*plugin, sql).await;
        assert_eq!(
            (error.reason, error.kind),
            (DbReason::Denied, Some(DbErrorKind::ReadOnly)),
            "{sql}\n{error}"
        );
    }
}
}

each! {
async fn a_table_that_is_not_granted_is_denied_by_the_engine(on: On) {
    let store = Store::new(on);
    let plugin = store.open(PostgresSettings::default(), &["db:read=ticket", "db:write=note"]);
    let sql = "SELECT word FROM secret";
    let said = (
        DbReason::Denied,
        // SQLite asks the host, which has no kinds of its own for what a grant does not cover.
        on.is_postgres().then_some(DbErrorKind::Other),
        on.is_postgres().then_some("42501"),
    );
    expect(sql, &query(&*plugin, sql).await, said);
}
}

each! {
async fn a_lock_that_was_not_to_be_had_says_so(on: On) {
    let store = Store::new(on);
    let caps = Caps::default().statement_time(Duration::from_secs(4));
    let plugin = store.open_within(PostgresSettings::default(), &["db:write=note"], caps);
    let other = store.hold_writers();
    let sql = "INSERT INTO note (text) VALUES ('ours')";
    let said = (
        DbReason::Conflict,
        DbErrorKind::LockTimeout,
        Some(on.pick("5", "55P03")),
    );
    expect(sql, &change(&*plugin, sql).await, said);
    drop(other);
}
}

both! {
async fn the_statement_of_a_transaction_is_a_number_and_not_a_part_of_the_text(on: On) {
    let store = Store::new(on);
    let plugin = store.open(PostgresSettings::default(), &["db:write=note"]);
    let insert = |text: &str| Statement {
        sql: format!("INSERT INTO note (text) VALUES ('{text}')"),
        params: vec![],
    };
    let all = vec![insert("a"), insert("b"), insert("a"), insert("c")];
    let error = plugin.transaction(all, soon()).await.unwrap_err();
    assert_eq!(
        (error.statement, error.kind),
        (Some(3), Some(DbErrorKind::Unique)),
        "{error}"
    );
    assert!(!error.text.contains("statement 3"), "{error}");
    assert!(error.to_string().starts_with("statement 3 of the transaction: "));
    let alone = plugin.transaction(vec![insert("a"); 1], soon()).await;
    alone.unwrap();
    let error = plugin.transaction(vec![insert("a")], soon()).await.unwrap_err();
    assert_eq!(error.statement, None);
}
}

both! {
async fn a_database_says_which_engine_it_is(on: On) {
    let store = Store::new(on);
    let plugin = store.open(PostgresSettings::default(), &["db:read=note"]);
    assert_eq!(plugin.engine(), on.pick(Engine::Sqlite, Engine::Postgres));
}
}

#[test]
fn the_words_for_kinds_are_names_that_the_contract_can_have() {
    let mut names: Vec<_> = DbErrorKind::ALL.iter().map(|kind| kind.name()).collect();
    for name in &names {
        let parts = name.split('-');
        assert!(
            parts
                .clone()
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase())),
            "{name}"
        );
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DbErrorKind::ALL.len());
}

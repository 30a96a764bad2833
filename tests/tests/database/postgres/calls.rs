//! Function calls that the host finds in a statement's text, compared with those that the server finds.
//!
//! The application has a function of each name that means something else to the grammar in some place. Statements are
//! generated in which such a name stands where it is called and where it is not; a server is asked, without the host,
//! which of them call a function of the application's. The plugin must be refused each of those, whatever else it is.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use goatherd::capability::db::{Call, DbReason, PluginDatabase, PostgresSettings};
use goatherd_tests::postgres_helpdesk_with;
use tokio_postgres::{Client, NoTls};

/// Words that a parenthesis may follow without a call, and one that has no other meaning.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "brin", "btree", "by", "conflict", "cube", "filter", "first", "gin", "gist", "hash", "identity", "ilike", "include",
    "insert", "join", "key", "like", "list", "materialized", "next", "over", "peek", "range", "recursive", "rollup",
    "sets", "spgist", "varying", "zone",
];

const STATEMENTS: usize = 4_000;

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }

    fn chance(&mut self, of_ten: usize) -> bool {
        self.roll(10) < of_ten
    }
}

/// Writes statements. `left` is how deep they may still go.
struct Writer {
    dice: Dice,
    /// Nothing of the application's is called.
    plain: bool,
}

impl Writer {
    /// A name, as it is written in front of arguments.
    fn name(&mut self) -> String {
        let name = self.dice.pick(NAMES);
        match self.dice.roll(12) {
            0 => format!("\"{name}\""),
            1 => format!("public.{name}"),
            2 => name.to_uppercase(),
            3 => format!("{name} "),
            4 => format!("{name}/**/"),
            _ => name.to_owned(),
        }
    }

    /// A number that a function gives, as far as functions may be called.
    fn call(&mut self, argument: &str) -> String {
        if self.plain {
            format!("({argument})")
        } else {
            format!("{}({argument})", self.name())
        }
    }

    /// A truth value, likewise.
    fn test(&mut self) -> String {
        if self.plain {
            "(true)".to_owned()
        } else {
            format!("{}('x'::text)", self.name())
        }
    }

    fn number(&mut self, left: usize) -> String {
        if left == 0 {
            return self.dice.pick(&["1", "a", "t.b"]).to_owned();
        }
        let left = left - 1;
        match self.dice.roll(12) {
            0 => "1".to_owned(),
            1 | 2 => {
                let argument = self.number(left);
                self.call(&argument)
            }
            3 => format!("({})", self.number(left)),
            4 => format!("{} + {}", self.number(left), self.number(left)),
            5 => format!(
                "CASE WHEN {} THEN {} ELSE {} END",
                self.truth(left),
                self.number(left),
                self.number(left)
            ),
            6 => format!("coalesce({}, {})", self.number(left), self.number(left)),
            7 => format!(
                "(SELECT {} FROM {} LIMIT 1)",
                self.number(left),
                self.from(left)
            ),
            8 => format!("- {}", self.number(left)),
            9 => format!("CAST({} AS numeric(3))::int", self.number(left)),
            10 => format!(
                "(count(*) FILTER (WHERE {}) OVER (PARTITION BY {} ORDER BY {}))::int",
                self.truth(left),
                self.number(left),
                self.number(left)
            ),
            _ => self.dice.pick(&["a", "t.b"]).to_owned(),
        }
    }

    fn truth(&mut self, left: usize) -> String {
        if left == 0 {
            return self
                .dice
                .pick(&["true", "t.a > 1", "w LIKE ('x')", "w NOT ILIKE ('x')"])
                .to_owned();
        }
        let left = left - 1;
        match self.dice.roll(9) {
            0 | 1 => self.test(),
            2 => format!("NOT {}", self.truth(left)),
            3 => format!("{} = {}", self.number(left), self.number(left)),
            4 => format!("EXISTS (SELECT 1 FROM {})", self.from(left)),
            5 => format!("{} IN ({})", self.number(left), self.number(left)),
            6 => format!("({} AND {})", self.truth(left), self.truth(left)),
            7 => format!("w {} ('x')", self.dice.pick(&["LIKE", "NOT LIKE", "ILIKE"])),
            _ => format!("w LIKE {}::text", self.test()),
        }
    }

    fn table(&mut self, left: usize) -> String {
        if left == 0 || (self.plain && self.dice.chance(5)) {
            return "t AS t".to_owned();
        }
        match self.dice.roll(6) {
            0 if !self.plain => format!("{}({}) AS t(a)", self.name(), self.number(0)),
            1 if !self.plain => format!("LATERAL {}(1) AS t(b)", self.name()),
            2 => format!("t AS {}(a, b, w)", self.dice.pick(&["t", "hash", "peek"])),
            3 => "(SELECT a, b, w FROM t) AS t".to_owned(),
            4 if !self.plain => format!("ROWS FROM ({}(1)) AS t(b)", self.name()),
            _ => "t AS t".to_owned(),
        }
    }

    fn from(&mut self, left: usize) -> String {
        let mut text = self.table(left);
        if left > 0 && self.dice.chance(3) {
            let _ = match self.dice.roll(3) {
                0 => write!(text, " JOIN t AS u ON {}", self.truth(left - 1)),
                1 => write!(
                    text,
                    " LEFT JOIN ({}) AS u(x) ON {}",
                    self.select(left - 1),
                    self.truth(left - 1)
                ),
                _ => write!(text, " JOIN t AS u USING (a)"),
            };
        }
        text
    }

    fn select(&mut self, left: usize) -> String {
        let mut text = String::new();
        if left > 0 && self.dice.chance(2) {
            let how = self.dice.pick(&["", " MATERIALIZED", " NOT MATERIALIZED"]);
            let name = self.dice.pick(&["hash", "peek", "c"]);
            let _ = write!(text, "WITH {name}(x) AS{how} ({}) ", self.select(left - 1));
        }
        let _ = write!(text, "SELECT {}", self.number(left));
        if self.dice.chance(2) {
            let _ = write!(text, " AS {}", self.dice.pick(&["hash", "by", "zone", "x"]));
        }
        let _ = write!(text, " FROM {}", self.from(left));
        if self.dice.chance(4) {
            let _ = write!(text, " WHERE {}", self.truth(left));
        }
        if self.dice.chance(2) {
            let by = match self.dice.roll(4) {
                0 => "CUBE (a, b)".to_owned(),
                1 => "GROUPING SETS ((a), (b))".to_owned(),
                2 => "ROLLUP (a)".to_owned(),
                _ => self.number(left),
            };
            let _ = write!(text, " GROUP BY {by}");
        }
        if self.dice.chance(3) {
            let _ = write!(text, " ORDER BY {}", self.number(left));
        }
        let _ = match self.dice.roll(8) {
            0 => write!(text, " LIMIT {}", self.call("1")),
            1 => write!(text, " FETCH FIRST (1) ROWS ONLY"),
            2 => write!(text, " FETCH NEXT ({}) ROWS ONLY", self.call("1")),
            _ => Ok(()),
        };
        text
    }

    fn change(&mut self) -> String {
        match self.dice.roll(6) {
            0 => format!(
                "UPDATE t SET a = {} FROM {} WHERE {}",
                self.number(2),
                self.table(1).replace("AS t", "AS v"),
                self.truth(2)
            ),
            1 => format!(
                "DELETE FROM t USING {} WHERE {}",
                self.table(1).replace("AS t", "AS v"),
                self.truth(2)
            ),
            2 => format!(
                "DELETE FROM t USING {}(1) g WHERE {}",
                self.name(),
                self.truth(1)
            ),
            3 => format!(
                "MERGE INTO t USING (SELECT 1 AS x) AS s ON {} WHEN MATCHED AND {} THEN DELETE WHEN NOT MATCHED THEN INSERT (a, b) VALUES ({}, 1)",
                self.truth(1),
                self.truth(1),
                self.dice
                    .pick(&["x", "CASE WHEN true THEN insert(x) END", "peek(x)"])
            ),
            4 => format!(
                "INSERT INTO t (a, b) SELECT 1, {} FROM {} JOIN t AS u ON {}{}",
                self.number(1),
                self.table(1),
                self.truth(1),
                self.dice.pick(&[
                    "",
                    " WHERE true ON CONFLICT (a) DO NOTHING",
                    " ON CONFLICT (a) WHERE true DO NOTHING"
                ])
            ),
            _ => format!(
                "INSERT INTO t (a) VALUES ({}) ON CONFLICT (a){} DO UPDATE SET a = {} WHERE {}",
                self.number(2),
                self.dice.pick(&["", " WHERE b > 1"]),
                self.number(1),
                self.truth(1)
            ),
        }
    }

    /// A change of the schema, and a statement that calls the same functions and leaves a trace of it where the first
    /// leaves none.
    fn schema(&mut self) -> (String, Option<String>) {
        match self.dice.roll(6) {
            0 => {
                let partition = self.dice.pick(&[
                    "",
                    " PARTITION BY HASH (a)",
                    " PARTITION BY RANGE (a)",
                    " PARTITION BY LIST (a)",
                ]);
                (
                    format!(
                        "CREATE TABLE made (a INT DEFAULT {}, b INT, w TEXT, CHECK ({})){partition}",
                        self.constant(),
                        self.truth(0).replace("t.", "")
                    ),
                    None,
                )
            }
            1 => {
                let select = self.select(2);
                (format!("CREATE TABLE made AS {select}"), Some(select))
            }
            2 => {
                let select = self.number(2);
                (
                    format!("ALTER TABLE t ALTER COLUMN b TYPE INT USING {select}"),
                    Some(format!("SELECT {select} FROM t")),
                )
            }
            3 => (
                format!(
                    "CREATE TABLE made (a INT, EXCLUDE USING {} ({}(a) WITH =))",
                    self.dice.pick(&["btree", "hash", "gist"]),
                    self.name()
                ),
                None,
            ),
            _ => {
                let by = match self.dice.roll(3) {
                    0 => "a".to_owned(),
                    1 => format!("{}(a)", self.name()),
                    _ => format!("({}(a) + 1)", self.name()),
                };
                let start = self.dice.pick(&["", "made ", "IF NOT EXISTS made "]);
                let only = self.dice.pick(&["", "ONLY "]);
                let method = self
                    .dice
                    .pick(&["", " USING btree", " USING hash", " USING brin"]);
                let include = self.dice.pick(&["", " INCLUDE (b)"]);
                let condition = if self.dice.chance(3) {
                    format!(" WHERE {}('x'::text)", self.name())
                } else {
                    String::new()
                };
                (
                    format!("CREATE INDEX {start}ON {only}t{method} ({by}){include}{condition}"),
                    None,
                )
            }
        }
    }

    fn constant(&mut self) -> String {
        match self.dice.roll(3) {
            0 => "1".to_owned(),
            1 => format!("{}(1)", self.name()),
            _ => format!("CASE WHEN true THEN {}(1) END", self.name()),
        }
    }
}

/// How many dependencies on functions of the application's there are in the transaction.
const DEPENDENCIES: &str = "SELECT count(*) FROM pg_depend d JOIN pg_proc p ON d.refobjid = p.oid
    WHERE d.refclassid = 'pg_proc'::regclass AND p.pronamespace = 'public'::regnamespace";

/// Whether the server finds a call of a function of the application's; none if it does not take the statement.
async fn calls(server: &Client, sql: &str, is_schema: bool) -> Option<bool> {
    server.batch_execute("BEGIN").await.expect("a transaction");
    // What such a function does is stored as the server understood it, with what it depends on.
    let stored = if is_schema {
        sql.to_owned()
    } else {
        format!("CREATE FUNCTION found() RETURNS void LANGUAGE sql BEGIN ATOMIC {sql}; END")
    };
    let found = match server.batch_execute(&stored).await {
        Ok(()) => {
            let row = server
                .query_one(DEPENDENCIES, &[])
                .await
                .expect("the catalogue");
            Some(row.get::<_, i64>(0) > 0)
        }
        Err(error) => {
            assert!(error.as_db_error().is_some(), "{sql}: {error}");
            None
        }
    };
    server
        .batch_execute("ROLLBACK")
        .await
        .expect("it is undone");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_that_calls_a_function_of_the_applications_is_passed_on() {
    let mut schema = "CREATE TABLE t (a INT PRIMARY KEY, b INT, w TEXT);".to_owned();
    for name in NAMES {
        let _ = write!(
            schema,
            "CREATE FUNCTION \"{name}\"(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
             CREATE FUNCTION \"{name}\"(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
        );
    }
    let helpdesk = postgres_helpdesk_with(&schema);
    let opened = crate::Store::Postgres(helpdesk);
    let plugin = opened.open(PostgresSettings::default(), &["db:read=*", "db:write=*"]);
    let crate::Store::Postgres(helpdesk) = &opened else {
        unreachable!()
    };
    let (server, connection) = tokio_postgres::connect(helpdesk.url(), NoTls)
        .await
        .expect("the server answers");
    tokio::spawn(connection);
    let mut writer = Writer {
        dice: Dice(1),
        plain: false,
    };
    let (mut calling, mut plain, mut allowed) = (0, 0, 0);
    let mut missed = Vec::new();
    for number in 0..STATEMENTS {
        writer.plain = number % 3 == 0;
        let (sql, asked, is_schema) = match number % 4 {
            0 => {
                let sql = writer.change();
                (sql.clone(), sql, false)
            }
            1 => match writer.schema() {
                (sql, Some(asked)) => (sql, asked, false),
                (sql, None) => (sql.clone(), sql, true),
            },
            _ => {
                let sql = writer.select(3);
                (sql.clone(), sql, false)
            }
        };
        let Some(is_calling) = calls(&server, &asked, is_schema).await else {
            continue;
        };
        if is_calling {
            calling += 1;
        } else if number % 4 == 1 {
            // What it leaves behind would be in the way of others.
            continue;
        } else {
            plain += 1;
        }
        let outcome = run(&*plugin, &sql, number % 4 > 1).await;
        match outcome {
            Err(error)
                if error.reason == DbReason::Denied
                    && error.text.contains(" may not call function ") => {}
            _ if !is_calling => allowed += 1,
            other => missed.push(format!("{sql}\n    {other:?}")),
        }
    }
    assert!(
        missed.is_empty(),
        "{} calls were missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
    // Otherwise this test would say nothing.
    assert!(
        calling > STATEMENTS / 8,
        "only {calling} statements call a function"
    );
    assert!(plain > STATEMENTS / 20, "only {plain} statements call none");
    assert!(
        allowed * 10 >= plain * 9,
        "of {plain} statements without calls only {allowed} are passed on"
    );
}

async fn run(
    plugin: &dyn PluginDatabase,
    sql: &str,
    is_query: bool,
) -> Result<(), goatherd::capability::db::DbError> {
    let call = Call::until(Instant::now() + Duration::from_secs(30));
    if is_query {
        plugin.query(sql.to_owned(), vec![], call).await.map(drop)
    } else {
        plugin.execute(sql.to_owned(), vec![], call).await.map(drop)
    }
}

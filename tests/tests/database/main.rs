//! The database, through a guest: what a grant covers, what no statement gets around, and what a call may use.
//!
//! Each test runs on both back-ends. Where they speak another SQL, [`On::pick`] has both.

mod caps;
mod organisations;
mod rate;
mod scope;
mod statements;
mod transactions;
mod values;

use goatherd::capability::db::{Caps, Databases, PostgresSettings};
use goatherd::runtime::{CallError, Limits};
use goatherd::{Host, Plugin};
use goatherd_tests::{
    Helpdesk, PostgresHelpdesk, call, database_host, helpdesk, host_builder, limits, plugin,
    postgres_helpdesk,
};
use serde_json::{Value, json};

/// Makes of each function one test for each back-end.
macro_rules! both {
    (async fn $name:ident($on:ident: On) $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($on: On) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body(On::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body(On::Postgres).await;
            }
        }
    };
}
pub(crate) use both;

/// A back-end.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// What is said in the one's words or in the other's.
    fn pick<'a>(self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }
}

/// A helpdesk's database in a back-end.
enum Store {
    Sqlite(Helpdesk),
    Postgres(PostgresHelpdesk),
}

impl Store {
    fn new(on: On) -> Self {
        match on {
            On::Sqlite => Self::Sqlite(helpdesk()),
            On::Postgres => Self::Postgres(postgres_helpdesk()),
        }
    }

    /// A host that serves it.
    fn host(&self, caps: Caps) -> Host {
        match self {
            Self::Sqlite(helpdesk) => database_host(helpdesk, caps),
            Self::Postgres(helpdesk) => {
                let database = helpdesk.database(PostgresSettings::default());
                let builder = host_builder().provider(Databases::new(database, caps));
                builder.build().expect("the host starts")
            }
        }
    }

    /// One number that the test itself asks the database for.
    fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(helpdesk) => helpdesk.number(sql),
            Self::Postgres(helpdesk) => helpdesk.number(sql),
        }
    }

    /// Keeps others from changing notes until it is dropped.
    fn hold_writers(&self) -> Box<dyn std::any::Any> {
        match self {
            Self::Sqlite(helpdesk) => {
                let other = helpdesk.connection();
                let sql = "BEGIN IMMEDIATE; INSERT INTO note (text) VALUES ('theirs')";
                other.execute_batch(sql).expect("nobody else writes");
                Box::new(other)
            }
            Self::Postgres(helpdesk) => {
                Box::new(helpdesk.hold("LOCK TABLE note IN SHARE ROW EXCLUSIVE MODE"))
            }
        }
    }
}

/// A database, a host that serves it, and the probe with a grant for it.
struct Desk {
    store: Store,
    host: Host,
    probe: Plugin,
}

impl Desk {
    /// With these `db` grants.
    async fn with(on: On, granted: &[&str]) -> Self {
        Self::within(on, granted, Caps::default(), limits()).await
    }

    async fn within(on: On, granted: &[&str], caps: Caps, limits: Limits) -> Self {
        let store = Store::new(on);
        let host = store.host(caps);
        let mut all = vec!["cache:readwrite", "config"];
        all.extend(granted);
        // The probe imports reading and writing, so a test of one of them grants the other for a table that is not there.
        for access in ["read", "write"] {
            if !granted.iter().any(|grant| grant.contains(access)) {
                all.push(if access == "read" {
                    "db:read=nothing"
                } else {
                    "db:write=nothing"
                });
            }
        }
        let probe = plugin(&host, "probe", &all, limits).await;
        Self { store, host, probe }
    }

    async fn query(&self, sql: &str) -> Result<Value, CallError> {
        self.query_with(sql, json!([])).await
    }

    async fn query_with(&self, sql: &str, params: Value) -> Result<Value, CallError> {
        call(
            &self.probe,
            "db.query",
            json!({"sql": sql, "params": params}),
        )
        .await
    }

    async fn execute(&self, sql: &str, params: Value) -> Result<Value, CallError> {
        call(
            &self.probe,
            "db.execute",
            json!({"sql": sql, "params": params}),
        )
        .await
    }

    async fn transaction(&self, statements: Value) -> Result<Value, CallError> {
        call(
            &self.probe,
            "db.transaction",
            json!({"statements": statements}),
        )
        .await
    }
}

/// The one value of a result.
fn only(rows: Value) -> Value {
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1), "{rows}");
    rows["rows"][0][0].clone()
}

/// The refusal of a statement, whose words never have what it was after.
fn refused(sql: &str, outcome: Result<Value, CallError>, codes: &[&str]) -> String {
    let error = match outcome {
        Ok(answer) => panic!("{sql}\nwas answered: {answer}"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(
        matches!(error, CallError::Plugin { .. }),
        "{sql}\ncost the instance: {text}"
    );
    assert!(codes.contains(&error.code().as_str()), "{sql}\n{text}");
    assert!(
        !text.contains("hunter2"),
        "{sql}\ngave the secret away: {text}"
    );
    text
}

const DENIED: &[&str] = &["permission-denied"];
const DENIED_OR_INVALID: &[&str] = &["permission-denied", "invalid-argument"];

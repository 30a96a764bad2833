//! What the tests share: a database in a back-end, a host that serves it, and the probe.

use std::ops::Deref;
use std::sync::Arc;

use goatherd::capability::db::{
    Caps, Database, Databases, PluginDatabase, PostgresSettings, Scopes, SqliteDatabase,
};
use goatherd::contract::CallContext;
use goatherd::permission::{Grant, Grants};
use goatherd::runtime::{CallError, Limits};
use goatherd::{Host, Plugin};
use goatherd_tests::{
    Helpdesk, PostgresHelpdesk, call_in, helpdesk, helpdesk_with, host_builder, limits, plugin,
    postgres_helpdesk, postgres_helpdesk_with,
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

/// Makes of each function one test for each back-end, and one for a PostgreSQL whose messages are German.
macro_rules! each {
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

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres_in_german() {
                body(On::PostgresInGerman).await;
            }
        }
    };
}
pub(crate) use each;

/// A back-end.
#[derive(Clone, Copy, PartialEq)]
pub enum On {
    Sqlite,
    Postgres,
    /// The server's messages are German.
    PostgresInGerman,
}

impl On {
    pub fn is_postgres(self) -> bool {
        self != Self::Sqlite
    }

    /// What is said in the one's words or in the other's.
    pub fn pick<T>(self, sqlite: T, postgres: T) -> T {
        if self.is_postgres() { postgres } else { sqlite }
    }
}

/// A database as one plugin has it.
pub struct Opened {
    plugin: Arc<dyn PluginDatabase>,
    /// Must be there as long as the plugin's.
    _database: Box<dyn Database>,
}

impl Deref for Opened {
    type Target = dyn PluginDatabase;

    fn deref(&self) -> &Self::Target {
        &*self.plugin
    }
}

/// A database in a back-end.
pub enum Store {
    Sqlite(Helpdesk),
    Postgres(PostgresHelpdesk),
}

impl Store {
    /// A helpdesk's.
    pub fn new(on: On) -> Self {
        match on {
            On::Sqlite => Self::Sqlite(helpdesk()),
            On::Postgres => Self::Postgres(postgres_helpdesk()),
            On::PostgresInGerman => Self::Postgres(postgres_helpdesk().in_german()),
        }
    }

    /// One with these tables instead.
    pub fn with(on: On, schema: &str) -> Self {
        match on {
            On::Sqlite => Self::Sqlite(helpdesk_with(schema)),
            On::Postgres => Self::Postgres(postgres_helpdesk_with(schema)),
            On::PostgresInGerman => Self::Postgres(postgres_helpdesk_with(schema).in_german()),
        }
    }

    /// A host that serves it. Of the settings, both back-ends know the organisations.
    pub fn host(&self, settings: PostgresSettings, caps: Caps) -> Host {
        let databases = match self {
            Self::Sqlite(helpdesk) => {
                let database = SqliteDatabase::open(helpdesk.path()).expect("the database opens");
                Databases::new(database.with_organisations(settings.organisations), caps)
            }
            Self::Postgres(helpdesk) => Databases::new(helpdesk.database(settings), caps),
        };
        let builder = host_builder().provider(databases);
        builder.build().expect("the host starts")
    }

    /// The database as a plugin has it with these grants, without a plugin.
    pub fn open(&self, settings: PostgresSettings, granted: &[&str]) -> Opened {
        self.open_within(settings, granted, Caps::default())
    }

    pub fn open_within(&self, settings: PostgresSettings, granted: &[&str], caps: Caps) -> Opened {
        let grants = granted
            .iter()
            .map(|grant| Grant::parse(grant).expect("a grant"));
        let grants: Grants = grants.collect();
        let scopes = Scopes {
            read: grants.db_read().cloned(),
            write: grants.db_write().cloned(),
        };
        let database: Box<dyn Database> = match self {
            Self::Sqlite(helpdesk) => Box::new(
                SqliteDatabase::open(helpdesk.path())
                    .expect("the database opens")
                    .with_organisations(settings.organisations),
            ),
            Self::Postgres(helpdesk) => Box::new(helpdesk.database(settings)),
        };
        let plugin = database.open("probe", scopes, caps);
        Opened {
            plugin: plugin.expect("there is a database for the plugin"),
            _database: database,
        }
    }

    /// What the application does by itself.
    pub fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(helpdesk) => helpdesk
                .connection()
                .execute_batch(sql)
                .unwrap_or_else(|error| panic!("{sql}: {error}")),
            Self::Postgres(helpdesk) => helpdesk.run(sql),
        }
    }

    /// One number that the test itself asks the database for.
    pub fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(helpdesk) => helpdesk.number(sql),
            Self::Postgres(helpdesk) => helpdesk.number(sql),
        }
    }

    /// Keeps others from changing notes until it is dropped.
    pub fn hold_writers(&self) -> Box<dyn std::any::Any> {
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

/// The probe on this database, and the host that it runs in.
///
/// It imports reading and writing, so a test of one of them grants the other for a table that is not there.
pub async fn load(
    store: &Store,
    granted: &[&str],
    settings: PostgresSettings,
    caps: Caps,
    limits: Limits,
) -> (Host, Plugin) {
    let host = store.host(settings, caps);
    let mut all = vec!["cache:readwrite", "config"];
    all.extend(granted);
    for (access, nothing) in [("read", "db:read=nothing"), ("write", "db:write=nothing")] {
        if !granted.iter().any(|grant| grant.contains(access)) {
            all.push(nothing);
        }
    }
    let probe = plugin(&host, "probe", &all, limits).await;
    (host, probe)
}

/// A database, a host that serves it, and the probe with a grant for it.
pub struct Desk {
    pub store: Store,
    pub host: Host,
    pub probe: Plugin,
}

impl Desk {
    /// With these `db` grants.
    pub async fn with(on: On, granted: &[&str]) -> Self {
        Self::within(on, granted, Caps::default(), limits()).await
    }

    pub async fn within(on: On, granted: &[&str], caps: Caps, limits: Limits) -> Self {
        let store = Store::new(on);
        let settings = PostgresSettings::default();
        let (host, probe) = load(&store, granted, settings, caps, limits).await;
        Self { store, host, probe }
    }

    /// On a database that is there.
    pub async fn over(store: Store, granted: &[&str], settings: PostgresSettings) -> Self {
        let (host, probe) = load(&store, granted, settings, Caps::default(), limits()).await;
        Self { store, host, probe }
    }

    pub async fn query(&self, sql: &str) -> Result<Value, CallError> {
        self.query_with(sql, json!([])).await
    }

    pub async fn query_with(&self, sql: &str, params: Value) -> Result<Value, CallError> {
        let args = json!({"sql": sql, "params": params});
        self.call_as(None, "db.query", args).await
    }

    pub async fn execute(&self, sql: &str) -> Result<Value, CallError> {
        self.execute_with(sql, json!([])).await
    }

    pub async fn execute_with(&self, sql: &str, params: Value) -> Result<Value, CallError> {
        let args = json!({"sql": sql, "params": params});
        self.call_as(None, "db.execute", args).await
    }

    pub async fn transaction(&self, statements: Value) -> Result<Value, CallError> {
        self.call_as(None, "db.transaction", json!({"statements": statements}))
            .await
    }

    /// For an organisation, or for none.
    pub async fn query_as(
        &self,
        org: impl Into<Option<i64>>,
        sql: &str,
    ) -> Result<Value, CallError> {
        self.call_as(org.into(), "db.query", json!({"sql": sql}))
            .await
    }

    pub async fn execute_as(
        &self,
        org: impl Into<Option<i64>>,
        sql: &str,
    ) -> Result<Value, CallError> {
        self.call_as(org.into(), "db.execute", json!({"sql": sql}))
            .await
    }

    pub async fn call_as(
        &self,
        org_id: Option<i64>,
        function: &str,
        args: Value,
    ) -> Result<Value, CallError> {
        let context = CallContext::default().org_id(org_id);
        call_in(&self.probe, context, function, args).await
    }
}

/// The one value of a result.
pub fn only(rows: Value) -> Value {
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1), "{rows}");
    rows["rows"][0][0].clone()
}

/// The refusal of a statement, whose words never have what it was after.
pub fn refused(sql: &str, outcome: Result<Value, CallError>, codes: &[&str]) -> String {
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

pub const DENIED: &[&str] = &["permission-denied"];
pub const INVALID: &[&str] = &["invalid-argument"];
pub const DENIED_OR_INVALID: &[&str] = &["permission-denied", "invalid-argument"];

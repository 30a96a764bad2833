//! PostgreSQL as an attacker sees it: a plugin that may send any text, and a database that lets every role do a lot.

mod escapes;
mod organisations;
mod roles;
mod schema;
mod values;

use goatherd::capability::db::{Caps, Databases, PostgresSettings};
use goatherd::contract::CallContext;
use goatherd::runtime::CallError;
use goatherd::{Host, Plugin};
use goatherd_tests::{PostgresHelpdesk, call_in, host_builder, limits, plugin, postgres_helpdesk};
use serde_json::{Value, json};

const DENIED: &[&str] = &["permission-denied"];
const INVALID: &[&str] = &["invalid-argument"];
const DENIED_OR_INVALID: &[&str] = &["permission-denied", "invalid-argument"];

/// A helpdesk, a host that serves it, and the probe with grants.
struct Desk {
    helpdesk: PostgresHelpdesk,
    _host: Host,
    probe: Plugin,
}

impl Desk {
    async fn with(granted: &[&str]) -> Self {
        Self::set_up(granted, PostgresSettings::default(), |_| {}).await
    }

    /// With what the application does before the plugin comes.
    async fn set_up(
        granted: &[&str],
        settings: PostgresSettings,
        before: impl FnOnce(&PostgresHelpdesk),
    ) -> Self {
        let helpdesk = postgres_helpdesk();
        before(&helpdesk);
        let (host, probe) = load(&helpdesk, granted, settings, Caps::default()).await;
        Self {
            helpdesk,
            _host: host,
            probe,
        }
    }

    async fn query(&self, sql: &str) -> Result<Value, CallError> {
        self.query_with(sql, json!([])).await
    }

    async fn query_with(&self, sql: &str, params: Value) -> Result<Value, CallError> {
        self.call_as(None, "db.query", json!({"sql": sql, "params": params}))
            .await
    }

    async fn execute(&self, sql: &str) -> Result<Value, CallError> {
        self.call_as(None, "db.execute", json!({"sql": sql})).await
    }

    async fn call_as(
        &self,
        org_id: Option<i64>,
        function: &str,
        args: Value,
    ) -> Result<Value, CallError> {
        let context = CallContext {
            org_id,
            ..CallContext::default()
        };
        call_in(&self.probe, context, function, args).await
    }

    async fn query_as(&self, org: i64, sql: &str) -> Result<Value, CallError> {
        self.call_as(Some(org), "db.query", json!({"sql": sql}))
            .await
    }

    async fn execute_as(&self, org: i64, sql: &str) -> Result<Value, CallError> {
        self.call_as(Some(org), "db.execute", json!({"sql": sql}))
            .await
    }
}

async fn load(
    helpdesk: &PostgresHelpdesk,
    granted: &[&str],
    settings: PostgresSettings,
    caps: Caps,
) -> (Host, Plugin) {
    let database = helpdesk.database(settings);
    let builder = host_builder().provider(Databases::new(database, caps));
    let host = builder.build().expect("the host starts");
    let mut all = vec!["cache:readwrite", "config"];
    all.extend(granted);
    for access in ["read", "write"] {
        if !granted.iter().any(|grant| grant.contains(access)) {
            all.push(if access == "read" {
                "db:read=nothing"
            } else {
                "db:write=nothing"
            });
        }
    }
    let probe = plugin(&host, "probe", &all, limits()).await;
    (host, probe)
}

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

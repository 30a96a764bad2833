//! The database, through a guest: what a grant covers, what no statement gets around, and what a call may use.

mod caps;
mod organisations;
mod scope;
mod statements;
mod transactions;
mod values;

use goatherd::capability::db::Caps;
use goatherd::runtime::{CallError, Limits};
use goatherd::{Host, Plugin};
use goatherd_tests::{Helpdesk, call, database_host, helpdesk, limits, plugin};
use serde_json::{Value, json};

/// A database, a host that serves it, and the probe with a grant for it.
struct Desk {
    helpdesk: Helpdesk,
    /// Kept because a host in use is what plugins run in.
    _host: Host,
    probe: Plugin,
}

impl Desk {
    /// With these `db` grants.
    async fn with(granted: &[&str]) -> Self {
        Self::within(granted, Caps::default(), limits()).await
    }

    async fn within(granted: &[&str], caps: Caps, limits: Limits) -> Self {
        let helpdesk = helpdesk();
        let host = database_host(&helpdesk, caps);
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

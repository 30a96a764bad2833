//! Requests to other servers, through guests: what a grant covers, which addresses are dialled, what is sent and what comes
//! back, and what servers and plugins get up to. Servers are real ones in the test's own process; names lead where the test
//! says.

mod addresses;
mod redirects;
mod requests;
mod responses;
mod scope;
mod tls;
mod wasi_bodies;
mod wasi_egress;

use goatherd::contract::CallContext;
use goatherd::runtime::{CallError, Limits};
use goatherd::{Host, Plugin};
use goatherd_tests::{Names, call_in, host_builder, http_client, limits, plugin};
use serde_json::{Value, json};

/// A probe with `http` grants, in a host of its own.
struct Probe {
    /// Kept because a host in use is what plugins run in.
    host: Host,
    plugin: Plugin,
    names: Names,
}

impl Probe {
    /// The guest of `http-client`, for which the names of [`HOSTS`] lead to this machine.
    async fn with(scope: &[&str]) -> Self {
        Self::knowing(Names::here(HOSTS), scope).await
    }

    async fn knowing(names: Names, scope: &[&str]) -> Self {
        Self::load("probe-http", names, scope, limits()).await
    }

    /// The guest of `wasi:http`.
    async fn wasi(scope: &[&str]) -> Self {
        Self::load("probe-wasi-http", Names::here(HOSTS), scope, limits()).await
    }

    async fn load(guest: &str, names: Names, scope: &[&str], limits: Limits) -> Self {
        let client = http_client(&names, None);
        let host = host_builder().provider(client).build().unwrap();
        let plugin = plugin(&host, guest, &[&grant(scope)], limits).await;
        Self {
            host,
            plugin,
            names,
        }
    }

    async fn get(&self, url: &str) -> Result<Value, CallError> {
        self.request(json!({"url": url})).await
    }

    async fn request(&self, args: Value) -> Result<Value, CallError> {
        self.request_in(CallContext::default(), args).await
    }

    async fn request_in(&self, context: CallContext, args: Value) -> Result<Value, CallError> {
        call_in(&self.plugin, context, "request", args).await
    }

    async fn call(&self, function: &str, args: Value) -> Result<Value, CallError> {
        call_in(&self.plugin, CallContext::default(), function, args).await
    }

    /// What the host said in the plugin's log.
    fn logged(&self) -> String {
        let entries = self.plugin.log().entries();
        let lines: Vec<_> = entries.iter().map(|entry| entry.message.as_str()).collect();
        lines.join("\n")
    }
}

/// Names that lead to this machine.
const HOSTS: &[&str] = &[
    "api.test",
    "other.test",
    "deep.api.test",
    "xn--bcher-kva.test",
];

/// The code with which the guest of `wasi:http` passes on an error of WASI.
const WASI: &str = "probe-wasi-http:wasi";

fn grant(scope: &[&str]) -> String {
    if scope.is_empty() {
        "http".to_owned()
    } else {
        format!("http={}", scope.join(","))
    }
}

/// The entry for plain HTTP to a name that leads to this machine.
fn here(name: &str, port: u16) -> String {
    format!("http://{name}:{port}+private")
}

/// The words of a refusal, which has this code.
fn refused(outcome: Result<Value, CallError>, code: &str) -> String {
    let error = match outcome {
        Ok(answer) => panic!("expected {code}, answered: {answer}"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert_eq!(error.code().as_str(), code, "{text}");
    text
}

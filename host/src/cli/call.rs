//! `goatherd call`: one call of one function, with just the grants that are given.

use std::io::Write as _;
use std::time::Duration;

use super::args::Call;
use super::back_ends::{self, BackEnds};
use super::failure::{Failure, print};
use super::progress;
use super::settings::Settings;
use crate::capability::log::Entry;
use crate::contract::{CallContext, Json};
use crate::permission::Grants;
use crate::runtime::{CallError, Component, Host, Limits, LoadError, Plugin};

/// Loads the plugin, calls the function, prints the result, and shuts the plugin down.
pub(super) async fn run(settings: &Settings, call: &Call) -> Result<(), Failure> {
    let args = Json::parse(call.args.clone())
        .map_err(|error| Failure::Args(format!("the arguments are not JSON: {error}")))?;
    let grants: Grants = Grants::default_policy()
        .iter()
        .chain(&call.grants)
        .cloned()
        .collect();
    let database = back_ends::database(settings)?;
    let BackEnds { host, .. } =
        back_ends::connect(settings, database.as_ref(), Some(&grants), None).await?;
    let compiling = format!("compiling {}", call.file.display());
    let component = progress::while_waiting(compiling, host.compile_file(&call.file)).await?;
    let limits = Limits {
        call_timeout: Duration::from_secs(call.timeout),
        memory_bytes: usize::try_from(call.memory << 20).unwrap_or(usize::MAX),
        ..Limits::default()
    };
    let plugin = match host.load(&component, grants, limits).await {
        Ok(plugin) => plugin,
        Err(error) => {
            if call.show_log {
                show_log(&log_of_failed(&host, &component, &error));
            }
            return Err(error.into());
        }
    };
    let answer = answer(&plugin, call, &args).await;
    plugin.shutdown().await;
    if call.show_log {
        show_log(&plugin.log().entries());
    }
    print(&answer?)
}

/// What a plugin that was not loaded wrote: into its own log where it got so far as to be started, and else while it
/// registered.
fn log_of_failed(host: &Host, component: &Component, error: &LoadError) -> Vec<Entry> {
    match error {
        LoadError::Start(CallError::Start { plugin, .. }) => host.logs().of(plugin).entries(),
        _ => host.logs().of_register(&component.hash()),
    }
}

/// The result as JSON on one line.
async fn answer(plugin: &Plugin, call: &Call, args: &Json) -> Result<String, CallError> {
    let context = CallContext {
        org_id: call.org,
        language: call.language.clone(),
        ..CallContext::default()
    };
    let result: serde_json::Value = plugin.call_json(&call.function, args, context).await?;
    Ok(result.to_string())
}

/// Prints the log as JSON lines. There is nobody left to tell if standard error is closed.
fn show_log(entries: &[Entry]) {
    let mut err = std::io::stderr().lock();
    for entry in entries {
        if let Ok(line) = serde_json::to_string(entry) {
            let _ = writeln!(err, "{line}");
        }
    }
}

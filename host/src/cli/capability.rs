//! `goatherd capability`: what plugins and workflows can be asked to do by name.
//!
//! The plugins are loaded as a server would load them, in this process, each by its first call.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::args::Capability as Command;
use super::back_ends;
use super::failure::{Failure, print};
use super::plugins::{self, Decisions};
use super::settings::Settings;
use crate::contract::CallContext;
use crate::manager::{Manager, Nothing};
use crate::registry::Service;

/// How long a plugin stays loaded in a command that runs once.
const LONG: Duration = Duration::from_secs(3_600);

/// Does what the command says.
pub(super) async fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let database = back_ends::database(settings)?;
    let decisions = Decisions::open(database.as_ref()).await?;
    let host = back_ends::connect(
        settings,
        database.as_ref(),
        None,
        Some(&decisions.hosting.registry),
    )
    .await?
    .host;
    let policy = decisions.policy(settings)?;
    let manager =
        Manager::with_registry(host, policy, Arc::new(Nothing), decisions.hosting.clone());
    let loader = plugins::loader(settings, manager.clone())?.with_lazy_loading(LONG);
    loader.load_all().await.context("no plugin is loaded")?;
    let registry = &decisions.hosting.registry;
    let done = match command {
        Command::List { json } => list(registry, *json),
        Command::Run {
            capability,
            input,
            org,
        } => execute(registry, capability, input, *org).await,
    };
    manager.shutdown().await;
    done
}

fn list(registry: &Service, as_json: bool) -> Result<(), Failure> {
    let all = registry.capabilities();
    if as_json {
        let all: Vec<Value> = all
            .iter()
            .map(|(slug, one)| {
                json!({
                    "slug": slug.as_str(),
                    "title": one.title,
                    "description": one.description,
                    "enabled": registry.is_enabled(slug.owner()),
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?;
        return print(&text);
    }
    let lines: Vec<String> = all
        .iter()
        .map(|(slug, one)| format!("{slug}  {}", one.title).trim_end().to_owned())
        .collect();
    print(&lines.join("\n"))
}

async fn execute(
    registry: &Service,
    capability: &str,
    input: &str,
    org: Option<i64>,
) -> Result<(), Failure> {
    let input: Value = serde_json::from_str(input).context("the input is not JSON")?;
    let context = CallContext {
        org_id: org,
        ..CallContext::default()
    };
    match registry.run_capability(capability, input, context).await {
        Ok(answer) => print(&answer.to_string()),
        Err(error) => Err(Failure::coded(error.code(), error.to_string())),
    }
}

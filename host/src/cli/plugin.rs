//! `goatherd plugin`: what operators do with plugins.
//!
//! Decisions are written to the application's database, where a running server sees them within half a second; files are
//! changed in the plugin directory, which a running server watches. So the same commands serve with a server and without.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::args::{Change, Decide, Plugin as Command};
use super::back_ends;
use super::failure::{Failure, print};
use super::listing::{self, Look, Shown};
use super::plugins::{self, Decisions};
use super::settings::Settings;
use crate::contract::{Language, PluginName};
use crate::loader::{Installed, Installer};
use crate::manager::{Hosting, TrustAll};
use crate::registry::policy::{AuditPage, By, ComponentId, Note, PolicyChange};
use crate::registry::{Arrangement, Service};

/// Does what the command says.
pub(super) async fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => list(settings, *json).await,
        Command::Show { plugin, json } => show(settings, plugin, *json).await,
        Command::Install { source, json } => {
            let installed = installer(settings)?.install(source).await;
            installed_as(installed.context("nothing is installed")?, *json)
        }
        Command::Rollback { plugin, json } => {
            let back = installer(settings)?.rollback(plugin).await;
            installed_as(back.context("nothing is changed")?, *json)
        }
        Command::Remove {
            plugin,
            keep_previous,
        } => {
            let removed = installer(settings)?.remove(plugin, *keep_previous).await;
            removed.context("nothing is removed")?;
            print(&format!("{plugin} is removed"))
        }
        Command::Approve {
            plugin,
            change,
            as_requested,
            note,
        } => approve(settings, plugin, change, *as_requested, note).await,
        Command::Restrict {
            plugin,
            change,
            note,
        } => {
            let (decisions, note) = (lasting(settings).await?, note_of(note)?);
            let policies = &decisions.policies;
            let decided = policies.restrict(plugin, &change_of(change)?, &note).await;
            decided_as(decided.context("nothing is changed")?.as_ref())
        }
        Command::Block { plugin, note } => {
            let (decisions, note) = (lasting(settings).await?, note_of(note)?);
            let decided = decisions.policies.block(plugin, &note).await;
            decided_as(decided.context("nothing is changed")?.as_ref())
        }
        Command::Unblock { plugin, note } => {
            let (decisions, note) = (lasting(settings).await?, note_of(note)?);
            let decided = decisions.policies.unblock(plugin, &note).await;
            decided_as(decided.context("nothing is changed")?.as_ref())
        }
        Command::Enable { plugin } => switch(settings, plugin, true).await,
        Command::Disable { plugin } => switch(settings, plugin, false).await,
        Command::Configure { plugin, fields } => configure(settings, plugin, fields).await,
        Command::Arrange {
            plugin,
            nav,
            sort,
            labels,
        } => {
            let label = |(language, text): &(String, String)| {
                let language: Language = language.parse().context("a label's language")?;
                anyhow::Ok((language, text.clone()))
            };
            let change = Arrangement {
                nav: *nav,
                sort: *sort,
                labels: labels.iter().map(label).collect::<Result<_, _>>()?,
            };
            arrange(settings, plugin, &change).await
        }
        Command::Reload { plugin, server } => {
            let server = server.unwrap_or(settings.listen);
            super::ask::reload(settings, server, plugin).await
        }
        Command::Audit {
            plugin,
            limit,
            json,
        } => audit(settings, plugin.as_ref(), *limit, *json).await,
    }
}

async fn lasting(settings: &Settings) -> anyhow::Result<Decisions> {
    let database = back_ends::database(settings)?;
    Decisions::lasting(database.as_ref()).await
}

fn installer(settings: &Settings) -> Result<Installer, Failure> {
    let host = back_ends::without(settings)?;
    Ok(Installer::new(
        &settings.plugins,
        plugins::reader(settings)?,
        host,
    ))
}

async fn look(settings: &Settings) -> Result<Look<'_>, Failure> {
    let database = back_ends::database(settings)?;
    let decisions = Decisions::open(database.as_ref()).await?;
    listing::look(settings, database, &decisions).await
}

async fn list(settings: &Settings, as_json: bool) -> Result<(), Failure> {
    let look = look(settings).await?;
    if as_json {
        let all: Vec<Value> = look.plugins.iter().map(Shown::to_json).collect();
        let text = serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?;
        return print(&text);
    }
    let lines: Vec<String> = look.plugins.iter().map(Shown::to_line).collect();
    if lines.is_empty() && std::io::stdout().is_terminal() {
        eprintln!("no plugins in {}", settings.plugins.display());
    }
    print(&lines.join("\n"))
}

async fn show(settings: &Settings, plugin: &PluginName, as_json: bool) -> Result<(), Failure> {
    let look = look(settings).await?;
    let shown = find(&look, plugin)?;
    if as_json {
        let text = serde_json::to_string_pretty(&shown.to_json()).map_err(anyhow::Error::from)?;
        return print(&text);
    }
    print(&shown.to_text())
}

fn find<'a>(look: &'a Look<'_>, plugin: &PluginName) -> Result<&'a Shown, Failure> {
    let found = look.plugins.iter().find(|one| one.name == plugin.as_str());
    found.ok_or_else(|| {
        let names: Vec<&str> = look.plugins.iter().map(|one| one.name.as_str()).collect();
        let message = format!(
            "there is no plugin \"{plugin}\"; there are: {}",
            names.join(", ")
        );
        Failure::coded("not-found", message)
    })
}

/// Approves a plugin, and says at once what it would still be refused for.
async fn approve(
    settings: &Settings,
    plugin: &PluginName,
    change: &Change,
    as_requested: bool,
    note: &Decide,
) -> Result<(), Failure> {
    let (mut change, mut note) = (change_of(change)?, note_of(note)?);
    let database = back_ends::database(settings)?;
    let decisions = Decisions::lasting(database.as_ref()).await?;
    let look = listing::look(settings, database, &decisions).await?;
    let described = look
        .plugins
        .iter()
        .find(|one| one.name == plugin.as_str())
        .and_then(|one| one.description.as_ref());
    if as_requested {
        let described = described.with_context(|| {
            format!(
                "plugin \"{plugin}\" is not in {}, so what it asks for is not known",
                settings.plugins.display()
            )
        })?;
        change.grants = Some(TrustAll::requested(described).grants);
    }
    if let Some(description) = described {
        note = note.about(ComponentId {
            version: description.registration.version.clone(),
            hash: description.hash.clone(),
        });
    }
    let approved = look.policies.approve(plugin, &change, &note).await;
    let approved = approved.context("nothing is changed")?;
    decided_as(&approved)?;
    if let Some(description) = described {
        let host = back_ends::connect(settings, look.database.as_ref(), None, None)
            .await?
            .host;
        if let Err(error) = host.check(description, &approved.grants) {
            eprintln!("approved, but it will not start: {error}");
        }
    }
    Ok(())
}

async fn switch(settings: &Settings, plugin: &PluginName, on: bool) -> Result<(), Failure> {
    let decisions = lasting(settings).await?;
    let registry = recorded(settings, &decisions, plugin).await?;
    let switched = if on {
        registry.enable(plugin.as_str()).await
    } else {
        registry.disable(plugin.as_str()).await
    };
    switched.map_err(|error| Failure::coded(error.code(), error.to_string()))?;
    print(&format!(
        "{plugin} is {}",
        if on { "enabled" } else { "disabled" }
    ))
}

async fn arrange(
    settings: &Settings,
    plugin: &PluginName,
    change: &Arrangement,
) -> Result<(), Failure> {
    let decisions = lasting(settings).await?;
    let registry = recorded(settings, &decisions, plugin).await?;
    let arranged = registry.arrange(plugin.as_str(), change).await;
    arranged.map_err(|error| Failure::coded(error.code(), error.to_string()))?;
    let record = registry.get(plugin.as_str());
    let text = serde_json::to_string(&record.as_deref()).map_err(anyhow::Error::from)?;
    print(&text)
}

/// The plugins table, in which the plugin has a record: a new one if no server has seen it yet.
async fn recorded<'d>(
    settings: &Settings,
    decisions: &'d Decisions,
    plugin: &PluginName,
) -> Result<&'d Service, Failure> {
    let registry = &decisions.hosting.registry;
    if registry.get(plugin.as_str()).is_none() {
        let look = listing::look(settings, None, decisions).await?;
        let shown = find(&look, plugin)?;
        if let Some(description) = &shown.description {
            let record = Hosting::record_of(&description.registration);
            registry
                .ensure(record)
                .await
                .context("nothing is changed")?;
        }
    }
    Ok(registry)
}

async fn configure(settings: &Settings, plugin: &PluginName, config: &str) -> Result<(), Failure> {
    let config: Map<String, Value> =
        serde_json::from_str(config).context("the settings are not a JSON object")?;
    let decisions = lasting(settings).await?;
    let hosting = &decisions.hosting;
    let look = listing::look(settings, None, &decisions).await?;
    if let Some(description) = &find(&look, plugin)?.description {
        hosting
            .host(&description.registration)
            .await
            .map_err(|failure| Failure::coded(&failure.code, failure.message))?;
    }
    let configured = hosting.registry.configure(plugin.as_str(), &config).await;
    configured.map_err(|error| Failure::coded(error.code(), error.to_string()))?;
    let record = hosting.registry.get(plugin.as_str());
    let config = record
        .map(|record| record.config.clone())
        .unwrap_or_default();
    print(&Value::Object(config).to_string())
}

async fn audit(
    settings: &Settings,
    plugin: Option<&PluginName>,
    limit: usize,
    as_json: bool,
) -> Result<(), Failure> {
    let decisions = lasting(settings).await?;
    let mut page = AuditPage::newest(limit);
    if let Some(plugin) = plugin {
        page = page.of(plugin.clone());
    }
    let entries = decisions.policies.audit(&page).await;
    let entries = entries.context("the trail cannot be read")?;
    if as_json {
        let text = serde_json::to_string_pretty(&entries).map_err(anyhow::Error::from)?;
        return print(&text);
    }
    let lines = entries.iter().map(|entry| {
        let event = &entry.event;
        format!(
            "{}  {}  {}  {}  {}",
            event.at, event.plugin, event.decided, event.by, event.reason
        )
    });
    print(&lines.collect::<Vec<_>>().join("\n"))
}

/// A change as the flags say it.
fn change_of(change: &Change) -> anyhow::Result<PolicyChange> {
    let mut fields = Map::new();
    for (field, value) in &change.set {
        // What is no JSON is a text: 30s.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
        fields.insert(field.clone(), value);
    }
    let mut read: PolicyChange = serde_json::from_value(Value::Object(fields)).context("--set")?;
    if !change.grants.is_empty() {
        read.grants = Some(change.grants.iter().cloned().collect());
    }
    Ok(read)
}

fn note_of(given: &Decide) -> anyhow::Result<Note> {
    let user = given.by.clone().or_else(|| std::env::var("USER").ok());
    let by = By::operator(user.as_deref().unwrap_or("operator")).context("--by")?;
    Ok(Note::new(by, given.reason.as_deref().unwrap_or_default())?)
}

fn decided_as(policy: &crate::registry::policy::ResourcePolicy) -> Result<(), Failure> {
    let text = serde_json::to_string(policy).map_err(anyhow::Error::from)?;
    print(&text)
}

fn installed_as(installed: Installed, as_json: bool) -> Result<(), Failure> {
    let previous = installed.previous.as_ref().map(ToString::to_string);
    if as_json {
        let shown = json!({
            "name": installed.name.as_str(),
            "version": installed.version.to_string(),
            "previous": previous,
            "path": installed.path,
        });
        return print(&shown.to_string());
    }
    let before = previous.map_or(String::new(), |version| format!(", in place of {version}"));
    print(&format!("{} {}{before}", installed.name, installed.version))
}

//! What programs ask: plugins, menus, widgets, and whether the server lives.
//!
//! Lists have the members that users of GoatFlow know, and more.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, Query};
use axum::http::StatusCode;
use serde::Serialize;

use super::access;
use super::edge::Asked;
use super::problem::Problem;
use super::state::App;
use super::views::{MenuView, Parameters, WidgetItem, spoken};
use crate::contract::registration::{Job, MenuItem, MenuLocation, Route, Widget, WidgetLocation};
use crate::manager::{Entry, Failure, ManagerError};
use crate::permission::Grants;
use crate::runtime::{Health, Import, Metrics};

/// The server answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The plugins of the directory have all been tried, and the server is not stopping.
pub(super) async fn readyz(Extension(app): Extension<App>) -> (StatusCode, &'static str) {
    if app.manager.snapshot().is_loaded() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// A plugin in the list of plugins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PluginItem<'a> {
    name: &'a str,
    version: Option<String>,
    icon: Option<&'a str>,
    description: &'a str,
    author: &'a str,
    license: &'a str,
    routes: &'a [Route],
    widgets: &'a [Widget],
    jobs: &'a [Job],
    menu_items: &'a [MenuItem],
    enabled: bool,
    loaded: bool,
    state: &'static str,
    file: String,
    hash: Option<&'a str>,
    imports: &'a [Import],
    grants: &'a Grants,
    metrics: Option<Metrics>,
    instances: usize,
    health: Option<Health>,
    waiting_for: Option<&'a str>,
    error: Option<&'a Failure>,
}

impl<'a> PluginItem<'a> {
    fn of(entry: &'a Entry) -> Self {
        let registration = &entry.description.registration;
        let plugin = entry.plugin();
        Self {
            name: registration.name.as_str(),
            version: Some(registration.version.to_string()),
            icon: None,
            description: &registration.description,
            author: &registration.author,
            license: &registration.license,
            routes: &registration.routes,
            widgets: &registration.widgets,
            jobs: &registration.jobs,
            menu_items: &registration.menu_items,
            enabled: entry.is_enabled(),
            loaded: plugin.is_some(),
            state: entry.state.name(),
            file: entry.file().display().to_string(),
            hash: Some(&entry.description.hash),
            imports: &entry.description.imports,
            grants: &entry.grants,
            metrics: plugin.map(|plugin| plugin.metrics()),
            instances: plugin.map_or(0, |plugin| plugin.instances()),
            health: plugin.map(|plugin| plugin.health()),
            waiting_for: entry.undecided(),
            error: entry.failure().or(entry.reload_failure.as_ref()),
        }
    }
}

/// All plugins, and the files that did not become one.
pub(super) async fn plugins(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
) -> Result<Json<serde_json::Value>, Problem> {
    access::administrator(&asked.visitor)?;
    let table = app.manager.snapshot();
    let nothing = Grants::default();
    let described = table.plugins().map(PluginItem::of);
    let refused = table.refused().map(|(file, refused)| PluginItem {
        name: &refused.name_hint,
        version: None,
        icon: None,
        description: "",
        author: "",
        license: "",
        routes: &[],
        widgets: &[],
        jobs: &[],
        menu_items: &[],
        enabled: false,
        loaded: false,
        state: "failed",
        file: file.display().to_string(),
        hash: None,
        imports: &[],
        grants: &nothing,
        metrics: None,
        instances: 0,
        health: None,
        waiting_for: None,
        error: Some(&refused.failure),
    });
    let plugins: Vec<PluginItem<'_>> = described.chain(refused).collect();
    listed("plugins", &plugins)
}

/// Reads a plugin again and replaces it while it serves.
pub(super) async fn reload(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    Path(plugin): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    access::administrator(&asked.visitor)?;
    match app.manager.reload(&plugin).await {
        Ok(handle) => {
            let registration = &handle.description().registration;
            Ok(Json(serde_json::json!({
                "name": registration.name,
                "version": registration.version.to_string(),
            })))
        }
        Err(ManagerError::Unknown { .. }) => {
            Err(Problem::not_found("there is no plugin of that name"))
        }
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}

/// The widgets of a dashboard.
pub(super) async fn widgets(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    Query(parameters): Parameters,
) -> Result<Json<serde_json::Value>, Problem> {
    access::signed_in(&asked.visitor)?;
    let location = word(&parameters, WidgetLocation::ALL, WidgetLocation::as_str)?;
    access::dashboard(location, &asked.visitor)?;
    let contributions = app.platform.snapshot();
    let language = spoken(&contributions, &asked);
    let items: Vec<WidgetItem<'_>> = contributions
        .widgets
        .at(location)
        .map(|placed| WidgetItem::of(placed, &contributions, &language))
        .collect();
    listed("widgets", &items)
}

/// A menu.
pub(super) async fn menu(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    Query(parameters): Parameters,
) -> Result<Json<serde_json::Value>, Problem> {
    access::signed_in(&asked.visitor)?;
    let location = word(&parameters, MenuLocation::ALL, MenuLocation::as_str)?;
    access::menu(location, &asked.visitor)?;
    let contributions = app.platform.snapshot();
    let language = spoken(&contributions, &asked);
    let entries: Vec<MenuView<'_>> = contributions
        .menus
        .at(location)
        .iter()
        .map(|entry| MenuView::of(entry, &contributions, &language))
        .collect();
    listed("menu", &entries)
}

/// The parameter `location`, as one of the words that there are.
fn word<T: Copy>(
    parameters: &BTreeMap<String, String>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Problem> {
    let given = parameters.get("location");
    let known = all
        .iter()
        .find(|one| given.is_some_and(|given| given == name(**one)));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        Problem::invalid(format!(
            "the parameter location must be one of {}",
            names.join(", ")
        ))
    })
}

fn listed<T: Serialize>(name: &str, items: &[T]) -> Result<Json<serde_json::Value>, Problem> {
    let items = serde_json::to_value(items).map_err(|error| {
        tracing::error!("a list of {name} cannot be written: {error}");
        Problem::internal()
    })?;
    Ok(Json(serde_json::json!({ name: items })))
}

//! Widgets: their contents for programs, and as documents for the frames of a dashboard.
//!
//! A frame's document is served under a policy that gives it no origin, no script, no form and no request of its own, so a
//! plugin's HTML can show itself and nothing more, whether it stands in a frame or is opened by itself. Frames are asked
//! for in parallel by the browser, and each call has the same short deadline; one that fails leaves a marker in its place
//! and the others alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Extension, Path, Query};
use axum::http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::access;
use super::edge::Asked;
use super::pages;
use super::problem::Problem;
use super::state::App;
use super::views::{LANGUAGE, Parameters, WidgetItem, spoken, with_language};
use crate::capability::log::Level;
use crate::contract::invocation::RenderWidget;
use crate::contract::wire::handlers::WidgetRequest;
use crate::platform::{Contributions, PlacedWidget};

/// How long a widget may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a widget's document may do: show itself, with styles of its own and images inside of it.
const CSP: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'";

/// The contents of a widget, for programs.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    html: String,
    #[serde(flatten)]
    widget: WidgetItem<'a>,
}

/// Answers with a widget's contents as JSON.
pub(super) async fn contents(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    Path((plugin, id)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Result<Response, Problem> {
    let contributions = app.platform.snapshot();
    let placed = find(&contributions, &asked, &plugin, &id)?;
    let html = ask(&contributions, &asked, &placed, of_page(&parameters)).await?;
    let language = spoken(&contributions, &asked);
    let widget = WidgetItem::of(&placed, &contributions, &language);
    Ok(Json(Answer { html, widget }).into_response())
}

/// Answers with a widget as a document for a frame.
pub(super) async fn frame(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    Path((plugin, id)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let asked = with_language(asked, &parameters);
    let contributions = app.platform.snapshot();
    let placed = find(&contributions, &asked, &plugin, &id)?;
    let (status, html, problem) =
        match ask(&contributions, &asked, &placed, of_page(&parameters)).await {
            Ok(html) => (StatusCode::OK, html, None),
            Err(problem) => (problem.status(), String::new(), Some(problem)),
        };
    let language = spoken(&contributions, &asked);
    let widget = WidgetItem::of(&placed, &contributions, &language);
    let reason = problem
        .as_ref()
        .filter(|_| asked.visitor.is_administrator())
        .map(Problem::shown);
    let failed = problem.is_some();
    let title = widget.title;
    let document = pages::widget(&app.templates, &language, title, &html, failed, reason)?;
    let mut response = (status, Html(document)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    if let Some(seconds) = placed.widget.refresh_sec {
        // As a header, because a sandboxed document is not refreshed by an element of its own.
        headers.insert(
            HeaderName::from_static("refresh"),
            HeaderValue::from(seconds),
        );
    }
    Ok(response)
}

/// The widget, if it is the visitor's to see.
fn find(
    contributions: &Contributions,
    asked: &Asked,
    plugin: &str,
    id: &str,
) -> Result<Arc<PlacedWidget>, Problem> {
    // Before the look-up, so that nobody learns from the answer which widgets there are.
    access::signed_in(&asked.visitor)?;
    let placed = contributions
        .widgets
        .get(plugin, id)
        .ok_or_else(|| Problem::not_found("no enabled plugin has this widget"))?;
    access::dashboard(placed.widget.location, &asked.visitor)?;
    Ok(Arc::clone(placed))
}

/// What the page says about itself, such as beside which ticket the widget stands; not what is the host's own.
fn of_page(parameters: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let own = parameters.iter().filter(|(name, _)| *name != LANGUAGE);
    own.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Asks the plugin for the HTML.
async fn ask(
    contributions: &Contributions,
    asked: &Asked,
    placed: &PlacedWidget,
    params: Vec<(String, String)>,
) -> Result<String, Problem> {
    let (name, widget) = (&placed.plugin, &placed.widget);
    let plugin = contributions
        .plugin(name.as_str())
        .ok_or_else(|| Problem::unavailable(format!("plugin {name} does not serve")))?;
    let request = WidgetRequest {
        widget_id: widget.id.clone(),
        location: widget.location.into(),
        params,
    };
    let asking = RenderWidget {
        handler: widget.handler.as_str(),
        widget: &request,
    };
    let context = asked.call_context(Some(Instant::now() + DEADLINE));
    match plugin.ask(&asking, context).await {
        Ok(html) => Ok(html),
        Err(error) => {
            let message = format!("the widget {} failed: {error}", widget.id);
            plugin.log().host(Level::Error, message);
            let is_administrator = asked.visitor.is_administrator();
            Err(Problem::of_call(
                &error,
                name,
                contributions,
                is_administrator,
            ))
        }
    }
}

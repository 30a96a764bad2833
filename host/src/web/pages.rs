//! Pages: the start page, and the layout around what plugins show.
//!
//! Rendered on the server, complete without a script. Everything that comes from a plugin is escaped, or stands in a frame
//! that is sandboxed. Without a script a frame cannot be as high as its contents, so frames have a height for each size of
//! widget, scroll, can be made higher by hand, and can be opened as a page of their own.

use axum::extract::Extension;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use minijinja::value::Value;
use serde::Serialize;

use super::assets;
use super::edge::Asked;
use super::problem::Problem;
use super::state::App;
use super::templates::Templates;
use super::views::{MenuView, Parameters, WidgetItem, spoken, with_language};
use super::words;
use super::{access, visitor::Visitor};
use crate::capability::log::Level;
use crate::contract::Language;
use crate::contract::registration::{MenuLocation, Method, Segment, WidgetLocation};
use crate::manager::{Entry, Handle, Table};
use crate::permission::Permissions;
use crate::platform::{Contributions, Direction};
use crate::runtime::Plugin;

/// What the server's own pages may do: use its own styles and frame its own documents.
const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";
/// For a page with a plugin's HTML in a frame. The frame's contents are part of the page's text, so they are bound by the
/// page's policy. It allows styles that stand in the page and no request at all: one that the plugin's HTML made would be
/// made as the visitor. So the server's own styles stand in such a page too.
const CSP_WRAPPED: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// What stands before a plugin's HTML in its frame: both brightnesses, and links that lead the whole window elsewhere.
const FRAME_HEAD: &str = "<!doctype html><meta charset=utf-8><meta name=color-scheme content=\"light dark\">\
     <base target=_top>";

/// What every page knows.
#[derive(Serialize)]
struct Layout<'a> {
    lang: &'a str,
    dir: &'static str,
    /// Keeps a language that was chosen for this page in its links.
    lang_query: String,
    stylesheet: String,
    user: Option<&'a str>,
    administrator: bool,
    notice: Option<&'static str>,
    menus: Vec<MenuBlock<'a>>,
}

#[derive(Serialize)]
struct MenuBlock<'a> {
    name: &'static str,
    entries: Vec<MenuView<'a>>,
}

/// A dashboard on the start page.
#[derive(Serialize)]
struct Dashboard<'a> {
    name: &'static str,
    id: &'static str,
    widgets: Vec<WidgetItem<'a>>,
}

/// A plugin on the start page, for administrators.
#[derive(Serialize)]
struct PluginView<'a> {
    name: &'a str,
    version: String,
    description: &'a str,
    author: &'a str,
    license: &'a str,
    homepage: Option<&'a str>,
    state: &'static str,
    waiting_for: Option<&'a str>,
    error: Option<String>,
    file: String,
    asks: Vec<String>,
    has: Vec<String>,
    routes: Vec<RouteView<'a>>,
    calls: u64,
    failures: u64,
    instances: usize,
    health: Option<String>,
}

#[derive(Serialize)]
struct RouteView<'a> {
    method: Method,
    path: &'a str,
    description: &'a str,
    middleware: String,
    /// Whether a link can lead there as it is.
    link: bool,
}

#[derive(Serialize)]
struct RefusedView<'a> {
    name: &'a str,
    file: String,
    error: &'a str,
}

#[derive(Serialize)]
struct Start<'a> {
    #[serde(flatten)]
    layout: Layout<'a>,
    dashboards: Vec<Dashboard<'a>>,
    plugins: Vec<PluginView<'a>>,
    refused: Vec<RefusedView<'a>>,
    landing: Option<LandingView<'a>>,
}

#[derive(Serialize)]
struct LandingView<'a> {
    path: &'a str,
    plugin: &'a str,
    others: Vec<&'a str>,
}

#[derive(Serialize)]
struct Wrapped<'a> {
    #[serde(flatten)]
    layout: Layout<'a>,
    title: &'a str,
    /// The server's styles.
    styles: Value,
    /// The frame's document.
    document: String,
}

#[derive(Serialize)]
struct WidgetDocument<'a> {
    lang: &'a str,
    dir: &'static str,
    title: &'a str,
    html: Value,
    failed: bool,
    reason: Option<&'a str>,
}

/// The start page.
pub(super) async fn start(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let asked = with_language(asked, &parameters);
    let contributions = app.platform.snapshot();
    let table = app.manager.snapshot();
    let language = spoken(&contributions, &asked);
    let mut layout = Layout::of(&app, &asked, &contributions, &language);
    if parameters.contains_key("lang") {
        layout.lang_query = format!("?lang={language}");
    }
    let details = asked.visitor.is_administrator();
    let page = Start {
        layout,
        dashboards: dashboards(&contributions, &asked.visitor, &language),
        plugins: if details {
            let permissions = app.manager.host().permissions();
            let view = |entry| PluginView::of(entry, permissions);
            table.plugins().map(view).collect()
        } else {
            Vec::new()
        },
        refused: if details { refused(&table) } else { Vec::new() },
        landing: contributions
            .landing
            .as_ref()
            .filter(|_| asked.visitor.signed_in().is_some())
            .map(|landing| LandingView {
                path: landing.path.as_str(),
                plugin: landing.plugin.as_str(),
                others: landing.others.iter().map(|name| name.as_str()).collect(),
            }),
    };
    let html = app.templates.render("start.html", &page)?;
    Ok(answer(html, &language, CSP))
}

fn dashboards<'a>(
    contributions: &'a Contributions,
    visitor: &Visitor,
    language: &Language,
) -> Vec<Dashboard<'a>> {
    [
        (WidgetLocation::AgentHome, "Dashboard"),
        (WidgetLocation::AdminHome, "Administration"),
        (WidgetLocation::CustomerHome, "For customers"),
    ]
    .into_iter()
    .filter(|(location, _)| access::dashboard(*location, visitor).is_ok())
    .map(|(location, name)| Dashboard {
        name,
        id: location.as_str(),
        widgets: contributions
            .widgets
            .at(location)
            .map(|placed| WidgetItem::of(placed, contributions, language))
            .collect(),
    })
    .filter(|dashboard| !dashboard.widgets.is_empty())
    .collect()
}

fn refused(table: &Table) -> Vec<RefusedView<'_>> {
    let refused = table.refused().map(|(file, refused)| RefusedView {
        name: &refused.name_hint,
        file: file.display().to_string(),
        error: &refused.failure.message,
    });
    refused.collect()
}

impl<'a> Layout<'a> {
    fn of(
        app: &App,
        asked: &'a Asked,
        contributions: &'a Contributions,
        language: &'a Language,
    ) -> Self {
        let menus = [
            (MenuLocation::Agent, "Menu"),
            (MenuLocation::Admin, "Administration"),
            (MenuLocation::Customer, "For customers"),
            (MenuLocation::Profile, "Profile"),
        ];
        let seen = menus
            .into_iter()
            .filter(|(location, _)| access::menu(*location, &asked.visitor).is_ok());
        let menus = seen.map(|(location, name)| MenuBlock {
            name,
            entries: contributions
                .menus
                .at(location)
                .iter()
                .map(|entry| MenuView::of(entry, contributions, language))
                .collect(),
        });
        Self {
            lang: language.as_str(),
            dir: Direction::of(language).as_str(),
            lang_query: String::new(),
            stylesheet: assets::stylesheet_path(),
            user: asked.visitor.signed_in().map(|one| one.user.name.as_str()),
            administrator: asked.visitor.is_administrator(),
            notice: app.authenticator.notice(),
            menus: menus.filter(|menu| !menu.entries.is_empty()).collect(),
        }
    }
}

impl<'a> PluginView<'a> {
    fn of(entry: &'a Entry, permissions: &Permissions) -> Self {
        let granted = entry.grants.iter();
        let registration = &entry.description.registration;
        let plugin = entry.plugin();
        let metrics = plugin.map(Plugin::metrics).unwrap_or_default();
        let routes = registration.routes.iter().map(|route| RouteView {
            method: route.method,
            path: route.path.as_str(),
            description: &route.description,
            middleware: route
                .middleware
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            link: entry.is_enabled()
                && route.method == Method::Get
                && route
                    .path
                    .segments()
                    .all(|segment| matches!(segment, Segment::Literal(_))),
        });
        Self {
            name: registration.name.as_str(),
            version: registration.version.to_string(),
            description: &registration.description,
            author: &registration.author,
            license: &registration.license,
            homepage: registration.homepage.as_ref().map(url::Url::as_str),
            state: entry.state.name(),
            waiting_for: entry.undecided(),
            error: entry
                .failure()
                .or(entry.reload_failure.as_ref())
                .map(|failure| failure.message.clone())
                .or_else(|| plugin.and_then(last_error)),
            file: entry.file().display().to_string(),
            asks: words::of_requests(&entry.description, permissions),
            has: granted
                .map(|grant| words::of_grant(grant, permissions))
                .collect(),
            routes: routes.collect(),
            calls: metrics.calls,
            failures: metrics.traps + metrics.timeouts,
            instances: plugin.map_or(0, Plugin::instances),
            health: plugin.and_then(|plugin| words::of_health(&plugin.health())),
        }
    }
}

/// The newest error in a plugin's log.
fn last_error(plugin: &Plugin) -> Option<String> {
    let entries = plugin.log().entries();
    let newest = entries
        .into_iter()
        .rfind(|entry| entry.level == Level::Error)?;
    Some(newest.message)
}

/// A page of a plugin, in the layout.
pub(super) fn wrapped(
    app: &App,
    asked: &Asked,
    contributions: &Contributions,
    plugin: &Handle,
    html: &str,
    title: Option<&str>,
) -> Result<Response, Problem> {
    let language = spoken(contributions, asked);
    let name = plugin.name().as_str();
    let title = title.map_or(name, |title| {
        contributions.texts.label(name, title, &language)
    });
    let page = Wrapped {
        layout: Layout::of(app, asked, contributions, &language),
        title,
        styles: Value::from_safe_string(assets::STYLESHEET.to_owned()),
        document: format!("{FRAME_HEAD}{html}"),
    };
    let html = app.templates.render("wrapped.html", &page)?;
    Ok(answer(html, &language, CSP_WRAPPED))
}

/// The document of a widget's frame.
pub(super) fn widget(
    templates: &Templates,
    language: &Language,
    title: &str,
    html: &str,
    failed: bool,
    reason: Option<&str>,
) -> Result<String, Problem> {
    let document = WidgetDocument {
        lang: language.as_str(),
        dir: Direction::of(language).as_str(),
        title,
        html: Value::from_safe_string(html.to_owned()),
        failed,
        reason,
    };
    templates.render("widget.html", &document)
}

fn answer(html: String, language: &Language, policy: &'static str) -> Response {
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if let Ok(language) = HeaderValue::from_str(language.as_str()) {
        headers.insert(CONTENT_LANGUAGE, language);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_widgets_title_cannot_leave_its_place_and_its_html_is_not_changed() {
        let arabic = "ar".parse().unwrap();
        let html = "<svg><text>&amp; 1 < 2</text></svg>";
        let title = "</title><script>";
        let page = widget(&Templates::new(), &arabic, title, html, false, None).unwrap();
        assert!(page.contains("lang=\"ar\" dir=\"rtl\""), "{page}");
        assert!(page.contains(html), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }

    #[test]
    fn a_widget_that_failed_gives_its_reason_escaped_or_not_at_all() {
        let english = Language::default();
        let templates = Templates::new();
        let told = widget(&templates, &english, "T", "", true, Some("<b>why</b>")).unwrap();
        assert!(told.contains("&lt;b&gt;why"), "{told}");
        let untold = widget(&templates, &english, "T", "<i>old</i>", true, None).unwrap();
        assert!(
            untold.contains("not available") && !untold.contains("<i>old"),
            "{untold}"
        );
    }

    #[test]
    fn a_plugins_page_stands_whole_inside_its_frames_attribute() {
        let layout = Layout {
            lang: "en",
            dir: "ltr",
            lang_query: String::new(),
            stylesheet: String::new(),
            user: None,
            administrator: false,
            notice: None,
            menus: Vec::new(),
        };
        let page = Wrapped {
            layout,
            title: "T",
            styles: Value::from(""),
            document: "\"></iframe><script>alert(1)</script>".to_owned(),
        };
        let page = Templates::new().render("wrapped.html", &page).unwrap();
        assert!(!page.contains("<script>"), "{page}");
        assert_eq!(page.matches("</iframe>").count(), 1, "{page}");
    }
}

//! The application that a server serves: a manager's plugins, what they add, and who may ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::events::Streams;
use super::pages::Pages;
use super::problem::Problem;
use super::visitor::{Authenticator, Nobody};
use super::{api, assets, dispatch, edge, events, pages, widgets};
use crate::capability::events::EventHub;
use crate::contract::registration::MenuLocation;
use crate::manager::Manager;
use crate::platform::{Application, ApplicationItem, Platform};

/// What the server itself answers, so that no plugin can. Later parts of the server are named already, so that a plugin
/// which is served today is served tomorrow.
const ROUTES: [&str; 17] = [
    "/",
    "/admin",
    "/admin/plugins",
    "/admin/plugins/*rest",
    "/api/plugin-host/*rest",
    "/api/v1",
    "/api/v1/*rest",
    "/healthz",
    "/login",
    "/logout",
    "/metrics",
    "/plugins/*rest",
    "/readyz",
    "/static/*rest",
    "/ui/*rest",
    "/widgets/*rest",
    "/favicon.ico",
];

/// The routes and menu entries of this server, which a [`Platform`] for it must know.
pub fn application() -> Application {
    let item = |id: &str, label: &str, path: &str, location| ApplicationItem {
        id: id.to_owned(),
        label: label.to_owned(),
        path: path.to_owned(),
        location,
        order: 0,
    };
    Application {
        routes: ROUTES.map(str::to_owned).to_vec(),
        menu: vec![
            item("home", "Home", "/", MenuLocation::Agent),
            item("plugins", "Plugins", "/#plugins", MenuLocation::Admin),
        ],
    }
}

/// What a server serves. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(super) manager: Manager,
    pub(super) platform: Arc<Platform>,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) pages: Arc<Pages>,
    pub(super) streams: Arc<Streams>,
    pub(super) events: Option<EventHub>,
}

impl App {
    /// Serves the plugins of `manager`, whose applier must be `platform`. Nobody can sign in until an
    /// [`authenticator`](Self::authenticator) is given.
    pub fn new(manager: Manager, platform: Arc<Platform>) -> Self {
        Self {
            manager,
            platform,
            authenticator: Arc::new(Nobody),
            pages: Arc::new(Pages::new()),
            streams: Arc::default(),
            events: None,
        }
    }

    /// Serves the events that plugins publish into `hub`, which must be the hub of the host's provider
    /// [`Events`](crate::capability::events::Events).
    #[must_use]
    pub fn events(mut self, hub: EventHub) -> Self {
        self.events = Some(hub);
        self
    }

    /// Ends the streams of events that are open and refuses new ones, so that a server can stop. [`serve`](super::serve)
    /// does it by itself; for applications that serve the [`router`] on their own.
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// Sets who says who requests come from.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator + 'static) -> Self {
        self.authenticator = Arc::new(authenticator);
        self
    }
}

/// Everything that the server answers, to be served alone or under an application of its own. The authenticator
/// [`Development`](super::Development) needs to know where requests come from: serve the router with
/// `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(app: App) -> Router {
    let panicked = |_: Box<dyn std::any::Any + Send>| {
        tracing::error!("answering a request panicked");
        Problem::internal().into_response()
    };
    Router::new()
        .route("/", get(pages::start))
        .route("/healthz", get(api::healthz))
        .route("/readyz", get(api::readyz))
        .route("/static/goatherd.css", get(assets::stylesheet))
        .route("/widgets/{plugin}/{id}", get(widgets::frame))
        .route("/api/v1/plugins", get(api::plugins))
        .route("/api/v1/plugins/{plugin}/reload", post(api::reload))
        .route(
            "/api/v1/plugins/{plugin}/widgets/{id}",
            get(widgets::contents),
        )
        .route(
            "/api/v1/plugins/{plugin}/events/{channel}",
            get(events::listen),
        )
        .route("/api/v1/widgets", get(api::widgets))
        .route("/api/v1/menu", get(api::menu))
        .fallback(dispatch::plugin_route)
        .method_not_allowed_fallback(other_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(edge::edge))
        .layer(Extension(app))
}

/// The methods of the server's own routes.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Answers methods that a route of the server's own does not have.
async fn other_method(method: Method) -> Result<Response, Problem> {
    if method == Method::OPTIONS {
        Ok((StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response())
    } else {
        Err(Problem::method_not_allowed(METHODS))
    }
}

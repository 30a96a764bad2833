//! Which paths the server answers by itself, and what answers them.

use axum::Router;
use axum::extract::Extension;
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::Problem;
use super::state::App;
use super::{api, assets, dispatch, edge, events, pages, widgets};
use crate::contract::registration::MenuLocation;
use crate::platform::{Application, ApplicationItem};

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

/// The routes and menu entries of this server, which a [`Platform`](crate::platform::Platform) for it must know.
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

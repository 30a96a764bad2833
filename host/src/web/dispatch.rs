//! The plugins' own routes.
//!
//! A request is matched, its visitor checked, and only then is its body read. The handler gets the request without the
//! visitor's credentials; who asks, it learns from the `context` import alone. Whatever a plugin answers is served
//! under a policy that keeps it from acting as the visitor: its HTML runs no script and has no origin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{ConnectInfo, Extension, Request as HttpRequest};
use axum::http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use futures::StreamExt as _;

use super::access;
use super::answer::{Answer, Body};
use super::edge::Asked;
use super::pages;
use super::problem::Problem;
use super::state::App;
use crate::capability::log::Level;
use crate::contract::invocation::HandleRoute;
use crate::contract::registration::{Handler, Method};
use crate::contract::wire::handlers::{Request, RequestDetail};
use crate::manager::Handle;
use crate::platform::{Contributions, Found, ServedRoute};
use crate::runtime::CallError;

/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What HTML of a plugin may do that is a page of its own: show itself, with styles of its own and images inside of it.
const CSP_PAGE: &str = "sandbox allow-forms allow-top-navigation-by-user-activation; default-src 'none'; \
     style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// Answers what no route of the server itself answers.
pub(super) async fn plugin_route(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    request: HttpRequest,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let contributions = app.platform.snapshot();
    let (served, params) = match find(&contributions, &parts)? {
        Target::Route(served, params) => (served, params),
        Target::Options(allowed) => {
            let headers = [(ALLOW, allowed)];
            return Ok((StatusCode::NO_CONTENT, headers).into_response());
        }
    };
    access::check(&served.route.middleware, &asked.visitor)?;
    let name = &served.plugin;
    let Handler::Function(handler) = &served.route.handler else {
        return Err(Problem::unavailable(format!(
            "plugin {name} answers this route by wasi:http, which this server does not serve yet"
        )));
    };
    let plugin = contributions
        .plugin(name.as_str())
        .ok_or_else(|| Problem::unavailable(format!("plugin {name} does not serve")))?;
    let body = read(body, &parts.headers, served.route.max_body_bytes).await?;
    let request = request_of(&served, &parts, params, body);
    let asking = HandleRoute {
        handler: handler.as_str(),
        request: &request,
    };
    let called = plugin.ask(&asking, asked.call_context(None)).await;
    let response = called.map_err(|error| {
        let request_id = asked.request_id.to_string();
        match &error {
            // What a plugin answers on purpose is its own affair.
            CallError::Plugin { .. } => {
                tracing::debug!(plugin = %name, %handler, request_id, "{error}");
            }
            failed => {
                tracing::warn!(plugin = %name, %handler, request_id, "{failed}");
            }
        }
        Problem::of_call(
            &error,
            name,
            &contributions,
            asked.visitor.is_administrator(),
        )
    })?;
    let answer = Answer::parse(response).map_err(|error| {
        let message = format!("{handler} answered {}: {error}", parts.uri.path());
        plugin.log().host(Level::Error, message);
        Problem::plugin_failed(name)
    })?;
    for refused in &answer.refused {
        plugin
            .log()
            .host(Level::Warn, format!("{handler}: {refused}"));
    }
    respond(&app, &asked, &contributions, plugin, answer)
}

/// What answers a request.
enum Target {
    Route(Arc<ServedRoute>, Vec<(String, String)>),
    /// The server itself, with the methods that are served.
    Options(String),
}

fn find(contributions: &Contributions, parts: &Parts) -> Result<Target, Problem> {
    let path = parts.uri.path();
    let known = |name: &str| {
        Method::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == name)
    };
    let method = known(parts.method.as_str());
    // A method that no plugin can have leads to the same answers as one that none has here.
    let found = contributions
        .routes
        .find(method.unwrap_or(Method::Options), path);
    let others = match (method, found) {
        (Some(_), Found::Route(served, params)) => return Ok(Target::Route(served, params)),
        (None, Found::Route(..)) => vec![Method::Options],
        (_, Found::OtherMethods(others)) => others,
        (_, Found::BadParameter) => {
            return Err(Problem::invalid(
                "a part of the path is not UTF-8 when unescaped",
            ));
        }
        (_, Found::Nothing) => return Err(Problem::not_found("nothing is served here")),
    };
    if method == Some(Method::Head)
        && let Found::Route(served, params) = contributions.routes.find(Method::Get, path)
    {
        // The server leaves the body out of the answer.
        return Ok(Target::Route(served, params));
    }
    let allowed = allowed(&others);
    if method == Some(Method::Options) {
        Ok(Target::Options(allowed))
    } else {
        Err(Problem::method_not_allowed(&allowed))
    }
}

/// The value of `Allow`: what plugins serve, and what the server adds to it.
fn allowed(methods: &[Method]) -> String {
    let added = [Method::Options]
        .into_iter()
        .chain(methods.contains(&Method::Get).then_some(Method::Head));
    let mut all: Vec<Method> = methods.iter().copied().chain(added).collect();
    all.sort();
    all.dedup();
    let names: Vec<&str> = all.into_iter().map(Method::as_str).collect();
    names.join(", ")
}

/// Reads a body of at most `most` bytes.
async fn read(body: HttpBody, headers: &HeaderMap, most: u32) -> Result<Vec<u8>, Problem> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(Problem::body_too_large(most));
    }
    let mut stream = body.into_data_stream();
    let collect = async {
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece: Bytes =
                piece.map_err(|_| Problem::invalid("the request's body ended before its end"))?;
            if bytes.len() + piece.len() > most {
                return Err(Problem::body_too_large(most));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    match tokio::time::timeout(BODY_TIMEOUT, collect).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timed-out")
            .detail("the request's body took too long to arrive")),
    }
}

/// Headers that a handler does not get: credentials, what belongs to the connection, and what clients can claim about
/// where a request comes from.
const WITHHELD: [&str; 16] = [
    "authorization",
    "connection",
    "cookie",
    "forwarded",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The request as its handler gets it.
fn request_of(
    served: &ServedRoute,
    parts: &Parts,
    params: Vec<(String, String)>,
    body: Vec<u8>,
) -> Request {
    let withheld = |name: &&HeaderName| WITHHELD.contains(&name.as_str());
    let headers = parts.headers.iter().filter(|(name, _)| !withheld(name));
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let query = parts.uri.query().unwrap_or_default();
    let client = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let client = client.map(|ConnectInfo(address)| address.ip().to_string());
    let route = RequestDetail::Route(served.route.path.to_string());
    Request {
        method: served.route.method.into(),
        path: parts.uri.path().to_owned(),
        params,
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body,
        ui: None,
        details: [route]
            .into_iter()
            .chain(client.map(RequestDetail::ClientAddress))
            .collect(),
    }
}

fn respond(
    app: &App,
    asked: &Asked,
    contributions: &Contributions,
    plugin: &Handle,
    answer: Answer,
) -> Result<Response, Problem> {
    let mut response = match answer.body {
        Body::Empty => ().into_response(),
        Body::Redirect(location) => [(LOCATION, location)].into_response(),
        Body::Typed {
            content_type,
            content,
        } => ([(CONTENT_TYPE, content_type)], content).into_response(),
        Body::Html {
            content,
            whole_page: true,
            ..
        } => {
            let headers = [
                (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_PAGE)),
                (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
            ];
            (headers, Html(content)).into_response()
        }
        Body::Html { content, title, .. } => {
            let title = title.as_deref();
            pages::wrapped(app, asked, contributions, plugin, &content, title)?
        }
    };
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value);
    }
    if matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT
    ) {
        *response.body_mut() = HttpBody::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::contract::registration::{Middleware, Route, RoutePath};
    use crate::contract::wire::types;

    fn seen(builder: axum::http::request::Builder, body: &[u8]) -> Request {
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let served = ServedRoute {
            plugin: "a".parse().unwrap(),
            route: Route {
                method: Method::Post,
                path: RoutePath::parse("/api/plugins/a/:id".to_owned()).unwrap(),
                handler: Handler::WasiHttp,
                middleware: vec![Middleware::Public],
                description: String::new(),
                max_body_bytes: 1,
            },
        };
        let params = vec![("id".to_owned(), "7".to_owned())];
        request_of(&served, &parts, params, body.to_vec())
    }

    #[test]
    fn a_handler_sees_the_request_and_no_credentials() {
        let request = HttpRequest::builder()
            .uri("/api/plugins/a/7?x=1&y=2&x=%C3%A9+z")
            .header("cookie", "session=secret")
            .header("authorization", "Bearer secret")
            .header("accept", "text/html")
            .header("accept", "*/*")
            .header("content-type", "application/json");
        let seen = seen(request, b"{\"a\":1}\xff");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            seen,
            Request {
                method: types::Method::Post,
                path: "/api/plugins/a/7".to_owned(),
                params: vec![pair("id", "7")],
                query: vec![pair("x", "1"), pair("y", "2"), pair("x", "é z")],
                headers: vec![
                    pair("accept", "text/html"),
                    pair("accept", "*/*"),
                    pair("content-type", "application/json"),
                ],
                body: b"{\"a\":1}\xff".to_vec(),
                ui: None,
                details: vec![RequestDetail::Route("/api/plugins/a/:id".to_owned())],
            }
        );
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not() {
        let none = HeaderMap::new();
        let large = HttpBody::from(vec![0; 11]);
        let refused = read(large, &none, 10).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let mut announced = HeaderMap::new();
        announced.insert(CONTENT_LENGTH, HeaderValue::from(11));
        assert!(read(HttpBody::empty(), &announced, 10).await.is_err());
        assert!(read(HttpBody::from(vec![0; 10]), &none, 10).await.is_ok());
    }

    #[test]
    fn get_brings_head_and_everything_has_options() {
        assert_eq!(
            allowed(&[Method::Get, Method::Put]),
            "GET, HEAD, PUT, OPTIONS"
        );
        assert_eq!(allowed(&[Method::Post]), "POST, OPTIONS");
    }
}

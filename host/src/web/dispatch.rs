//! The plugins' own routes.
//!
//! A request is matched, its visitor checked, and only then is its body read. The handler gets the request as JSON without
//! the visitor's credentials; who asks, it learns from the `context` import alone. Whatever a plugin answers is served
//! under a policy that keeps it from acting as the visitor: its HTML runs no script and has no origin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{Extension, Request};
use axum::http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use serde::Serialize;

use super::access;
use super::edge::Asked;
use super::envelope::{Answer, Body};
use super::pages;
use super::problem::Problem;
use super::state::App;
use crate::capability::log::Level;
use crate::contract::Json;
use crate::contract::registration::{Handler, Method};
use crate::manager::Handle;
use crate::platform::{Contributions, Found, ServedRoute};
use crate::runtime::CallError;

/// The most bytes of a request's body.
pub const BODY_MAX: usize = 4 << 20;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What HTML of a plugin may do that is a page of its own: show itself, with styles of its own and images inside of it.
const CSP_PAGE: &str = "sandbox allow-forms allow-top-navigation-by-user-activation; default-src 'none'; \
     style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// A request as its handler sees it.
#[derive(Serialize)]
struct Args<'a> {
    method: &'a str,
    path: &'a str,
    params: BTreeMap<String, String>,
    query: BTreeMap<String, Values>,
    headers: BTreeMap<&'a str, String>,
    body: String,
    content_type: &'a str,
    /// Says `base64` where the body is not text; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_encoding: Option<&'static str>,
}

/// The values of one name in a query: a text, or an array where the name stands several times.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

/// Answers what no route of the server itself answers.
pub(super) async fn plugin_route(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    request: Request,
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
    let Handler::Function(function) = &served.route.handler else {
        return Err(Problem::unavailable(format!(
            "plugin {name} answers this route by wasi:http, which this server does not serve yet"
        )));
    };
    let plugin = contributions
        .plugin(name.as_str())
        .ok_or_else(|| Problem::unavailable(format!("plugin {name} does not serve")))?;
    let body = read(body, &parts.headers).await?;
    let args = args(served.route.method, &parts, params, body);
    let args = Json::from_serialize(&args).map_err(|_| Problem::internal())?;
    let called = plugin
        .call(function.as_str(), &args, asked.call_context(None))
        .await;
    let reply = called.map_err(|error| {
        let request_id = asked.request_id.to_string();
        match &error {
            // What a plugin answers on purpose is its own affair.
            CallError::Plugin { .. } => {
                tracing::debug!(plugin = %name, function = %function, request_id, "{error}");
            }
            failed => {
                tracing::warn!(plugin = %name, function = %function, request_id, "{failed}");
            }
        }
        Problem::of_call(
            &error,
            name,
            &contributions,
            asked.visitor.is_administrator(),
        )
    })?;
    let answer = Answer::parse(reply.into_string()).map_err(|error| {
        let message = format!("{function} answered {}: {error}", parts.uri.path());
        plugin.log().host(Level::Error, message);
        Problem::plugin_failed(name)
    })?;
    for refused in &answer.refused {
        plugin
            .log()
            .host(Level::Warn, format!("{function}: {refused}"));
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

/// Reads a body of at most [`BODY_MAX`] bytes.
async fn read(body: HttpBody, headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(Problem::body_too_large(BODY_MAX));
    }
    let mut stream = body.into_data_stream();
    let collect = async {
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece: Bytes =
                piece.map_err(|_| Problem::invalid("the request's body ended before its end"))?;
            if bytes.len() + piece.len() > BODY_MAX {
                return Err(Problem::body_too_large(BODY_MAX));
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

fn args<'a>(
    method: Method,
    parts: &'a Parts,
    params: Vec<(String, String)>,
    body: Vec<u8>,
) -> Args<'a> {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        if WITHHELD.contains(&name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    let mut query: BTreeMap<String, Values> = BTreeMap::new();
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    for (name, value) in pairs.into_owned() {
        let values = match query.remove(&name) {
            None => Values::One(value),
            Some(Values::One(first)) => Values::Many(vec![first, value]),
            Some(Values::Many(mut all)) => {
                all.push(value);
                Values::Many(all)
            }
        };
        query.insert(name, values);
    }
    let (body, body_encoding) = match String::from_utf8(body) {
        Ok(text) => (text, None),
        Err(bytes) => (STANDARD.encode(bytes.as_bytes()), Some("base64")),
    };
    let content_type = parts.headers.get(CONTENT_TYPE);
    Args {
        method: method.as_str(),
        path: parts.uri.path(),
        params: params.into_iter().collect(),
        query,
        headers,
        body,
        content_type: content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default(),
        body_encoding,
    }
}

fn respond(
    app: &App,
    asked: &Asked,
    contributions: &Contributions,
    plugin: &Handle,
    answer: Answer,
) -> Result<Response, Problem> {
    let (usual, mut response) = match answer.body {
        Body::Redirect(location) => (StatusCode::FOUND, [(LOCATION, location)].into_response()),
        Body::Binary { content_type, data } => {
            let headers = [(CONTENT_TYPE, content_type)];
            (StatusCode::OK, (headers, data).into_response())
        }
        Body::Json(text) => {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (StatusCode::OK, (headers, text).into_response())
        }
        Body::Html {
            html, raw: true, ..
        } => {
            let headers = [
                (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_PAGE)),
                (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
            ];
            (StatusCode::OK, (headers, Html(html)).into_response())
        }
        Body::Html { html, title, .. } => {
            let title = title.as_deref();
            let page = pages::wrapped(app, asked, contributions, plugin, &html, title)?;
            (StatusCode::OK, page)
        }
    };
    *response.status_mut() = answer.status.unwrap_or(usual);
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

    use serde_json::json;

    use super::*;

    fn seen(builder: axum::http::request::Builder, body: &[u8]) -> serde_json::Value {
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let params = vec![("id".to_owned(), "7".to_owned())];
        serde_json::to_value(args(Method::Post, &parts, params, body.to_vec())).unwrap()
    }

    #[test]
    fn a_handler_sees_the_request_and_no_credentials() {
        let request = Request::builder()
            .uri("/api/plugins/a/7?x=1&y=2&x=%C3%A9+z")
            .header("cookie", "session=secret")
            .header("authorization", "Bearer secret")
            .header("accept", "text/html")
            .header("accept", "*/*")
            .header("content-type", "application/json");
        let seen = seen(request, b"{\"a\":1}");
        assert!(!seen.to_string().contains("secret"));
        assert_eq!(
            seen,
            json!({
                "method": "POST",
                "path": "/api/plugins/a/7",
                "params": {"id": "7"},
                "query": {"x": ["1", "é z"], "y": "2"},
                "headers": {"accept": "text/html, */*", "content-type": "application/json"},
                "body": "{\"a\":1}",
                "content_type": "application/json",
            })
        );
    }

    #[test]
    fn a_body_that_is_no_text_comes_as_base64_and_says_so() {
        let seen = seen(Request::builder().uri("/x"), &[0xff, 0]);
        assert_eq!(seen["body"], "/wA=");
        assert_eq!(seen["body_encoding"], "base64");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not() {
        let none = HeaderMap::new();
        let large = HttpBody::from(vec![0; BODY_MAX + 1]);
        let refused = read(large, &none).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let mut announced = HeaderMap::new();
        announced.insert(CONTENT_LENGTH, HeaderValue::from(BODY_MAX + 1));
        assert!(read(HttpBody::empty(), &announced).await.is_err());
        assert!(read(HttpBody::from(vec![0; BODY_MAX]), &none).await.is_ok());
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

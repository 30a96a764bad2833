//! The outermost layer: what holds for every request and every answer.
//!
//! Going in, a request gets an id, a visitor and a language, and one that another site's page made a browser send is
//! refused if it could change something. Going out, problems get their body and every answer the headers that keep
//! browsers strict. A handler therefore never sees a request without a visitor.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use super::language;
use super::problem::Problem;
use super::state::App;
use super::visitor::Visitor;
use crate::contract::{CallContext, Language, RequestId};

/// The header of request ids.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Whose page made the browser send the request.
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What an answer may do that says nothing itself: nothing.
pub(super) const CSP_NOTHING: &str =
    "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is known about a request.
#[derive(Clone)]
pub(super) struct Asked {
    /// Who asks.
    pub(super) visitor: Visitor,
    /// The languages that they read, the most wanted first.
    pub(super) languages: Arc<[Language]>,
    /// The request's name.
    pub(super) request_id: RequestId,
}

impl Asked {
    /// For calls that this request causes.
    pub(super) fn call_context(&self, deadline: Option<Instant>) -> CallContext {
        CallContext {
            org_id: self.visitor.organisation(),
            user: self.visitor.signed_in().map(|one| Arc::clone(&one.user)),
            language: self.languages.first().cloned().unwrap_or_default(),
            request_id: self.request_id.clone(),
            deadline,
            ..CallContext::default()
        }
    }
}

/// See the module.
pub(super) async fn edge(Extension(app): Extension<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let request_id = request_id(&parts.headers);
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let answered = match admit(&app, &mut parts, &request_id).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => axum::response::IntoResponse::into_response(problem),
    };
    let request_id = request_id.to_string();
    let mut response = match answered.extensions().get::<Problem>() {
        Some(problem) => problem.render(&request_id),
        None => answered,
    };
    let took = began.elapsed();
    tracing::debug!(%method, path, status = response.status().as_u16(), request_id, ?took, "answered");
    protect(response.headers_mut(), &request_id);
    response
}

/// Decides whether a request gets in, and notes who sent it.
async fn admit(app: &App, parts: &mut Parts, request_id: &RequestId) -> Result<(), Problem> {
    // Probes come from machines that know no names and no secrets, and learn only whether the server lives.
    let probe = matches!(parts.uri.path(), "/healthz" | "/readyz");
    let visitor = if probe {
        Visitor::Anonymous
    } else {
        check_origin(parts)?;
        app.authenticator.visitor(parts).await?
    };
    parts.extensions.insert(Asked {
        visitor,
        languages: language::wanted(&parts.headers).into(),
        request_id: request_id.clone(),
    });
    Ok(())
}

/// The client's id for the request, if it gives one that can be written into logs and headers.
fn request_id(headers: &HeaderMap) -> RequestId {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| RequestId::given(value.to_str().ok()?).ok())
        .unwrap_or_default()
}

/// Refuses requests that could change something and that a page of another origin made. Programs other than browsers say
/// nothing about origins and are let through; what they may do depends on who they are.
fn check_origin(parts: &Parts) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &HeaderName| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap_or(""))
    };
    let site_is_own = text(&FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin_is_own = text(&ORIGIN).is_none_or(|origin| {
        let host = text(&HOST).filter(|host| !host.is_empty());
        let origin = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && origin == host
    });
    if site_is_own && origin_is_own {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "a page of another origin sent this request; requests that change something must come from this server's \
             own pages, or from a program that is not a browser",
        ))
    }
}

/// Sets what every answer has, leaving alone what a handler has set for its own.
fn protect(headers: &mut HeaderMap, request_id: &str) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CSP_NOTHING),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allowed(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut builder = Request::builder()
            .method(method)
            .uri("/x")
            .header(HOST, "localhost:8787");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        check_origin(&parts).is_ok()
    }

    #[test]
    fn a_page_of_another_origin_changes_nothing() {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://localhost:3000")],
            &[("origin", "")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "http://evil.example"),
            ],
        ] {
            assert!(!allowed("POST", headers), "{headers:?}");
            assert!(!allowed("DELETE", headers), "{headers:?}");
            assert!(allowed("GET", headers), "{headers:?}");
        }
    }

    #[test]
    fn own_pages_and_programs_may_change_things() {
        for headers in [
            &[][..],
            &[
                ("origin", "http://localhost:8787"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(allowed("POST", headers), "{headers:?}");
        }
    }

    #[test]
    fn a_request_id_that_would_break_a_log_line_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID.clone(), HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers).to_string(), "abc-1");
        headers.insert(REQUEST_ID.clone(), HeaderValue::from_static("a b"));
        assert_ne!(request_id(&headers).to_string(), "a b");
    }
}

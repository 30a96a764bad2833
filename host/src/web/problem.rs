//! What goes wrong, as RFC 9457 problem details.
//!
//! A [`Problem`] has a status, a code that is stable and meant for programs, and a detail for people. It is turned into a
//! body once, at the edge of the server, where the request's id and the form that the client reads are known. What a
//! visitor may not know is not in it: traps, refusals by a grant and back-ends that do not answer are told to
//! administrators and to the log, and to everybody else only as the fact that the plugin failed.

use std::borrow::Cow;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::contract::{Error, ErrorDetail, PluginName, RateLimited};
use crate::platform::Contributions;
use crate::runtime::CallError;

/// A request that was not answered as asked.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Option<String>,
    /// Most problems have none; boxed because problems are returned everywhere.
    headers: Box<HeaderMap>,
}

/// The body of a problem.
#[derive(Serialize)]
struct Details<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_id: &'a str,
}

impl Problem {
    /// A problem with a code of the contract or of a plugin.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: None,
            headers: Box::default(),
        }
    }

    /// Adds what people should know.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Something is not there, or not for this visitor to know about.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found").detail(detail)
    }

    /// The request has the wrong form.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-argument").detail(detail)
    }

    /// The visitor has to sign in.
    pub fn sign_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated")
            .detail("sign in first")
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// The visitor may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission-denied").detail(detail)
    }

    /// The path is there for other methods, `allowed` as the header lists them.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        match HeaderValue::from_str(allowed) {
            Ok(value) => problem.header(ALLOW, value),
            Err(_) => problem,
        }
    }

    /// The body is larger than the server takes.
    pub fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large")
            .detail(format!("the request's body is larger than {limit} bytes"))
    }

    /// Something in the host itself broke; what, is in the log.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    /// A plugin did not do what the contract says.
    pub fn plugin_failed(plugin: &PluginName) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unavailable").detail(format!("plugin {plugin} failed"))
    }

    /// A plugin cannot be asked at present.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").detail(detail)
    }

    fn not_serving(plugin: &PluginName) -> Self {
        Self::unavailable(format!("plugin {plugin} cannot be asked at present"))
    }

    /// Something is used up for now.
    pub fn exhausted(
        status: StatusCode,
        retry_after_seconds: u64,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(status, "rate-limited")
            .detail(detail)
            .header(RETRY_AFTER, HeaderValue::from(retry_after_seconds))
    }

    /// A call that failed, as an administrator or another visitor may know it.
    pub fn of_call(
        error: &CallError,
        plugin: &PluginName,
        contributions: &Contributions,
        is_administrator: bool,
    ) -> Self {
        let problem = match error {
            CallError::Plugin { error, .. } => Self::of_error(error, plugin, contributions),
            CallError::NotJson { .. } => Self::plugin_failed(plugin),
            CallError::Start { .. } | CallError::ShutDown { .. } | CallError::NotServing { .. } => {
                Self::not_serving(plugin)
            }
            // In the second after that, since the header has no parts of one.
            CallError::LeftAlone {
                retry_in: Some(wait),
                ..
            } => {
                Self::not_serving(plugin).header(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1))
            }
            CallError::LeftAlone { .. } => Self::not_serving(plugin),
            other => match other.to_contract() {
                Error::Unavailable(_) => Self::plugin_failed(plugin),
                error => Self::of_error(&error, plugin, contributions),
            },
        };
        match error {
            _ if !is_administrator => problem,
            CallError::Plugin { error, .. } => problem.detail(error.message()),
            other => problem.detail(other.to_string()),
        }
    }

    fn of_error(error: &Error, plugin: &PluginName, contributions: &Contributions) -> Self {
        let problem = |status| Self::new(status, error.code().to_owned());
        match error {
            Error::PermissionDenied(_) => problem(StatusCode::FORBIDDEN)
                .detail(format!("plugin {plugin} was not permitted to do this")),
            Error::NotFound(text) => problem(StatusCode::NOT_FOUND).detail(text),
            Error::InvalidArgument(text) => problem(StatusCode::BAD_REQUEST).detail(text),
            Error::Conflict(text) => problem(StatusCode::CONFLICT).detail(text),
            Error::RateLimited(RateLimited { retry_after_ms }) => {
                let seconds = retry_after_ms.div_ceil(1_000).max(1);
                problem(StatusCode::TOO_MANY_REQUESTS)
                    .detail(format!("too many calls; try again in {seconds} s"))
                    .header(RETRY_AFTER, HeaderValue::from(seconds))
            }
            Error::TimedOut => problem(StatusCode::GATEWAY_TIMEOUT)
                .detail(format!("plugin {plugin} did not answer in time")),
            Error::TooLarge(text) => problem(StatusCode::PAYLOAD_TOO_LARGE).detail(text),
            Error::Unavailable(_) => Self::unavailable(format!(
                "plugin {plugin} needs something that does not answer"
            )),
            Error::Other(ErrorDetail { code, message }) => {
                match contributions.error_code(plugin.as_str(), code) {
                    Some(registered) => {
                        let status = StatusCode::from_u16(registered.http_status)
                            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                        let detail = if message.is_empty() {
                            &registered.message
                        } else {
                            message
                        };
                        Self::new(status, format!("{plugin}:{code}")).detail(detail)
                    }
                    // Nobody said what this code means to visitors, so its text stays inside.
                    None => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "other")
                        .detail(format!("plugin {plugin} failed")),
                }
            }
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What people should know.
    pub fn shown(&self) -> &str {
        match &self.detail {
            Some(detail) => detail,
            None => self.title(),
        }
    }

    fn title(&self) -> &str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// The problem as JSON, under the id of its request.
    pub(super) fn render(&self, request_id: &str) -> Response {
        let details = Details {
            r#type: "about:blank",
            title: self.title(),
            status: self.status.as_u16(),
            code: &self.code,
            detail: self.detail.as_deref(),
            request_id,
        };
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.extend((*self.headers).clone());
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

/// Leaves the problem to the edge, which knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::runtime::Trap;

    fn of(error: Error, is_administrator: bool) -> Problem {
        let plugin: PluginName = "stats".parse().unwrap();
        let error = CallError::Plugin {
            plugin: plugin.clone(),
            error,
        };
        Problem::of_call(&error, &plugin, &Contributions::default(), is_administrator)
    }

    #[test]
    fn what_a_grant_refused_is_told_to_administrators_only() {
        let secret =
            || Error::PermissionDenied("table customer_secret; grant db:read=…".to_owned());
        let problem = of(secret(), false);
        assert_eq!(problem.status(), StatusCode::FORBIDDEN);
        assert!(!problem.shown().contains("customer_secret"));
        assert!(of(secret(), true).shown().contains("customer_secret"));
    }

    #[test]
    fn what_a_plugin_said_before_a_trap_is_told_to_administrators_only() {
        let plugin: PluginName = "stats".parse().unwrap();
        let error = CallError::Trapped {
            plugin: plugin.clone(),
            function: "page".to_owned(),
            trap: Trap::Panicked,
            output: "the key is 1234".to_owned(),
        };
        let told = |is_administrator: bool| {
            let contributions = Contributions::default();
            let problem = Problem::of_call(&error, &plugin, &contributions, is_administrator);
            problem.shown().to_owned()
        };
        assert!(!told(false).contains("1234"));
        assert!(told(true).contains("1234"));
    }

    #[test]
    fn an_unregistered_code_is_a_500_without_its_message() {
        let other = Error::Other(ErrorDetail {
            code: "odd".to_owned(),
            message: "internal detail".to_owned(),
        });
        let problem = of(other, false);
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.code(), "other");
        assert!(!problem.shown().contains("internal detail"));
    }

    #[test]
    fn a_rate_limit_says_in_whole_seconds_when_to_come_back() {
        let limited = Error::RateLimited(RateLimited {
            retry_after_ms: 1_001,
        });
        let response = of(limited, false).render("r-1");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "2");
        assert_eq!(
            response.headers().get(CONTENT_TYPE).unwrap(),
            "application/problem+json"
        );
    }
}

//! What a route's handler answered.
//!
//! A handler returns JSON. Three shapes of object are envelopes that say how to answer: `{"redirect", "status"}`,
//! `{"_binary": true, "content_type", "data"}` with base64 data, and `{"html", "title", "raw"}`; each may have `status`
//! and `headers`. Everything else is the answer itself. An envelope that is not right in all its parts is an error of the
//! plugin and never half applied, except for headers that a plugin may not set, which are left out and reported.

use std::collections::BTreeMap;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, ETAG, EXPIRES, LAST_MODIFIED, PRAGMA,
    RETRY_AFTER, VARY,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use url::Url;

use crate::contract::Json;

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status; none where the shape has a usual one.
    pub(super) status: Option<StatusCode>,
    /// Headers that the plugin may set.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Headers that it may not set, and why.
    pub(super) refused: Vec<String>,
    /// The answer itself.
    pub(super) body: Body,
}

/// The answer itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// Go elsewhere: a path of this server, or an http or https address.
    Redirect(HeaderValue),
    /// Bytes.
    Binary {
        /// Their type.
        content_type: HeaderValue,
        /// The bytes.
        data: Vec<u8>,
    },
    /// HTML, which is untrusted.
    Html {
        /// The HTML.
        html: String,
        /// The page's title.
        title: Option<String>,
        /// Whether it is a page of its own, outside of the layout.
        raw: bool,
    },
    /// JSON text.
    Json(String),
}

/// Why an answer cannot be used.
#[derive(Debug, Error)]
pub(super) enum EnvelopeError {
    /// It is not JSON.
    #[error("the answer is not JSON: {0}")]
    NotJson(String),
    /// A part of an envelope is not right.
    #[error("the envelope's {field} {reason}")]
    Wrong {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// The members that make an object an envelope, and those that may stand beside them. Values are read only once it is
/// clear which envelope it is, so that an answer whose own data are called `status` is left alone.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    redirect: Option<&'a RawValue>,
    #[serde(borrow)]
    _binary: Option<&'a RawValue>,
    #[serde(borrow)]
    html: Option<&'a RawValue>,
    #[serde(borrow)]
    content_type: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

impl Answer {
    /// Reads what a handler returned.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or an envelope with a part that is not right.
    pub(super) fn parse(text: String) -> Result<Self, EnvelopeError> {
        let json = Json::parse(text).map_err(|error| EnvelopeError::NotJson(error.to_string()))?;
        if json.is_object()
            && let Ok(members) = serde_json::from_str::<Members<'_>>(json.as_str())
            && let Some(body) = body(&members)?
        {
            return members.answer(body);
        }
        Ok(Self {
            status: None,
            headers: Vec::new(),
            refused: Vec::new(),
            body: Body::Json(json.into_string()),
        })
    }
}

fn body(members: &Members<'_>) -> Result<Option<Body>, EnvelopeError> {
    if let Some(target) = members.redirect.and_then(text) {
        return Ok(Some(Body::Redirect(location(&target)?)));
    }
    if members._binary.is_some_and(|value| value.get() == "true") {
        let data = members
            .data
            .and_then(text)
            .ok_or_else(|| EnvelopeError::Wrong {
                field: "data",
                reason: "is not a text in base64".to_owned(),
            })?;
        let data = STANDARD
            .decode(data.trim_ascii())
            .map_err(|error| EnvelopeError::Wrong {
                field: "data",
                reason: format!("is not base64: {error}"),
            })?;
        return Ok(Some(Body::Binary {
            content_type: content_type(optional("content_type", members.content_type)?)?,
            data,
        }));
    }
    if let Some(html) = members.html.and_then(text) {
        return Ok(Some(Body::Html {
            html,
            title: optional("title", members.title)?,
            raw: optional("raw", members.raw)?.unwrap_or(false),
        }));
    }
    Ok(None)
}

impl Members<'_> {
    fn answer(&self, body: Body) -> Result<Answer, EnvelopeError> {
        let status = optional::<u16>("status", self.status)?
            .map(|status| status_for(&body, status))
            .transpose()?;
        let given: BTreeMap<String, String> =
            optional("headers", self.headers)?.unwrap_or_default();
        let mut headers = Vec::new();
        let mut refused = Vec::new();
        for (name, value) in given {
            match header(&name, &value) {
                Ok(header) => headers.push(header),
                Err(reason) => refused.push(reason),
            }
        }
        Ok(Answer {
            status,
            headers,
            refused,
            body,
        })
    }
}

/// A member that is a text.
fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// A member that may be absent or null.
fn optional<T: for<'de> Deserialize<'de>>(
    field: &'static str,
    value: Option<&RawValue>,
) -> Result<Option<T>, EnvelopeError> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_str(value.get()).map_err(|error| EnvelopeError::Wrong {
        field,
        reason: format!("cannot be read: {error}"),
    })
}

fn status_for(body: &Body, status: u16) -> Result<StatusCode, EnvelopeError> {
    let (fits, expected) = match body {
        Body::Redirect(_) => (
            matches!(status, 301 | 302 | 303 | 307 | 308),
            "301, 302, 303, 307 or 308",
        ),
        _ => (
            (200..=599).contains(&status) && !(300..400).contains(&status),
            "200 to 299 or 400 to 599",
        ),
    };
    StatusCode::from_u16(status)
        .ok()
        .filter(|_| fits)
        .ok_or_else(|| EnvelopeError::Wrong {
            field: "status",
            reason: format!("is {status}; expected {expected}"),
        })
}

/// Where a redirect leads. Other schemes than http and https have no business in a browser's address bar.
fn location(target: &str) -> Result<HeaderValue, EnvelopeError> {
    let wrong = |reason: &str| EnvelopeError::Wrong {
        field: "redirect",
        reason: reason.to_owned(),
    };
    let local = target.starts_with('/') && !target.starts_with("//") && !target.contains('\\');
    if !local {
        let address = Url::parse(target)
            .map_err(|_| wrong("is neither an absolute path nor an http or https address"))?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(wrong("is not an http or https address"));
        }
    }
    HeaderValue::try_from(target)
        .ok()
        .filter(|value| value.to_str().is_ok())
        .ok_or_else(|| wrong("has characters that an address cannot have; escape them"))
}

fn content_type(given: Option<String>) -> Result<HeaderValue, EnvelopeError> {
    let Some(given) = given else {
        return Ok(HeaderValue::from_static("application/octet-stream"));
    };
    let name = given.split(';').next().unwrap_or_default().trim();
    let is_type = name.split_once('/').is_some_and(|(main, sub)| {
        let token = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
            !text.is_empty() && text.bytes().all(plain)
        };
        token(main) && token(sub)
    });
    HeaderValue::try_from(&given)
        .ok()
        .filter(|_| is_type)
        .ok_or_else(|| EnvelopeError::Wrong {
            field: "content_type",
            reason: "is not a media type such as image/png".to_owned(),
        })
}

/// The headers of HTTP that a plugin may set: those that describe its answer. None that rules the connection, the
/// visitor's session, or what a browser lets the page do.
const DESCRIPTIVE: [HeaderName; 9] = [
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_LANGUAGE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    PRAGMA,
    RETRY_AFTER,
    VARY,
];

/// Headers of one's own begin so, but these beginnings mean something to browsers and proxies.
const OWN: &str = "x-";
const NOT_OWN: [&str; 10] = [
    "x-accel-",
    "x-content-",
    "x-csrf-",
    "x-dns-",
    "x-forwarded-",
    "x-frame-",
    "x-permitted-",
    "x-real-",
    "x-request-id",
    "x-sendfile",
];

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let shown = name.escape_debug();
    let parsed = HeaderName::try_from(name).map_err(|_| format!("{shown} is no header's name"))?;
    let text = parsed.as_str();
    let own = text.starts_with(OWN) && !NOT_OWN.iter().any(|taken| text.starts_with(taken));
    if !own && !DESCRIPTIVE.contains(&parsed) {
        return Err(format!(
            "{shown} is not a header that a plugin may set; it may set those that describe its answer, and its own that \
             begin with x-"
        ));
    }
    let value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value of {shown} has characters that a header cannot have"))?;
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn parse(value: &serde_json::Value) -> Result<Answer, EnvelopeError> {
        Answer::parse(value.to_string())
    }

    fn wrong(value: &serde_json::Value) -> String {
        parse(value).unwrap_err().to_string()
    }

    #[test]
    fn json_that_is_no_envelope_is_answered_letter_for_letter() {
        for text in [
            "{\"status\": 404, \"headers\": [1], \"total\": 12345678901234567890123}",
            "{\"redirect\": null}",
            "{\"_binary\": false, \"data\": \"x\"}",
            "{\"html\": {\"not\": \"text\"}}",
            "[1, 2.0]",
            " null",
        ] {
            let answer = Answer::parse(text.to_owned()).unwrap();
            assert_eq!(answer.body, Body::Json(text.to_owned()));
            assert_eq!(answer.status, None);
        }
        assert!(Answer::parse("{'html'}".to_owned()).is_err());
    }

    #[test]
    fn html_and_binary_carry_their_status_and_headers() {
        let page = parse(&json!({"html": "<p>", "title": "T", "status": 404})).unwrap();
        assert_eq!(page.status, Some(StatusCode::NOT_FOUND));
        assert_eq!(
            page.body,
            Body::Html {
                html: "<p>".into(),
                title: Some("T".into()),
                raw: false
            }
        );
        let bytes = json!({"_binary": true, "content_type": "image/png", "data": "AAEC",
            "headers": {"Cache-Control": "max-age=60", "X-Total": "3"}});
        let bytes = parse(&bytes).unwrap();
        assert_eq!(
            bytes.body,
            Body::Binary {
                content_type: HeaderValue::from_static("image/png"),
                data: vec![0, 1, 2]
            }
        );
        assert_eq!(bytes.headers.len(), 2);
        assert!(bytes.refused.is_empty());
    }

    #[test]
    fn a_header_that_is_not_the_plugins_to_set_is_left_out_and_named() {
        let answer = parse(&json!({"html": "", "headers": {
            "Set-Cookie": "session=1", "Content-Security-Policy": "", "Transfer-Encoding": "chunked",
            "X-Frame-Options": "ALLOWALL", "X-Request-Id": "1", "a b": "c", "X-Split": "a\r\nSet-Cookie: b",
            "Access-Control-Allow-Origin": "*", "ETag": "\"1\""
        }}))
        .unwrap();
        assert_eq!(answer.headers, [(ETAG, HeaderValue::from_static("\"1\""))]);
        assert_eq!(answer.refused.len(), 8);
    }

    #[test]
    fn a_redirect_leads_to_this_server_or_to_the_web() {
        for target in ["/a?b=c", "https://example.org/x", "http://example.org"] {
            assert!(
                parse(&json!({"redirect": target, "status": 303})).is_ok(),
                "{target}"
            );
        }
        for target in [
            "javascript:alert(1)",
            "//evil.example",
            "/\\evil.example",
            "a/b",
            "",
            "/a\r\nb: c",
        ] {
            assert!(
                wrong(&json!({"redirect": target})).contains("redirect"),
                "{target}"
            );
        }
    }

    #[test]
    fn parts_that_are_not_right_are_named() {
        assert!(wrong(&json!({"redirect": "/", "status": 200})).contains("status"));
        assert!(wrong(&json!({"html": "", "status": 302})).contains("status"));
        assert!(wrong(&json!({"html": "", "status": 101})).contains("status"));
        assert!(wrong(&json!({"html": "", "headers": [1]})).contains("headers"));
        assert!(wrong(&json!({"_binary": true, "data": "%%"})).contains("data"));
        assert!(wrong(&json!({"_binary": true})).contains("data"));
        let typed = json!({"_binary": true, "data": "", "content_type": "text"});
        assert!(wrong(&typed).contains("content_type"));
    }
}

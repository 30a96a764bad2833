//! What a route's handler answered, checked.
//!
//! An answer that is not right in all its parts is an error of the plugin and never half sent, except for headers that a
//! plugin may not set, which are left out and reported.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, ETAG, EXPIRES, LAST_MODIFIED, PRAGMA,
    RETRY_AFTER, VARY,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use thiserror::Error;
use url::Url;

use crate::contract::Json;
use crate::contract::wire::handlers::{Response, ResponseBody};
use crate::names::text::quoted;

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
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
    /// Nothing.
    Empty,
    /// Go elsewhere: a path of this server, or an http or https address.
    Redirect(HeaderValue),
    /// Bytes, or text.
    Typed {
        /// Their type.
        content_type: HeaderValue,
        /// The bytes.
        content: Vec<u8>,
    },
    /// HTML, which is untrusted.
    Html {
        /// The HTML.
        content: String,
        /// The page's title.
        title: Option<String>,
        /// Whether it is a page of its own, outside of the layout.
        whole_page: bool,
    },
}

/// Why an answer cannot be used.
#[derive(Debug, Error)]
#[error("the response's {part} {reason}")]
pub(super) struct WrongAnswer {
    part: &'static str,
    reason: String,
}

impl Answer {
    /// Checks what a handler returned.
    ///
    /// # Errors
    ///
    /// When a part of it is not right.
    pub(super) fn parse(response: Response) -> Result<Self, WrongAnswer> {
        let body = Body::parse(response.body)?;
        let status = body.status(response.status)?;
        let mut headers = Vec::new();
        let mut refused = Vec::new();
        for (name, value) in response.headers {
            match header(&name, &value) {
                Ok(header) => headers.push(header),
                Err(reason) => refused.push(reason),
            }
        }
        Ok(Self {
            status,
            headers,
            refused,
            body,
        })
    }
}

impl Body {
    fn parse(given: ResponseBody) -> Result<Self, WrongAnswer> {
        let typed = |content_type, text: String| Self::Typed {
            content_type: HeaderValue::from_static(content_type),
            content: text.into_bytes(),
        };
        Ok(match given {
            ResponseBody::Empty => Self::Empty,
            ResponseBody::Json(text) => {
                let json = Json::parse(text).map_err(|error| WrongAnswer {
                    part: "body",
                    reason: format!("is not JSON: {error}"),
                })?;
                typed("application/json", json.into_string())
            }
            ResponseBody::Text(text) => typed("text/plain; charset=utf-8", text),
            ResponseBody::Html(html) => Self::Html {
                content: html.content,
                title: html.title,
                whole_page: html.whole_page,
            },
            ResponseBody::Bytes(bytes) => Self::Typed {
                content_type: content_type(&bytes.content_type)?,
                content: bytes.content,
            },
            ResponseBody::Redirect(target) => Self::Redirect(location(&target)?),
            ResponseBody::Other((name, _)) => {
                return Err(WrongAnswer {
                    part: "body",
                    reason: format!(
                        "is of the kind {}, which this server does not know",
                        quoted(&name)
                    ),
                });
            }
        })
    }

    /// The status, which must fit.
    fn status(&self, given: Option<u16>) -> Result<StatusCode, WrongAnswer> {
        let usual = match self {
            Self::Empty => StatusCode::NO_CONTENT,
            Self::Redirect(_) => StatusCode::SEE_OTHER,
            Self::Typed { .. } | Self::Html { .. } => StatusCode::OK,
        };
        let Some(given) = given else {
            return Ok(usual);
        };
        let (fits, expected) = match self {
            Self::Redirect(_) => (
                matches!(given, 301 | 302 | 303 | 307 | 308),
                "301, 302, 303, 307 or 308",
            ),
            _ => (
                (200..=599).contains(&given) && !(300..400).contains(&given),
                "200 to 299 or 400 to 599",
            ),
        };
        let status = StatusCode::from_u16(given).ok().filter(|_| fits);
        status.ok_or_else(|| WrongAnswer {
            part: "status",
            reason: format!("is {given}; expected {expected}"),
        })
    }
}

/// Where a redirect leads. Other schemes than http and https have no business in a browser's address bar.
fn location(target: &str) -> Result<HeaderValue, WrongAnswer> {
    let wrong = |reason: &str| WrongAnswer {
        part: "redirect",
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

fn content_type(given: &str) -> Result<HeaderValue, WrongAnswer> {
    let name = given.split(';').next().unwrap_or_default().trim();
    let is_type = name.split_once('/').is_some_and(|(main, sub)| {
        let token = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
            !text.is_empty() && text.bytes().all(plain)
        };
        token(main) && token(sub)
    });
    HeaderValue::try_from(given)
        .ok()
        .filter(|_| is_type)
        .ok_or_else(|| WrongAnswer {
            part: "content-type",
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

    use super::*;
    use crate::contract::wire::handlers::{Html, TypedBytes};

    fn response(body: ResponseBody) -> Response {
        Response {
            status: None,
            headers: Vec::new(),
            body,
        }
    }

    fn html(content: &str) -> ResponseBody {
        ResponseBody::Html(Html {
            content: content.to_owned(),
            title: None,
            whole_page: false,
        })
    }

    fn wrong(response: Response) -> String {
        Answer::parse(response).unwrap_err().to_string()
    }

    #[test]
    fn json_is_answered_letter_for_letter_whatever_its_members_are_called() {
        for text in [
            "{\"status\": 404, \"headers\": [1], \"total\": 12345678901234567890123}",
            "{\"id\": 7, \"redirect\": \"https://example.org\"}",
            "{\"_binary\": true, \"data\": \"x\"}",
            "{\"html\": \"<p>\"}",
            "[1, 2.0]",
            " null",
        ] {
            let answer = Answer::parse(response(ResponseBody::Json(text.to_owned()))).unwrap();
            let expected = Body::Typed {
                content_type: HeaderValue::from_static("application/json"),
                content: text.into(),
            };
            assert_eq!(answer.body, expected);
            assert_eq!(answer.status, StatusCode::OK);
        }
        assert!(wrong(response(ResponseBody::Json("{'html'}".to_owned()))).contains("JSON"));
    }

    #[test]
    fn each_kind_of_answer_has_its_usual_status_and_can_have_another() {
        let bytes = || {
            ResponseBody::Bytes(TypedBytes {
                content_type: "image/png".to_owned(),
                content: vec![0, 1, 2],
            })
        };
        for (body, usual) in [
            (ResponseBody::Empty, 204),
            (ResponseBody::Text("a".to_owned()), 200),
            (html("<p>"), 200),
            (bytes(), 200),
            (ResponseBody::Redirect("/".to_owned()), 303),
        ] {
            assert_eq!(Answer::parse(response(body)).unwrap().status, usual);
        }
        let gone = Response {
            status: Some(404),
            ..response(bytes())
        };
        assert_eq!(Answer::parse(gone).unwrap().status, 404);
    }

    #[test]
    fn a_header_that_is_not_the_plugins_to_set_is_left_out_and_named() {
        let headers = [
            ("Set-Cookie", "session=1"),
            ("Content-Security-Policy", ""),
            ("Transfer-Encoding", "chunked"),
            ("X-Frame-Options", "ALLOWALL"),
            ("X-Request-Id", "1"),
            ("a b", "c"),
            ("X-Split", "a\r\nSet-Cookie: b"),
            ("Access-Control-Allow-Origin", "*"),
            ("ETag", "\"1\""),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = Answer::parse(Response {
            headers: headers.to_vec(),
            ..response(html(""))
        })
        .unwrap();
        assert_eq!(answer.headers, [(ETAG, HeaderValue::from_static("\"1\""))]);
        assert_eq!(answer.refused.len(), 8);
    }

    #[test]
    fn a_redirect_leads_to_this_server_or_to_the_web() {
        let redirect = |target: &str| response(ResponseBody::Redirect(target.to_owned()));
        for target in ["/a?b=c", "https://example.org/x", "http://example.org"] {
            assert!(Answer::parse(redirect(target)).is_ok(), "{target}");
        }
        for target in [
            "javascript:alert(1)",
            "//evil.example",
            "/\\evil.example",
            "a/b",
            "",
            "/a\r\nb: c",
        ] {
            assert!(wrong(redirect(target)).contains("redirect"), "{target}");
        }
    }

    #[test]
    fn parts_that_are_not_right_are_named() {
        let with = |status, body| Response {
            status: Some(status),
            ..response(body)
        };
        assert!(wrong(with(200, ResponseBody::Redirect("/".to_owned()))).contains("status"));
        assert!(wrong(with(302, html(""))).contains("status"));
        assert!(wrong(with(101, html(""))).contains("status"));
        let typed = ResponseBody::Bytes(TypedBytes {
            content_type: "text".to_owned(),
            content: Vec::new(),
        });
        assert!(wrong(response(typed)).contains("content-type"));
        let unknown = ResponseBody::Other(("stream".to_owned(), "{}".to_owned()));
        assert!(wrong(response(unknown)).contains("\"stream\""));
    }
}

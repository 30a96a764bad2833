//! Files that are part of the program.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// The one style sheet.
pub(super) const STYLESHEET: &str = include_str!("static/goatherd.css");

/// Names the style sheet's contents.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let hash = blake3::hash(STYLESHEET.as_bytes()).to_hex();
    hash.chars().take(16).collect()
});

/// The style sheet's address, which changes with its contents.
pub(super) fn stylesheet_path() -> String {
    format!("/static/goatherd.css?v={}", *HASH)
}

/// Answers with the style sheet, or that the client's copy is still right.
pub(super) async fn stylesheet(headers: HeaderMap) -> Response {
    let tag = format!("\"{}\"", *HASH);
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .map(|known| known.trim().trim_start_matches("W/"))
                .any(|known| known == tag || known == "*")
        });
    let caching = HeaderValue::from_static("public, max-age=3600");
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let headers = [(CONTENT_TYPE, "text/css; charset=utf-8")];
        (headers, STYLESHEET).into_response()
    };
    response.headers_mut().insert(CACHE_CONTROL, caching);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_client_that_has_the_style_sheet_does_not_get_it_again() {
        let first = stylesheet(HeaderMap::new()).await;
        assert_eq!(first.status(), StatusCode::OK);
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, first.headers().get(ETAG).unwrap().clone());
        assert_eq!(
            stylesheet(headers.clone()).await.status(),
            StatusCode::NOT_MODIFIED
        );
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert_eq!(stylesheet(headers).await.status(), StatusCode::OK);
    }
}

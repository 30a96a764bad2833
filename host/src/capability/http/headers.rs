//! Headers of requests and responses.
//!
//! What decides where a message ends, or on which connection it travels, is the host's to set; a plugin that could set it
//! could make two servers disagree on where its request ends. Names and values are parsed before they get near a
//! connection, so no header can have a line end in it. Both directions are bounded.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::contract::Error;

/// The largest section of headers, names and values together, in either direction.
pub(super) const SECTION_BYTES: usize = 64 * 1024;
/// The most headers of a request.
pub(super) const COUNT: usize = 100;

/// Headers that the host sets, or that have no meaning between a plugin and a server.
const RESERVED: [HeaderName; 13] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that a redirect takes along to another origin. Others stay behind: `authorization` and `cookie` are not the only
/// ones that carry credentials, and no list has all the names that services made up for theirs.
const CARRIED: [&str; 17] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-location",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "pragma",
    "range",
    "user-agent",
];

/// Whether a header is not a plugin's to set.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
}

/// The headers of a request of `plugin`.
///
/// # Errors
///
/// `invalid-argument` for what is no header or not a plugin's to set, `too-large` for too much of it.
pub(super) fn of_request(plugin: &str, pairs: &[(String, String)]) -> Result<HeaderMap, Error> {
    let bytes: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if pairs.len() > COUNT || bytes > SECTION_BYTES {
        return Err(Error::TooLarge(format!(
            "plugin \"{plugin}\" made a request with {} headers of {bytes} bytes; at most {COUNT} headers of \
             {SECTION_BYTES} bytes are allowed",
            pairs.len()
        )));
    }
    let wrong = |name: &str, what: &str| {
        let shown: String = name.chars().take(64).collect();
        Error::InvalidArgument(format!(
            "plugin \"{plugin}\" made a request with the header {shown:?}, which {what}"
        ))
    };
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (given, value) in pairs {
        let name = HeaderName::from_bytes(given.as_bytes())
            .map_err(|_| wrong(given, "is not the name of a header"))?;
        if is_reserved(&name) {
            return Err(wrong(given, "the host sets by itself or does not send"));
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| wrong(given, "has a control character in its value"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// Leaves behind what must not go to another origin.
pub(super) fn leave_origin(headers: &mut HeaderMap) {
    retain(headers, |name| CARRIED.contains(&name.as_str()));
}

/// Leaves behind what describes a body that is not sent any more.
pub(super) fn leave_body(headers: &mut HeaderMap) {
    retain(headers, |name| !name.as_str().starts_with("content-"));
}

fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    *headers = headers
        .iter()
        .filter(|(name, _)| keep(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
}

/// Whether the headers of a response are within the limit.
pub(super) fn fit(headers: &HeaderMap) -> bool {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    bytes <= SECTION_BYTES
}

/// The headers of a response as plugins get them.
pub(super) fn of_response(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect()
}

/// UTF-8, or else Latin-1, in which every byte is the character of the same number.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<HeaderMap, Error> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        of_request("stats", &pairs)
    }

    #[test]
    fn secrets_in_headers_are_not_in_debug_output_or_errors() {
        let headers = parse(&[("Authorization", "Bearer hunter2"), ("x-key", "hunter2")]);
        assert!(!format!("{:?}", headers.unwrap()).contains("hunter2"));
        let error = parse(&[("x-key", "hunter2\n")]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn only_harmless_headers_go_to_another_origin() {
        let mut headers = parse(&[
            ("Accept", "a/b"),
            ("Authorization", "1"),
            ("Cookie", "2"),
            ("X-Api-Key", "3"),
            ("Private-Token", "4"),
            ("Content-Type", "c/d"),
        ])
        .unwrap();
        leave_origin(&mut headers);
        let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["accept", "content-type"]);
    }

    #[test]
    fn a_value_that_is_not_utf_8_is_latin_1() {
        assert_eq!(text("grün".as_bytes()), "grün");
        assert_eq!(text(b"gr\xfcn"), "grün");
    }
}

//! Paths: of routes, of pages, of files in a package.
//!
//! Three types that cannot be mixed up, each narrower than what the outside would accept. None of them can hold `..`,
//! an empty segment or a backslash, so a path that is joined to a base stays inside it. A route's segments hold only
//! characters that mean the same escaped and unescaped, so two routes are the same exactly where their texts say so.

use std::{collections::HashSet, fmt};

use serde::Serialize;

use crate::names::text::quoted;

/// The most bytes in any path.
const PATH_MAX: usize = 512;

/// The path of a route: absolute, with `:name` for one segment and `*name` for all that is left.
///
/// At most 512 bytes, without query, fragment, `.` and `..`, empty segments, and percent signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoutePath(String);

/// One segment of a [`RoutePath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Exactly this text.
    Literal(&'a str),
    /// `:name`, any one segment.
    Parameter(&'a str),
    /// `*name`, one or more segments; only at the end.
    Rest(&'a str),
}

impl<'a> Segment<'a> {
    fn of(text: &'a str) -> Self {
        if let Some(name) = text.strip_prefix(':') {
            Segment::Parameter(name)
        } else if let Some(name) = text.strip_prefix('*') {
            Segment::Rest(name)
        } else {
            Segment::Literal(text)
        }
    }
}

impl RoutePath {
    pub(crate) fn parse(text: String) -> Result<Self, String> {
        match Self::wrong(&text) {
            None => Ok(RoutePath(text)),
            Some(wrong) => Err(format!(
                "the path {} {wrong}; expected one such as \"/report/:year\"",
                quoted(&text)
            )),
        }
    }

    fn wrong(text: &str) -> Option<String> {
        if text.len() > PATH_MAX {
            return Some(format!("has {} bytes, more than {PATH_MAX}", text.len()));
        }
        let Some(relative) = text.strip_prefix('/') else {
            return Some("does not begin with \"/\"".to_owned());
        };
        if relative.is_empty() {
            return None;
        }
        let mut names = HashSet::new();
        let mut segments = relative.split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            match Segment::of(segment) {
                Segment::Literal("") if last => return Some("ends in \"/\"".to_owned()),
                Segment::Literal("") => return Some("has an empty segment".to_owned()),
                Segment::Literal("." | "..") => {
                    return Some(format!("has the segment \"{segment}\""));
                }
                Segment::Literal(literal) => {
                    if let Some(bad) = literal.chars().find(|&c| !is_plain(c)) {
                        return Some(format!("contains {bad:?} in {}", quoted(literal)));
                    }
                }
                Segment::Parameter(name) | Segment::Rest(name) => {
                    if !is_parameter_name(name) {
                        return Some(format!(
                            "has a parameter {}, whose name is not a letter or \"_\" with letters, digits and \"_\" \
                             after it",
                            quoted(segment)
                        ));
                    }
                    if segment.starts_with('*') && !last {
                        return Some(format!("has {} before its end", quoted(segment)));
                    }
                    if !names.insert(name) {
                        return Some(format!("has two parameters named {}", quoted(name)));
                    }
                }
            }
        }
        None
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments from the left; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.0
            .split('/')
            .skip(1)
            .filter(|s| !s.is_empty())
            .map(Segment::of)
    }

    /// Whether every request that this path matches lies at or under `prefix`, such as `/api/plugins/stats/`.
    ///
    /// Compares whole segments, and a parameter is not the text that it could match: `/api/:any/stats` is not within
    /// `/api/plugins/`. A `/` at the end of `prefix` makes no difference.
    #[must_use]
    pub fn is_within(&self, prefix: &str) -> bool {
        let mut own = self.segments();
        prefix
            .split('/')
            .filter(|segment| !segment.is_empty())
            .all(|wanted| own.next() == Some(Segment::Literal(wanted)))
    }

    /// The path with its parameters' names left out: two routes of one method with the same shape match the same
    /// requests.
    #[must_use]
    pub fn shape(&self) -> String {
        let mut shape = String::with_capacity(self.0.len());
        for segment in self.segments() {
            shape.push('/');
            shape.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Parameter(_) => ":",
                Segment::Rest(_) => "*",
            });
        }
        shape
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that stand for themselves in a path (RFC 3986 `pchar`), without `%`, and without `:` and `*`, which mark
/// parameters.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()+,;=@".contains(c)
}

fn is_parameter_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An absolute path of this server as a link has it, with a query and a fragment where wanted.
///
/// It cannot leave the server: `//other.example` and `/\other.example` are refused, since browsers read them as
/// another host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct LocalPath(String);

impl LocalPath {
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let wrong = if text.len() > PATH_MAX {
            format!("has {} bytes, more than {PATH_MAX}", text.len())
        } else if !text.starts_with('/') {
            "does not begin with \"/\"".to_owned()
        } else if path.contains("//") {
            "has an empty segment".to_owned()
        } else if has_dots(path) {
            "has the segment \".\" or \"..\"".to_owned()
        } else if let Some(bad) = text
            .chars()
            .find(|&c| c == '\\' || c.is_control() || c.is_whitespace())
        {
            format!("contains {bad:?}")
        } else {
            return Ok(LocalPath(text));
        };
        Err(format!(
            "the path {} {wrong}; expected a path of this server such as \"/stats\"",
            quoted(&text)
        ))
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Browsers take `%2e` for a dot when they resolve a path, so both spellings count.
fn has_dots(path: &str) -> bool {
    path.split('/').any(|segment| {
        matches!(
            segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    })
}

/// The path of a file in the plugin's package, or the name of a template: relative, with `/` between its parts,
/// without `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PackagePath(String);

impl PackagePath {
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let wrong = if text.is_empty() {
            "is empty".to_owned()
        } else if text.len() > PATH_MAX {
            format!("has {} bytes, more than {PATH_MAX}", text.len())
        } else if text.starts_with('/') {
            "is absolute".to_owned()
        } else if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            "has the segment \".\" or \"..\"".to_owned()
        } else if text.split('/').any(str::is_empty) {
            "has an empty segment".to_owned()
        } else if let Some(bad) = text
            .chars()
            .find(|&c| matches!(c, '\\' | ':') || c.is_control())
        {
            format!("contains {bad:?}")
        } else {
            return Ok(PackagePath(text));
        };
        Err(format!(
            "the path {} {wrong}; expected a relative one such as \"stats/dashboard.html\"",
            quoted(&text)
        ))
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn route(text: &str) -> RoutePath {
        RoutePath::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn a_route_path_is_read_into_its_segments() {
        let path = route("/api/plugins/stats/:year/*file");
        assert_eq!(
            path.segments().collect::<Vec<_>>(),
            [
                Segment::Literal("api"),
                Segment::Literal("plugins"),
                Segment::Literal("stats"),
                Segment::Parameter("year"),
                Segment::Rest("file"),
            ]
        );
        assert_eq!(route("/").segments().count(), 0);
    }

    #[test]
    fn every_wrong_route_path_is_refused_with_the_reason() {
        for (text, wrong) in [
            ("", "does not begin"),
            ("stats", "does not begin"),
            ("/a//b", "empty segment"),
            ("/a/", "ends in"),
            ("//a", "empty segment"),
            ("/a/../b", "segment \"..\""),
            ("/a/./b", "segment \".\""),
            ("/a?b=c", "contains '?'"),
            ("/a#b", "contains '#'"),
            ("/a/%2e%2e", "contains '%'"),
            ("/a\\b", "contains '\\\\'"),
            ("/ä", "contains 'ä'"),
            ("/a b", "contains ' '"),
            ("/{id}", "contains '{'"),
            ("/a/b:c", "contains ':'"),
            ("/:", "has a parameter \":\""),
            ("/:1", "has a parameter \":1\""),
            ("/:a-b", "has a parameter \":a-b\""),
            ("/:a/:a", "two parameters named \"a\""),
            ("/:a/*a", "two parameters named \"a\""),
            ("/*rest/a", "before its end"),
            (&format!("/{}", "a".repeat(512)), "has 513 bytes"),
        ] {
            let message = RoutePath::parse(text.to_owned()).unwrap_err();
            assert!(message.contains(wrong), "{text}: {message}");
        }
    }

    #[test]
    fn a_path_is_within_a_prefix_by_whole_segments_only() {
        let own = "/api/plugins/stats/";
        assert!(route("/api/plugins/stats/report").is_within(own));
        assert!(route("/api/plugins/stats").is_within(own));
        assert!(!route("/api/plugins/stats2/report").is_within(own));
        assert!(!route("/api/plugins/:name/report").is_within(own));
        assert!(!route("/api/plugins/*rest").is_within(own));
        assert!(!route("/api/plugins").is_within(own));
    }

    #[test]
    fn names_of_parameters_do_not_make_routes_different() {
        assert_eq!(route("/a/:x/*y").shape(), route("/a/:id/*rest").shape());
        assert_ne!(route("/a/:x").shape(), route("/a/*x").shape());
    }

    #[test]
    fn a_link_cannot_leave_the_server() {
        assert!(LocalPath::parse("/stats?from=/a//b#top".into()).is_ok());
        for text in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "",
            "/a/../b",
            "/a/%2E%2e/b",
        ] {
            assert!(LocalPath::parse(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_of_a_package_cannot_be_outside_it() {
        assert!(PackagePath::parse("templates/a.html".into()).is_ok());
        for text in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a//b",
            "a\\..\\b",
            "C:/a",
            "a/",
            "./a",
            "a\0",
        ] {
            assert!(PackagePath::parse(text.into()).is_err(), "{text}");
        }
    }
}

//! Paths, the scope of `routes` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::glob::{self, Case};
use super::scope::Scope;

/// A path and everything below it, in which `*` stands for any run of characters: `/admin/stats` covers
/// `/admin/stats` and `/admin/stats/today`, but not `/admin/statistics`. `/` covers only itself; every path is `/*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoutePattern(String);

impl RoutePattern {
    /// Whether a route of this path is covered. `path` is as registered, parameters (`:id`, `*rest`) included.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if glob::matches(&self.0, path, Case::Sensitive) {
            return true;
        }
        self.0 != "/"
            && path
                .match_indices('/')
                .filter(|(at, _)| *at > 0)
                .filter_map(|(at, _)| path.get(..at))
                .any(|above| glob::matches(&self.0, above, Case::Sensitive))
    }
}

impl FromStr for RoutePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if !text.starts_with('/') {
            return Err(PatternError::new(
                "does not begin with a /: write an absolute path, such as /admin/stats, or /* for every path",
            ));
        }
        if let Some(bad) = text.chars().find(|&c| {
            c.is_whitespace() || c.is_control() || matches!(c, ',' | '?' | '#' | '\\' | '%')
        }) {
            return Err(PatternError::new(format!(
                "has a {bad:?}: a path here has no spaces, commas, query, fragment, backslashes or escapes"
            )));
        }
        let trimmed = match text.strip_suffix('/') {
            Some("") | None => text,
            Some(rest) => rest,
        };
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if trimmed != "/" && trimmed.split('/').skip(1).any(odd) {
            return Err(PatternError::new(
                "has an empty, . or .. segment: write the path as it is served",
            ));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Scope<RoutePattern> {
    /// Whether the plugin may register a route of this path outside its own prefix.
    #[must_use]
    pub fn allows(&self, path: &str) -> bool {
        self.any(|pattern| pattern.matches(path))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::RoutePattern;

    fn covers(pattern: &str, path: &str) -> bool {
        pattern.parse::<RoutePattern>().unwrap().matches(path)
    }

    #[test]
    fn a_path_covers_itself_and_what_is_below_it() {
        assert!(covers("/admin/stats", "/admin/stats"));
        assert!(covers("/admin/stats/", "/admin/stats/:day/x"));
        assert!(!covers("/admin/stats", "/admin/statistics"));
        assert!(!covers("/admin/stats", "/admin"));
        assert!(!covers("/admin/stats", "/:area/stats"));
        assert!(covers("/admin/*/export", "/admin/a/b/export/csv"));
        assert!(covers("/*", "/anything/at/all"));
    }

    #[test]
    fn the_root_covers_only_itself() {
        assert!(covers("/", "/"));
        assert!(!covers("/", "/admin"));
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "", "admin", "*", "//a", "/a/../b", "/a/./b", "/a?b", "/a#b", "/a b", "/%61", "/a\\b",
        ] {
            assert!(bad.parse::<RoutePattern>().is_err(), "{bad:?}");
        }
    }
}

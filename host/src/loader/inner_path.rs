//! Paths within a package.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

/// A relative path that stays where it is joined: plain names with `/` between them, on every system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InnerPath(String);

/// Why a text is no such path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the path {shown:?} {reason}; a path in a package is relative, such as templates/page.html"
)]
pub struct InnerPathError {
    shown: String,
    reason: &'static str,
}

/// How long a path and a name in it may be, in bytes.
const PATH_MAX: usize = 1_024;
const NAME_MAX: usize = 255;

impl InnerPath {
    /// The path as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below a folder.
    #[must_use]
    pub fn below(&self, folder: &Path) -> PathBuf {
        self.0
            .split('/')
            .fold(folder.to_owned(), |path, name| path.join(name))
    }
}

impl FromStr for InnerPath {
    type Err = InnerPathError;

    fn from_str(text: &str) -> Result<Self, InnerPathError> {
        let wrong = |reason| InnerPathError {
            shown: text.chars().take(100).collect(),
            reason,
        };
        if text.is_empty() {
            return Err(wrong("is empty"));
        }
        if text.len() > PATH_MAX {
            return Err(wrong("has more than 1024 bytes"));
        }
        if text.starts_with('/') {
            return Err(wrong("is absolute"));
        }
        for name in text.split('/') {
            if name == ".." || name == "." {
                return Err(wrong("has a part that is . or .."));
            }
            if name.is_empty() {
                return Err(wrong("has an empty part"));
            }
            if name.len() > NAME_MAX {
                return Err(wrong("has a part of more than 255 bytes"));
            }
            // A backslash divides on some systems and a colon names a drive or a stream.
            if name.contains(['\\', ':']) || name.chars().any(char::is_control) {
                return Err(wrong("has a backslash, a colon or a control character"));
            }
            if name.ends_with(['.', ' ']) {
                return Err(wrong(
                    "has a part that ends in a dot or a space, which some systems drop",
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InnerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

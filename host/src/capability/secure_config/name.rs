//! Where a secret is kept: whose it is, for which organisation, and under which name.
//!
//! What the interfaces call a key is a [`SecretName`] here, to tell it from the keys that encrypt. A name is text that
//! can be shown in a list and stored by every back-end, so control characters are not in it; NUL is one of them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::contract::PluginName;

/// How long a name may be, in bytes.
pub const NAME_BYTES: usize = 128;

/// The name of a secret among those of its plugin: 1 to 128 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Why a text is not the name of a secret. The text is not repeated: it may be a secret that came in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretNameError {
    /// It is empty or too long.
    #[error("has {0} bytes; a key has 1 to {NAME_BYTES}")]
    Length(usize),
    /// It has a control character.
    #[error("has the control character {0:?}; a key has none")]
    Control(char),
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId {
    /// Whose it is.
    pub plugin: PluginName,
    /// Its name.
    pub name: SecretName,
    /// The organisation that it is for; none for all.
    pub org: Option<i64>,
}

impl SecretName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        if text.is_empty() || text.len() > NAME_BYTES {
            return Err(SecretNameError::Length(text.len()));
        }
        match text.chars().find(|char| char.is_control()) {
            Some(control) => Err(SecretNameError::Control(control)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// For messages: `"token" of plugin "stats" for organisation 5`.
impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" of plugin \"{}\"", self.name, self.plugin)?;
        match self.org {
            Some(org) => write!(f, " for organisation {org}"),
            None => f.write_str(" for all organisations"),
        }
    }
}

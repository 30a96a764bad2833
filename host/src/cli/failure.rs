//! How a command ends when it fails.
//!
//! Every failure becomes one line of JSON on standard error, with a code of the contract, so that a script can tell what
//! happened without reading prose.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::runtime::{CallError, ComponentError, LoadError};

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is not a plugin's component.
    Component(ComponentError),
    /// The plugin cannot be described or loaded.
    Load(LoadError),
    /// The call was not answered with a result.
    Call(CallError),
    /// The arguments are not JSON.
    Args(String),
    /// What a part of the library says with a code of its own.
    Coded {
        /// The contract's code.
        code: String,
        /// What was tried, and what refused it.
        message: String,
    },
    /// Anything outside the plugin: settings, files, the network.
    Other(anyhow::Error),
}

impl Failure {
    /// A failure with a code of the contract.
    pub(super) fn coded(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self::Coded { code, message }
    }

    /// Prints the failure. There is nobody left to tell if standard error is closed.
    pub(super) fn report(&self) {
        let line = json!({ "error": self.to_json() });
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// The failure as `{"code", "message", …}`.
    pub(super) fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("code".to_owned(), self.code().into());
        fields.insert("message".to_owned(), self.message().into());
        match self {
            Self::Load(LoadError::NotGranted { missing, .. }) => {
                let missing = missing.iter().map(|missing| {
                    json!({
                        "interface": missing.interface,
                        "permission": missing.need.to_string(),
                        "grant": missing.grant(),
                    })
                });
                fields.insert("missing".to_owned(), missing.collect());
            }
            Self::Load(LoadError::Registration { problems, .. }) => {
                fields.insert("problems".to_owned(), json!(problems));
            }
            Self::Load(LoadError::UnknownImports { unknown, .. }) => {
                let names = unknown.iter().map(|unknown| &unknown.interface);
                fields.insert("interfaces".to_owned(), json!(names.collect::<Vec<_>>()));
            }
            Self::Load(LoadError::NotServed { interfaces, .. }) => {
                fields.insert("interfaces".to_owned(), json!(interfaces));
            }
            _ => {}
        }
        Value::Object(fields)
    }

    fn code(&self) -> String {
        match self {
            Self::Component(error) => error.code().to_owned(),
            Self::Load(error) => error.code(),
            Self::Call(error) => error.code(),
            Self::Args(_) => "invalid-argument".to_owned(),
            Self::Coded { code, .. } => code.clone(),
            Self::Other(_) => "unavailable".to_owned(),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Component(error) => error.to_string(),
            Self::Load(error) => error.to_string(),
            // The plugin's own words, without the code that `code` has already.
            Self::Call(CallError::Plugin { error, .. }) => error.message().into_owned(),
            Self::Call(error) => error.to_string(),
            Self::Args(message) | Self::Coded { message, .. } => message.clone(),
            Self::Other(error) => format!("{error:#}"),
        }
    }
}

/// Prints a command's result.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                out.write_all(b"\n")
            }
        })
        .and_then(|()| out.flush());
    match written {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Other(error.into())),
    }
}

impl From<ComponentError> for Failure {
    fn from(error: ComponentError) -> Self {
        Self::Component(error)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

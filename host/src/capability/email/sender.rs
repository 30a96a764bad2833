//! Whom messages are from: the operator's to say.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::permission::{Address, AddressError};

/// An address with or without a name: `Helpdesk <noreply@example.org>` or `noreply@example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    name: Option<String>,
    address: Address,
}

/// Why a text names no sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SenderError {
    /// The address is none.
    #[error(
        "the sender {text:?} {reason}; write Helpdesk <noreply@example.org> or noreply@example.org"
    )]
    Address {
        /// What should be the address.
        text: String,
        /// Why it is not.
        reason: AddressError,
    },
    /// The name has control characters or over 200 bytes.
    #[error("the sender's name {0:?} has control characters or over 200 bytes")]
    Name(String),
}

impl Sender {
    /// The name, for people.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl FromStr for Sender {
    type Err = SenderError;

    fn from_str(text: &str) -> Result<Self, SenderError> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = name
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(name);
        if name.len() > 200 || name.contains(char::is_control) {
            return Err(SenderError::Name(name.to_owned()));
        }
        let address = address.parse().map_err(|reason| SenderError::Address {
            text: address.to_owned(),
            reason,
        })?;
        Ok(Self {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address,
        })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_sender_has_an_address_and_may_have_a_name() {
        let sender: Sender = "Helpdesk, Köln <noreply@example.org>".parse().unwrap();
        assert_eq!(sender.name(), Some("Helpdesk, Köln"));
        assert_eq!(sender.address().to_string(), "noreply@example.org");
        let sender: Sender = " noreply@example.org ".parse().unwrap();
        assert_eq!(sender.name(), None);
    }

    #[test]
    fn what_names_no_sender_is_refused() {
        for text in [
            "",
            "Helpdesk",
            "Helpdesk <noreply>",
            "<noreply@example.org",
            "a@example.org, b@example.org",
            "Help\r\nBcc: x@y.example <noreply@example.org>",
            "a <b <c@example.org>>",
        ] {
            assert!(text.parse::<Sender>().is_err(), "{text:?}");
        }
    }
}

//! What an e-mail back-end has to do.
//!
//! A back-end gets a finished message and the addresses that it goes to. Everything in it was checked: a back-end adds
//! nothing to it, and takes the recipients from the envelope, which is the only place that has all of them. It takes the
//! message for all recipients or for none, and says so before the deadline.

use std::fmt;
use std::time::Instant;

use async_trait::async_trait;
use thiserror::Error;

use crate::contract::{self, PluginName};
use crate::permission::Address;

/// Delivers messages, or sees to it that somebody does.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Takes a message over, for all of its recipients or for none.
    async fn send(&self, mail: &Outgoing, deadline: Instant) -> Result<(), MailError>;
}

/// A message on its way, with its envelope.
#[derive(Clone)]
pub struct Outgoing {
    /// The plugin that wrote it.
    pub plugin: PluginName,
    /// Where reports about its delivery go: the operator's address.
    pub sender: Address,
    /// Everybody who gets it, each once, those of `bcc` included.
    pub recipients: Vec<Address>,
    /// The message (RFC 5322) with CRLF at the end of each line: ASCII, no line over 998 bytes, no `Bcc`.
    pub message: Vec<u8>,
}

/// Why a message was not taken. Nobody gets it, except that after [`MailError::TimedOut`] the server may have it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailError {
    /// The deadline of the call passed.
    #[error("the mail server did not take the message in time")]
    TimedOut,
    /// Nobody answers, or the answer is no, for now or for reasons that lie with the operator.
    #[error("the message was not taken: {0}; nothing was sent")]
    Unavailable(String),
    /// There are no mailboxes for these recipients, and trying again would not help.
    #[error("the mail server refuses {}; nothing was sent", listed(.0))]
    Refused(Vec<Refusal>),
    /// The message is larger than the server takes.
    #[error("the message is too large for the mail server: {0}; nothing was sent")]
    TooLarge(String),
}

/// A recipient whom the mail server does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whom.
    pub recipient: Address,
    /// Why, in the server's words.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.recipient, self.reason)
    }
}

fn listed(refusals: &[Refusal]) -> String {
    let all: Vec<_> = refusals.iter().map(Refusal::to_string).collect();
    all.join(", ")
}

impl From<MailError> for contract::Error {
    fn from(error: MailError) -> Self {
        match error {
            MailError::TimedOut => Self::TimedOut,
            MailError::Unavailable(_) => Self::Unavailable(error.to_string()),
            MailError::Refused(_) => Self::InvalidArgument(error.to_string()),
            MailError::TooLarge(_) => Self::TooLarge(error.to_string()),
        }
    }
}

/// Without what the message says.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("plugin", &self.plugin.as_str())
            .field("sender", &self.sender.to_string())
            .field("recipients", &self.recipients.len())
            .field("bytes", &self.message.len())
            .finish()
    }
}

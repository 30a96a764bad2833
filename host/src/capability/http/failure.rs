//! Why a request that was allowed to leave brought no response.
//!
//! The libraries below say it in chains of errors, with URLs and addresses in them that are nobody's business: a URL may
//! have a key in its query, and an address tells of the network behind a name. So the chain is read for what happened, and
//! said again in words of our own.

use std::error::Error as StdError;
use std::io;

use super::egress::{Egress, Refusal, Target};
use super::resolver::{NotFound, NotPublic};
use super::{BODY_BYTES, headers};
use crate::contract::Error;

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may not leave, as was found when the name was resolved or the redirect read.
    Refused(Refusal),
    /// The name has no address.
    Unresolved,
    /// Nobody listens there.
    ConnectionRefused,
    /// The connection was not made.
    Unreachable,
    /// The server's certificate is not believed, or there is no common language.
    Tls {
        /// Whether it is about the certificate.
        certificate: bool,
        /// In the library's words.
        reason: String,
    },
    /// The server ended the connection before the response was complete, or answered with something that is not HTTP.
    BrokeOff,
    /// The headers of the response are over their limit.
    HeadersTooLarge,
    /// The body of the response is over its limit.
    BodyTooLarge,
    /// The streamed body of the request was not sent to its end.
    Request(BodyError),
    /// One redirect more than are followed.
    TooManyRedirects(usize),
    /// The request cannot be expressed.
    Inexpressible,
    /// The deadline passed.
    TimedOut,
}

/// Why the streamed body of a request was not sent to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is over the limit.
    #[error("the body of the request is over its limit")]
    TooLarge,
    /// It was given up by the plugin.
    #[error("the body of the request was given up")]
    GivenUp,
    /// The deadline passed.
    #[error("the deadline passed before the body of the request ended")]
    TimedOut,
}

impl Failure {
    /// What an error of sending to a target means.
    pub(super) fn of_sending(error: &reqwest::Error, egress: &Egress, target: &Target) -> Self {
        if error.is_builder() {
            return Self::Inexpressible;
        }
        for cause in causes(error) {
            if cause.is::<NotPublic>() {
                return Self::Refused(egress.resolves_to_special(target));
            }
            if cause.is::<NotFound>() {
                return Self::Unresolved;
            }
            if let Some(found) = Self::of_cause(cause) {
                return found;
            }
        }
        if error.is_connect() || error.is_timeout() {
            return Self::Unreachable;
        }
        Self::BrokeOff
    }

    /// What an error of reading a body means.
    pub(super) fn of_reading(error: &reqwest::Error) -> Self {
        causes(error)
            .find_map(Self::of_cause)
            .unwrap_or(Self::BrokeOff)
    }

    fn of_cause(cause: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(body) = cause.downcast_ref::<BodyError>() {
            return Some(Self::Request(*body));
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(Self::Tls {
                certificate: matches!(tls, rustls::Error::InvalidCertificate(_)),
                reason: tls.to_string(),
            });
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            return http.is_parse_too_large().then_some(Self::HeadersTooLarge);
        }
        let io = cause.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::ConnectionRefused).then_some(Self::ConnectionRefused)
    }

    /// The same, of a request to which another server redirected.
    pub(super) fn after(self, via: Option<&str>) -> Self {
        match (self, via) {
            (Self::Refused(refusal), Some(via)) => Self::Refused(refusal.redirected_by(via)),
            (failure, _) => failure,
        }
    }

    /// In the words of the contract, about a request to `origin`.
    pub(super) fn into_error(self, egress: &Egress, origin: &str) -> Error {
        let plugin = egress.plugin();
        let unreachable = |what: &str| {
            Error::Unavailable(format!(
                "plugin \"{plugin}\" could not ask {origin}: {what}"
            ))
        };
        let too_large = |what: &str, limit: usize| {
            Error::TooLarge(format!(
                "plugin \"{plugin}\" asked {origin}: {what} of more than {limit} bytes, the limit"
            ))
        };
        match self {
            Self::Refused(refusal) => refusal.into(),
            Self::Unresolved => unreachable("its name cannot be resolved"),
            Self::ConnectionRefused => unreachable("it refuses the connection"),
            Self::Unreachable => unreachable("it does not take the connection"),
            Self::Tls {
                certificate: true,
                reason,
            } => unreachable(&format!("its certificate is not believed: {reason}")),
            Self::Tls { reason, .. } => {
                unreachable(&format!("the encryption cannot be agreed on: {reason}"))
            }
            Self::BrokeOff => unreachable("it broke off, or did not answer with HTTP"),
            Self::HeadersTooLarge => too_large("it answered with headers", headers::SECTION_BYTES),
            Self::BodyTooLarge => too_large("it answered with a body", BODY_BYTES),
            Self::Request(BodyError::TooLarge) => too_large("with a body", BODY_BYTES),
            Self::Request(BodyError::GivenUp) => {
                unreachable("the body of the request was given up")
            }
            Self::TooManyRedirects(limit) => {
                unreachable(&format!("it redirected more than {limit} times"))
            }
            Self::Inexpressible => Error::InvalidArgument(format!(
                "plugin \"{plugin}\" asked for a URL of {origin} that HTTP cannot express"
            )),
            Self::Request(BodyError::TimedOut) | Self::TimedOut => Error::TimedOut,
        }
    }
}

/// An error and what caused it. An I/O error names the cause of the error in it, and leaves out that error itself.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let cause = |error: &'a (dyn StdError + 'static)| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    };
    std::iter::successors(Some(error), move |error| cause(*error))
}

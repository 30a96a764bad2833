//! Where the mail server is and how it is talked to, from a URL.

use std::fmt;

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::{Host, Url};
use zeroize::Zeroizing;

/// Why a URL names no mail server. What the URL says is not shown, because there may be a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SmtpError {
    /// It is none of the forms.
    #[error(
        "the URL of the mail server is not of the form smtp://user:password@host:port or smtps://user:password@host:port"
    )]
    Form,
    /// There is something behind the `?` that has no meaning.
    #[error(
        "the URL of the mail server can end in ?tls=required or ?tls=none, and in nothing else"
    )]
    Option,
    /// There is a name without a password, or the other way round.
    #[error(
        "the URL of the mail server has a user without a password, or a password without a user"
    )]
    Login,
}

/// How the conversation is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// From the first byte on.
    Tls,
    /// From the server's greeting on; nothing is sent to a server that cannot.
    StartTls,
    /// Not at all.
    None,
}

/// What the host says to log in.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Zeroizing<String>,
}

/// A mail server.
pub(super) struct Server {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Login>,
}

impl Server {
    pub(super) fn parse(text: &str) -> Result<Self, SmtpError> {
        let url = Url::parse(text).map_err(|_| SmtpError::Form)?;
        let host = match url.host_str() {
            // The scheme is none that browsers know, so the host was not looked at yet.
            Some(host) => Host::parse(host).map_err(|_| SmtpError::Form)?,
            None => return Err(SmtpError::Form),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpError::Form);
        }
        let wish = match url.query() {
            None => None,
            Some("tls=required") => Some(Security::StartTls),
            Some("tls=none") => Some(Security::None),
            Some(_) => return Err(SmtpError::Option),
        };
        let (security, port) = match url.scheme() {
            "smtps" if wish == Some(Security::None) => return Err(SmtpError::Option),
            "smtps" => (Security::Tls, 465),
            "smtp" => {
                let usual = if is_this_machine(&host) {
                    Security::None
                } else {
                    Security::StartTls
                };
                (wish.unwrap_or(usual), 587)
            }
            _ => return Err(SmtpError::Form),
        };
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(SmtpError::Login),
            (user, Some(password)) => Some(Login {
                user: decoded(user)?,
                password: Zeroizing::new(decoded(password)?),
            }),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            login,
        })
    }
}

fn is_this_machine(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn decoded(text: &str) -> Result<String, SmtpError> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| SmtpError::Form)?.into_owned())
}

/// Without the login.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host.to_string())
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn security(url: &str) -> (Security, u16) {
        let server = Server::parse(url).unwrap();
        (server.security, server.port)
    }

    #[test]
    fn beyond_this_machine_nothing_is_said_without_tls_unless_asked_for() {
        assert_eq!(security("smtps://mail.example"), (Security::Tls, 465));
        assert_eq!(security("smtp://mail.example"), (Security::StartTls, 587));
        assert_eq!(security("smtp://10.0.0.1:25"), (Security::StartTls, 25));
        assert_eq!(security("smtp://127.0.0.1:25"), (Security::None, 25));
        assert_eq!(security("smtp://[::1]"), (Security::None, 587));
        assert_eq!(security("smtp://localhost"), (Security::None, 587));
        assert_eq!(
            security("smtp://localhost.evil.example"),
            (Security::StartTls, 587)
        );
        assert_eq!(
            security("smtp://127.0.0.1?tls=required"),
            (Security::StartTls, 587)
        );
        assert_eq!(
            security("smtp://mail.example/?tls=none"),
            (Security::None, 587)
        );
    }

    #[test]
    fn a_login_is_decoded_and_never_shown() {
        let server = Server::parse("smtp://me%40example.org:p%3Ass%20w%2Frd@mail.example").unwrap();
        assert!(!format!("{server:?}").contains("ss w"));
        let login = server.login.unwrap();
        assert_eq!(login.user, "me@example.org");
        assert_eq!(*login.password, "p:ss w/rd");
    }

    #[test]
    fn other_urls_are_refused_without_being_shown() {
        for (url, wrong) in [
            ("mail.example:25", SmtpError::Form),
            ("http://mail.example", SmtpError::Form),
            ("smtp:///", SmtpError::Form),
            ("smtp://u:hunter2@mail.example/path", SmtpError::Form),
            ("smtp://u:hunter2@mail.example?tls=maybe", SmtpError::Option),
            ("smtps://mail.example?tls=none", SmtpError::Option),
            ("smtp://user@mail.example", SmtpError::Login),
            ("smtp://:hunter2@mail.example", SmtpError::Login),
        ] {
            let error = Server::parse(url).unwrap_err();
            assert_eq!(error, wrong, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}

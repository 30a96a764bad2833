//! Who is asking.
//!
//! An [`Authenticator`] says who a request comes from. It decides nothing else: what a visitor may do is decided where a
//! route, a widget or a page is asked for, from the visitor alone. There is no state in which a request has no visitor.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;

use super::problem::Problem;
pub use crate::contract::UserRole as Role;
use crate::contract::{User, UserTrait};

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visitor {
    /// Anybody.
    Anonymous,
    /// A known user.
    SignedIn(SignedIn),
}

/// A signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// As plugins see the user.
    pub user: Arc<User>,
    /// What the user is to the application.
    pub role: Role,
    /// The organisation that the user acts in; none in an application with a single one. Plugins that are called for this
    /// visitor see its rows in tables that organisations own, and without one they see none.
    pub organisation: Option<i64>,
}

impl SignedIn {
    /// A user without groups, of no organisation.
    pub fn new(id: &str, name: &str, role: Role) -> Self {
        let user = User {
            id: id.to_owned(),
            name: name.to_owned(),
            groups: Vec::new(),
            traits: vec![UserTrait::Role(role)],
        };
        Self {
            user: Arc::new(user),
            role,
            organisation: None,
        }
    }

    /// The same user, who acts in this organisation.
    #[must_use]
    pub fn in_organisation(self, organisation: i64) -> Self {
        Self {
            organisation: Some(organisation),
            ..self
        }
    }
}

impl Visitor {
    /// The signed-in user.
    pub fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Self::Anonymous => None,
            Self::SignedIn(signed_in) => Some(signed_in),
        }
    }

    /// The organisation that the visitor acts in. Anybody acts in none.
    pub fn organisation(&self) -> Option<i64> {
        self.signed_in()?.organisation
    }

    /// Whether the visitor runs the application.
    pub fn is_administrator(&self) -> bool {
        self.has(Role::Administrator)
    }

    /// Whether the visitor has a role, or is an administrator.
    pub fn has(&self, role: Role) -> bool {
        self.signed_in()
            .is_some_and(|one| one.role == role || one.role == Role::Administrator)
    }
}

/// Says who requests come from.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Who a request comes from, and for which organisation. Credentials that are given and wrong are a problem, not an
    /// anonymous visitor.
    ///
    /// # Errors
    ///
    /// The answer to a request that must not be served to anybody.
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Problem>;

    /// Whether a server with this authenticator may listen on an address.
    ///
    /// # Errors
    ///
    /// Why not, and what would change that.
    fn check_address(&self, address: SocketAddr) -> Result<(), String> {
        let _ = address;
        Ok(())
    }

    /// What every page says about how visitors are told apart, where that is worth a warning.
    fn notice(&self) -> Option<&'static str> {
        None
    }
}

/// Nobody can sign in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn visitor(&self, _request: &Parts) -> Result<Visitor, Problem> {
        Ok(Visitor::Anonymous)
    }
}

/// Requests that carry a token are an administrator's: `Authorization: Bearer TOKEN`.
pub struct AdminToken {
    /// Tokens are compared by their hashes, whose comparison takes the same time wherever they differ.
    hash: blake3::Hash,
}

/// The least bytes in a token.
const TOKEN_MIN: usize = 16;

impl AdminToken {
    /// Takes a token of at least 16 bytes.
    ///
    /// # Errors
    ///
    /// When it is shorter, and so could be guessed.
    pub fn new(token: &str) -> Result<Self, String> {
        if token.len() < TOKEN_MIN {
            return Err(format!(
                "the administrator's token has {} bytes; it needs at least {TOKEN_MIN}, such as the output of \
                 `openssl rand -hex 16`",
                token.len()
            ));
        }
        Ok(Self {
            hash: blake3::hash(token.as_bytes()),
        })
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminToken").finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for AdminToken {
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Problem> {
        let Some(given) = request.headers.get(AUTHORIZATION) else {
            return Ok(Visitor::Anonymous);
        };
        let given = given.as_bytes();
        let token = match given.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
            _ => return Err(Problem::sign_in()),
        };
        if blake3::hash(token.trim_ascii()) == self.hash {
            let administrator = SignedIn::new("admin", "Administrator", Role::Administrator);
            Ok(Visitor::SignedIn(administrator))
        } else {
            Err(Problem::sign_in())
        }
    }
}

/// For development: every visitor is an administrator.
///
/// So it serves only this machine: it refuses to listen on other addresses, and to answer requests from other machines.
/// A web page elsewhere could still have its own name resolve to this machine and so read answers (DNS rebinding);
/// requests that name another host than this machine are therefore refused too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Development;

#[async_trait]
impl Authenticator for Development {
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Problem> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        if !peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback()) {
            return Err(Problem::forbidden(
                "this server is in development mode and serves only the machine that it runs on",
            ));
        }
        let mut named = request.headers.get_all(HOST).iter();
        let host = named.next().and_then(|host| host.to_str().ok());
        let other = request.uri.authority().map(|authority| authority.as_str());
        let local = host.is_some_and(is_this_machine)
            && named.next().is_none()
            && other.is_none_or(is_this_machine);
        if !local {
            return Err(Problem::new(
                axum::http::StatusCode::MISDIRECTED_REQUEST,
                "permission-denied",
            )
            .detail(
                "this server is in development mode and answers only to the names localhost, 127.0.0.1 and [::1]",
            ));
        }
        let developer = SignedIn::new("developer", "Developer", Role::Administrator);
        Ok(Visitor::SignedIn(developer))
    }

    fn check_address(&self, address: SocketAddr) -> Result<(), String> {
        if address.ip().is_loopback() {
            Ok(())
        } else {
            Err(format!(
                "development mode makes every visitor an administrator, so it does not listen on {address}; listen on \
                 127.0.0.1 or [::1], or configure an administrator's token instead"
            ))
        }
    }

    fn notice(&self) -> Option<&'static str> {
        Some("Development mode: every visitor is an administrator.")
    }
}

/// Whether the value of a Host header names this machine, with any port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            if !port.is_empty() && !is_port(port) {
                return false;
            }
            return address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        }
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether text is a colon and digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::Request;

    use super::*;

    fn request(headers: &[(&str, &str)], peer: Option<&str>) -> Parts {
        let mut builder = Request::builder().uri("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            parts.extensions.insert(ConnectInfo(peer));
        }
        parts
    }

    #[test]
    fn only_the_names_of_this_machine_are_its_names() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8787",
            "[::1]",
            "[::1]:8787",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "evil.example:8787",
            "127.0.0.1.nip.io",
            "localhost:80@evil.example",
            "[::1]evil.example",
            "[::1",
            "10.0.0.1",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[tokio::test]
    async fn development_mode_serves_nobody_else_and_no_other_name() {
        let host = ("host", "localhost:8787");
        let ask = async |headers: &[(&str, &str)], peer| {
            Development.visitor(&request(headers, peer)).await.is_ok()
        };
        assert!(ask(&[host], Some("127.0.0.1:5000")).await);
        assert!(!ask(&[host], Some("192.0.2.1:5000")).await);
        assert!(!ask(&[host], None).await);
        assert!(!ask(&[("host", "evil.example")], Some("127.0.0.1:5000")).await);
        assert!(!ask(&[], Some("127.0.0.1:5000")).await);
        assert!(!ask(&[host, ("host", "evil.example")], Some("127.0.0.1:5000")).await);
        assert!(
            Development
                .check_address("0.0.0.0:80".parse().unwrap())
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_wrong_token_is_refused_and_no_token_is_anonymous() {
        let tokens = AdminToken::new("0123456789abcdef").unwrap();
        let ask = async |value: Option<&str>| {
            let headers: Vec<_> = value
                .map(|value| ("authorization", value))
                .into_iter()
                .collect();
            tokens.visitor(&request(&headers, None)).await
        };
        assert!(
            ask(Some("Bearer 0123456789abcdef"))
                .await
                .unwrap()
                .is_administrator()
        );
        assert_eq!(ask(None).await.unwrap(), Visitor::Anonymous);
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer ",
            "Basic 0123456789abcdef",
            "Bearer",
        ] {
            assert!(ask(Some(wrong)).await.is_err(), "{wrong}");
        }
        assert!(AdminToken::new("short").is_err());
    }
}

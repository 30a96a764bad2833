//! Which requests may leave.
//!
//! One place decides, for `http-client`, for each redirect that it follows, and for `wasi:http/outgoing-handler`. The
//! answer to a permitted URL is a [`Target`], and only a target can be sent to: what was checked is what is dialled. Nothing
//! is resolved here, so a denial costs microseconds and is not visible outside. Addresses that a name resolves to are
//! checked when the connection is made, by [the resolver](super::resolver).

use std::net::IpAddr;

use url::{Host, Url};

use super::address::is_public;
use crate::contract::{Error, PluginName};
use crate::permission::{HostPattern, Scope};

/// The longest URL.
pub(super) const URL_BYTES: usize = 8 * 1024;

/// The http grant of one plugin.
pub(super) struct Egress {
    plugin: PluginName,
    scope: Scope<HostPattern>,
}

/// A URL that a plugin may send a request to.
#[derive(Clone)]
pub(super) struct Target {
    url: Url,
    private: bool,
}

/// Why a request may not leave.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    pub(super) message: String,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The URL is none that a request can be sent to.
    Url,
    /// The scope does not cover scheme, host or port.
    Scope,
    /// The host is, or resolves to, an address that is not public.
    Address,
}

impl Egress {
    /// Decides for this plugin by this scope; without a scope there is no host to ask.
    pub(super) fn new(plugin: &PluginName, scope: Option<&Scope<HostPattern>>) -> Self {
        Self {
            plugin: plugin.clone(),
            scope: scope.cloned().unwrap_or_else(|| Scope::only(Vec::new())),
        }
    }

    /// The plugin whose requests these are.
    pub(super) fn plugin(&self) -> &PluginName {
        &self.plugin
    }

    /// Decides on a URL as a plugin writes it.
    pub(super) fn parse(&self, text: &str) -> Result<Target, Refusal> {
        if text.len() > URL_BYTES {
            return Err(self.bad(format!(
                "has {} bytes; at most {URL_BYTES} are allowed",
                text.len()
            )));
        }
        // The parser drops control characters and white space at the ends, and tabs and line ends anywhere: forgiving to
        // people who paste, and misleading in a program.
        if text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(self.bad("has a space or control character in it"));
        }
        let url = Url::parse(text)
            .map_err(|error| self.bad(format!("is not an absolute URL: {error}")))?;
        self.check(url)
    }

    /// Decides on a URL.
    pub(super) fn check(&self, url: Url) -> Result<Target, Refusal> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(self.bad(format!(
                "has the scheme \"{}\"; only https and http can be asked",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.bad("has credentials in it; send them as a header"));
        }
        if url.as_str().len() > URL_BYTES {
            return Err(self.bad(format!("is longer than {URL_BYTES} bytes")));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(self.bad("has no host"));
        };
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        let special = literal.is_some_and(|address| !is_public(address));
        let Some(found) = self.scope.allows(url.scheme(), &host, port) else {
            return Err(self.out_of_scope(&url, special));
        };
        if special && !found.private {
            return Err(self.special(&url, "is"));
        }
        Ok(Target {
            private: found.private,
            url,
        })
    }

    /// The refusal of a target whose name resolves to addresses that are not public.
    pub(super) fn resolves_to_special(&self, target: &Target) -> Refusal {
        self.special(&target.url, "resolves to")
    }

    fn bad(&self, what: impl AsRef<str>) -> Refusal {
        // The URL itself may have a secret in it, such as a key in its query.
        Refusal {
            kind: Kind::Url,
            message: format!(
                "plugin \"{}\" asked for a URL that {}",
                self.plugin,
                what.as_ref()
            ),
        }
    }

    fn out_of_scope(&self, url: &Url, special: bool) -> Refusal {
        let covers = if self.scope.is_nothing() {
            "no host".to_owned()
        } else {
            format!("only {}", self.scope)
        };
        Refusal {
            kind: Kind::Scope,
            message: format!(
                "plugin \"{}\" may not send requests to {}: its http grant covers {covers}; grant http={} to allow it",
                self.plugin,
                origin(url),
                grant(url, special)
            ),
        }
    }

    fn special(&self, url: &Url, verb: &str) -> Refusal {
        Refusal {
            kind: Kind::Address,
            message: format!(
                "plugin \"{}\" may not send requests to {}: it {verb} an address that is not public, and its http grant \
                 does not have this host with +private; grant http={} to allow it",
                self.plugin,
                origin(url),
                grant(url, true)
            ),
        }
    }
}

impl Target {
    /// Where the request goes.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the connection may go to an address that is not public.
    pub(super) fn private(&self) -> bool {
        self.private
    }

    /// Scheme, host and port, to be shown; nothing else of a URL is fit for that.
    pub(super) fn origin(&self) -> String {
        origin(&self.url)
    }

    /// Whether both lead to one scheme, host and port.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }
}

impl Refusal {
    /// The same, of a redirect.
    pub(super) fn redirected_by(self, origin: &str) -> Self {
        Self {
            message: format!("redirected by {origin}: {}", self.message),
            ..self
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.kind {
            Kind::Url => Self::InvalidArgument(refusal.message),
            Kind::Scope | Kind::Address => Self::PermissionDenied(refusal.message),
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The scope's entry that would cover a URL.
fn grant(url: &Url, private: bool) -> String {
    let origin = origin(url);
    let entry = origin.strip_prefix("https://").unwrap_or(&origin);
    let mark = if private { "+private" } else { "" };
    format!("{entry}{mark}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn decide(scope: &[&str], url: &str) -> Result<Target, Refusal> {
        let entries = scope.iter().map(|entry| entry.parse().unwrap()).collect();
        let plugin = "stats".parse().unwrap();
        Egress::new(&plugin, Some(&Scope::only(entries))).parse(url)
    }

    fn refused(scope: &[&str], url: &str) -> Refusal {
        match decide(scope, url) {
            Ok(target) => panic!("{url} leads to {}", target.url()),
            Err(refusal) => refusal,
        }
    }

    #[test]
    fn the_grant_that_a_refusal_names_allows_the_request() {
        for url in [
            "https://api.example.org/v1?key=hunter2",
            "http://api.example.org/",
            "https://api.example.org:8443/",
            "http://127.0.0.1:8080/",
            "https://[::1]/",
            "http://0x7f.1/",
            "https://bücher.example/",
            "https://8.8.8.8/",
        ] {
            let refusal = refused(&["other.example"], url);
            assert_eq!(refusal.kind, Kind::Scope, "{url}");
            assert!(!refusal.message.contains("hunter2"), "{url}");
            assert!(
                refusal.message.contains("plugin \"stats\""),
                "{}",
                refusal.message
            );
            let (_, rest) = refusal.message.split_once("grant http=").unwrap();
            let (entry, _) = rest.split_once(' ').unwrap();
            assert!(decide(&[entry], url).is_ok(), "{url} by {entry}");
        }
    }

    #[test]
    fn an_address_needs_its_own_mark_whatever_its_spelling() {
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f000001/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://１２７.０.０.１/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0/",
        ] {
            // The entry `*` is for every public host; an entry for the very address lacks the mark.
            assert!(decide(&["*"], url).is_err(), "{url}");
            let host = Url::parse(url).unwrap().host_str().unwrap().to_owned();
            let refusal = refused(&[&host], url);
            assert_eq!(refusal.kind, Kind::Address, "{url}");
            assert!(decide(&[&format!("{host}+private")], url).is_ok(), "{url}");
        }
    }

    #[test]
    fn credentials_and_what_looks_like_them_are_refused() {
        for url in [
            "https://allowed.example:x@evil.example/",
            "https://allowed.example@evil.example/",
            "https://user@allowed.example/",
            "https://:secret@allowed.example/",
            "https://evil.example\\@allowed.example/",
        ] {
            let refusal = refused(&["allowed.example"], url);
            assert!(!refusal.message.contains("secret"), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_for_a_request_is_an_invalid_argument() {
        let long = format!("https://allowed.example/{}", "x".repeat(URL_BYTES));
        for url in [
            "",
            "allowed.example",
            "/path",
            "//allowed.example/",
            "ftp://allowed.example/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "unix:/run/docker.sock",
            "https://",
            "https://allowed.example:99999/",
            "https://allowed.example/\r\nHost: evil.example",
            "https://allowed.ex\tample/",
            " https://allowed.example/",
            "https://[::1%25eth0]/",
            "https://allowed.example/ HTTP/1.1",
            &long,
        ] {
            assert_eq!(refused(&["allowed.example"], url).kind, Kind::Url, "{url}");
        }
    }

    #[test]
    fn without_a_scope_there_is_no_host_to_ask() {
        let plugin = "stats".parse().unwrap();
        let refusal = Egress::new(&plugin, None).parse("https://a.example/");
        assert_eq!(refusal.err().unwrap().kind, Kind::Scope);
    }
}

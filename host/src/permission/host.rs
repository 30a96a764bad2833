//! Hosts of other servers, the scope of `http` grants.
//!
//! Host names are parsed by the same code that parses URLs, so that upper case, international names, trailing dots and
//! the many spellings of an IPv4 address are one form on both sides, and what was checked is what is dialled.

use std::fmt;
use std::str::FromStr;

use url::Host;

use super::error::PatternError;
use super::scope::Scope;

/// Which servers may be asked: `api.giphy.com`, `*.tenor.com` (the domain itself and everything below it) or `*` (every
/// public host), over HTTPS.
///
/// A scheme in front decides: `http://` covers plain HTTP and not HTTPS. A port at the end covers that port only;
/// without one, the scheme's own port is covered. `*` covers every port. `+private` at the end of an exact host allows
/// it to be, or to resolve to, a private address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern(Form);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    AnyPublic,
    Hosts {
        plain: bool,
        hosts: Hosts,
        port: Option<u16>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Hosts {
    Exact { host: Host<String>, private: bool },
    Domain(String),
}

/// What a covered request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostMatch {
    /// Whether the connection may go to a private, loopback or otherwise special address.
    pub private: bool,
}

impl HostPattern {
    /// Whether a request is covered, and to which addresses it may then go. The three arguments are what the `url`
    /// crate says: `scheme()`, `host()` and `port_or_known_default()` of one URL.
    #[must_use]
    pub fn matches(&self, scheme: &str, host: &Host<&str>, port: u16) -> Option<HostMatch> {
        match &self.0 {
            Form::AnyPublic => (scheme == "https").then_some(HostMatch { private: false }),
            Form::Hosts {
                plain,
                hosts,
                port: wanted,
            } => {
                let (own_scheme, own_port) = if *plain { ("http", 80) } else { ("https", 443) };
                (scheme == own_scheme && port == wanted.unwrap_or(own_port)).then_some(())?;
                hosts.matches(host)
            }
        }
    }
}

impl Hosts {
    fn matches(&self, asked: &Host<&str>) -> Option<HostMatch> {
        match (self, asked) {
            (Self::Exact { host, private }, asked) => {
                let same = match (host, asked) {
                    (Host::Domain(ours), Host::Domain(theirs)) => same_name(ours, theirs),
                    (Host::Ipv4(ours), Host::Ipv4(theirs)) => ours == theirs,
                    (Host::Ipv6(ours), Host::Ipv6(theirs)) => ours == theirs,
                    _ => false,
                };
                same.then_some(HostMatch { private: *private })
            }
            (Self::Domain(apex), Host::Domain(theirs)) => {
                let theirs = theirs.strip_suffix('.').unwrap_or(theirs);
                let below = theirs.len().checked_sub(apex.len()).is_some_and(|at| {
                    theirs
                        .get(at..)
                        .is_some_and(|end| end.eq_ignore_ascii_case(apex))
                        && (at == 0 || theirs.get(..at).is_some_and(|rest| rest.ends_with('.')))
                });
                below.then_some(HostMatch { private: false })
            }
            (Self::Domain(_), _) => None,
        }
    }
}

fn same_name(ours: &str, theirs: &str) -> bool {
    ours.eq_ignore_ascii_case(theirs.strip_suffix('.').unwrap_or(theirs))
}

/// A domain's name in its ASCII form, in lower case, without a trailing dot; none for anything else, addresses
/// included.
pub(super) fn domain(text: &str) -> Option<String> {
    match parse_host(text)? {
        Host::Domain(name) => Some(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Like [`Host::parse`], without a trailing dot, and without what only looks like a host: `*`, escapes, empty labels.
fn parse_host(text: &str) -> Option<Host<String>> {
    if text.contains(['*', '%', ',']) || text.chars().any(char::is_whitespace) {
        return None;
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let plain = name.len() <= 253
                && name.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                });
            plain.then(|| Host::Domain(name.to_owned()))
        }
        address => Some(address),
    }
}

impl FromStr for HostPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self(Form::AnyPublic));
        }
        let (plain, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (true, rest),
            Some((scheme, _)) => {
                return Err(PatternError::new(format!(
                    "has the scheme {scheme:?}: write https://, which may be left out, or http://"
                )));
            }
        };
        if rest.contains('@') {
            return Err(PatternError::new("has a user name: write the host alone"));
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(PatternError::new(
                "has a path or query: a grant covers whole hosts, so write the host alone",
            ));
        }
        let (rest, private) = match rest.split_once('+') {
            None => (rest, false),
            Some((rest, "private")) => (rest, true),
            Some((_, mark)) => {
                return Err(PatternError::new(format!(
                    "ends in {:?}: the only mark is +private, at the end",
                    format!("+{mark}")
                )));
            }
        };
        let (name, port) = split_port(rest)?;
        let hosts = if let Some(apex) = name.strip_prefix("*.") {
            if private {
                return Err(PatternError::new(
                    "has +private with a *: private addresses are for one exact host",
                ));
            }
            Hosts::Domain(domain(apex).ok_or_else(|| not_a_host(name))?)
        } else {
            let host = parse_host(name).ok_or_else(|| not_a_host(name))?;
            Hosts::Exact { host, private }
        };
        Ok(Self(Form::Hosts { plain, hosts, port }))
    }
}

fn not_a_host(name: &str) -> PatternError {
    if name.contains('*') {
        PatternError::new(
            "has a * in the wrong place: write *.example.org for a domain and everything below it, or * alone for every \
             public host",
        )
    } else {
        PatternError::new(
            "is not a host: write a name or an address, such as api.example.org or [::1]:8080",
        )
    }
}

/// Host and port, of which the host may be an IPv6 address in brackets.
fn split_port(text: &str) -> Result<(&str, Option<u16>), PatternError> {
    let colon = match text.rfind(']') {
        Some(bracket) => text
            .get(bracket..)
            .and_then(|end| end.find(':'))
            .map(|at| bracket + at),
        None => text.find(':'),
    };
    let Some((name, port)) = colon.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)))
    else {
        return Ok((text, None));
    };
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok((name, Some(port))),
        _ => Err(PatternError::new(format!(
            "has the port {port:?}: a port is a number from 1 to 65535, and an IPv6 address stands in brackets"
        ))),
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Form::Hosts { plain, hosts, port } = &self.0 else {
            return f.write_str("*");
        };
        if *plain {
            f.write_str("http://")?;
        }
        match hosts {
            Hosts::Exact { host, .. } => write!(f, "{host}")?,
            Hosts::Domain(apex) => write!(f, "*.{apex}")?,
        }
        if let Some(port) = port {
            write!(f, ":{port}")?;
        }
        match hosts {
            Hosts::Exact { private: true, .. } => f.write_str("+private"),
            _ => Ok(()),
        }
    }
}

impl Scope<HostPattern> {
    /// Whether a request is covered, with the arguments of [`HostPattern::matches`]. Where several entries cover it,
    /// private addresses are allowed if one of them allows them.
    #[must_use]
    pub fn allows(&self, scheme: &str, host: &Host<&str>, port: u16) -> Option<HostMatch> {
        self.entries()
            .iter()
            .filter_map(|pattern| pattern.matches(scheme, host, port))
            .max_by_key(|found| found.private)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use url::Url;

    use super::{HostMatch, HostPattern, Scope};

    fn covers(pattern: &str, url: &str) -> Option<HostMatch> {
        let url = Url::parse(url).unwrap();
        pattern.parse::<HostPattern>().unwrap().matches(
            url.scheme(),
            &url.host().unwrap(),
            url.port_or_known_default().unwrap(),
        )
    }

    const PUBLIC: Option<HostMatch> = Some(HostMatch { private: false });
    const PRIVATE: Option<HostMatch> = Some(HostMatch { private: true });

    #[test]
    fn an_exact_host_is_https_on_its_own_port() {
        assert_eq!(covers("api.giphy.com", "https://api.giphy.com/v1"), PUBLIC);
        assert_eq!(
            covers("API.Giphy.com.", "https://api.giphy.com./v1"),
            PUBLIC
        );
        assert_eq!(covers("api.giphy.com", "http://api.giphy.com/"), None);
        assert_eq!(covers("api.giphy.com", "https://api.giphy.com:8443/"), None);
        assert_eq!(covers("api.giphy.com", "https://x.api.giphy.com/"), None);
        assert_eq!(
            covers("api.giphy.com", "https://api.giphy.com.evil.test/"),
            None
        );
    }

    #[test]
    fn a_wildcard_covers_the_apex_and_everything_below_it() {
        assert_eq!(covers("*.tenor.com", "https://tenor.com/"), PUBLIC);
        assert_eq!(covers("*.tenor.com", "https://a.b.tenor.com./"), PUBLIC);
        assert_eq!(covers("*.tenor.com", "https://nottenor.com/"), None);
        assert_eq!(covers("*.tenor.com", "https://tenor.com.evil.test/"), None);
        assert_eq!(
            covers("*.tenor.com:8443", "https://a.tenor.com:8443/"),
            PUBLIC
        );
    }

    #[test]
    fn plain_http_is_covered_only_by_saying_so() {
        assert_eq!(covers("http://a.example", "http://a.example/"), PUBLIC);
        assert_eq!(covers("http://a.example", "https://a.example/"), None);
        assert_eq!(covers("*", "http://a.example/"), None);
        assert_eq!(covers("*", "https://a.example:8443/"), PUBLIC);
    }

    #[test]
    fn private_addresses_are_for_one_exact_host() {
        assert_eq!(
            covers("http://localhost:8080+private", "http://localhost:8080/"),
            PRIVATE
        );
        assert_eq!(
            covers("http://127.0.0.1+private", "http://0x7f.1/"),
            PRIVATE
        );
        assert_eq!(
            covers("http://[::1]:80+private", "http://[0:0::1]/"),
            PRIVATE
        );
        assert_eq!(covers("127.0.0.1", "https://127.0.0.1/"), PUBLIC);
        for bad in [
            "*.example.org+private",
            "*+private",
            "a.example+public",
            "a.example+private:80",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn international_names_have_one_form() {
        assert_eq!(
            covers("bücher.example", "https://xn--bcher-kva.example/"),
            PUBLIC
        );
        assert_eq!(
            covers("*.BÜCHER.example", "https://a.bücher.example/"),
            PUBLIC
        );
    }

    #[test]
    fn of_several_entries_the_widest_counts() {
        let scope: Scope<HostPattern> = Scope::only(vec![
            "*.a.example".parse().unwrap(),
            "x.a.example+private".parse().unwrap(),
        ]);
        let host = url::Host::Domain("x.a.example");
        assert_eq!(scope.allows("https", &host, 443), PRIVATE);
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for bad in [
            "",
            "https://",
            "ftp://a.example",
            "a.example/path",
            "a.example?q",
            "a.example#f",
            "user@a.example",
            "a*.example",
            "*a.example",
            "a.*.example",
            "*.*.example",
            "https://*",
            "*:443",
            "*.",
            "*.127.0.0.1",
            "a.example:0",
            "a.example:99999",
            "a.example:",
            "::1",
            "a b",
            "a..example",
            "a,b",
            "%61.example",
            "*.[::1]",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_is_shown_as_it_can_be_written() {
        for (given, shown) in [
            ("*", "*"),
            ("HTTPS://Api.Example.", "api.example"),
            (
                "http://a.example:8080+private",
                "http://a.example:8080+private",
            ),
            ("*.Example:8443", "*.example:8443"),
            ("[::0001]:1", "[::1]:1"),
        ] {
            let pattern: HostPattern = given.parse().unwrap();
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse::<HostPattern>().unwrap(), pattern);
        }
    }
}

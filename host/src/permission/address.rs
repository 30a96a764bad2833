//! Recipients, the scope of `email` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;
use super::host::domain;
use super::scope::Scope;

/// Who may be written to: one address, everybody at a domain (not below it), or everybody. Neither side of an address
/// goes by case, which is what mail servers do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AddressPattern {
    /// `*`.
    Any,
    /// `@example.org`; the domain in its ASCII form, lower case.
    Domain(String),
    /// `anna@example.org`, in lower case.
    Address {
        /// What is before the `@`.
        local: String,
        /// As in [`AddressPattern::Domain`].
        domain: String,
    },
}

impl AddressPattern {
    /// Whether `address` is covered: an address without a display name. Text that is not an address never is, not even
    /// by `*`.
    #[must_use]
    pub fn matches(&self, address: &str) -> bool {
        let Some((local, at)) = split(address) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Domain(domain) => *domain == at,
            Self::Address {
                local: wanted,
                domain,
            } => *domain == at && wanted.eq_ignore_ascii_case(local),
        }
    }
}

/// The local part as it is and the domain normalised, if `address` is one: no quoted local parts, no literal hosts.
fn split(address: &str) -> Option<(&str, String)> {
    let (local, at) = address.split_once('@')?;
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    (local.len() <= 64 && local.split('.').all(plain)).then_some(())?;
    Some((local, domain(at)?))
}

impl FromStr for AddressPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(at) = text.strip_prefix('@') {
            return domain(at).map(Self::Domain).ok_or_else(|| {
                PatternError::new(
                    "is not a domain: write @ and the domain's name, such as @example.org",
                )
            });
        }
        if let Some((local, at)) = text.split_once('@')
            && local.contains('*')
        {
            return Err(PatternError::new(format!(
                "has a * in an address: write @{at} for everybody there, or * for everybody"
            )));
        }
        split(text)
            .map(|(local, domain)| Self::Address {
                local: local.to_ascii_lowercase(),
                domain,
            })
            .ok_or_else(|| {
                PatternError::new(
                    "is not a recipient: write an address such as anna@example.org, @example.org for a domain, or *",
                )
            })
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Domain(domain) => write!(f, "@{domain}"),
            Self::Address { local, domain } => write!(f, "{local}@{domain}"),
        }
    }
}

impl Scope<AddressPattern> {
    /// Whether this address may be written to.
    #[must_use]
    pub fn allows(&self, address: &str) -> bool {
        self.any(|pattern| pattern.matches(address))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::AddressPattern;

    fn covers(pattern: &str, address: &str) -> bool {
        pattern.parse::<AddressPattern>().unwrap().matches(address)
    }

    #[test]
    fn a_domain_covers_its_addresses_and_not_those_below_it() {
        assert!(covers("@example.org", "anna@EXAMPLE.org"));
        assert!(!covers("@example.org", "anna@mail.example.org"));
        assert!(!covers("@example.org", "anna@notexample.org"));
        assert!(!covers("@example.org", "a@evil.test@example.org"));
        assert!(covers("@bücher.example", "anna@xn--bcher-kva.example"));
    }

    #[test]
    fn a_star_covers_every_address_and_nothing_else() {
        assert!(covers("*", "anna@example.org"));
        for text in [
            "",
            "anna",
            "Anna <anna@example.org>",
            "a@b@c.example",
            "anna@",
            "@example.org",
            "a b@example.org",
            "a@example.org\r\nBcc: x@y.example",
        ] {
            assert!(!covers("*", text), "{text:?}");
        }
    }

    #[test]
    fn patterns_that_are_no_recipient_are_refused() {
        for bad in [
            "",
            "example.org",
            "@",
            "@*.example.org",
            "*@example.org",
            "a@",
            "@127.0.0.1",
            "a@b@c.example",
            "a..b@example.org",
        ] {
            assert!(bad.parse::<AddressPattern>().is_err(), "{bad:?}");
        }
    }
}

//! Recipients, the scope of `email` grants.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::error::PatternError;
use super::host::domain;
use super::scope::Scope;

/// One address, alone: `anna@example.org`. What is before the `@` is ASCII without quotes; the domain is kept in its
/// ASCII form, lower case, and is a name. So an address is printable ASCII without spaces, brackets, quotes, commas,
/// colons and semicolons, and has one `@`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not an [`Address`]: a clause that continues what names the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// There are letters before the `@` that only some mail servers take.
    #[error(
        "has letters before the @ that are not ASCII, which not every mail server takes; the domain may have them"
    )]
    NotAscii,
    /// It is over 254 bytes.
    #[error("has more than 254 bytes")]
    TooLong,
    /// Anything else.
    #[error(
        "is not an address: write it alone, without a name, brackets, quotes or spaces, such as anna@example.org"
    )]
    NotAnAddress,
}

/// The longest address that fits into an SMTP command.
const MAX_BYTES: usize = 254;

impl Address {
    /// What is before the `@`, as it was written.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What is behind the `@`, in its ASCII form and lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether both reach the same mailbox: neither side of an address goes by case.
    #[must_use]
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self.domain == other.domain && self.local.eq_ignore_ascii_case(&other.local)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (local, at) = text.split_once('@').ok_or(AddressError::NotAnAddress)?;
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
        };
        let letters = |char: char| !char.is_ascii() && char.is_alphanumeric();
        if local.contains(letters) && local.chars().all(|s| s.is_ascii_graphic() || letters(s)) {
            return Err(AddressError::NotAscii);
        }
        if local.len() > 64 || !local.split('.').all(plain) {
            return Err(AddressError::NotAnAddress);
        }
        let domain = domain(at).ok_or(AddressError::NotAnAddress)?;
        if local.len() + 1 + domain.len() > MAX_BYTES {
            return Err(AddressError::TooLong);
        }
        Ok(Self {
            local: local.to_owned(),
            domain,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

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
    /// Whether the address is covered.
    #[must_use]
    pub fn matches(&self, address: &Address) -> bool {
        match self {
            Self::Any => true,
            Self::Domain(domain) => *domain == address.domain,
            Self::Address { local, domain } => {
                *domain == address.domain && local.eq_ignore_ascii_case(&address.local)
            }
        }
    }
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
        let address: Address = text.parse().map_err(|_| {
            PatternError::new(
                "is not a recipient: write an address such as anna@example.org, @example.org for a domain, or *",
            )
        })?;
        Ok(Self::Address {
            local: address.local.to_ascii_lowercase(),
            domain: address.domain,
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
    pub fn allows(&self, address: &Address) -> bool {
        self.any(|pattern| pattern.matches(address))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Address, AddressError, AddressPattern};

    fn covers(pattern: &str, address: &str) -> bool {
        let pattern: AddressPattern = pattern.parse().unwrap();
        address
            .parse()
            .is_ok_and(|address: Address| pattern.matches(&address))
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
    fn letters_that_are_not_ascii_are_for_domains() {
        let address: Address = "Anna@Bücher.example.".parse().unwrap();
        assert_eq!(address.to_string(), "Anna@xn--bcher-kva.example");
        for (text, wrong) in [
            ("ännä@example.org", AddressError::NotAscii),
            ("anna\u{2028}@example.org", AddressError::NotAnAddress),
            ("ä\n@example.org", AddressError::NotAnAddress),
        ] {
            assert_eq!(text.parse::<Address>(), Err(wrong), "{text:?}");
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

//! The size of a plugin's data folder, the scope of `files` grants.

use std::fmt;
use std::str::FromStr;

use super::error::PatternError;

/// The units that a quota is written in, the largest first.
const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// How many bytes a plugin's data folder may hold; at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quota(u64);

impl Quota {
    /// The quota in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Quota {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        UNITS
            .iter()
            .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)))
            .filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|(number, size)| number.parse::<u64>().ok()?.checked_mul(*size))
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| {
                PatternError::new(
                    "is not a quota: write a whole number and a unit of B, KiB, MiB or GiB, such as 100MiB",
                )
            })
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in UNITS {
            if self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

/// What a plugin has by its `files` grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilesGrant {
    /// The largest quota of all `files` grants; none if no grant has one, and then the host's default counts.
    pub quota: Option<Quota>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Quota;

    #[test]
    fn a_quota_is_read_and_shown_in_the_largest_whole_unit() {
        assert_eq!("100MiB".parse::<Quota>().unwrap().bytes(), 104_857_600);
        assert_eq!("1024KiB".parse::<Quota>().unwrap().to_string(), "1MiB");
        assert_eq!("1500B".parse::<Quota>().unwrap().to_string(), "1500B");
    }

    #[test]
    fn a_quota_that_is_no_size_is_refused() {
        for bad in [
            "",
            "MiB",
            "0MiB",
            "1",
            "1.5GiB",
            "-1B",
            "+1B",
            "100MB",
            "18446744073709551615KiB",
        ] {
            assert!(bad.parse::<Quota>().is_err(), "{bad:?}");
        }
    }
}

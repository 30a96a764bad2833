//! Amounts that a policy can name, each parsed once into a type that can only be a usable one.
//!
//! The Go system wrote times as texts (`"30s"`) and numbers with 0 for "unlimited". Both are read here; behind this module a
//! time is a [`Timeout`], and "unlimited" is a case of [`Bound`] that cannot be mistaken for a number.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The most memory of an instance: four memories of 4 GiB, which is all that the engine makes.
const MEMORY_MAX: u32 = 16 << 10;
/// The longest time that anything may take.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The units of a time, and how many nanoseconds each has. `ms` stands before `m` and `s`, whose letters it has.
const UNITS: [(&str, u128); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// What is wrong with one field of a policy, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// The field, as JSON calls it.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl FieldError {
    pub(super) fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Memory in MiB: 1 to 16,384.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mebibytes(NonZeroU32);

impl Mebibytes {
    /// So many MiB.
    ///
    /// # Errors
    ///
    /// When it is nothing or more than 16 GiB, as a clause that continues the name of the field.
    pub fn new(mebibytes: i64) -> Result<Self, String> {
        u32::try_from(mebibytes)
            .ok()
            .and_then(NonZeroU32::new)
            .filter(|number| number.get() <= MEMORY_MAX)
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "{mebibytes} is no usable memory in MiB; write 1 to {MEMORY_MAX}, such as 64"
                )
            })
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The same in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(u64::from(self.get()) << 20).unwrap_or(usize::MAX)
    }

    /// A number of bytes, rounded up; at most what a policy can name.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        let mebibytes = bytes.div_ceil(1 << 20).clamp(1, MEMORY_MAX as usize);
        Self(
            u32::try_from(mebibytes)
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MIN),
        )
    }
}

/// How long something may take: more than nothing and at most 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(Duration);

impl Timeout {
    pub(super) const MINUTE: Self = Self(Duration::from_secs(60));

    /// So long.
    ///
    /// # Errors
    ///
    /// When it is no time at all or more than 24 hours, as a clause that continues the name of the field.
    pub fn new(time: Duration) -> Result<Self, String> {
        if time.is_zero() || time > TIMEOUT_MAX {
            return Err(format!(
                "{time:?} is no usable time; write more than 0 and at most 24h, such as \"30s\""
            ));
        }
        Ok(Self(time))
    }

    /// The time.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// Reads `30s`, `1m30s`, `1.5s` and `500ms`, as the Go system wrote them.
impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no time; write a number with its unit of h, m, s or ms, such as \"30s\", \"1m30s\" or \"500ms\""
            )
        };
        let mut nanoseconds: u128 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .find(|char: char| !char.is_ascii_digit() && char != '.')
                .ok_or_else(wrong)?;
            let (number, behind) = rest.split_at_checked(end).ok_or_else(wrong)?;
            let (unit, behind) = UNITS
                .iter()
                .find_map(|(unit, size)| Some((*size, behind.strip_prefix(unit)?)))
                .ok_or_else(wrong)?;
            nanoseconds = part(number, unit)
                .and_then(|part| nanoseconds.checked_add(part))
                .ok_or_else(wrong)?;
            rest = behind;
        }
        let nanoseconds = u64::try_from(nanoseconds).map_err(|_| wrong())?;
        Self::new(Duration::from_nanos(nanoseconds))
    }
}

/// A decimal number of units, in nanoseconds.
fn part(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || whole.len() > 15 || fraction.len() > 9 {
        return None;
    }
    let digits = |digits: &str| {
        if digits.is_empty() {
            Some(0)
        } else {
            digits.parse::<u128>().ok()
        }
    };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(digits(whole)? * unit + digits(fraction)? * unit / scale)
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0;
        if time.subsec_nanos() == 0 {
            write!(f, "{}s", time.as_secs())
        } else if time.subsec_nanos().is_multiple_of(1_000_000) {
            write!(f, "{}ms", time.as_millis())
        } else {
            write!(f, "{}ns", time.as_nanos())
        }
    }
}

impl Serialize for Timeout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Timeout;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its unit, such as \"30s\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timeout, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// How much of something: so much, or as much as there is. As a number, 0 is the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// No limit of the policy's.
    Unlimited,
    /// At most so much.
    AtMost(NonZeroU32),
}

impl Bound {
    /// The bound that a number stands for; at most `most`.
    pub(super) fn read(number: i64, most: u32) -> Result<Self, String> {
        match u32::try_from(number) {
            Ok(number) if number <= most => Ok(Self::from(NonZeroU32::new(number))),
            _ => Err(format!(
                "{number} is no usable number; write 1 to {most}, or 0 for no limit"
            )),
        }
    }

    /// The number, if there is one.
    #[must_use]
    pub const fn get(self) -> Option<NonZeroU32> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(number) => Some(number),
        }
    }
}

impl From<Option<NonZeroU32>> for Bound {
    fn from(number: Option<NonZeroU32>) -> Self {
        number.map_or(Self::Unlimited, Self::AtMost)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_read_as_the_go_system_wrote_them() {
        for (text, milliseconds, shown) in [
            ("30s", 30_000, "30s"),
            ("1m30s", 90_000, "90s"),
            ("1.5s", 1_500, "1500ms"),
            ("500ms", 500, "500ms"),
            ("24h", 86_400_000, "86400s"),
            ("1h0m0s", 3_600_000, "3600s"),
        ] {
            let time: Timeout = text.parse().unwrap();
            assert_eq!(time.get(), Duration::from_millis(milliseconds), "{text}");
            assert_eq!(time.to_string(), shown);
            assert_eq!(shown.parse::<Timeout>().unwrap(), time);
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        let long = "9".repeat(40) + "s";
        for text in [
            "",
            "30",
            "0s",
            "-1s",
            "s",
            ".s",
            "1..5s",
            "30 s",
            "30S",
            "25h",
            "1d",
            "１s",
            "1s1",
            &long,
            "1e3s",
            "999999999999999h",
        ] {
            let error = text.parse::<Timeout>().unwrap_err();
            assert!(error.contains("\"30s\""), "{text:?}: {error}");
        }
    }
}

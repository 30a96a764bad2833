//! Numbers in decimal digits, of which nothing is ever rounded.
//!
//! A decimal has at most 38 digits before the point and 38 after it. A number with more is refused, and so is a sum: no
//! digit is lost without an error. The digits after the point are kept as they were written (`-12.50` stays `-12.50`),
//! and do not matter when numbers are compared.

use std::cmp::Ordering;
use std::fmt;

/// How many digits may stand before the point, and how many after it.
pub const DIGITS: usize = 38;
/// 10 to the power of [`DIGITS`].
const ONE: u128 = 10u128.pow(DIGITS as u32);

/// A number in decimal digits.
///
/// It is `whole + part / 10^38`, where the part is never negative: −12.5 is −13 + 0.5. So two numbers are in the order of
/// their wholes, and then of their parts.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    whole: i128,
    part: u128,
    /// Digits after the point, for showing it.
    scale: usize,
}

impl Decimal {
    /// Reads `-12.50`: digits, with one point between them at most and a minus sign before them at most.
    ///
    /// # Errors
    ///
    /// What is wrong, as the end of a sentence that begins with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = match digits.split_once('.') {
            Some((whole, part)) if !part.is_empty() => (whole, part),
            Some(_) => return Err(form()),
            None => (digits, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
            return Err(form());
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > DIGITS || part.len() > DIGITS {
            return Err(format!(
                "has {} digits before the point and {} after it; at most {DIGITS} are kept exactly on either side",
                whole.len(),
                part.len()
            ));
        }
        let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse() };
        let whole: i128 = number(whole).map_err(|_| form())?;
        let shift = 10u128.pow((DIGITS - part.len()) as u32);
        let scale = part.len();
        let part = if part.is_empty() {
            0
        } else {
            part.parse::<u128>().map_err(|_| form())? * shift
        };
        let positive = Self { whole, part, scale };
        Ok(if negative {
            positive.negated()
        } else {
            positive
        })
    }

    fn negated(self) -> Self {
        let (whole, part) = match self.part {
            0 => (-self.whole, 0),
            part => (-self.whole - 1, ONE - part),
        };
        Self {
            whole,
            part,
            ..self
        }
    }

    /// The sum, with as many digits after the point as the longer of both; none if it has too many digits before it.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = self.part + other.part;
        let (carry, part) = if sum >= ONE { (1, sum - ONE) } else { (0, sum) };
        // Each is below 10^38 beside 1.7 × 10^38 that fit, but their sum need not be.
        let whole = self.whole.checked_add(other.whole)?.checked_add(carry)?;
        let sum = Self {
            whole,
            part,
            scale: self.scale.max(other.scale),
        };
        (sum.magnitude().0 < ONE).then_some(sum)
    }

    /// Without a sign: what stands before the point, and after it.
    fn magnitude(self) -> (u128, u128) {
        match (self.whole < 0, self.part) {
            (true, 0) => (self.whole.unsigned_abs(), 0),
            (true, part) => ((self.whole + 1).unsigned_abs(), ONE - part),
            (false, part) => (self.whole.unsigned_abs(), part),
        }
    }

    /// The same number as an integer; none if it has a part after the point or does not fit.
    #[must_use]
    pub fn to_integer(self) -> Option<i64> {
        (self.part == 0)
            .then(|| i64::try_from(self.whole).ok())
            .flatten()
    }

    /// Bytes in the order of the numbers.
    pub(super) fn key(self) -> Vec<u8> {
        let whole = self.whole.cast_unsigned() ^ (1 << 127);
        let mut key = whole.to_be_bytes().to_vec();
        key.extend(self.part.to_be_bytes());
        // Zeros at the end change nothing in the order.
        let end = key.iter().rposition(|byte| *byte != 0);
        key.truncate(end.map_or(0, |end| end + 1));
        key
    }
}

fn form() -> String {
    "is not a number in decimal digits, such as -12.50".to_owned()
}

impl From<i64> for Decimal {
    fn from(integer: i64) -> Self {
        Self {
            whole: integer.into(),
            part: 0,
            scale: 0,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = self.magnitude();
        if self.whole < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if self.scale > 0 {
            let digits = format!("{part:0DIGITS$}");
            write!(f, ".{}", digits.get(..self.scale).unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.whole, self.part).cmp(&(other.whole, other.part))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn what_is_read_is_shown_with_all_its_digits() {
        let long = format!("-{}.{}", "9".repeat(38), "123456789".repeat(4) + "01");
        for text in ["0", "0.00", "-12.50", "12.05", "-0.001", "-1.00", &long] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("007.10").to_string(), "7.10");
        assert_eq!(decimal("-0").to_string(), "0");
        assert_eq!(decimal("-0.0").to_string(), "0.0");
    }

    #[test]
    fn what_is_no_number_or_has_too_many_digits_is_refused() {
        let long = "1".repeat(39);
        let deep = format!("0.{long}");
        for text in [
            "", "-", ".5", "5.", "1e3", "+1", " 1", "1 ", "1,5", "NaN", "inf", "--1", "1.2.3", "٣",
            &long, &deep,
        ] {
            assert!(Decimal::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_numbers() {
        let most = "9".repeat(38);
        let numbers = [
            format!("-{most}.{most}"),
            format!("-{most}"),
            "-13".into(),
            "-12.51".into(),
            "-12.5".into(),
            "-1".into(),
            "-0.5".into(),
            format!("-0.{}1", "0".repeat(37)),
            "0".into(),
            format!("0.{}1", "0".repeat(37)),
            "0.1".into(),
            "0.11".into(),
            "1".into(),
            "256".into(),
            "1000".into(),
            format!("{most}.{most}"),
        ];
        for pair in numbers.array_windows() {
            let [low, high] = pair;
            assert!(decimal(low) < decimal(high), "{low} < {high}");
            assert!(decimal(low).key() < decimal(high).key(), "{low} < {high}");
        }
        assert_eq!(decimal("1.50").key(), decimal("1.5").key());
        assert_eq!(decimal("1.50"), decimal("1.5"));
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let sum = |a: &str, b: &str| decimal(a).plus(decimal(b)).map(|sum| sum.to_string());
        assert_eq!(sum("0.1", "0.2").as_deref(), Some("0.3"));
        assert_eq!(sum("-0.75", "0.5").as_deref(), Some("-0.25"));
        assert_eq!(sum("-0.75", "-0.5").as_deref(), Some("-1.25"));
        assert_eq!(sum("1.50", "-1.5").as_deref(), Some("0.00"));
        let most = format!("{}.{}", "9".repeat(38), "9".repeat(38));
        let least = format!("0.{}1", "0".repeat(37));
        assert_eq!(sum(&most, &least), None);
        assert_eq!(sum(&format!("-{most}"), &format!("-{least}")), None);
        assert_eq!(
            sum(&most, &format!("-{most}")).map(|zero| zero.starts_with("0.0")),
            Some(true)
        );
    }
}

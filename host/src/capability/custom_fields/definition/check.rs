//! From what was given to a value of a type.

use email_address::{EmailAddress, Options};
use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use crate::capability::custom_fields::value::{Address, Decimal, Given, Point, Sense, Text, Value};
use crate::contract::registration::FieldType;
use crate::names::text::quoted;

/// The most bytes in a text of one line.
const LINE_BYTES: usize = 4 << 10;
/// The most bytes in a text of several lines.
const LINES_BYTES: usize = 64 << 10;
/// The most bytes in an e-mail address.
const EMAIL_BYTES: usize = 254;
/// The most bytes in a telephone number.
const PHONE_BYTES: usize = 64;
/// How many digits a telephone number has.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
/// The most bytes in a part of an address.
const PART_BYTES: usize = 512;
/// The most choices.
const CHOICES: usize = 1_000;
/// The most corners of a polygon.
const CORNERS: usize = 1_000;

/// Why something is no value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is of another type, has the wrong form, or a rule of the field refuses it.
    Value(String),
    /// It is larger than any value may be.
    Size(String),
}

impl Wrong {
    /// The reason, for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Value(reason) | Self::Size(reason) => reason,
        }
    }
}

fn wrong<T>(reason: String) -> Result<T, Wrong> {
    Err(Wrong::Value(reason))
}

/// Whether a value says nothing.
pub(in crate::capability::custom_fields) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.as_str().trim().is_empty(),
        Value::Choices(choices) => choices.is_empty(),
        Value::Address(Address {
            street,
            postal_code,
            city,
            region,
            country,
            location: None,
        }) => [street, postal_code, city, region, country]
            .iter()
            .all(|part| part.trim().is_empty()),
        _ => false,
    }
}

/// Makes a value of a type.
pub(super) fn read(field_type: FieldType, given: Given) -> Result<Value, Wrong> {
    let plain = |text: String| Value::Text(Text::new(text, Sense::Plain));
    Ok(match (field_type, given) {
        (FieldType::Text, Given::Text(text)) => plain(line(text, LINE_BYTES)?),
        (FieldType::Textarea, Given::Text(text)) => {
            printable(&text, |char| matches!(char, '\n' | '\r' | '\t'))?;
            plain(sized(text, LINES_BYTES)?)
        }
        (FieldType::Select, Given::Text(text)) => plain(line(text, LINE_BYTES)?),
        (FieldType::Url, Given::Text(text)) => plain(web(line(text, LINE_BYTES)?)?),
        (FieldType::Email, Given::Text(text)) => {
            Value::Text(Text::new(email(line(text, EMAIL_BYTES)?)?, Sense::Email))
        }
        (FieldType::Phone, Given::Text(text)) => {
            Value::Text(Text::new(phone(line(text, PHONE_BYTES)?)?, Sense::Phone))
        }
        (FieldType::MultiSelect, Given::Choices(given)) => Value::Choices(choices(given)?),
        (FieldType::Integer, Given::Integer(integer)) => Value::Integer(integer),
        (FieldType::Decimal, Given::Decimal(text)) => match Decimal::parse(&text) {
            Ok(decimal) => Value::Decimal(decimal),
            Err(reason) => return wrong(format!("{} {reason}", quoted(&text))),
        },
        (FieldType::Boolean, Given::Boolean(flag)) => Value::Boolean(flag),
        (FieldType::Date, Given::Date(text)) => Value::Date(date(&text)?),
        (FieldType::Datetime, Given::Datetime(text)) => Value::Datetime(datetime(&text)?),
        (FieldType::Point, Given::Point(latitude, longitude)) => {
            Value::Point(point((latitude, longitude))?)
        }
        (FieldType::Polygon, Given::Polygon(corners)) => Value::Polygon(polygon(corners)?),
        (FieldType::Address, Given::Address { parts, location }) => {
            Value::Address(address(parts, location)?)
        }
        (_, given) => {
            return wrong(format!(
                "expected a value of type {}, got one of type {}",
                expected(field_type),
                quoted(given.kind())
            ));
        }
    })
}

/// The case of the contract's `field-value` for a type of field.
fn expected(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text
        | FieldType::Textarea
        | FieldType::Select
        | FieldType::Url
        | FieldType::Email
        | FieldType::Phone => "text",
        FieldType::MultiSelect => "choices",
        other => other.as_str(),
    }
}

fn sized(text: String, most: usize) -> Result<String, Wrong> {
    if text.len() > most {
        return Err(Wrong::Size(format!(
            "has {} bytes; at most {most} are kept",
            text.len()
        )));
    }
    Ok(text)
}

fn printable(text: &str, allowed: fn(char) -> bool) -> Result<(), Wrong> {
    match text
        .chars()
        .find(|char| char.is_control() && !allowed(*char))
    {
        Some(bad) => wrong(format!("contains {bad:?}, which is no character of a text")),
        None => Ok(()),
    }
}

fn line(text: String, most: usize) -> Result<String, Wrong> {
    let text = sized(text, most)?;
    printable(&text, |_| false)?;
    Ok(text)
}

fn web(text: String) -> Result<String, Wrong> {
    let sane = !text.contains(|char: char| char.is_whitespace() || char == '\\');
    match Url::parse(&text) {
        Ok(url) if sane && (!url.is_special() || url.has_host()) => Ok(text),
        _ => wrong(format!(
            "{} is not an address in the web, such as https://example.org/path",
            quoted(&text)
        )),
    }
}

fn email(text: String) -> Result<String, Wrong> {
    match EmailAddress::parse_with_options(&text, Options::default().without_display_text()) {
        Ok(_) => Ok(text),
        Err(_) => wrong(format!(
            "{} is not an e-mail address, such as anna@example.org",
            quoted(&text)
        )),
    }
}

/// Digits with what people write between them: `+44 7700 900000`, `(020) 7946-0958`.
fn phone(text: String) -> Result<String, Wrong> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let (mut open, mut balanced) = (false, true);
    for (index, char) in text.chars().enumerate() {
        balanced &= match char {
            '+' => index == 0,
            '(' => !std::mem::replace(&mut open, true),
            ')' => std::mem::replace(&mut open, false),
            char => char.is_ascii_digit() || matches!(char, ' ' | '-' | '.' | '/'),
        };
    }
    if balanced && !open && PHONE_DIGITS.contains(&digits) {
        Ok(text)
    } else {
        wrong(format!(
            "{} is not a telephone number, such as +44 7700 900000 or (020) 7946-0958",
            quoted(&text)
        ))
    }
}

fn choices(given: Vec<String>) -> Result<Vec<String>, Wrong> {
    if given.len() > CHOICES {
        return Err(Wrong::Size(format!(
            "has {} choices; at most {CHOICES} are kept",
            given.len()
        )));
    }
    let mut choices: Vec<String> = Vec::with_capacity(given.len());
    let mut seen = std::collections::HashSet::new();
    for choice in given {
        let choice = line(choice, LINE_BYTES)?;
        // A choice that is made twice is made.
        if seen.insert(choice.clone()) {
            choices.push(choice);
        }
    }
    Ok(choices)
}

fn date(text: &str) -> Result<Date, Wrong> {
    match text.parse::<Date>() {
        Ok(date) if date.year() >= 0 && date.to_string() == text => Ok(date),
        _ => wrong(format!("{} is not a day, such as 2026-11-20", quoted(text))),
    }
}

fn datetime(text: &str) -> Result<Timestamp, Wrong> {
    match text.parse::<Timestamp>() {
        Ok(moment) if is_rfc_3339(text) => Ok(moment),
        _ => wrong(format!(
            "{} is not a moment of RFC 3339, such as 2026-11-20T10:00:00Z",
            quoted(text)
        )),
    }
}

/// Whether a text has the shape that RFC 3339 allows, which is less than can be read as a moment.
fn is_rfc_3339(text: &str) -> bool {
    let fits = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|pair| match pair {
                (byte, b'0') => byte.is_ascii_digit(),
                (byte, expected) => byte.eq_ignore_ascii_case(&expected),
            })
    };
    let Some((beginning, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
            let digits = fraction.len() - zone.len();
            if !(1..=9).contains(&digits) {
                return false;
            }
            zone
        }
        None => rest,
    };
    fits(beginning, "0000-00-00T00:00:00")
        && (fits(zone, "Z") || fits(zone, "+00:00") || fits(zone, "-00:00"))
}

fn point((latitude, longitude): (f64, f64)) -> Result<Point, Wrong> {
    Point::new(latitude, longitude).map_err(Wrong::Value)
}

fn polygon(corners: Vec<(f64, f64)>) -> Result<Vec<Point>, Wrong> {
    if corners.len() < 3 {
        return wrong(format!(
            "has {} corners; an area has at least three",
            corners.len()
        ));
    }
    if corners.len() > CORNERS {
        return Err(Wrong::Size(format!(
            "has {} corners; at most {CORNERS} are kept",
            corners.len()
        )));
    }
    corners.into_iter().map(point).collect()
}

fn address(parts: Address, location: Option<(f64, f64)>) -> Result<Address, Wrong> {
    let part = |name: &str, text: String| {
        line(text, PART_BYTES).map_err(|wrong| match wrong {
            Wrong::Value(reason) => Wrong::Value(format!("{name} {reason}")),
            Wrong::Size(reason) => Wrong::Size(format!("{name} {reason}")),
        })
    };
    let country = parts.country.to_ascii_uppercase();
    let two_letters = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !two_letters && !country.is_empty() {
        return wrong(format!(
            "the country {} is not a code of two letters, such as AT",
            quoted(&parts.country)
        ));
    }
    Ok(Address {
        street: part("street", parts.street)?,
        postal_code: part("postal-code", parts.postal_code)?,
        city: part("city", parts.city)?,
        region: part("region", parts.region)?,
        country,
        location: location.map(point).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn accepts(field_type: FieldType, text: &str) -> bool {
        let given = match field_type {
            FieldType::Date => Given::Date(text.into()),
            FieldType::Datetime => Given::Datetime(text.into()),
            _ => Given::Text(text.into()),
        };
        read(field_type, given).is_ok()
    }

    #[test]
    fn telephone_numbers_are_written_as_people_write_them() {
        for text in [
            "+44 7700 900000",
            "(020) 7946-0958",
            "0664/123.45-67",
            "112",
        ] {
            assert!(accepts(FieldType::Phone, text), "{text}");
        }
        for text in [
            "",
            "+",
            "12",
            "call me",
            "+44+7700",
            "(020",
            "020)",
            "((020))",
            "٠٢٠٧٩٤٦",
            "020\n7946",
        ] {
            assert!(!accepts(FieldType::Phone, text), "{text:?}");
        }
    }

    #[test]
    fn days_and_moments_are_real_and_written_in_one_way() {
        for text in ["2026-11-20", "2024-02-29", "0001-01-01"] {
            assert!(accepts(FieldType::Date, text), "{text}");
        }
        for text in [
            "2026-02-29",
            "2026-13-01",
            "20261120",
            "2026-1-2",
            " 2026-11-20",
            "2026-11-20T10:00:00Z",
            "-000001-01-01",
            "",
        ] {
            assert!(!accepts(FieldType::Date, text), "{text:?}");
        }
        for text in [
            "2026-11-20T10:00:00Z",
            "2026-11-20t10:00:00.123456789z",
            "2026-11-20T10:00:00+05:30",
        ] {
            assert!(accepts(FieldType::Datetime, text), "{text}");
        }
        for text in [
            "2026-11-20",
            "2026-11-20T10:00:00",
            "2026-11-20T25:00:00Z",
            "2026-11-20T10:00Z",
            "2026-11-20T10:00:00[UTC]",
            "2026-11-20T10:00:00+01:00[Europe/Vienna]",
            "now",
            "2026-11-20T10:00:00.Z",
        ] {
            assert!(!accepts(FieldType::Datetime, text), "{text:?}");
        }
    }

    #[test]
    fn texts_are_lines_and_addresses_are_addresses() {
        for (field_type, text) in [
            (FieldType::Text, "a\tb"),
            (FieldType::Text, "a\nb"),
            (FieldType::Textarea, "a\0b"),
            (FieldType::Textarea, "\u{1b}[31m"),
            (FieldType::Url, "example.org"),
            (FieldType::Url, "https://"),
            (FieldType::Url, "https://exa mple.org"),
            (FieldType::Url, "http:\\\\example.org"),
            (FieldType::Email, "anna"),
            (FieldType::Email, "anna@exa mple.org"),
            (FieldType::Email, "Anna <anna@example.org>"),
            (FieldType::Email, "a@x.org, b@x.org"),
        ] {
            assert!(!accepts(field_type, text), "{text:?}");
        }
        for (field_type, text) in [
            (FieldType::Text, ""),
            (FieldType::Text, "'; DROP TABLE goatherd_custom_value; --"),
            (FieldType::Textarea, "a\r\n\tb"),
            (FieldType::Url, "https://user@example.org:8443/a?b#c"),
            (FieldType::Url, "mailto:anna@example.org"),
            (FieldType::Email, "anna+x@mail.example.org"),
        ] {
            assert!(accepts(field_type, text), "{text:?}");
        }
    }
}

//! Text that is known to be JSON.
//!
//! [`Json`] is checked once, where it is made, and then handed on as text: between a caller and a plugin nothing is
//! parsed into a tree and printed again, so numbers keep all their digits and a big document costs one pass. Size is
//! not limited here, because the limit belongs to the caller; depth is, to what every reader of this host can read
//! back ([`MAX_DEPTH`]).

use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, de::IgnoredAny, ser};
use serde_json::value::RawValue;

use super::json_scan::is_plain_json;
use crate::names::text::quoted_owned;

/// How many arrays and objects may stand inside each other: as many as `serde_json` reads back.
pub const MAX_DEPTH: usize = 127;

/// JSON text (RFC 8259) of any size, at most [`MAX_DEPTH`] deep. The default is `{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

/// Why a text is no [`Json`].
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The text does not follow RFC 8259.
    #[error("{shown} is not JSON: {reason}")]
    Syntax {
        /// The beginning of the text, quoted.
        shown: String,
        /// What is wrong, with line and column.
        reason: serde_json::Error,
    },
    /// Arrays and objects stand too deep inside each other.
    #[error("the JSON is nested {depth} deep; at most {MAX_DEPTH} levels are allowed")]
    TooDeep {
        /// The depth that was found.
        depth: usize,
    },
    /// A Rust value cannot be written as JSON, such as a map with keys that are not text.
    #[error("the value cannot be written as JSON: {0}")]
    Unwritable(serde_json::Error),
}

impl Json {
    /// Checks that `text` is one JSON value, without building a tree and without recursion.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] and [`JsonError::TooDeep`].
    pub fn parse(text: impl Into<String>) -> Result<Json, JsonError> {
        let text = text.into();
        if is_plain_json(&text) {
            return Ok(Json(text));
        }
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(IgnoredAny) => {}
            Err(reason) => {
                return Err(JsonError::Syntax {
                    shown: quoted_owned(&text),
                    reason,
                });
            }
        }
        Self::of_bounded_depth(text)
    }

    /// The value as JSON text.
    ///
    /// # Errors
    ///
    /// [`JsonError::TooDeep`].
    pub fn from_value(value: &serde_json::Value) -> Result<Json, JsonError> {
        Self::from_serialize(value)
    }

    /// Whatever serialises, as JSON text.
    ///
    /// # Errors
    ///
    /// [`JsonError::Unwritable`] and [`JsonError::TooDeep`].
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Json, JsonError> {
        let text = serde_json::to_string(value).map_err(JsonError::Unwritable)?;
        Self::of_bounded_depth(text)
    }

    /// The text as the string that it is kept in, which generated bindings ask for.
    #[must_use]
    pub fn as_string(&self) -> &String {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Reads the JSON as a `T`.
    ///
    /// # Errors
    ///
    /// What `serde_json` says where the JSON has another shape than `T`.
    pub fn parse_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        // In text that is known to be JSON the first character after the white space decides.
        self.0.trim_ascii_start().starts_with('{')
    }

    fn of_bounded_depth(text: String) -> Result<Json, JsonError> {
        // Depth cannot exceed the number of opening characters, and counting those is many times quicker than telling
        // strings from structure.
        let openings = text
            .bytes()
            .filter(|byte| matches!(byte, b'[' | b'{'))
            .count();
        if openings > MAX_DEPTH {
            let depth = depth_of(&text);
            if depth > MAX_DEPTH {
                return Err(JsonError::TooDeep { depth });
            }
        }
        Ok(Json(text))
    }
}

/// The depth of text that is known to be JSON.
fn depth_of(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match bytes.next() {
                    Some(b'\\') => {
                        bytes.next();
                    }
                    Some(b'"') | None => break,
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    deepest
}

impl Default for Json {
    fn default() -> Self {
        Json("{}".to_owned())
    }
}

impl AsRef<str> for Json {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Stands in the surrounding JSON as what it is, not as a text.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Json::of_bounded_depth(String::from(Box::<str>::from(raw)))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn text_that_is_not_one_json_value_is_refused_with_its_beginning_and_the_place() {
        for text in [
            "",
            "{",
            "{} {}",
            "nul",
            "\u{feff}{}",
            "{'a':1}",
            "01",
            "\"a\nb\"",
        ] {
            let message = Json::parse(text).unwrap_err().to_string();
            assert!(message.contains("is not JSON"), "{message}");
            assert!(message.contains("line"), "{message}");
        }
    }

    #[test]
    fn the_deepest_text_that_is_taken_can_be_read_back() {
        let json = Json::parse(nested(MAX_DEPTH)).unwrap();
        assert!(json.parse_as::<serde_json::Value>().is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
        assert!(matches!(
            Json::parse(nested(MAX_DEPTH + 1)),
            Err(JsonError::TooDeep { depth: 128 })
        ));
    }

    #[test]
    fn a_million_levels_are_refused_without_recursion() {
        assert!(matches!(
            Json::parse(nested(1_000_000)),
            Err(JsonError::TooDeep { depth: 1_000_000 })
        ));
    }

    #[test]
    fn brackets_in_strings_and_side_by_side_are_not_depth() {
        let text = format!(r#"["\"\\{}", {}1]"#, "[".repeat(500), "[],".repeat(500));
        assert!(Json::parse(text).is_ok());
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let text = r#"{"n": 12345678901234567890123.45678901234567890}"#;
        assert_eq!(Json::parse(text).unwrap().as_str(), text);
    }

    #[test]
    fn inside_other_json_it_is_json_and_not_text() {
        let json = Json::parse(r#" {"a": [1, 2]} "#).unwrap();
        assert!(json.is_object());
        assert_eq!(
            serde_json::to_value(json!({"config": json})).unwrap(),
            json!({"config": {"a": [1, 2]}})
        );
    }
}

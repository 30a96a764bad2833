//! Texts of strangers: how they are shown in messages, and the shapes that names may have.
//!
//! A plugin can put anything into a name, from a megabyte to terminal escapes. [`quoted`] promises a bounded,
//! printable rendering, and every message of this layer shows foreign text through it alone.

use std::fmt;

/// How many characters of a foreign text a message shows.
const SHOWN_CHARS: usize = 80;

/// The most characters in a name of any [`NameShape`].
const NAME_MAX: usize = 63;

/// Shows `text` in double quotes, escaped, and cut after 80 characters with a mark that says how long it is.
pub(crate) fn quoted(text: &str) -> Quoted<'_> {
    Quoted(text)
}

/// See [`quoted`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN_CHARS) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => {
                let shown = self.0.get(..end).unwrap_or_default();
                write!(f, "{shown:?}… ({} bytes)", self.0.len())
            }
        }
    }
}

/// A cut copy of `text` for an error that has to own what it quotes; shows the same as [`quoted`].
pub(crate) fn quoted_owned(text: &str) -> String {
    quoted(text).to_string()
}

/// Which characters a lower-case name may have besides letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameShape {
    /// `^[a-z][a-z0-9-]{0,62}$`: plugins, groups, user interfaces.
    Hyphen,
    /// `^[a-z][a-z0-9_]{0,62}$`: custom fields.
    Underscore,
    /// `^[a-z][a-z0-9_-]{0,62}$`: error codes, capabilities.
    Either,
}

impl NameShape {
    /// The shape as a regular expression, for messages.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            NameShape::Hyphen => "^[a-z][a-z0-9-]{0,62}$",
            NameShape::Underscore => "^[a-z][a-z0-9_]{0,62}$",
            NameShape::Either => "^[a-z][a-z0-9_-]{0,62}$",
        }
    }

    fn allows(self, character: char) -> bool {
        match character {
            'a'..='z' | '0'..='9' => true,
            '-' => self != NameShape::Underscore,
            '_' => self != NameShape::Hyphen,
            _ => false,
        }
    }

    /// Says what is wrong with `text`, as the end of a sentence that begins with the text; `Ok` where nothing is.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        let wrong = match text.chars().next() {
            None => "is empty".to_owned(),
            Some(first) if !first.is_ascii_lowercase() => {
                format!("begins with {first:?} instead of a lower-case letter")
            }
            Some(_) if text.len() > NAME_MAX => {
                format!("has {} bytes, more than {NAME_MAX}", text.len())
            }
            Some(_) => match text.chars().find(|&character| !self.allows(character)) {
                Some(bad) => format!("contains {bad:?}"),
                None => return Ok(()),
            },
        };
        Err(format!("{wrong}; it must match {}", self.pattern()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_long_text_is_cut_and_its_length_is_told() {
        let shown = quoted(&"ä".repeat(1_000_000)).to_string();
        assert!(shown.chars().count() < 120, "{}", shown.len());
        assert!(shown.ends_with("(2000000 bytes)"));
    }

    #[test]
    fn terminal_escapes_are_shown_and_not_sent() {
        assert!(!quoted("\x1b[31mred\n").to_string().contains('\x1b'));
        assert!(!quoted("\x1b[31mred\n").to_string().contains('\n'));
    }

    #[test]
    fn each_shape_has_its_own_signs() {
        assert!(NameShape::Hyphen.check("a-b").is_ok());
        assert!(NameShape::Hyphen.check("a_b").is_err());
        assert!(NameShape::Underscore.check("a_b").is_ok());
        assert!(NameShape::Underscore.check("a-b").is_err());
        assert!(NameShape::Either.check("a-b_c").is_ok());
        assert!(NameShape::Either.check("a.b").is_err());
    }
}

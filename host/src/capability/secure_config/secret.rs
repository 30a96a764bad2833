//! A secret's text while it is in this process.
//!
//! A [`Secret`] overwrites its memory when it is dropped, and shows its content to nobody who does not ask for it by
//! [`expose`](Secret::expose): it has no `Display`, cannot be serialised, and `{:?}` prints a placeholder. What people
//! get to see of it is a [`Hint`]: enough to tell one API key from another, of no use for guessing one.

use std::fmt;

use zeroize::Zeroizing;

/// How many characters a hint shows.
const SHOWN: usize = 4;
/// How many characters a secret has at least for a hint to be shown. Sixteen stay hidden then, which is more than a
/// password that a person thought of usually has: of those nothing is shown.
const HINTED: usize = 20;

/// The text of a secret. Overwritten when dropped.
pub struct Secret(Zeroizing<String>);

/// The last characters of a secret that is long enough for them to give nothing away; otherwise nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The last four characters.
    Ends(String),
    /// The secret is too short, or ends in what cannot be shown.
    Hidden,
}

impl Secret {
    /// Takes over a text. Copies of it elsewhere are the caller's to overwrite.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Whoever copies it leaves it in memory.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// What may be shown of it.
    #[must_use]
    pub fn hint(&self) -> Hint {
        let characters = self.0.chars().count();
        if characters < HINTED {
            return Hint::Hidden;
        }
        let end: String = self.0.chars().skip(characters - SHOWN).collect();
        if end.chars().all(|char| char.is_ascii_graphic()) {
            Hint::Ends(end)
        } else {
            Hint::Hidden
        }
    }
}

impl From<Zeroizing<String>> for Secret {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends(end) => write!(f, "…{end}"),
            Self::Hidden => f.write_str("…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str) -> String {
        Secret::new(text.to_owned()).hint().to_string()
    }

    #[test]
    fn a_long_secret_shows_its_last_four_characters_and_a_short_one_nothing() {
        assert_eq!(hint("sk_live_4eC39HqLyjWDarjtT1"), "…jtT1");
        assert_eq!(hint(&"x".repeat(20)), "…xxxx");
        for short in ["", "a", "1234", "hunter2", &"x".repeat(19)] {
            assert_eq!(hint(short), "…", "{short}");
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(hint(&"é".repeat(19)), "…");
        assert_eq!(hint(&("é".repeat(16) + "abcd")), "…abcd");
    }

    #[test]
    fn an_end_that_could_disturb_a_page_or_a_terminal_is_not_shown() {
        for end in [
            "ab\u{1b}c",
            "a\nbc",
            "a bc",
            "a\u{202e}bc",
            "🔑🔑🔑🔑",
            "\0\0\0\0",
        ] {
            assert_eq!(hint(&("x".repeat(30) + end)), "…", "{end:?}");
        }
    }

    #[test]
    fn debug_output_has_nothing_of_the_text_not_even_its_length() {
        let shown = format!(
            "{:?} {:#?}",
            Secret::new("hunter2".into()),
            Secret::new("x".into())
        );
        assert_eq!(shown, "Secret(..) Secret(..)");
    }
}

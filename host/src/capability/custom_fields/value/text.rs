//! How texts are ordered and matched.
//!
//! Texts are in the order of a dictionary: by their letters without regard to case, and among those that differ only in
//! case the one in small letters first. One key in that order serves comparisons, which regard case, and patterns, which
//! do not.

/// How many bytes of a text's order are in its key. What is longer is looked at itself.
pub(super) const KEY_BYTES: usize = 200;
/// The most bytes in a pattern.
pub const PATTERN_BYTES: usize = 1024;

/// A character without its case, if that is one character too, so that a text has as many characters as before.
fn fold_char(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

/// A text without case.
fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Bytes in the order of texts. Texts have no zero, which therefore ends the part without case.
pub(super) fn order(text: &str) -> Vec<u8> {
    let folded = fold(text);
    let differs = folded != text;
    let mut order = folded.into_bytes();
    order.push(0);
    if differs {
        order.extend(text.as_bytes());
    }
    order
}

/// The beginning of a text's order.
pub(super) fn key(text: &str) -> Vec<u8> {
    let mut key = order(text);
    key.truncate(KEY_BYTES);
    key
}

/// A pattern: `%` stands for any run of characters, `_` for one, and case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Symbol>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Run,
    Any,
    Is(char),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// When it is longer than [`PATTERN_BYTES`].
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES {
            return Err(format!(
                "the pattern has {} bytes; at most {PATTERN_BYTES} are matched",
                text.len()
            ));
        }
        let mut chars: Vec<Symbol> = text
            .chars()
            .map(|char| match char {
                '%' => Symbol::Run,
                '_' => Symbol::Any,
                char => Symbol::Is(fold_char(char)),
            })
            .collect();
        chars.dedup_by(|a, b| *a == Symbol::Run && *b == Symbol::Run);
        Ok(Self(chars))
    }

    /// Whether a whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut text = text.chars();
        let mut pattern = self.0.iter();
        // Where to go on when what follows the last run does not match: the run takes one character more.
        let mut again: Option<(std::slice::Iter<'_, Symbol>, std::str::Chars<'_>)> = None;
        loop {
            match pattern.next() {
                Some(Symbol::Run) => {
                    if pattern.as_slice().is_empty() {
                        return true;
                    }
                    again = Some((pattern.clone(), text.clone()));
                    continue;
                }
                Some(char) => {
                    let Some(found) = text.next() else {
                        return false;
                    };
                    if *char == Symbol::Any || *char == Symbol::Is(fold_char(found)) {
                        continue;
                    }
                }
                None if text.as_str().is_empty() => return true,
                None => {}
            }
            match &mut again {
                Some((after, from)) => {
                    if from.next().is_none() {
                        return false;
                    }
                    pattern = after.clone();
                    text = from.clone();
                }
                None => return false,
            }
        }
    }

    /// What every match begins with, as the beginning of its key; shorter than a key.
    pub(crate) fn beginning(&self) -> Vec<u8> {
        let mut beginning = String::new();
        for char in &self.0 {
            match char {
                Symbol::Is(char) if beginning.len() + char.len_utf8() < KEY_BYTES => {
                    beginning.push(*char);
                }
                _ => break,
            }
        }
        beginning.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn percent_is_any_run_and_underscore_one_sign_without_regard_to_case() {
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("%%", "abc"),
            ("abc", "ABC"),
            ("a%", "Abc"),
            ("%C", "abc"),
            ("%b%", "aBc"),
            ("a_c", "aÖc"),
            ("%ä_", "xÄy"),
            ("a%b%c", "a-b-b-c-c"),
            ("%ab%ab", "abababab"),
            ("straße", "STRAßE"),
            ("_", "€"),
        ] {
            assert!(like(pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("_", ""),
            ("_", "ab"),
            ("a", "ab"),
            ("b%", "ab"),
            ("%b", "ba"),
            ("a%b%c", "a-c-b"),
            ("a_c", "ac"),
            (".*", "abc"),
            ("a\\%", "a%"),
        ] {
            assert!(!like(pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn a_pattern_full_of_runs_takes_no_time() {
        let pattern = Pattern::parse(&"a%".repeat(500)).unwrap();
        let text = "a".repeat(60_000) + "b";
        assert!(pattern.matches(&text));
        let pattern = Pattern::parse(&("%a".repeat(500) + "c")).unwrap();
        assert!(!pattern.matches(&text));
    }

    #[test]
    fn texts_are_in_the_order_of_a_dictionary() {
        let texts = ["", "a", "A", "a b", "ab", "aB", "Ab", "b", "B", "ä", "Ä"];
        let mut sorted = texts;
        sorted.sort_by_key(|text| order(text));
        assert_eq!(
            sorted,
            ["", "a", "A", "a b", "ab", "Ab", "aB", "b", "B", "ä", "Ä"]
        );
    }

    #[test]
    fn keys_of_long_texts_keep_their_order() {
        let long = "x".repeat(400);
        assert!(key(&long) <= key(&(long.clone() + "y")));
        assert!(key(&long) > key(&"x".repeat(30)));
        assert_eq!(key(&long).len(), KEY_BYTES);
    }
}

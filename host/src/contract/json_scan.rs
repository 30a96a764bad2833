//! One quick look at a text that is expected to be JSON.
//!
//! Every call's arguments and result go through here, so it is written for the case that all is well: one pass, eight
//! bytes at a time inside strings, no recursion, nothing allocated. [`is_plain_json`] promises one direction only: what
//! it says yes to is JSON (RFC 8259) of bounded depth. A no means that `serde_json` has to look, which also finds the
//! words for what is wrong.

use super::json::MAX_DEPTH;

/// Whether `text` is one JSON value that is at most [`MAX_DEPTH`] deep.
pub(super) fn is_plain_json(text: &str) -> bool {
    Scan {
        rest: text.as_bytes(),
        depth: 0,
        objects: 0,
    }
    .document()
    .is_some()
}

/// The part that is still to be read, and what it stands inside of.
struct Scan<'a> {
    rest: &'a [u8],
    depth: usize,
    /// The lowest bit tells whether the innermost of the open arrays and objects is an object, the next one the one
    /// around it, and so on. There are bits for all, since at most [`MAX_DEPTH`] are open.
    objects: u128,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize);

/// A byte with the value one in each place.
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each byte.
const HIGHS: u64 = ONES << 7;

impl Scan<'_> {
    /// Every method takes what it names from the front, or answers `None` where the front is something else.
    fn document(&mut self) -> Option<()> {
        loop {
            self.space();
            match self.next()? {
                b'"' => self.string()?,
                b'{' => {
                    self.open(true)?;
                    if !self.takes(b'}') {
                        self.key()?;
                        continue;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(false)?;
                    if !self.takes(b']') {
                        continue;
                    }
                    self.close();
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                b'-' => {
                    let first = self.next()?;
                    self.number(first)?;
                }
                first => self.number(first)?,
            }
            if self.after_value()? {
                return Some(());
            }
        }
    }

    /// Closes what ends here, and goes to where the next value begins; true at the end of the text.
    fn after_value(&mut self) -> Option<bool> {
        loop {
            self.space();
            if self.depth == 0 {
                return self.rest.is_empty().then_some(true);
            }
            let in_object = self.objects & 1 == 1;
            match (self.next()?, in_object) {
                (b',', true) => {
                    self.space();
                    self.key()?;
                    return Some(false);
                }
                (b',', false) => return Some(false),
                (b'}', true) | (b']', false) => self.close(),
                _ => return None,
            }
        }
    }

    fn open(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        self.space();
        Some(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    /// A name with the colon after it.
    fn key(&mut self) -> Option<()> {
        if self.next()? != b'"' {
            return None;
        }
        self.string()?;
        self.space();
        self.takes(b':').then_some(())
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn takes(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn space(&mut self) {
        while let Some((b' ' | b'\n' | b'\t' | b'\r', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// The rest of a string whose opening quote is taken.
    fn string(&mut self) -> Option<()> {
        loop {
            // Whole words without a quote, a backslash and a control character.
            while let Some((word, rest)) = self.rest.split_first_chunk() {
                if has_special(u64::from_le_bytes(*word)) {
                    break;
                }
                self.rest = rest;
            }
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let (digits, rest) = self.rest.split_first_chunk::<4>()?;
                self.rest = rest;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    /// The rest of a number whose sign and first digit are taken.
    fn number(&mut self, first: u8) -> Option<()> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.takes(b'.') {
            self.some_digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _sign = self.takes(b'+') || self.takes(b'-');
            self.some_digits()?;
        }
        Some(())
    }

    fn some_digits(&mut self) -> Option<()> {
        self.next().filter(u8::is_ascii_digit)?;
        self.digits();
        Some(())
    }

    fn digits(&mut self) {
        while let Some((b'0'..=b'9', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }
}

/// Whether one of the eight bytes is a quote, a backslash or a control character, found without looking at each.
///
/// A byte is zero, or less than `n`, exactly where subtracting one, or `n`, borrows from its highest bit while that
/// bit was not set. A borrow out of a byte can only add a false yes above a true one.
fn has_special(word: u64) -> bool {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn serde_takes(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn each_rule_of_the_grammar_is_kept() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[",
            "]",
            "{}",
            "[]",
            " { } ",
            "[ ]",
            "{}{}",
            "[]]",
            "[}",
            "{]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{1:2}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1,\"b\":[{}]}",
            "\"",
            "\"\"",
            "\"a",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\u12aF\"",
            "\"\\ud800\"",
            "\"\n\"",
            "\"\u{7f}\"",
            "\"\u{80}ä\u{10ffff}\"",
            "0",
            "-0",
            "-",
            "00",
            "01",
            "1.",
            ".1",
            "1.5",
            "1e",
            "1e5",
            "1E+05",
            "1e-",
            "1.e5",
            "+1",
            "1e999",
            "true",
            "tru",
            "truex",
            "nul",
            "null",
            "false",
            "\u{feff}1",
            "\u{a0}1",
            "1\0",
        ] {
            assert_eq!(is_plain_json(text), serde_takes(text), "{text:?}");
        }
    }

    #[test]
    fn special_characters_are_seen_in_every_place_of_a_word() {
        for place in 0..24 {
            for char in [
                '"', '\\', '\u{1f}', '\0', ' ', '!', '#', '[', ']', '\u{7f}', 'ä', '\u{a2}',
                '\u{dc}',
            ] {
                let text = format!("\"{}{char}{}\"", "a".repeat(place), "b".repeat(24 - place));
                assert_eq!(is_plain_json(&text), serde_takes(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn texts_made_at_random_are_judged_as_serde_json_judges_them() {
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"key\":", "\\", "\\n", "\\u00e9", "0",
            "1", "-", ".", "e", "true", "null", " ", "\n", "ä", "12345678", "{}", "[]", "\"\"",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap_or(0)
        };
        let mut taken = 0;
        for _ in 0..200_000 {
            let length = 1 + random(7);
            let text: String = (0..length)
                .filter_map(|_| pieces.get(random(pieces.len())).copied())
                .collect();
            let yes = is_plain_json(&text);
            assert_eq!(yes, serde_takes(&text), "{text:?}");
            taken += u32::from(yes);
        }
        assert!(taken > 1000, "only {taken} of the texts were JSON");
    }
}

//! `LIKE` and `GLOB`, as the engine defines them, but quick.
//!
//! The engine's own versions take time in proportion to the product of both lengths, at some fifty nanoseconds for each
//! step: a minute and more for a text of a few megabytes, in one instruction that nothing can interrupt. These need about
//! one nanosecond for a step, go back to the last `%` or `*` only, and refuse products beyond [`MOST_STEPS`]. The price is
//! that the planner no longer turns a pattern with a fixed beginning into a range of an index.

use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result, ffi};

use super::functions::{FLAGS, bytes};

/// The product of the lengths of pattern and text, at most: about a second.
const MOST_STEPS: usize = 1 << 30;

pub(super) fn install(db: &Connection) -> Result<()> {
    db.create_scalar_function("like", 2, FLAGS, |c| matches(c, &Like { escape: None }))?;
    db.create_scalar_function("like", 3, FLAGS, |c| {
        let Some(escape) = bytes(c.get_raw(2)) else {
            return Ok(None);
        };
        let (first, length) = character(&escape, 0);
        if length == 0 || length != escape.len() {
            return Err(fault("ESCAPE expression must be a single character"));
        }
        matches(
            c,
            &Like {
                escape: Some(first),
            },
        )
    })?;
    db.create_scalar_function("glob", 2, FLAGS, |c| matches(c, &Glob))
}

fn fault(message: &str) -> Error {
    Error::UserFunctionError(message.into())
}

/// Whether the second argument fits the first; none if one is null.
fn matches(context: &Context<'_>, language: &impl Language) -> Result<Option<bool>> {
    let (pattern, text) = (context.get_raw(0), context.get_raw(1));
    if matches!(pattern, ValueRef::Null) || matches!(text, ValueRef::Null) {
        return Ok(None);
    }
    let (Some(pattern), Some(text)) = (bytes(pattern), bytes(text)) else {
        return Ok(None);
    };
    if pattern.len().saturating_mul(text.len()) > MOST_STEPS {
        return Err(Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_TOOBIG),
            None,
        ));
    }
    Ok(Some(fits(language, &pattern, &text)))
}

/// What stands at a place of a pattern, and where the next begins.
enum Step {
    /// `%` or `*`.
    AnyRun(usize),
    /// Compared with one character: whether it fits, and how long the step is.
    One(bool, usize),
    /// The pattern cannot fit anything.
    Never,
}

trait Language {
    /// Reads the pattern at `at` against the character `found`, or only for its kind if there is none.
    fn step(&self, pattern: &[u8], at: usize, found: Option<u32>) -> Step;
}

fn fits(language: &impl Language, pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where to go on if what is behind the last run does not fit: behind the run, one character further in the text.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let (found, length) = character(text, place);
        let left = length > 0;
        let step = (at < pattern.len()).then(|| language.step(pattern, at, left.then_some(found)));
        match step {
            Some(Step::AnyRun(next)) => {
                at = next;
                retry = Some((at, place));
                continue;
            }
            Some(Step::One(true, long)) if left => {
                at += long;
                place += length;
                continue;
            }
            Some(Step::Never) => return false,
            None if !left => return true,
            _ => {}
        }
        match retry {
            Some((behind, from)) if from < text.len() => {
                let from = from + character(text, from).1;
                at = behind;
                place = from;
                retry = Some((behind, from));
            }
            _ => return false,
        }
    }
}

/// The character at a place and its length in bytes, 0 at the end. A byte that is no UTF-8 stands for itself.
fn character(text: &[u8], at: usize) -> (u32, usize) {
    let Some(&first) = text.get(at) else {
        return (0, 0);
    };
    if first < 0x80 {
        return (u32::from(first), 1);
    }
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    text.get(at..at + length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| text.chars().next())
        .map_or((0x11_0000 + u32::from(first), 1), |c| {
            (u32::from(c), length)
        })
}

struct Like {
    escape: Option<u32>,
}

impl Language for Like {
    fn step(&self, pattern: &[u8], at: usize, found: Option<u32>) -> Step {
        let (wanted, length) = character(pattern, at);
        if self.escape == Some(wanted) {
            let (literal, more) = character(pattern, at + length);
            if more == 0 {
                return Step::Never;
            }
            return Step::One(
                found.is_some_and(|found| same(literal, found)),
                length + more,
            );
        }
        match u8::try_from(wanted) {
            Ok(b'%') => Step::AnyRun(at + length),
            Ok(b'_') => Step::One(true, length),
            _ => Step::One(found.is_some_and(|found| same(wanted, found)), length),
        }
    }
}

/// Whether the characters are equal but for the case of ASCII letters.
fn same(a: u32, b: u32) -> bool {
    let fold = |c: u32| if (65..=90).contains(&c) { c + 32 } else { c };
    fold(a) == fold(b)
}

struct Glob;

impl Language for Glob {
    fn step(&self, pattern: &[u8], at: usize, found: Option<u32>) -> Step {
        let (wanted, length) = character(pattern, at);
        match u8::try_from(wanted) {
            Ok(b'*') => Step::AnyRun(at + length),
            Ok(b'?') => Step::One(true, length),
            Ok(b'[') => class(pattern, at, found),
            _ => Step::One(found == Some(wanted), length),
        }
    }
}

/// `[abc]`, `[a-z]`, `[^…]`; a `]` that comes first is a member.
fn class(pattern: &[u8], at: usize, found: Option<u32>) -> Step {
    const END: u32 = ']' as u32;
    let mut next = at + 1;
    let read = |next: &mut usize| {
        let (c, length) = character(pattern, *next);
        *next += length;
        (length > 0).then_some(c)
    };
    let mut member = read(&mut next);
    let inverted = member == Some('^' as u32);
    if inverted {
        member = read(&mut next);
    }
    let mut inside = false;
    let mut before: Option<u32> = None;
    if member == Some(END) {
        inside |= found == Some(END);
        member = read(&mut next);
    }
    while let Some(c) = member {
        if c == END {
            break;
        }
        let (following, _) = character(pattern, next);
        let is_range = c == '-' as u32 && following != END && next < pattern.len();
        match (is_range, before) {
            (true, Some(low)) => {
                let high = read(&mut next).unwrap_or(low);
                inside |= found.is_some_and(|found| (low..=high).contains(&found));
                before = None;
            }
            _ => {
                inside |= found == Some(c);
                before = Some(c);
            }
        }
        member = read(&mut next);
    }
    if member.is_none() {
        return Step::Never;
    }
    Step::One(inside != inverted, next - at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Connection, install};

    #[test]
    fn they_answer_like_those_of_the_engine() {
        let theirs = Connection::open_in_memory().unwrap();
        let ours = Connection::open_in_memory().unwrap();
        install(&ours).unwrap();
        let texts = [
            "",
            "a",
            "A",
            "abc",
            "aXbXc",
            "100%",
            "a_b",
            "axb",
            "äöü",
            "ÄÖÜ",
            "ß",
            "a\u{1F410}b",
            "]",
            "[",
            "-",
            "^",
            "a-b",
            "b",
            "m",
            "z",
            "aab",
            "*",
            "?",
            "abab",
            "9",
            "a]b",
            "\\",
        ];
        let patterns = [
            "",
            "%",
            "_",
            "a%",
            "%a",
            "%b%",
            "a_b",
            "A%C",
            "__",
            "___",
            "%%",
            "%_",
            "_%_",
            "x%",
            "a\\%",
            "100\\%",
            "a\\_b",
            "\\",
            "a\\",
            "ä%",
            "Ä__",
            "%ß%",
            "a\u{1F410}%",
            "*",
            "?",
            "a*",
            "*b*",
            "[abc]",
            "[a-c]",
            "[^a]",
            "[]]",
            "[^]]",
            "[a-]",
            "[-a]",
            "[a",
            "[]",
            "[",
            "a?b",
            "[a-b-c]",
            "*[0-9]",
            "[^^]",
            "[ä-ü]??",
            "*a*b",
            "**",
            "[a-z]*[a-z]",
            "]",
            "[]-a]",
            "[]a]b",
            "[a]]",
        ];
        for sql in [
            "SELECT ?2 LIKE ?1",
            "SELECT ?2 LIKE ?1 ESCAPE '\\'",
            "SELECT ?2 GLOB ?1",
            "SELECT CAST(?2 AS BLOB) LIKE ?1",
        ] {
            for text in texts {
                for pattern in patterns {
                    let answer = |db: &Connection| {
                        db.query_row(sql, [pattern, text], |row| row.get::<_, Option<bool>>(0))
                            .unwrap()
                    };
                    assert_eq!(
                        answer(&ours),
                        answer(&theirs),
                        "{sql}: {text:?} {pattern:?}"
                    );
                }
            }
        }
        for sql in [
            "SELECT NULL LIKE 'a'",
            "SELECT 'a' LIKE NULL",
            "SELECT 'a' LIKE 'a' ESCAPE NULL",
            "SELECT 12 LIKE '1_'",
            "SELECT 1.0 LIKE '1.0'",
        ] {
            let answer = |db: &Connection| {
                db.query_row(sql, [], |row| row.get::<_, Option<bool>>(0))
                    .unwrap()
            };
            assert_eq!(answer(&ours), answer(&theirs), "{sql}");
        }
    }
}

//! SQL as text: names of the host's own, and what can be said about a plugin's without understanding it, for clear
//! messages.
//!
//! The latter is no line of defence: the engine is the one that compiles a single statement, and knows what is in it.

/// A name as SQL has it, in double quotes.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why a text is not one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotOne {
    Empty,
    Several,
    Nul,
}

/// The first word of the only statement in `sql`, in upper case.
pub(super) fn first_word(sql: &str) -> Result<String, NotOne> {
    if sql.contains('\0') {
        return Err(NotOne::Nul);
    }
    let bytes = sql.as_bytes();
    let mut at = skip_blank(bytes, 0);
    let start = at;
    while bytes
        .get(at)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    {
        at += 1;
    }
    let word = sql.get(start..at).unwrap_or_default().to_ascii_uppercase();
    if start == bytes.len() {
        return Err(NotOne::Empty);
    }
    let mut ended = false;
    at = start;
    while at < bytes.len() {
        let next = skip_blank(bytes, at);
        if next > at {
            at = next;
            continue;
        }
        if ended {
            return Err(NotOne::Several);
        }
        ended = bytes.get(at) == Some(&b';');
        at = skip_token(bytes, at);
    }
    if ended && word.is_empty() && bytes.get(start) == Some(&b';') {
        return Err(NotOne::Empty);
    }
    Ok(word)
}

/// Whether the text begins like one that creates a trigger, the only statement with semicolons inside.
pub(super) fn creates_trigger(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    let mut at = 0;
    for number in 0..3 {
        let start = skip_blank(bytes, at);
        at = start;
        while bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            at += 1;
        }
        let word = sql.get(start..at).unwrap_or_default().to_ascii_uppercase();
        match (number, word.as_str()) {
            (0, "CREATE") | (1, "TEMP" | "TEMPORARY") => {}
            (1 | 2, "TRIGGER") => return true,
            _ => return false,
        }
    }
    false
}

/// Whether one of these words is in the text by itself, and not inside a string, a quoted name or a comment.
///
/// Too many texts are said to have one rather than too few: the engine's named parameters can swallow quotes, so a text with
/// a sign that begins one is searched whole.
pub(super) fn has_word(sql: &str, words: &[&str]) -> bool {
    if sql.contains(['$', '@', '#', ':']) {
        let sql = sql.to_ascii_lowercase();
        return words.iter().any(|word| sql.contains(word));
    }
    Tokens::of(sql).any(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word)))
}

/// Words, quoted names and strings whole, and every other character by itself.
pub(super) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.sql.as_bytes();
        let start = skip_blank(bytes, self.at);
        let first = *bytes.get(start)?;
        let is_word = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80
        };
        let mut end = start;
        if is_word(&first) {
            while bytes.get(end).is_some_and(is_word) {
                end += 1;
            }
        } else {
            end = skip_token(bytes, start);
            // A doubled quote is one inside.
            while matches!(first, b'\'' | b'"' | b'`') && bytes.get(end) == Some(&first) {
                end = skip_token(bytes, end);
            }
        }
        self.at = end;
        self.sql.get(start..end)
    }
}

/// Behind white space and comments.
fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0C), _) => at += 1,
            (Some(b'-'), Some(b'-')) => at = find(bytes, at, b"\n"),
            (Some(b'/'), Some(b'*')) => at = find(bytes, at + 2, b"*/"),
            _ => return at.min(bytes.len()),
        }
    }
}

/// Behind one character, or a whole string or quoted name.
fn skip_token(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        // A doubled quote inside ends one string and begins the next, which comes to the same.
        Some(&quote @ (b'\'' | b'"' | b'`')) => find(bytes, at + 1, &[quote]),
        Some(b'[') => find(bytes, at + 1, b"]"),
        _ => at + 1,
    }
}

/// Behind the next `end`, or at the end of the text.
fn find(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    bytes
        .get(from..)
        .and_then(|rest| memchr::memmem::find(rest, end))
        .map_or(bytes.len(), |found| from + found + end.len())
}

#[cfg(test)]
mod tests {
    use super::{NotOne, first_word, has_word};

    #[test]
    fn one_statement_is_one_whatever_is_around_and_inside_it() {
        for sql in [
            "SELECT 1",
            "  select 1 ; ",
            "SELECT ';' -- ; x",
            "SELECT \"a;b\", [c;d], `e;f`, 'it''s;' /* ; */;\n-- end;",
            "/* a */ -- b\n SELECT 1; /* open",
        ] {
            assert_eq!(first_word(sql).as_deref(), Ok("SELECT"), "{sql}");
        }
    }

    #[test]
    fn a_word_is_found_outside_of_strings_and_wherever_the_engine_could_see_it() {
        for sql in [
            "a NATURAL JOIN b",
            "a/**/natural/**/join b",
            "a join b using(id)",
            "'x' natural join b",
            "'it''s' natural join b",
            "[a] natural",
            "\"a\"\"b\"natural join c",
            "SELECT $a(') FROM a natural join b --')",
        ] {
            assert!(has_word(sql, &["natural", "using"]), "{sql}");
        }
        for sql in [
            "'%housing%'",
            "'natural'",
            "'it''s natural'",
            "\"using\"",
            "[a using b]",
            "`natural`",
            "housing",
            "using_",
            "-- natural",
            "/* using */",
        ] {
            assert!(!has_word(sql, &["natural", "using"]), "{sql}");
        }
    }

    #[test]
    fn two_statements_are_several_and_none_is_empty() {
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT 1;;",
            "SELECT '';'x'",
            "; SELECT 1",
            "SELECT 1; --\n;",
        ] {
            assert_eq!(first_word(sql), Err(NotOne::Several), "{sql}");
        }
        for sql in ["", "  ", "-- x", "/* x", ";"] {
            assert_eq!(first_word(sql), Err(NotOne::Empty), "{sql}");
        }
        assert_eq!(first_word("SELECT 1\0"), Err(NotOne::Nul));
    }
}

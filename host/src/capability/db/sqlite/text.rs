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

/// Behind white space and comments.
pub(super) fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
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
pub(super) fn skip_token(bytes: &[u8], at: usize) -> usize {
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
    use super::{NotOne, first_word};

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

//! PostgreSQL's tokens, as its own lexer cuts them.
//!
//! What this module calls a literal, a quoted name or a comment must be one to the server too, or a `?` and a function's
//! name would be looked for in the wrong place. Where versions and settings of the server differ (`U&''`, numbers that
//! run into words, escape strings over several lines), the text is refused instead of guessed at. Connections of plugins
//! have `standard_conforming_strings` on.

use std::borrow::Cow;

/// A token. Blanks and comments are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A key word or a name without quotes, in lower case.
    Word(Cow<'a, str>),
    /// A name in double quotes, without them.
    Quoted(Cow<'a, str>),
    /// A string, of whatever kind.
    Literal,
    Number,
    /// `?`: a parameter.
    Placeholder,
    /// `??`: a question mark that belongs to an operator.
    QuestionMark,
    /// `::`
    Cast,
    /// Any other single character.
    Symbol(u8),
}

/// A token and where it is in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spanned<'a> {
    pub(super) token: Token<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The key word or name without quotes, if it is one.
pub(super) fn word<'t>(token: Option<&'t Spanned<'_>>) -> Option<&'t str> {
    match token.map(|spanned| &spanned.token) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// Cuts `sql` into tokens. The error says what cannot be read.
pub(super) fn tokens(sql: &str) -> Result<Vec<Spanned<'_>>, String> {
    let mut lexer = Lexer { sql, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let Some(token) = lexer.token()? else {
            return Ok(found);
        };
        found.push(Spanned {
            token,
            start,
            end: lexer.at,
        });
    }
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
}

/// The server takes every byte beyond ASCII for a letter.
fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0C)
}

impl<'a> Lexer<'a> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.sql.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.sql.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.sql.get(start..self.at).unwrap_or_default()
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&test) {
            self.at += 1;
        }
    }

    fn skip_blank(&mut self) -> Result<(), String> {
        loop {
            self.skip_while(is_blank);
            match (self.peek(0), self.peek(1)) {
                (Some(b'-'), Some(b'-')) => self.skip_while(|byte| !matches!(byte, b'\n' | b'\r')),
                (Some(b'/'), Some(b'*')) => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err("a comment that begins with /* does not end".to_owned()),
            }
        }
    }

    fn token(&mut self) -> Result<Option<Token<'a>>, String> {
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let token = match first {
            b'\'' => self.literal(false)?,
            b'"' => self.quoted()?,
            b'$' => self.dollar()?,
            b'?' => self.question_mark(),
            b':' if self.peek(1) == Some(b':') => {
                self.at += 2;
                Token::Cast
            }
            b'.' if self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) => self.number()?,
            b'0'..=b'9' => self.number()?,
            _ if begins_word(first) => self.word()?,
            0 => return Err("it has a zero byte".to_owned()),
            _ => {
                self.at += 1;
                Token::Symbol(first)
            }
        };
        Ok(Some(token))
    }

    fn word(&mut self) -> Result<Token<'a>, String> {
        let start = self.at;
        self.skip_while(continues_word);
        let word = self.since(start);
        let single = |letters: &str| {
            word.len() == 1
                && word.bytes().all(|byte| letters.as_bytes().contains(&byte))
                && self.peek(0) == Some(b'\'')
        };
        if single("eE") {
            return self.literal(true);
        }
        if single("bBxXnN") {
            return self.literal(false);
        }
        if matches!(word, "u" | "U")
            && self.peek(0) == Some(b'&')
            && matches!(self.peek(1), Some(b'\'' | b'"'))
        {
            return Err("it has a U&'…' or U&\"…\": write the characters as they are".to_owned());
        }
        Ok(Token::Word(
            if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(word.to_ascii_lowercase())
            } else {
                Cow::Borrowed(word)
            },
        ))
    }

    /// A string whose opening quote is next.
    fn literal(&mut self, escapes: bool) -> Result<Token<'a>, String> {
        self.at += 1;
        loop {
            match self.peek(0) {
                Some(b'\'') if self.peek(1) == Some(b'\'') => self.at += 2,
                Some(b'\'') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') if escapes && self.peek(1).is_some() => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err("a string does not end".to_owned()),
            }
        }
        if escapes {
            // After a new line the server would go on with escapes in a literal that looks like one without.
            let end = self.at;
            self.skip_blank()?;
            if self.peek(0) == Some(b'\'') {
                return Err("a string E'…' goes on in another literal: write it as one".to_owned());
            }
            self.at = end;
        }
        Ok(Token::Literal)
    }

    fn quoted(&mut self) -> Result<Token<'a>, String> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek(0) {
                Some(b'"') if self.peek(1) == Some(b'"') => self.at += 2,
                Some(b'"') => break,
                Some(_) => self.at += 1,
                None => return Err("a name in double quotes does not end".to_owned()),
            }
        }
        let name = self.since(start);
        self.at += 1;
        Ok(Token::Quoted(if name.contains('"') {
            Cow::Owned(name.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(name)
        }))
    }

    /// A string between dollars, which has no escapes.
    fn dollar(&mut self) -> Result<Token<'a>, String> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.skip_while(|byte| byte.is_ascii_digit());
            return Err(format!(
                "it uses the parameter {}: only ? is available, once for each parameter",
                self.since(start)
            ));
        }
        self.skip_while(|byte| begins_word(byte) || byte.is_ascii_digit());
        if self.peek(0) != Some(b'$') {
            return Err("it has a $ that begins neither a string nor a parameter".to_owned());
        }
        self.at += 1;
        let tag = self.since(start);
        match memchr::memmem::find(self.rest(), tag.as_bytes()) {
            Some(found) => {
                self.at += found + tag.len();
                Ok(Token::Literal)
            }
            None => Err(format!("a string that begins with {tag} does not end")),
        }
    }

    fn question_mark(&mut self) -> Token<'a> {
        self.at += 1;
        if self.peek(0) == Some(b'?') {
            self.at += 1;
            Token::QuestionMark
        } else {
            Token::Placeholder
        }
    }

    fn number(&mut self) -> Result<Token<'a>, String> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit() || byte == b'.');
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if self
                .peek(1 + sign)
                .is_some_and(|byte| byte.is_ascii_digit())
            {
                self.at += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
        if self.peek(0).is_some_and(begins_word) {
            return Err(format!(
                "the number {} runs into a word: put a blank between them",
                self.since(start)
            ));
        }
        Ok(Token::Number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Token, tokens};

    fn placeholders(sql: &str) -> usize {
        let found = tokens(sql).unwrap();
        found
            .iter()
            .filter(|spanned| spanned.token == Token::Placeholder)
            .count()
    }

    #[test]
    fn a_question_mark_is_a_parameter_only_outside_literals_names_and_comments() {
        for (sql, count) in [
            ("SELECT ?, ?", 2),
            ("SELECT '?' || ?", 1),
            ("SELECT 'it''s ?' || ?", 1),
            (r"SELECT '\' || ?, 'x'", 1),
            (r"SELECT E'\'?' || ?", 1),
            (r"SELECT e'''?\\' || ?", 1),
            (r#"SELECT "?" , "a""?" , ?"#, 1),
            ("SELECT $$ ? $$ || ?", 1),
            ("SELECT $a$ ? $$ $b$ $a$ || ?", 1),
            ("SELECT a$b$c, ?, x$b$", 1),
            ("SELECT 1 -- ?\n, ?", 1),
            ("SELECT 1 -- ?\r, ?", 1),
            ("SELECT /* ? /* ? */ ? */ ?", 1),
            ("SELECT 1 +-- ?\n ?", 1),
            ("SELECT 1 //* ? */ ?", 1),
            ("SELECT a ?? 'b', ?", 1),
            ("SELECT a ??| array['b'], a ??& ?", 1),
            ("SELECT ?||'?'", 1),
            ("SELECT x'3F', b'1', n'?', ?", 1),
            ("SELECT 1.5e3, .5, 1., 2e10, ?", 1),
        ] {
            assert_eq!(placeholders(sql), count, "{sql}");
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for sql in [
            "SELECT U&'\\0041'",
            "SELECT u&\"a\"",
            "SELECT E'a'\n'\\'; DROP TABLE x; --'",
            "SELECT E'a' -- b\n '\\' ?",
            "SELECT 1E'\\''",
            "SELECT 0x1F",
            "SELECT 1_000",
            "SELECT $1",
            "SELECT $12 || '$3'",
            "SELECT 'a",
            "SELECT \"a",
            "SELECT $a$ b $c$",
            "SELECT $a",
            "SELECT /* /* */",
            "SELECT '\0'; SELECT \0",
        ] {
            assert!(tokens(sql).is_err(), "{sql}");
        }
        assert!(tokens("SELECT '$1', $$ $1 $$, \"$1\" -- $1").is_ok());
    }

    #[test]
    fn names_come_without_quotes_and_words_in_lower_case() {
        let found: Vec<_> = tokens("SeLECT \"A\"\"b\".Größe::INT")
            .unwrap()
            .into_iter()
            .map(|spanned| spanned.token)
            .collect();
        assert_eq!(
            found,
            [
                Token::Word("select".into()),
                Token::Quoted("A\"b".into()),
                Token::Symbol(b'.'),
                Token::Word("größe".into()),
                Token::Cast,
                Token::Word("int".into()),
            ]
        );
    }
}

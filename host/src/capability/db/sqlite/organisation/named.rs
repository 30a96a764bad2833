//! Which columns an insertion names.
//!
//! The engine hands a null to a virtual table for each column that an insertion leaves out, and for each that it gives as
//! null. The table's own default is for the former alone, so the text is asked. Nothing is allowed or refused by it.

use super::super::text::Tokens;

/// The columns that an insertion gives a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Named {
    /// It has no list, so all; or it is no insertion.
    #[default]
    All,
    /// Those of its list, as it spells them.
    Only(Vec<String>),
}

impl Named {
    /// Of the insertion in `sql`, which compiles.
    pub(super) fn of(sql: &str) -> Self {
        let mut tokens = Tokens::of(sql);
        let mut depth = 0;
        loop {
            match tokens.next() {
                Some("(") => depth += 1,
                Some(")") => depth -= 1,
                Some(word) if depth == 0 && is(word, &["insert", "replace"]) => break,
                Some(_) => {}
                None => return Self::All,
            }
        }
        if !tokens.by_ref().any(|word| is(word, &["into"])) {
            return Self::All;
        }
        // The table, perhaps with a database in front and another name behind.
        tokens.next();
        let mut next = tokens.next();
        while let Some("." | "as" | "AS" | "As" | "aS") = next {
            tokens.next();
            next = tokens.next();
        }
        match next {
            Some("(") => Self::Only(
                tokens
                    .take_while(|token| *token != ")")
                    .filter(|token| *token != ",")
                    .map(unquoted)
                    .collect(),
            ),
            Some(word) if is(word, &["default"]) => Self::Only(Vec::new()),
            _ => Self::All,
        }
    }

    pub(super) fn has(&self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name.eq_ignore_ascii_case(column)),
        }
    }
}

fn is(token: &str, words: &[&str]) -> bool {
    words.iter().any(|word| token.eq_ignore_ascii_case(word))
}

fn unquoted(token: &str) -> String {
    let (Some(quote), Some(end)) = (token.chars().next(), token.chars().last()) else {
        return String::new();
    };
    let inside = token
        .get(1..token.len().saturating_sub(1))
        .unwrap_or_default();
    match (quote, end) {
        ('"' | '`' | '\'', _) => inside.replace(&format!("{quote}{quote}"), &quote.to_string()),
        ('[', _) => inside.to_owned(),
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn the_columns_of_an_insertion_are_those_of_its_list_however_it_is_written() {
        for sql in [
            "INSERT INTO t (a, b) VALUES (1, 2)",
            "insert or replace into main.t as x(\"a\",[b]) select 1, 2",
            "WITH u (c, d) AS (SELECT 'insert into t (z)', 2) REPLACE INTO \"t\" /* ( */ (`a`, 'b') SELECT * FROM u",
        ] {
            let named = Named::of(sql);
            assert!(named.has("A") && named.has("b"), "{sql}: {named:?}");
            assert!(!named.has("c") && !named.has("z"), "{sql}: {named:?}");
        }
        assert_eq!(
            Named::of("INSERT INTO t (\"a\"\"b\") VALUES (1)"),
            Named::Only(vec!["a\"b".to_owned()])
        );
        assert_eq!(
            Named::of("INSERT INTO t DEFAULT VALUES"),
            Named::Only(Vec::new())
        );
        for sql in [
            "INSERT INTO t VALUES (1)",
            "INSERT INTO t SELECT 1",
            "UPDATE t SET a = 1",
            "INSERT INTO",
        ] {
            assert_eq!(Named::of(sql), Named::All, "{sql}");
        }
    }
}

//! Which names in a statement are called.
//!
//! A name with an opening parenthesis behind it is a call, unless what stands around it leaves the server's grammar no
//! other reading: it is a key word that no function can be called like, or one in its place; or it names a table, an
//! alias or a common table expression in front of a list of columns. Where that cannot be told from a few tokens, it is
//! a call: what is missed here could be a function of the application's that runs with its owner's rights, and what is
//! taken for a call in error is a refusal that says how to write it. A test compares this with what a server finds in
//! generated statements (`tests/tests/database/postgres/calls.rs`).

use super::lexer::{Spanned, Token, word};

/// Reserved words and others that no function can be called like, and that a parenthesis may follow.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "and", "any", "array", "as", "asymmetric", "between", "both", "case", "check", "default", "distinct",
    "else", "except", "exists", "for", "from", "group", "having", "in", "intersect", "into", "lateral", "leading",
    "limit", "not", "offset", "on", "only", "or", "order", "placing", "references", "returning", "row", "select",
    "some", "symmetric", "then", "to", "trailing", "union", "unique", "using", "values", "when", "where", "with",
];

/// Other words that an expression or a table may follow, so that what stands behind them is no operator.
#[rustfmt::skip]
const OPENING: &[&str] = &[
    "by", "cast", "escape", "fetch", "first", "groups", "ilike", "join", "like", "next", "operator", "overlaps",
    "passing", "range", "rows", "set", "similar", "tablesample", "value", "variadic", "zone",
];

/// Ways to keep an index, which follow `USING`.
const INDEX_METHODS: &[&str] = &["brin", "btree", "gin", "gist", "hash", "spgist"];

/// A statement whose names are looked at.
pub(super) struct Calls<'s> {
    statement: &'s [Spanned<'s>],
    /// For each token, in how many parentheses it is.
    depths: Vec<usize>,
    /// For each opening parenthesis, where it is closed.
    closings: Vec<Option<usize>>,
    /// It creates, alters or drops something.
    changes_schema: bool,
    /// Of `CREATE INDEX`, where its table's name begins.
    indexed_table: Option<usize>,
}

impl<'s> Calls<'s> {
    pub(super) fn new(statement: &'s [Spanned<'s>], changes_schema: bool) -> Self {
        let mut depths = Vec::with_capacity(statement.len());
        let mut closings = vec![None; statement.len()];
        let mut open = Vec::new();
        for (index, one) in statement.iter().enumerate() {
            depths.push(open.len());
            match one.token {
                Token::Symbol(b'(') => open.push(index),
                Token::Symbol(b')') => {
                    let closed = open.pop().and_then(|opened| closings.get_mut(opened));
                    if let Some(closing) = closed {
                        *closing = Some(index);
                    }
                }
                _ => {}
            }
        }
        let mut calls = Self {
            statement,
            depths,
            closings,
            changes_schema,
            indexed_table: None,
        };
        calls.indexed_table = calls.find_indexed_table();
        calls
    }

    fn token(&self, index: usize) -> Option<&'s Token<'s>> {
        self.statement.get(index).map(|one| &one.token)
    }

    fn is(&self, index: usize, symbol: u8) -> bool {
        self.token(index) == Some(&Token::Symbol(symbol))
    }

    fn word(&self, index: usize) -> Option<&'s str> {
        word(self.statement.get(index))
    }

    /// The word so many tokens before.
    fn word_before(&self, index: usize, distance: usize) -> Option<&'s str> {
        self.word(index.checked_sub(distance)?)
    }

    fn is_outermost(&self, index: usize) -> bool {
        self.depths.get(index) == Some(&0)
    }

    fn creates_index(&self) -> bool {
        self.changes_schema
            && self.word(0) == Some("create")
            && (self.word(1) == Some("index")
                || (self.word(1), self.word(2)) == (Some("unique"), Some("index")))
    }

    /// `ON` is reserved, so the first one stands before the table, whatever the index is called.
    fn find_indexed_table(&self) -> Option<usize> {
        if !self.creates_index() {
            return None;
        }
        let on = (0..self.statement.len()).find(|index| self.word(*index) == Some("on"))?;
        Some(if self.word(on + 1) == Some("only") {
            on + 2
        } else {
            on + 1
        })
    }

    /// Whether the name at `index`, which a parenthesis follows, is called. `start` is where it begins, with what stands
    /// before it and a dot.
    pub(super) fn is_call(&self, start: usize, index: usize) -> bool {
        if self.names_columns(start) {
            return false;
        }
        match self.token(index) {
            Some(Token::Word(name)) if start == index => !self.is_syntax(index, name),
            _ => true,
        }
    }

    /// Whether it is the name of a table, an alias or a common table expression before a list of columns.
    fn names_columns(&self, start: usize) -> bool {
        match self.word_before(start, 1) {
            // Reserved. A parenthesis after what follows them is never that of a call.
            Some("into" | "references" | "as" | "with") => true,
            Some("recursive") => self.word_before(start, 2) == Some("with"),
            Some("table" | "exists") => {
                self.changes_schema && self.word(0) == Some("create") && self.is_outermost(start)
            }
            _ => self.indexed_table == Some(start),
        }
    }

    /// Whether the word is a part of the grammar where it stands.
    fn is_syntax(&self, index: usize, name: &str) -> bool {
        if RESERVED.contains(&name) {
            return true;
        }
        let before = self.word_before(index, 1);
        match name {
            "like" | "ilike" if before == Some("not") => self.ends_operand(index, 2),
            "like" | "ilike" | "join" => self.ends_operand(index, 1),
            "over" | "filter" => index > 0 && self.is(index - 1, b')'),
            "include" => {
                self.creates_index() && self.is_outermost(index) && self.is(index - 1, b')')
            }
            "by" => matches!(before, Some("group" | "order" | "partition")),
            "conflict" => before == Some("on") && self.is_followed_by_do(index + 1),
            "cube" | "rollup" => {
                before == Some("by") && self.word_before(index, 2) == Some("group")
            }
            "first" | "next" => before == Some("fetch"),
            "identity" => before == Some("as"),
            "insert" => {
                before == Some("then")
                    && matches!(self.word_behind(index + 1), Some("values" | "overriding"))
            }
            "key" => matches!(before, Some("primary" | "foreign")),
            "list" | "range" | "hash" if before == Some("by") => {
                self.changes_schema
                    && self.is_outermost(index)
                    && self.word_before(index, 2) == Some("partition")
            }
            "materialized" => match before {
                Some("as") => true,
                Some("not") => self.word_before(index, 2) == Some("as"),
                _ => false,
            },
            "sets" => before == Some("grouping"),
            "varying" => matches!(before, Some("bit" | "char" | "character")),
            "zone" => before == Some("time"),
            method if INDEX_METHODS.contains(&method) => {
                before == Some("using") && self.names_method(index - 1)
            }
            _ => false,
        }
    }

    /// Whether an operand ends so many tokens before, so that an operator must follow.
    fn ends_operand(&self, index: usize, distance: usize) -> bool {
        match index.checked_sub(distance).and_then(|at| self.token(at)) {
            Some(Token::Literal | Token::Number | Token::Placeholder | Token::Quoted(_)) => true,
            Some(Token::Symbol(symbol)) => matches!(symbol, b')' | b']'),
            Some(Token::Word(word)) => !RESERVED.contains(&&**word) && !OPENING.contains(&&**word),
            _ => false,
        }
    }

    /// Whether the `USING` at `index` says how an index is kept: that of `CREATE INDEX`, or of an exclusion.
    fn names_method(&self, index: usize) -> bool {
        self.changes_schema
            && ((self.creates_index() && self.is_outermost(index))
                || self.word_before(index, 1) == Some("exclude"))
    }

    /// The word behind what the parenthesis at `index` encloses.
    fn word_behind(&self, index: usize) -> Option<&'s str> {
        let closing = self.closings.get(index).copied().flatten()?;
        self.word(closing + 1)
    }

    /// Whether `DO`, which is reserved, comes behind what the parenthesis at `index` encloses, with at most a condition in
    /// between.
    fn is_followed_by_do(&self, index: usize) -> bool {
        let Some(closing) = self.closings.get(index).copied().flatten() else {
            return false;
        };
        let mut at = closing + 1;
        if self.word(at) != Some("where") {
            return self.word(at) == Some("do");
        }
        while let Some(token) = self.token(at) {
            match token {
                Token::Word(word) if word == "do" => return true,
                Token::Word(word) if word == "on" => return false,
                Token::Symbol(b')') => return false,
                Token::Symbol(b'(') => match self.closings.get(at).copied().flatten() {
                    Some(closing) => at = closing,
                    None => return false,
                },
                _ => {}
            }
            at += 1;
        }
        false
    }
}

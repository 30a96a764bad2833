//! What is looked for in the text of a statement before the server sees it.
//!
//! The server decides about tables, by privileges. What it lets everybody do is refused here, and refused whatever is not
//! known: kinds of statements by their first words, functions by name, the catalogue by its names. The text is then
//! passed on as it is, with `$1`, `$2`, … for each `?`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::backend::DbError;
use super::functions;
use super::lexer::{Placed, Token, tokens};
use super::policy::{Deed, Policy, Purpose, Reserved, reserved};

/// What a statement does, as far as its first words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    /// Changes rows.
    Rows,
    /// Inserts, with its table's name as it is written.
    Insert,
    /// Changes the schema.
    Schema,
}

/// A statement that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// With `$n` for each `?`, and without `;`.
    pub(super) sql: String,
    /// How many `?` there are.
    pub(super) parameters: usize,
    pub(super) kind: Kind,
    /// Of an insertion, its table as it is written.
    pub(super) table: Option<String>,
    /// All names and key words in it, for [`super::access::Access::check`].
    pub(super) names: BTreeSet<String>,
    /// Names that follow a dot. Whatever has a value can be followed by one and the name of a function.
    pub(super) fields: BTreeSet<String>,
    /// Names of types that the engine does not bring along.
    pub(super) types: BTreeSet<String>,
}

impl Checked {
    /// Whether it can make tables that others are to see.
    pub(super) fn makes_objects(&self) -> bool {
        self.kind == Kind::Schema || (self.kind == Kind::Rows && self.names.contains("into"))
    }
}

/// Checks `sql` for a plugin and purpose.
pub(super) fn check(policy: &Policy, sql: &str) -> Result<Checked, DbError> {
    let placed =
        tokens(sql).map_err(|problem| policy.invalid(format_args!("cannot be read: {problem}")))?;
    let statement = one(policy, &placed)?;
    let kind = kind(policy, statement)?;
    let mut names = Names {
        policy,
        statement,
        kind,
        names: BTreeSet::new(),
        fields: BTreeSet::new(),
        types: BTreeSet::new(),
    };
    names.collect()?;
    let Names {
        names,
        fields,
        types,
        ..
    } = names;
    let (text, parameters) = translate(sql, statement);
    Ok(Checked {
        table: (kind == Kind::Insert)
            .then(|| table(sql, statement))
            .flatten(),
        sql: text,
        parameters,
        kind,
        names,
        fields,
        types,
    })
}

/// The tokens without a `;` at the end.
fn one<'t, 's>(policy: &Policy, placed: &'t [Placed<'s>]) -> Result<&'t [Placed<'s>], DbError> {
    let is_end = |placed: &Placed<'_>| placed.token == Token::Symbol(b';');
    let end = placed.iter().position(is_end).unwrap_or(placed.len());
    let statement = placed.get(..end).unwrap_or_default();
    if placed.len() > end + 1 {
        return Err(policy.invalid(
            "is more than one: a call runs one statement; db-write.transaction runs several",
        ));
    }
    if statement.is_empty() {
        return Err(policy.invalid("is empty"));
    }
    Ok(statement)
}

fn word<'t>(placed: Option<&'t Placed<'_>>) -> Option<&'t str> {
    match placed.map(|placed| &placed.token) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// The server cuts longer names off, and so takes them for others.
const LONGEST_NAME: usize = 63;

const QUERIES: &[&str] = &["select", "table", "values", "with"];
const CHANGES: &[&str] = &["delete", "insert", "merge", "truncate", "update", "with"];
/// First words of the other statements that the server has.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "abort", "alter", "analyse", "analyze", "begin", "call", "checkpoint", "close", "cluster", "comment",
    "commit", "copy", "create", "deallocate", "declare", "discard", "do", "drop", "end", "execute", "explain",
    "fetch", "grant", "import", "listen", "load", "lock", "move", "notify", "prepare", "reassign", "refresh",
    "reindex", "release", "reset", "revoke", "rollback", "savepoint", "security", "set", "show", "start",
    "unlisten", "vacuum",
];

fn kind(policy: &Policy, statement: &[Placed<'_>]) -> Result<Kind, DbError> {
    let first = statement
        .iter()
        .find(|placed| placed.token != Token::Symbol(b'('));
    let opened = statement.first() != first;
    let Some(first) = word(first) else {
        return Err(policy.invalid("begins with no word"));
    };
    let known = |list: &[&str]| list.contains(&first);
    match policy.purpose {
        Purpose::Query if known(QUERIES) => return Ok(Kind::Query),
        Purpose::Query if known(CHANGES) || first == "create" || first == "drop" => {
            return Err(DbError::Denied(policy.refuse(
                format_args!("run {} as a query", first.to_uppercase()),
                "a query only reads",
                "run it as a change, with a db:write grant",
            )));
        }
        Purpose::Change if !opened && first == "insert" => return Ok(Kind::Insert),
        Purpose::Change if !opened && known(CHANGES) => return Ok(Kind::Rows),
        Purpose::Change if known(QUERIES) => return Err(policy.returns_rows()),
        Purpose::Change if !opened && matches!(first, "create" | "alter" | "drop") => {
            return schema_change(policy, first, statement);
        }
        _ => {}
    }
    if known(OTHERS) || known(CHANGES) {
        return Err(DbError::Denied(policy.refuse(
            format_args!("run {}", first.to_uppercase()),
            match policy.purpose {
                Purpose::Query => "a query is SELECT, WITH, VALUES or TABLE",
                Purpose::Change => {
                    "a change is INSERT, UPDATE, DELETE, MERGE, TRUNCATE or WITH, or makes, alters or drops a table \
                     or an index"
                }
            },
            "no grant allows it",
        )));
    }
    Err(policy.invalid(format_args!(
        "begins with {}, which is a syntax error",
        first.to_uppercase(),
    )))
}

fn schema_change(policy: &Policy, first: &str, statement: &[Placed<'_>]) -> Result<Kind, DbError> {
    let second = word(statement.get(1)).unwrap_or_default();
    let third = word(statement.get(2)).unwrap_or_default();
    let allowed = match first {
        "create" => matches!(second, "table" | "index") || (second, third) == ("unique", "index"),
        "alter" => second == "table",
        _ => matches!(second, "table" | "index"),
    };
    if !allowed {
        return Err(DbError::Denied(policy.refuse(
            format_args!("run {} {}", first.to_uppercase(), second.to_uppercase()),
            "plugins make, alter and drop plain tables and their indexes, and nothing else",
            "no grant allows it",
        )));
    }
    // What depends on a table may be the application's. Rows that refer to rows are another matter.
    let mut before = None;
    for placed in statement {
        let now = word(Some(placed));
        if now == Some("execute") {
            return Err(DbError::Denied(policy.refuse(
                "run a prepared statement",
                "those of a connection are the host's own",
                "no grant allows it",
            )));
        }
        if first != "create"
            && now == Some("cascade")
            && !matches!(before, Some("delete" | "update"))
        {
            return Err(DbError::Denied(policy.refuse(
                "use CASCADE",
                "it would drop what others built on the table",
                "drop what depends on it first",
            )));
        }
        before = now;
    }
    Ok(Kind::Schema)
}

/// A reading of names and calls.
struct Names<'p> {
    policy: &'p Policy,
    statement: &'p [Placed<'p>],
    kind: Kind,
    names: BTreeSet<String>,
    fields: BTreeSet<String>,
    types: BTreeSet<String>,
}

impl<'p> Names<'p> {
    fn token(&self, place: usize) -> Option<&'p Token<'p>> {
        self.statement.get(place).map(|placed| &placed.token)
    }

    fn is(&self, place: usize, symbol: u8) -> bool {
        self.token(place) == Some(&Token::Symbol(symbol))
    }

    fn word(&self, place: usize) -> Option<&'p str> {
        word(self.statement.get(place))
    }

    fn collect(&mut self) -> Result<(), DbError> {
        // For each open parenthesis, whether it is that of a CAST.
        let mut open = Vec::new();
        for place in 0..self.statement.len() {
            let Some(token) = self.token(place) else {
                break;
            };
            match token {
                Token::Symbol(b'(') => {
                    open.push(place > 0 && self.word(place - 1) == Some("cast"));
                }
                Token::Symbol(b')') => {
                    open.pop();
                }
                Token::Cast => self.type_at(place + 1),
                Token::Word(name) | Token::Quoted(name) => {
                    let quoted = matches!(token, Token::Quoted(_));
                    self.check_reserved(name)?;
                    if name.len() > LONGEST_NAME {
                        return Err(self.policy.invalid(format_args!(
                            "has a name of more than {LONGEST_NAME} bytes: {name}"
                        )));
                    }
                    self.names.insert(name.clone().into_owned());
                    if place > 0 && self.is(place - 1, b'.') {
                        self.fields.insert(name.clone().into_owned());
                    }
                    if self.is(place + 1, b'(') {
                        self.check_call(place, name, quoted, open.len())?;
                    }
                    if !quoted && name == "as" && open.last() == Some(&true) {
                        self.type_at(place + 1);
                    }
                    if self.token(place + 1) == Some(&Token::Literal) && !quoted {
                        self.check_before_literal(name);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_reserved(&self, name: &str) -> Result<(), DbError> {
        match reserved(name) {
            None => Ok(()),
            Some(Reserved::Host) => Err(DbError::Denied(self.policy.refuse_table(
                Deed::of(self.policy.purpose),
                name,
            ))),
            Some(Reserved::Engine) => Err(DbError::Denied(self.policy.refuse(
                format_args!("use \"{name}\""),
                "the catalogue, functions and types that look into it, and all that is called pg_… is closed to plugins",
                "no grant allows it",
            ))),
        }
    }

    /// Of a name that a parenthesis follows.
    fn check_call(
        &self,
        place: usize,
        name: &str,
        quoted: bool,
        depth: usize,
    ) -> Result<(), DbError> {
        let mut start = place;
        while start >= 2 && self.is(start - 1, b'.') {
            start -= 2;
        }
        let qualified = start < place;
        let before = start.checked_sub(1).and_then(|before| self.word(before));
        if !qualified && !quoted && functions::is_syntax(name, before) {
            return Ok(());
        }
        let closed = place > 0 && self.is(place - 1, b')');
        if !qualified && !quoted && closed && matches!(name, "over" | "filter" | "include") {
            return Ok(());
        }
        // Names of tables, common table expressions and aliases, before a list of columns.
        let is_list = match before {
            Some("into" | "references" | "as" | "with" | "recursive") => true,
            Some("table" | "exists" | "only") => self.kind == Kind::Schema && depth == 0,
            Some("on") => {
                self.kind == Kind::Schema
                    && self.word(0) == Some("create")
                    && depth == 0
                    && start <= 8
            }
            _ => false,
        };
        if is_list {
            return Ok(());
        }
        if !qualified && (functions::callable(name) || self.policy.functions.contains(name)) {
            return Ok(());
        }
        Err(DbError::Denied(self.policy.refuse(
            format_args!("call function \"{name}\""),
            if qualified {
                "functions are called without their schema, and only those that look at nothing but their arguments"
            } else {
                "only functions that look at nothing but their arguments are open to plugins"
            },
            "the operator can add it to the functions that the database is set up with (if it is an alias or a \
             common table expression: write AS before it, and name the columns inside)",
        )))
    }

    /// `name 'literal'` is a cast too, if `name` is a type.
    fn check_before_literal(&mut self, name: &str) {
        if !functions::is_type(name) && !BEFORE_LITERAL.contains(&name) {
            self.types.insert(name.to_owned());
        }
    }

    /// Of a type's name, which may have a schema in front.
    fn type_at(&mut self, mut place: usize) {
        while self.is(place + 1, b'.') {
            place += 2;
        }
        match self.token(place) {
            Some(Token::Word(name)) if functions::is_type(name) => {}
            Some(Token::Word(name) | Token::Quoted(name)) => {
                self.types.insert(name.clone().into_owned());
            }
            _ => {}
        }
    }
}

/// Key words that a string may follow.
#[rustfmt::skip]
const BEFORE_LITERAL: &[&str] = &[
    "all", "and", "any", "as", "asymmetric", "between", "both", "by", "case", "day", "default", "distinct",
    "else", "end", "escape", "except", "for", "from", "group", "having", "hour", "ilike", "in", "leading",
    "like", "limit", "minute", "month", "not", "offset", "on", "or", "placing", "precision", "returning",
    "second", "select", "set", "similar", "symmetric", "then", "to", "trailing", "uescape", "union", "values",
    "when", "where", "with", "year", "zone",
];

/// The text with `$n` for each `?`, without what follows the statement.
fn translate(sql: &str, statement: &[Placed<'_>]) -> (String, usize) {
    let end = statement.last().map_or(0, |last| last.end);
    let mut text = String::with_capacity(sql.len() + 16);
    let mut done = 0;
    let mut parameters = 0;
    for placed in statement {
        let replaced = match placed.token {
            Token::Placeholder => {
                parameters += 1;
                // A digit or a letter may be next to it.
                Some(format!(" ${parameters} "))
            }
            Token::QuestionMark => Some("?".to_owned()),
            _ => None,
        };
        if let Some(replaced) = replaced {
            let _ = write!(
                text,
                "{}{replaced}",
                sql.get(done..placed.start).unwrap_or_default()
            );
            done = placed.end;
        }
    }
    text.push_str(sql.get(done..end).unwrap_or_default());
    (text, parameters)
}

/// Of `INSERT INTO table …`, the table as it is written.
fn table(sql: &str, statement: &[Placed<'_>]) -> Option<String> {
    let into = statement
        .iter()
        .position(|placed| word(Some(placed)) == Some("into"))?;
    let first = statement.get(into + 1)?;
    let mut last = into + 1;
    while statement
        .get(last + 1)
        .is_some_and(|placed| placed.token == Token::Symbol(b'.'))
    {
        last += 2;
    }
    let last = statement.get(last)?;
    sql.get(first.start..last.end).map(str::to_owned)
}

//! What is looked for in the text of a statement before the server sees it.
//!
//! The server decides about tables, by privileges. What it lets everybody do is refused here, and refused whatever is not
//! known: kinds of statements by their first words, functions by name, the catalogue by its names. The text is then
//! passed on as it is, with `$1`, `$2`, … for each `?`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::error::{DbError, DbErrorKind};
use super::calls::Calls;
use super::functions;
use super::lexer::{Spanned, Token, tokens, word};
use super::policy::{Operation, Policy, Purpose, Reserved, reserved};

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
    /// Functions that it calls, all of them open to plugins as far as the host decides.
    pub(super) calls: BTreeSet<String>,
    /// Of a change of the schema, the tables that only their owner may change so.
    pub(super) targets: BTreeSet<String>,
}

impl Checked {
    /// Whether it can make tables that others are to see.
    pub(super) fn makes_objects(&self) -> bool {
        self.kind == Kind::Schema || (self.kind == Kind::Rows && self.names.contains("into"))
    }
}

/// Checks `sql` for a plugin and purpose.
pub(super) fn check(policy: &Policy, sql: &str) -> Result<Checked, DbError> {
    let spanned =
        tokens(sql).map_err(|problem| policy.invalid(format_args!("cannot be read: {problem}")))?;
    let statement = one(policy, &spanned)?;
    let kind = kind(policy, statement)?;
    let mut names = Names {
        policy,
        statement,
        calls: Calls::new(statement, kind == Kind::Schema),
        names: BTreeSet::new(),
        fields: BTreeSet::new(),
        types: BTreeSet::new(),
        called: BTreeSet::new(),
    };
    names.collect()?;
    let Names {
        names,
        fields,
        types,
        called,
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
        calls: called,
        targets: if kind == Kind::Schema {
            targets(statement)
        } else {
            BTreeSet::new()
        },
    })
}

/// The tokens without a `;` at the end.
fn one<'t, 's>(policy: &Policy, spanned: &'t [Spanned<'s>]) -> Result<&'t [Spanned<'s>], DbError> {
    let is_end = |spanned: &Spanned<'_>| spanned.token == Token::Symbol(b';');
    let end = spanned.iter().position(is_end).unwrap_or(spanned.len());
    let statement = spanned.get(..end).unwrap_or_default();
    if spanned.len() > end + 1 {
        return Err(policy.invalid(
            "is more than one: a call runs one statement; db-write.transaction runs several",
        ));
    }
    if statement.is_empty() {
        return Err(policy.invalid("is empty"));
    }
    Ok(statement)
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

fn kind(policy: &Policy, statement: &[Spanned<'_>]) -> Result<Kind, DbError> {
    let first = statement
        .iter()
        .find(|spanned| spanned.token != Token::Symbol(b'('));
    let opened = statement.first() != first;
    let Some(first) = word(first) else {
        return Err(policy
            .invalid("begins with no word")
            .of_kind(DbErrorKind::Syntax));
    };
    let known = |list: &[&str]| list.contains(&first);
    match policy.purpose {
        Purpose::Query if known(QUERIES) => return Ok(Kind::Query),
        Purpose::Query if known(CHANGES) || first == "create" || first == "drop" => {
            return Err(policy.only_reads(format_args!("run {} as a query", first.to_uppercase())));
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
        return Err(DbError::denied(policy.refuse(
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
    let error = policy.invalid(format_args!(
        "begins with {}, which is a syntax error",
        first.to_uppercase(),
    ));
    Err(error.of_kind(DbErrorKind::Syntax))
}

fn schema_change(policy: &Policy, first: &str, statement: &[Spanned<'_>]) -> Result<Kind, DbError> {
    let second = word(statement.get(1)).unwrap_or_default();
    let third = word(statement.get(2)).unwrap_or_default();
    let allowed = match first {
        "create" => matches!(second, "table" | "index") || (second, third) == ("unique", "index"),
        "alter" => second == "table",
        _ => matches!(second, "table" | "index"),
    };
    if !allowed {
        return Err(DbError::denied(policy.refuse(
            format_args!("run {} {}", first.to_uppercase(), second.to_uppercase()),
            "plugins make, alter and drop plain tables and their indexes, and nothing else",
            "no grant allows it",
        )));
    }
    // What depends on a table may be the application's. Rows that refer to rows are another matter.
    let mut before = None;
    for spanned in statement {
        let now = word(Some(spanned));
        if now == Some("execute") {
            return Err(DbError::denied(policy.refuse(
                "run a prepared statement",
                "those of a connection are the host's own",
                "no grant allows it",
            )));
        }
        if first != "create"
            && now == Some("cascade")
            && !matches!(before, Some("delete" | "update"))
        {
            return Err(DbError::denied(policy.refuse(
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
    statement: &'p [Spanned<'p>],
    calls: Calls<'p>,
    names: BTreeSet<String>,
    fields: BTreeSet<String>,
    types: BTreeSet<String>,
    called: BTreeSet<String>,
}

impl<'p> Names<'p> {
    fn token(&self, index: usize) -> Option<&'p Token<'p>> {
        self.statement.get(index).map(|spanned| &spanned.token)
    }

    fn is(&self, index: usize, symbol: u8) -> bool {
        self.token(index) == Some(&Token::Symbol(symbol))
    }

    fn word(&self, index: usize) -> Option<&'p str> {
        word(self.statement.get(index))
    }

    fn collect(&mut self) -> Result<(), DbError> {
        // For each open parenthesis, whether it is that of a CAST.
        let mut open = Vec::new();
        for index in 0..self.statement.len() {
            let Some(token) = self.token(index) else {
                break;
            };
            match token {
                Token::Symbol(b'(') => {
                    open.push(index > 0 && self.word(index - 1) == Some("cast"));
                }
                Token::Symbol(b')') => {
                    open.pop();
                }
                Token::Cast => self.type_at(index + 1),
                Token::Word(name) | Token::Quoted(name) => {
                    let quoted = matches!(token, Token::Quoted(_));
                    self.check_reserved(name)?;
                    if name.len() > LONGEST_NAME {
                        return Err(self.policy.invalid(format_args!(
                            "has a name of more than {LONGEST_NAME} bytes: {name}"
                        )));
                    }
                    self.names.insert(name.clone().into_owned());
                    if index > 0 && self.is(index - 1, b'.') {
                        self.fields.insert(name.clone().into_owned());
                    }
                    if self.is(index + 1, b'(') {
                        self.check_call(index, name)?;
                    }
                    if !quoted && name == "as" && open.last() == Some(&true) {
                        self.type_at(index + 1);
                    }
                    if self.token(index + 1) == Some(&Token::Literal) && !quoted {
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
            Some(Reserved::Host) => Err(DbError::denied(self.policy.refuse_table(
                Operation::of(self.policy.purpose),
                name,
            ))),
            Some(Reserved::Engine) => Err(DbError::denied(self.policy.refuse(
                format_args!("use \"{name}\""),
                "the catalogue, functions and types that look into it, and all that is called pg_… is closed to plugins",
                "no grant allows it",
            ))),
        }
    }

    /// Of a name that a parenthesis follows.
    fn check_call(&mut self, index: usize, name: &str) -> Result<(), DbError> {
        let mut start = index;
        while start >= 2 && self.is(start - 1, b'.') {
            start -= 2;
        }
        if !self.calls.is_call(start, index) {
            return Ok(());
        }
        let qualified = start < index;
        if !qualified && (functions::callable(name) || self.policy.functions.contains(name)) {
            self.called.insert(name.to_owned());
            return Ok(());
        }
        Err(DbError::denied(self.policy.refuse(
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
    fn type_at(&mut self, mut index: usize) {
        while self.is(index + 1, b'.') {
            index += 2;
        }
        match self.token(index) {
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
fn translate(sql: &str, statement: &[Spanned<'_>]) -> (String, usize) {
    let end = statement.last().map_or(0, |last| last.end);
    let mut text = String::with_capacity(sql.len() + 16);
    let mut done = 0;
    let mut parameters = 0;
    for spanned in statement {
        let replaced = match spanned.token {
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
                sql.get(done..spanned.start).unwrap_or_default()
            );
            done = spanned.end;
        }
    }
    text.push_str(sql.get(done..end).unwrap_or_default());
    (text, parameters)
}

/// The tables that `ALTER TABLE`, `DROP TABLE` or `CREATE INDEX` is about.
fn targets(statement: &[Spanned<'_>]) -> BTreeSet<String> {
    let begins_list = |name: &str| matches!(name, "table" | "on");
    let skipped = |name: &str| matches!(name, "if" | "exists" | "only");
    let Some(first) = statement
        .iter()
        .position(|spanned| word(Some(spanned)).is_some_and(begins_list))
        .filter(|_| {
            matches!(word(statement.first()), Some("alter" | "drop")) || is_index(statement)
        })
    else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    let mut last = None;
    for spanned in statement.iter().skip(first + 1) {
        match &spanned.token {
            Token::Word(name) if skipped(name) => {}
            // Behind the name comes what is done to the table.
            Token::Word(_) | Token::Quoted(_) if last.is_some() => break,
            Token::Word(name) | Token::Quoted(name) => last = Some(name),
            Token::Symbol(b'.') => last = None,
            Token::Symbol(b',') => found.extend(last.take().map(|name| name.clone().into_owned())),
            _ => break,
        }
    }
    found.extend(last.map(|name| name.clone().into_owned()));
    found
}

fn is_index(statement: &[Spanned<'_>]) -> bool {
    let words = [1, 2].map(|index| word(statement.get(index)));
    words.contains(&Some("index"))
}

/// Of `INSERT INTO table …`, the table as it is written.
fn table(sql: &str, statement: &[Spanned<'_>]) -> Option<String> {
    let into = statement
        .iter()
        .position(|spanned| word(Some(spanned)) == Some("into"))?;
    let first = statement.get(into + 1)?;
    let mut last = into + 1;
    while statement
        .get(last + 1)
        .is_some_and(|spanned| spanned.token == Token::Symbol(b'.'))
    {
        last += 2;
    }
    let last = statement.get(last)?;
    sql.get(first.start..last.end).map(str::to_owned)
}

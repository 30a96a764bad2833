//! Everything that is wrong with a registration, told at once.
//!
//! An author who made five mistakes reads five lines, each with the name of its field: the kind, counted in the order
//! in which the plugin gives that kind, and the field as the contract's records have it, with underscores:
//! `routes[0].method`, `i18n[0].translations[3].key`, `resources.call_timeout_ms`. They are stable; the messages are
//! for people and name the id or path too. A
//! registration that is wrong in very many places is listed up to [`PROBLEMS_MAX`], with a last line that says how many
//! there are more, so that a hostile one cannot fill the host's memory or its log.

use std::{collections::HashMap, fmt};

use serde::Serialize;

use crate::names::text::quoted_owned;

/// How many problems are listed.
pub const PROBLEMS_MAX: usize = 1000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Which field, such as `routes[0].method`.
    pub field: String,
    /// What was found there, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// All that is wrong with a registration; at least one problem. Shown with one line for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems in the order of the registration.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Found {
    listed: Vec<Problem>,
    unlisted: usize,
}

impl Found {
    /// Notes one problem.
    pub(super) fn add(&mut self, field: impl fmt::Display, message: impl fmt::Display) {
        if self.listed.len() < PROBLEMS_MAX {
            self.listed.push(Problem {
                field: field.to_string(),
                message: message.to_string(),
            });
        } else {
            self.unlisted += 1;
        }
    }

    /// The value of `result`, or `None` and one more problem.
    pub(super) fn take<T, E: fmt::Display>(
        &mut self,
        field: impl fmt::Display,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|message| self.add(field, message)).ok()
    }

    /// The end of the search: `value` where nothing was found.
    ///
    /// `value` is `None` only where a problem was found.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        if self.unlisted > 0 {
            self.listed.push(Problem {
                field: "contributions".to_owned(),
                message: format!("{} further problems are not listed", self.unlisted),
            });
        }
        match value {
            Some(value) if self.listed.is_empty() => Ok(value),
            _ => Err(Problems(self.listed)),
        }
    }
}

/// The contributions of one kind while they are read: counts them, valid or not, and knows which names are taken.
#[derive(Debug)]
pub(super) struct Section<T> {
    /// The kind in field names, such as `menu_items`.
    kind: &'static str,
    /// The kind in messages, such as `menu item`.
    word: &'static str,
    count: usize,
    taken: HashMap<String, usize>,
    valid: Vec<T>,
}

impl<T> Section<T> {
    pub(super) fn new(kind: &'static str, word: &'static str) -> Self {
        Section {
            kind,
            word,
            count: 0,
            taken: HashMap::new(),
            valid: Vec::new(),
        }
    }

    /// Reads one contribution, which may be several of its kind at once: a route for several methods. `subject` is what
    /// its author knows it by: its id, or its path.
    pub(super) fn read<P: IntoIterator<Item = T>>(
        &mut self,
        found: &mut Found,
        subject: &str,
        parse: impl FnOnce(&mut Item<'_>) -> P,
    ) {
        let mut item = Item {
            kind: self.kind,
            word: self.word,
            index: self.count,
            subject: quoted_owned(subject),
            taken: &mut self.taken,
            found,
        };
        let parsed = parse(&mut item);
        self.count += 1;
        self.valid.extend(parsed);
    }

    /// The index that the next contribution gets.
    pub(super) fn next_index(&self) -> usize {
        self.count
    }

    /// The valid ones, in the order in which they were read.
    pub(super) fn finish(self) -> Vec<T> {
        self.valid
    }
}

/// One contribution while it is read: knows where problems with it belong.
#[derive(Debug)]
pub(super) struct Item<'a> {
    kind: &'static str,
    word: &'static str,
    index: usize,
    subject: String,
    taken: &'a mut HashMap<String, usize>,
    found: &'a mut Found,
}

impl Item<'_> {
    /// Notes a problem with `field` of this contribution; an empty field means the whole of it.
    pub(super) fn problem(&mut self, field: impl fmt::Display, message: impl fmt::Display) {
        let (kind, index) = (self.kind, self.index);
        let field = field.to_string();
        let dot = if field.is_empty() { "" } else { "." };
        self.found.add(
            format_args!("{kind}[{index}]{dot}{field}"),
            format_args!("{} {}: {message}", self.word, self.subject),
        );
    }

    /// The value of `result`, or `None` and one more problem.
    pub(super) fn take<T, E: fmt::Display>(
        &mut self,
        field: impl fmt::Display,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|message| self.problem(field, message)).ok()
    }

    /// Notes a problem where an earlier contribution of this kind has the same `key`, which `what` names.
    pub(super) fn unique(&mut self, field: impl fmt::Display, key: String, what: &str) {
        if let Some(&first) = self.taken.get(&key) {
            let kind = self.kind;
            self.problem(
                field,
                format_args!("{kind}[{first}] has the same {what}; it must be unique"),
            );
        } else {
            self.taken.insert(key, self.index);
        }
    }

    /// Notes a problem where this is not the first of its kind.
    pub(super) fn at_most_one(&mut self) {
        if self.index > 0 {
            self.problem("", "there is one already; expected at most one");
        }
    }
}

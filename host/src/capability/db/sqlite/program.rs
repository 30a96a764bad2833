//! The second look: which tables a compiled statement opens.
//!
//! SQLite does not ask the authorizer about columns by which `NATURAL` and `USING` join, and if nothing else of a table
//! is used, not about the table either: `WITH g(password) AS (VALUES (?)) SELECT 1 FROM g NATURAL JOIN account` would
//! answer whether an account has that password. So the program that the engine made is listed (by `EXPLAIN`, which runs
//! nothing), each tree that it opens is looked up in the schema, and its table is checked like any other. This covers
//! what views, triggers and foreign keys open too. It says nothing about how the text was written, so it has no cases.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension;

use super::super::error::DbError;
use super::policy::{Operation, Purpose, reserved};
use super::session::Session;
use super::text;

/// What a program opens.
#[derive(Debug, Default)]
struct Opened {
    /// Page of the root of a table or index, and whether it is written, with how often it is opened so.
    trees: BTreeMap<(i64, bool), usize>,
    /// Whether a tree of a database other than the main one is among them, or one that does not exist yet.
    elsewhere: bool,
    /// Where in memory the virtual tables among them are; none for one that is not said.
    virtual_tables: BTreeSet<Option<usize>>,
    /// How many instructions make a value of any size.
    values: usize,
}

/// Refuses a statement that opens a table out of scope. `sql` compiled without an error, and changes no schema.
///
/// Returns how many instructions of the program make a value. The engine lets the watch look when a program loops, so
/// this many values can come to be before it does.
pub(super) fn check(session: &Session, sql: &str) -> Result<usize, DbError> {
    let policy = session.policy();
    let opened = list(session, sql).map_err(|error| session.fail(error))?;
    if opened.elsewhere {
        return Err(DbError::denied(policy.refuse(
            "run a statement that opens a table outside the main database",
            "there is nothing for plugins",
            "no grant allows it",
        )));
    }
    if text::has_word(sql, &["natural", "using"]) {
        for address in &opened.virtual_tables {
            check_joined(session, *address)?;
        }
    }
    for (&(root, written), &times) in &opened.trees {
        let table = table_of(session, root).map_err(|error| session.fail(error))?;
        let Some(table) = table else {
            return Err(DbError::conflict(format!(
                "the schema changed while a statement of plugin \"{}\" was compiled; trying again helps",
                policy.plugin
            )));
        };
        // The engine counts there for the tables that ask for it: for each it reads, and writes. Who reads more is the plugin.
        let writes = opened.trees.get(&(root, true)).copied().unwrap_or(0);
        if table == "sqlite_sequence"
            && (written || times <= writes)
            && policy.purpose == Purpose::Change
        {
            continue;
        }
        let operation = if written {
            Operation::Update
        } else {
            Operation::Read
        };
        // What stands for such a table is virtual, so this is the table itself, reached through what the application made.
        if policy.owned.index(&table).is_some() {
            return Err(DbError::denied(policy.refuse_owned(&table)));
        }
        if reserved(&table).is_some() || !policy.covers(operation, &table) {
            return Err(DbError::denied(
                policy.refuse_table(operation, &table, None),
            ));
        }
    }
    Ok(opened.values)
}

/// Refuses a virtual table that is joined by names of columns, unless all of it may be read.
fn check_joined(session: &Session, address: Option<usize>) -> Result<(), DbError> {
    let policy = session.policy();
    let owned = address.and_then(|address| session.organisations.table_at(address));
    match owned.and_then(|index| policy.owned.tables().get(index)) {
        Some(table) if policy.covers(Operation::Read, &table.name) => Ok(()),
        Some(table) => Err(DbError::denied(policy.refuse_table(
            Operation::Read,
            &table.name,
            None,
        ))),
        None => Err(DbError::denied(policy.refuse(
            "join a virtual table or a table-valued function by NATURAL or USING",
            "which one it is cannot be checked",
            "write the condition with ON",
        ))),
    }
}

/// What the listing says of a virtual table: `vtab:` and where it is in memory.
fn address(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("vtab:")?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    usize::from_str_radix(digits, 16).ok()
}

fn list(session: &Session, sql: &str) -> rusqlite::Result<Opened> {
    session.guard.as_host(|| {
        let mut opened = Opened::default();
        let mut explain = session.db.prepare(&format!("EXPLAIN {sql}"))?;
        let mut rows = explain.raw_query();
        while let Some(row) = rows.next()? {
            let operation = row.get_ref(1)?.as_bytes().unwrap_or_default();
            match operation {
                b"OpenRead" | b"OpenWrite" | b"ReopenIdx" => {
                    let root: i64 = row.get(3)?;
                    let database: i64 = row.get(4)?;
                    let flags: i64 = row.get(6)?;
                    /// The root is in a register, of a tree that the program itself creates.
                    const IN_REGISTER: i64 = 0x10;
                    if database != 0 || flags & IN_REGISTER != 0 {
                        opened.elsewhere = true;
                    }
                    *opened
                        .trees
                        .entry((root, operation == b"OpenWrite"))
                        .or_default() += 1;
                }
                b"VOpen" => {
                    let text = row.get_ref(5)?.as_bytes().unwrap_or_default();
                    opened.virtual_tables.insert(address(text));
                }
                b"Function" | b"PureFunc" | b"Concat" | b"Column" | b"VColumn" | b"Copy"
                | b"Cast" | b"AggStep" | b"AggStep1" | b"AggInverse" | b"AggValue"
                | b"AggFinal" | b"MakeRecord" | b"RowData" | b"Variable" => opened.values += 1,
                _ => {}
            }
        }
        Ok(opened)
    })
}

/// The table that the tree belongs to.
fn table_of(session: &Session, root: i64) -> rusqlite::Result<Option<String>> {
    if root == 1 {
        return Ok(Some("sqlite_schema".to_owned()));
    }
    session.guard.as_host(|| {
        session
            .db
            .query_row(
                "SELECT tbl_name FROM main.sqlite_schema WHERE rootpage = ?1",
                [root],
                |row| row.get(0),
            )
            .optional()
    })
}

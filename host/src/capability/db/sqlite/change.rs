//! Running changes: all of a call in one transaction of the host's own.
//!
//! Changes of the schema get a second look before the commit. The engine does not tell the authorizer the new name of
//! a renamed table, so the names of all tables before and after are compared. And it does not ask about all that a new
//! column's definition calls or refers to, so the definition that it stored, and an insertion of a row of defaults, are
//! compiled again under the authorizer, which then sees what any later statement on the table, by anybody, would use.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, ffi};

use super::super::backend::{Call, Outcome, Statement};
use super::super::error::{DbError, DbReason};
use super::authorizer::{Author, SchemaChange};
use super::fault;
use super::policy::{Operation, reserved};
use super::session::Session;
use super::statement::Prepared;
use super::text::identifier;
use super::ticket::Ticket;

/// Runs all statements, or none. They take effect only if the ticket is still good at the end.
pub(super) fn run(
    session: &Session,
    ticket: &Ticket,
    call: &mut Call,
    statements: &[Statement],
) -> Result<Vec<Outcome>, DbError> {
    let named = |index: usize, error: DbError| match statements.len() {
        1 => error,
        _ => error.in_statement(index),
    };
    // What the scope refuses costs no lock and is not counted. Later statements may need what this one makes.
    if let Some(first) = statements.first() {
        Prepared::new(session, &first.sql)
            .map_err(|error| named(0, error))?
            .keep();
    }
    call.count()?;
    session
        .host("BEGIN IMMEDIATE")
        .map_err(|error| session.fail(error))?;
    let outcomes = session.check_current().and_then(|()| {
        statements
            .iter()
            .enumerate()
            .map(|(index, statement)| one(session, statement).map_err(|error| named(index, error)))
            .collect::<Result<Vec<_>, _>>()
    });
    // From here on nobody interrupts: what begins now must end.
    let good = ticket.finish();
    session.watch.disarm();
    let done = match outcomes.and_then(|outcomes| good.map(|()| outcomes)) {
        Ok(outcomes) => session
            .host("COMMIT")
            .map(|()| outcomes)
            .map_err(|error| session.fail(error)),
        Err(error) => Err(error),
    };
    // Some errors have ended the transaction already.
    if done.is_err() && !session.db.is_autocommit() && session.host("ROLLBACK").is_err() {
        session.spoil();
    }
    done
}

fn one(session: &Session, statement: &Statement) -> Result<Outcome, DbError> {
    let mut prepared = Prepared::new(session, &statement.sql)?;
    prepared.bind(&statement.params)?;
    if prepared.statement()?.column_count() > 0 {
        return Err(session.policy().returns_rows());
    }
    let before = match &prepared.facts.schema {
        Some(SchemaChange::AlterTable(_)) => Some(tables(session)?),
        _ => None,
    };
    forget_last_insertion(session);
    session.organisations.begin(&statement.sql);
    let values = prepared.facts.values;
    let changed = session.with_values(values, || {
        prepared
            .statement()?
            .raw_execute()
            .map_err(|error| session.fail(error))
    })?;
    let inserted = session.db.last_insert_rowid();
    let schema = prepared.facts.schema.clone();
    match schema {
        None => {
            if prepared.was_recompiled()? {
                prepared.check_again()?;
            }
        }
        Some(SchemaChange::AlterTable(table)) => {
            let renamed = check_names(session, &before.unwrap_or_default())?;
            check_definition(session, &renamed.unwrap_or(table))?;
        }
        Some(SchemaChange::CreateTable(table)) => check_definition(session, &table)?,
        Some(SchemaChange::CreateIndex | SchemaChange::Drop) => {}
    }
    let changes_rows = prepared.facts.changes_rows;
    prepared.keep();
    Ok(Outcome {
        rows_affected: if changes_rows {
            u64::try_from(changed).unwrap_or(u64::MAX)
        } else {
            0
        },
        last_insert_id: (inserted != 0).then_some(inserted),
    })
}

/// Makes the engine's last row id 0, so that one that is there afterwards is of the statement in between.
fn forget_last_insertion(session: &Session) {
    // SAFETY: the handle is that of an open connection, which the session owns and which no other thread uses
    // meanwhile; the function only sets a number in it.
    unsafe { ffi::sqlite3_set_last_insert_rowid(session.db.handle(), 0) }
}

fn tables(session: &Session) -> Result<BTreeSet<String>, DbError> {
    session
        .guard
        .as_host(|| {
            let mut names = session
                .db
                .prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'")?;
            let names = names.query_map([], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()
        })
        .map_err(|error| session.fail(error))
}

/// Refuses tables that were not there before and whose names are not in scope; returns the new name, if there is one.
fn check_names(session: &Session, before: &BTreeSet<String>) -> Result<Option<String>, DbError> {
    let policy = session.policy();
    let after = tables(session)?;
    let mut new = after.difference(before);
    let found = new.next().cloned();
    for name in found.iter().chain(new) {
        if policy.owned.index(name).is_some() {
            return Err(DbError::denied(policy.refuse_owned(name)));
        }
        if reserved(name).is_some() || !policy.covers(Operation::Create, name) {
            return Err(DbError::denied(policy.refuse_table(
                Operation::Create,
                name,
                None,
            )));
        }
    }
    Ok(found)
}

/// Refuses a table whose definition calls functions that plugins may not call, or that only the application's own
/// connections have, or into which the plugin could not insert a row of defaults.
fn check_definition(session: &Session, table: &str) -> Result<(), DbError> {
    let definition: Option<String> = session
        .guard
        .as_host(|| {
            session
                .db
                .query_row(
                    "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
                    [table],
                    |row| row.get(0),
                )
                .optional()
        })
        .map_err(|error| session.fail(error))?;
    // The engine stores every definition with these words in front. Among the temporary tables no name is taken.
    if let Some(rest) = definition
        .as_deref()
        .and_then(|text| text.strip_prefix("CREATE TABLE "))
    {
        let again = format!("EXPLAIN CREATE TEMP TABLE {rest}");
        session
            .guard
            .written_by(Author::Definition, || check_compiles(session, &again))?;
    }
    check_parents(session, table)?;
    let insertion = format!(
        "EXPLAIN INSERT INTO main.{} DEFAULT VALUES",
        identifier(table)
    );
    check_compiles(session, &insertion)
}

/// Refuses a foreign key to a table that the plugin could not change itself: rows of that table could no longer be deleted
/// by those whose it is, or none at all where the key does not fit. The names are those that the engine stored, since it
/// asks nobody about a key that does not fit.
fn check_parents(session: &Session, table: &str) -> Result<(), DbError> {
    let policy = session.policy();
    let parents = session
        .guard
        .as_host(|| {
            let sql = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1, 'main')";
            let mut parents = session.db.prepare(sql)?;
            let parents = parents.query_map([table], |row| row.get(0))?;
            parents.collect::<rusqlite::Result<Vec<String>>>()
        })
        .map_err(|error| session.fail(error))?;
    for parent in parents {
        if policy.owned.index(&parent).is_some() {
            return Err(DbError::denied(policy.refuse_owned(&parent)));
        }
        if reserved(&parent).is_some() || !policy.covers(Operation::Refer, &parent) {
            return Err(DbError::denied(policy.refuse_table(
                Operation::Refer,
                &parent,
                None,
            )));
        }
    }
    Ok(())
}

/// Compiles `sql`. It may fail, as a foreign key may lead to a table that is created later; but it must not be refused,
/// nor call a function that does not exist here.
fn check_compiles(session: &Session, sql: &str) -> Result<(), DbError> {
    session.guard.begin();
    match session.db.prepare(sql) {
        Ok(_) => Ok(()),
        Err(error) => {
            let is_unknown = fault::names_no_function(&error);
            let error = session.fail(error);
            if error.reason == DbReason::Denied || is_unknown {
                Err(error)
            } else {
                Ok(())
            }
        }
    }
}

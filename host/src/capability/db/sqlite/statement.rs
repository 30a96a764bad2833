//! A plugin's statement: compiled under the authorizer, checked, bound.
//!
//! A statement stays in the connection's cache only if its use ended well. One that is there was checked when it was
//! compiled; the engine compiles it again, under the authorizer, when the schema has changed, and whoever ran it finds
//! out by [`Prepared::was_recompiled`].

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, StatementStatus};

use super::super::backend::Value;
use super::super::error::{DbError, DbReason};
use super::authorizer::Findings;
use super::policy::Operation;
use super::program;
use super::session::{Facts, Session};
use super::text::{self, NotOne};

/// A statement that may run. Unless it is kept, it is discarded.
pub(super) struct Prepared<'s> {
    session: &'s Session,
    sql: &'s str,
    statement: Option<CachedStatement<'s>>,
    pub(super) facts: Facts,
}

impl<'s> Prepared<'s> {
    /// Compiles `sql`, or takes it from the cache.
    pub(super) fn new(session: &'s Session, sql: &'s str) -> Result<Self, DbError> {
        let sql = sql.trim();
        check_text(session, sql)?;
        session.guard.begin();
        let known = session.facts(sql);
        let statement = compile(session, sql)?;
        let is_new = known.is_none();
        let mut prepared = Self {
            session,
            sql,
            statement: Some(statement),
            facts: known.unwrap_or_default(),
        };
        if is_new {
            let findings = session.guard.take();
            let values = prepared.check(&findings)?;
            session.guard.resume(findings.schema.clone());
            prepared.facts = Facts {
                schema: findings.schema,
                changes_rows: findings.changes_rows,
                values,
            };
        }
        Ok(prepared)
    }

    /// The compiled statement.
    pub(super) fn statement(&mut self) -> Result<&mut CachedStatement<'s>, DbError> {
        // It is only taken at the end.
        self.statement
            .as_mut()
            .ok_or_else(|| DbError::unavailable("a statement was used after its end".to_owned()))
    }

    fn check(&mut self, findings: &Findings) -> Result<usize, DbError> {
        let policy = self.session.policy();
        if let Some(denial) = findings.denied() {
            return Err(denial);
        }
        if self.statement()?.is_explain() != 0 {
            return Err(DbError::denied(policy.refuse(
                "use EXPLAIN",
                "this is closed to plugins",
                "no grant allows it",
            )));
        }
        if findings.writes_schema && findings.schema.is_none() {
            return Err(DbError::denied(policy.refuse_table(
                Operation::Update,
                "sqlite_schema",
                None,
            )));
        }
        for name in &findings.unplaced {
            if self.exists(name, &["table", "view"])? {
                return Err(DbError::denied(policy.refuse_table(
                    Operation::Read,
                    name,
                    None,
                )));
            }
        }
        // A view of which no column is used shows only in what it leads to.
        for name in &findings.through {
            if !policy.covers(Operation::Read, name) && self.exists(name, &["view"])? {
                return Err(DbError::denied(policy.refuse_table(
                    Operation::Read,
                    name,
                    None,
                )));
            }
        }
        match findings.schema {
            None => program::check(self.session, self.sql),
            Some(_) => Ok(0),
        }
    }

    /// Whether an object of this name and one of these types exists; if not, the statement names an expression of its
    /// own.
    fn exists(&self, name: &str, types: &[&str]) -> Result<bool, DbError> {
        let session = self.session;
        session
            .guard
            .as_host(|| {
                session
                    .db
                    .query_row(
                        "SELECT group_concat(type) FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE",
                        [name],
                        |row| row.get::<_, Option<String>>(0),
                    )
            })
            .map(|found| {
                let found = found.unwrap_or_default();
                found.split(',').any(|kind| types.contains(&kind))
            })
            .map_err(|error| session.fail(error))
    }

    /// Binds `params`, of which there must be as many as `?` in the statement.
    pub(super) fn bind(&mut self, params: &[Value]) -> Result<(), DbError> {
        let session = self.session;
        let plugin = &session.policy().plugin;
        session.policy().check_parameters(params, &session.caps)?;
        let statement = self.statement()?;
        let wanted = statement.parameter_count();
        if let Some(name) = (1..=wanted).find_map(|number| statement.parameter_name(number)) {
            return Err(DbError::invalid(format!(
                "plugin \"{plugin}\" uses the parameter {name}: only ? is available, once for each parameter"
            )));
        }
        if wanted != params.len() {
            return Err(DbError::invalid(format!(
                "plugin \"{plugin}\" sent a statement with {wanted} parameters (?) and handed over {}",
                params.len()
            )));
        }
        for (index, value) in params.iter().enumerate() {
            let value = match value {
                Value::Null => ValueRef::Null,
                Value::Boolean(yes) => ValueRef::Integer(i64::from(*yes)),
                Value::Integer(number) => ValueRef::Integer(*number),
                Value::Real(number) => ValueRef::Real(*number),
                Value::Text(text) => ValueRef::Text(text.as_bytes()),
                Value::Blob(bytes) => ValueRef::Blob(bytes),
            };
            statement
                .raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(value))
                .map_err(|error| session.fail(error))?;
        }
        Ok(())
    }

    /// Whether the engine compiled the statement again since this was last asked, and so without [`program::check`].
    pub(super) fn was_recompiled(&mut self) -> Result<bool, DbError> {
        Ok(self.statement()?.reset_status(StatementStatus::RePrepare) > 0)
    }

    /// Checks again what the engine compiled again.
    pub(super) fn check_again(&self) -> Result<(), DbError> {
        program::check(self.session, self.sql).map(|_| ())
    }

    /// Leaves the statement for the next call.
    pub(super) fn keep(mut self) {
        if self.facts.schema.is_none()
            && let Some(statement) = self.statement.take()
        {
            self.session.remember(self.sql, self.facts.clone());
            drop(statement);
        }
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        if let Some(statement) = self.statement.take() {
            self.session.forget(self.sql);
            statement.discard();
        }
    }
}

fn compile<'s>(session: &'s Session, sql: &str) -> Result<CachedStatement<'s>, DbError> {
    let attempt = || {
        session
            .db
            .prepare_cached(sql)
            .map_err(|error| session.fail(error))
    };
    match attempt() {
        Err(error) if error.reason == DbReason::Denied => {
            // The engine compiles by the schema that it knows, and learns of a new one only when a statement runs. A
            // refusal shall be by the schema of now.
            session.refresh()?;
            session.guard.begin();
            attempt()
        }
        other => other,
    }
}

fn check_text(session: &Session, sql: &str) -> Result<(), DbError> {
    let plugin = &session.policy().plugin;
    let most = session.caps.max_sql_bytes;
    if sql.len() > most {
        return Err(DbError::too_large(format!(
            "plugin \"{plugin}\" sent SQL of {} bytes; at most {most} are allowed",
            sql.len()
        )));
    }
    let wrong = |what: &str| Err(DbError::invalid(format!("plugin \"{plugin}\" sent {what}")));
    match text::first_word(sql) {
        Ok(word) if word == "VACUUM" => Err(DbError::denied(session.policy().refuse(
            "use VACUUM",
            "this is the operator's",
            "no grant allows it",
        ))),
        // The body of a trigger has semicolons. The authorizer refuses it.
        Ok(_) => Ok(()),
        Err(NotOne::Several) if text::creates_trigger(sql) => Ok(()),
        Err(NotOne::Several) => {
            wrong("more than one statement: a call runs one; db-write.transaction runs several")
        }
        Err(NotOne::Empty) => wrong("no statement"),
        Err(NotOne::Nul) => wrong("SQL with a NUL character"),
    }
}

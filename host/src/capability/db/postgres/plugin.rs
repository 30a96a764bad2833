//! The database as one plugin sees it: what is decided before a connection is touched.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::backend::{Call, Caps, DbError, Outcome, PluginDatabase, Rows, Statement, Value};
use super::Newest;
use super::policy::Policy;
use super::side::Side;
use super::statement::{self, Checked};

/// See the module.
pub(super) struct PostgresPlugin {
    pub(super) queries: Arc<Side>,
    pub(super) changes: Arc<Side>,
    pub(super) newest: Newest,
}

/// Checks what can be checked without the server.
fn admit(policy: &Policy, caps: &Caps, sql: &str, params: &[Value]) -> Result<Checked, DbError> {
    let plugin = &policy.plugin;
    if sql.len() > caps.max_sql_bytes {
        return Err(DbError::TooLarge(format!(
            "plugin \"{plugin}\" sent a statement of {} bytes; at most {} are allowed",
            sql.len(),
            caps.max_sql_bytes
        )));
    }
    let bytes: usize = params.iter().map(Value::bytes).sum();
    if bytes > caps.max_bytes {
        return Err(DbError::TooLarge(format!(
            "plugin \"{plugin}\" handed over parameters of {bytes} bytes; at most {} are allowed",
            caps.max_bytes
        )));
    }
    let checked = statement::check(policy, sql)?;
    if checked.parameters != params.len() {
        return Err(DbError::Invalid(format!(
            "plugin \"{plugin}\" sent a statement with {} parameters (?) and handed over {}",
            checked.parameters,
            params.len()
        )));
    }
    if params.len() > usize::from(u16::MAX / 2) {
        return Err(DbError::TooLarge(format!(
            "plugin \"{plugin}\" handed over {} parameters; at most {} are possible",
            params.len(),
            u16::MAX / 2
        )));
    }
    Ok(checked)
}

impl PostgresPlugin {
    async fn change(
        &self,
        statements: Vec<Statement>,
        call: Call,
    ) -> Result<Vec<Outcome>, DbError> {
        let (policy, caps) = (&self.changes.policy, &self.changes.caps);
        if policy.scopes.write.is_none() {
            return Err(DbError::Denied(policy.refuse(
                "change the database",
                "it has no db:write grant",
                "grant db:write with the tables it needs",
            )));
        }
        let count = statements.len();
        if count > caps.max_statements {
            return Err(DbError::TooLarge(format!(
                "plugin \"{}\" sent a transaction of {count} statements; at most {} are allowed",
                policy.plugin, caps.max_statements
            )));
        }
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let bytes: usize = statements
            .iter()
            .flat_map(|one| &one.params)
            .map(Value::bytes)
            .sum();
        if bytes > caps.max_bytes {
            return Err(DbError::TooLarge(format!(
                "plugin \"{}\" handed over parameters of {bytes} bytes; at most {} are allowed",
                policy.plugin, caps.max_bytes
            )));
        }
        let admitted = statements
            .into_iter()
            .enumerate()
            .map(
                |(place, Statement { sql, params })| match admit(policy, caps, &sql, &params) {
                    Ok(checked) => Ok((checked, params)),
                    Err(error) if count > 1 => Err(error.in_statement(place + 1)),
                    Err(error) => Err(error),
                },
            )
            .collect::<Result<Vec<_>, _>>()?;
        self.newest.check(&policy.plugin)?;
        self.changes.change(&admitted, call).await
    }
}

#[async_trait]
impl PluginDatabase for PostgresPlugin {
    async fn query(&self, sql: String, params: Vec<Value>, call: Call) -> Result<Rows, DbError> {
        let policy = &self.queries.policy;
        if policy.scopes.read.is_none() {
            return Err(DbError::Denied(policy.refuse(
                "query the database",
                "it has no db:read grant",
                "grant db:read with the tables it needs",
            )));
        }
        let checked = admit(policy, &self.queries.caps, &sql, &params)?;
        self.newest.check(&policy.plugin)?;
        self.queries.query(&checked, &params, call).await
    }

    async fn execute(
        &self,
        sql: String,
        params: Vec<Value>,
        call: Call,
    ) -> Result<Outcome, DbError> {
        let outcomes = self.change(vec![Statement { sql, params }], call).await?;
        outcomes
            .into_iter()
            .next()
            .ok_or_else(|| DbError::Unavailable("the change had no outcome".to_owned()))
    }

    async fn transaction(
        &self,
        statements: Vec<Statement>,
        call: Call,
    ) -> Result<Vec<Outcome>, DbError> {
        self.change(statements, call).await
    }
}

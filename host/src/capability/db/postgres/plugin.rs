//! The database as one plugin sees it: what is decided before a connection is touched.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::backend::{Call, Caps, Engine, Outcome, PluginDatabase, Rows, Statement, Value};
use super::super::error::DbError;
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
        return Err(DbError::too_large(format!(
            "plugin \"{plugin}\" sent a statement of {} bytes; at most {} are allowed",
            sql.len(),
            caps.max_sql_bytes
        )));
    }
    policy.check_parameters(params, caps)?;
    let checked = statement::check(policy, sql)?;
    if checked.parameters != params.len() {
        return Err(DbError::invalid(format!(
            "plugin \"{plugin}\" sent a statement with {} parameters (?) and handed over {}",
            checked.parameters,
            params.len()
        )));
    }
    if params.len() > usize::from(u16::MAX / 2) {
        return Err(DbError::too_large(format!(
            "plugin \"{plugin}\" handed over {} parameters; at most {} are possible",
            params.len(),
            u16::MAX / 2
        )));
    }
    Ok(checked)
}

#[async_trait]
impl PluginDatabase for PostgresPlugin {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    async fn query(&self, sql: String, params: Vec<Value>, call: Call) -> Result<Rows, DbError> {
        let policy = &self.queries.policy;
        policy.check_query()?;
        let checked = admit(policy, &self.queries.caps, &sql, &params)?;
        self.newest.check(&policy.plugin)?;
        self.queries.query(&checked, &params, call).await
    }

    async fn transaction(
        &self,
        statements: Vec<Statement>,
        call: Call,
    ) -> Result<Vec<Outcome>, DbError> {
        let (policy, caps) = (&self.changes.policy, &self.changes.caps);
        policy.check_changes(&statements, caps)?;
        let count = statements.len();
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let admitted = statements
            .into_iter()
            .enumerate()
            .map(
                |(index, Statement { sql, params })| match admit(policy, caps, &sql, &params) {
                    Ok(checked) => Ok((checked, params)),
                    Err(error) if count > 1 => Err(error.in_statement(index)),
                    Err(error) => Err(error),
                },
            )
            .collect::<Result<Vec<_>, _>>()?;
        self.newest.check(&policy.plugin)?;
        self.changes.change(&admitted, call).await
    }
}

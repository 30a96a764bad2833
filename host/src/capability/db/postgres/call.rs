//! One call on one connection: its transaction, and its statements with types for their parameters.

use std::time::Instant;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Statement};

use super::super::backend::{Caps, Value};
use super::super::error::{DbError, DbErrorKind, DbReason};
use super::access::Access;
use super::foundation::Foundation;
use super::param::{Param, holds, kind, own_type};
use super::policy::{Policy, Purpose};
use super::pool::Lease;
use super::settings::PostgresSettings;
use super::statement::Checked;
use super::text::identifier;
use super::{fault, param};

/// Why a call did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(DbError),
    /// The server cannot tell the type of a parameter: again, with the values' own.
    Untyped,
    /// A statement was prepared before the schema changed: again.
    Outdated,
    /// A table was refused that the scope covers: again, after a look at the rights.
    Missed,
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

/// What a call runs with.
pub(super) struct Running<'c> {
    pub(super) policy: &'c Policy,
    pub(super) settings: &'c PostgresSettings,
    pub(super) foundation: &'c Foundation,
    pub(super) access: &'c Access,
    pub(super) caps: &'c Caps,
    pub(super) role: &'c str,
    /// When it ends: the call's own deadline, or what the time for a statement leaves of it.
    pub(super) deadline: Instant,
    /// For which organisation.
    pub(super) org_id: Option<i64>,
    pub(super) lease: &'c mut Lease,
    /// Parameters have the types of their values.
    pub(super) own_types: bool,
    /// When the call began. Rights that were looked at later are those of the call.
    pub(super) began: Instant,
    /// The plugin's statement that runs, if it is one of the plugin's.
    pub(super) statement: Option<&'c Checked>,
}

impl Running<'_> {
    /// Begins the transaction, for the organisation of the call.
    pub(super) async fn begin(&mut self) -> Result<(), Stop> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let time = left.as_millis().clamp(1, 3_600_000);
        // A lock that is not to be had is told before time is up.
        let patience = (time * 9 / 10).max(1);
        let mode = match self.policy.purpose {
            Purpose::Query => "ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Purpose::Change => "ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        let script = format!(
            "BEGIN {mode}; SET LOCAL statement_timeout = {time}; SET LOCAL lock_timeout = {patience}"
        );
        let org = self.org_id.filter(|_| self.access.organised);
        let enter = format!(
            "SELECT {}.goatherd_enter($1, $2)",
            identifier(&self.settings.schema)
        );
        let secret = self.foundation.secret.as_slice();
        let session = self.session()?;
        let done = match org {
            None => session.client.batch_execute(&script).await,
            Some(org) => match session.own(&enter).await {
                // Sent together: without the transaction, there is no organisation either.
                Ok(enter) => {
                    let parameters: [&(dyn ToSql + Sync); 2] = [&secret, &org];
                    let (begun, entered) = futures::future::join(
                        session.client.batch_execute(&script),
                        session.client.execute(&enter, &parameters),
                    )
                    .await;
                    begun.and(entered.map(|_| ()))
                }
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| self.stopped(&error))
    }

    pub(super) fn session(&mut self) -> Result<&mut super::pool::Session, Stop> {
        self.lease
            .session()
            .map_err(|reason| Stop::Failed(DbError::unavailable(reason)))
    }

    /// What an error of the driver or the server means.
    pub(super) fn stopped(&mut self, error: &Error) -> Stop {
        let plugin = &self.policy.plugin;
        if self
            .lease
            .session()
            .is_ok_and(|session| session.received_too_much())
        {
            return Stop::Failed(DbError::too_large(format!(
                "plugin \"{plugin}\" asked for more than {} bytes; select fewer rows or columns",
                self.caps.max_bytes
            )));
        }
        if let Some(error) = error.as_db_error() {
            if *error.code() == SqlState::INDETERMINATE_DATATYPE && !self.own_types {
                return Stop::Untyped;
            }
            if fault::is_outdated(error) {
                return Stop::Outdated;
            }
            if let (Some(message), Some(statement)) = (fault::lacks_right(error), self.statement)
                && self.access.is_older_than(self.began)
                && self.access.may_have_missed(self.policy, statement, message)
            {
                return Stop::Missed;
            }
        }
        Stop::Failed(fault::of(self.policy, self.access, self.statement, error))
    }

    /// Prepares a plugin's statement so that each parameter's type holds its value.
    pub(super) async fn prepare(
        &mut self,
        checked: &Checked,
        params: &[Value],
    ) -> Result<Statement, Stop> {
        if let Some(known) = self.session()?.remembered(&checked.sql)
            && all_hold(&known, params)
        {
            return Ok(known);
        }
        let own: Vec<Type> = if self.own_types {
            params.iter().map(typed).collect()
        } else {
            Vec::new()
        };
        let first = self
            .session()?
            .client
            .prepare_typed(&checked.sql, &own)
            .await;
        let first = first.map_err(|error| self.stopped(&error))?;
        if all_hold(&first, params) {
            if !self.own_types {
                self.session()?.remember(checked.sql.clone(), first.clone());
            }
            return Ok(first);
        }
        let types: Vec<Type> = first
            .params()
            .iter()
            .zip(params)
            .map(|(ty, value)| {
                if holds(ty, value) {
                    ty.clone()
                } else {
                    own_type(value)
                }
            })
            .collect();
        let again = self
            .session()?
            .client
            .prepare_typed(&checked.sql, &types)
            .await;
        let again = again.map_err(|error| match self.stopped(&error) {
            Stop::Failed(error) if error.reason == DbReason::Invalid => Stop::Failed(DbError {
                text: format!("{} ({})", error.text, mismatch(&first, params)),
                ..error
            }),
            other => other,
        })?;
        if all_hold(&again, params) {
            Ok(again)
        } else {
            let error = self.policy.invalid(format_args!(
                "does not fit its parameters: {}",
                mismatch(&again, params)
            ));
            Err(Stop::Failed(error.of_kind(DbErrorKind::Data)))
        }
    }
}

/// The type to give a parameter of which the server knows none.
fn typed(value: &Value) -> Type {
    match value {
        Value::Null | Value::Text(_) => Type::TEXT,
        other => own_type(other),
    }
}

fn all_hold(statement: &Statement, params: &[Value]) -> bool {
    statement.params().len() == params.len()
        && statement
            .params()
            .iter()
            .zip(params)
            .all(|(ty, value)| holds(ty, value))
}

/// Which parameter does not fit.
fn mismatch(statement: &Statement, params: &[Value]) -> String {
    let misfit = statement
        .params()
        .iter()
        .zip(params)
        .enumerate()
        .find(|(_, (ty, value))| !holds(ty, value));
    match misfit {
        Some((index, (ty, value))) => format!(
            "parameter {} is {}, and its place takes {}",
            index + 1,
            kind(value),
            param::base(ty)
        ),
        None => "their number is another".to_owned(),
    }
}

/// The parameters as the driver takes them.
pub(super) fn bound(params: &[Value]) -> Vec<Param> {
    params.iter().cloned().map(Param).collect()
}

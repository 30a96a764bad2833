//! Running changes: all of a call in one transaction of the host's own, which is looked at before it is committed.

use std::collections::BTreeSet;

use super::super::backend::{Outcome, Value};
use super::super::error::DbError;
use super::call::{Running, Stop, bound};
use super::owned;
use super::statement::{Checked, Kind};
use super::text::identifier;

impl<'c> Running<'c> {
    /// Runs all statements and leaves the transaction open, ready to be committed. An error has the index of its
    /// statement, if it is of one.
    pub(super) async fn change(
        &mut self,
        statements: &'c [(Checked, Vec<Value>)],
    ) -> Result<Vec<Outcome>, (Option<usize>, Stop)> {
        self.begin().await.map_err(|stop| (None, stop))?;
        let mut outcomes = Vec::with_capacity(statements.len());
        for (index, (checked, params)) in statements.iter().enumerate() {
            self.statement = Some(checked);
            let outcome = self.one(checked, params).await;
            outcomes.push(outcome.map_err(|stop| (Some(index), stop))?);
        }
        self.statement = None;
        self.check_owned().await.map_err(|stop| (None, stop))?;
        Ok(outcomes)
    }

    async fn one(&mut self, checked: &Checked, params: &[Value]) -> Result<Outcome, Stop> {
        let statement = self.prepare(checked, params).await?;
        if !statement.columns().is_empty() {
            return Err(Stop::Failed(self.policy.returns_rows()));
        }
        let may_have_id = checked.kind == Kind::Insert && !checked.names.contains("conflict");
        let client = &self.session()?.client;
        let changed = client.execute_raw(&statement, bound(params));
        let changed = if may_have_id {
            // Whatever sequence was used before is not this statement's.
            let forget = client.batch_execute("DISCARD SEQUENCES");
            let (forgotten, changed) = futures::future::join(forget, changed).await;
            forgotten.and(changed)
        } else {
            changed.await
        };
        let changed = changed.map_err(|error| self.stopped(&error))?;
        if checked.kind == Kind::Schema {
            self.session()?.forget();
        }
        let last_insert_id = match &checked.table {
            Some(table) if may_have_id && changed > 0 => self.last_insert_id(table).await?,
            _ => None,
        };
        Ok(Outcome {
            rows_affected: if checked.kind == Kind::Schema {
                0
            } else {
                changed
            },
            last_insert_id,
        })
    }

    /// What the sequence of the table's own column gave last.
    async fn last_insert_id(&mut self, table: &str) -> Result<Option<i64>, Stop> {
        let sql = format!(
            "SELECT {}.goatherd_last_insert_id($1)",
            identifier(&self.settings.schema)
        );
        let session = self.session()?;
        let found = match session.own(&sql).await {
            Ok(statement) => session.client.query_one(&statement, &[&table]).await,
            Err(error) => Err(error),
        };
        found
            .and_then(|row| row.try_get(0))
            .map_err(|error| self.stopped(&error))
    }

    async fn check_owned(&mut self) -> Result<(), Stop> {
        let role = self.role;
        let session = self.session()?;
        let rows = match session.own(owned::SQL).await {
            Ok(statement) => session.client.query(&statement, &[&role]).await,
            Err(error) => Err(error),
        };
        let after = rows.and_then(|rows| {
            rows.iter()
                .map(owned::read)
                .collect::<Result<BTreeSet<_>, _>>()
        });
        let after = after.map_err(|error| self.stopped(&error))?;
        owned::check(self.policy, self.settings, &self.access.owned, &after).map_err(Stop::Failed)
    }

    /// Makes it so. From here on nobody interrupts: what begins now must end.
    pub(super) async fn commit(&mut self) -> Result<(), DbError> {
        self.lease.ends_by_itself = true;
        let client = match self.session() {
            Ok(session) => &session.client,
            Err(Stop::Failed(error)) => return Err(error),
            Err(_) => return Err(DbError::timed_out()),
        };
        match client.batch_execute("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) => match self.stopped(&error) {
                Stop::Failed(error) => Err(error),
                _ => Err(DbError::conflict(format!(
                    "the schema changed under a change of plugin \"{}\"",
                    self.policy.plugin
                ))),
            },
        }
    }
}

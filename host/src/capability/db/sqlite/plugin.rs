//! The database as one plugin sees it: the asynchronous side of every call.
//!
//! A call takes a permit of one of the plugin's two pools and runs on a blocking thread, with a [`Ticket`] between the two
//! sides. When the deadline passes or the caller drops the future, the ticket is cancelled: the thread stops within a
//! hundred instructions of the engine, rolls back, and only then gives its permit back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::super::OrganisationTables;
use super::super::backend::{
    Call, Caps, Engine, Outcome, PluginDatabase, Rows, Scopes, Statement, Value,
};
use super::super::error::{DbError, DbErrorKind};
use super::owned::Owned;
use super::policy::{Granted, Policy, Purpose};
use super::pool::Pool;
use super::session::Session;
use super::ticket::Ticket;
use super::{change, query};

/// Queries of one plugin that run at once.
const READERS: usize = 4;

/// How long after its deadline a thread may take to answer by itself, with a better message than "timed out".
const GRACE: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct SqlitePlugin {
    queries: Arc<Pool>,
    changes: Arc<Pool>,
}

impl SqlitePlugin {
    pub(super) fn new(
        path: PathBuf,
        plugin: &str,
        scopes: Scopes,
        caps: Caps,
        organisations: &OrganisationTables,
    ) -> Self {
        let pool = |purpose, permits| {
            let policy = Policy {
                granted: Granted {
                    plugin: plugin.to_owned(),
                    purpose,
                    scopes: scopes.clone(),
                },
                owned: Owned::new(organisations),
            };
            Arc::new(Pool::new(path.clone(), policy, caps, permits))
        };
        Self {
            queries: pool(Purpose::Query, READERS),
            changes: pool(Purpose::Change, 1),
        }
    }
}

#[async_trait]
impl PluginDatabase for SqlitePlugin {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn query(&self, sql: String, params: Vec<Value>, call: Call) -> Result<Rows, DbError> {
        self.queries.policy().check_query()?;
        run(
            &self.queries,
            call,
            DbError::timed_out(),
            move |session, ticket, call| {
                let rows = query::run(session, call, &sql, &params);
                ticket.finish()?;
                rows
            },
        )
        .await
    }

    async fn transaction(
        &self,
        statements: Vec<Statement>,
        call: Call,
    ) -> Result<Vec<Outcome>, DbError> {
        let pool = &self.changes;
        let policy = pool.policy();
        policy.check_changes(&statements, &pool.caps())?;
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let busy = DbError::conflict(format!(
            "a change of plugin \"{}\" waited for an earlier one of the same plugin until its deadline",
            policy.plugin
        ))
        .of_kind(DbErrorKind::LockTimeout);
        run(pool, call, busy, move |session, ticket, call| {
            change::run(session, ticket, call, &statements)
        })
        .await
    }
}

/// Cancels the call if the future is dropped while it runs.
struct CancelOnDrop(Arc<Ticket>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs `job` on a connection of `pool`. `busy` is the error if there was none before the deadline.
async fn run<T: Send + 'static>(
    pool: &Arc<Pool>,
    mut call: Call,
    busy: DbError,
    job: impl FnOnce(&Session, &Ticket, &mut Call) -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    let deadline = Instant::now()
        .checked_add(pool.caps().statement_time)
        .map_or(call.deadline, |latest| call.deadline.min(latest));
    let permit = pool.permit(deadline).await.ok_or(busy)?;
    let ticket = Arc::new(Ticket::new());
    let _cancel = CancelOnDrop(Arc::clone(&ticket));
    let mut thread = tokio::task::spawn_blocking({
        let (pool, ticket) = (Arc::clone(pool), Arc::clone(&ticket));
        move || {
            // Given back last, when the connection is back.
            let _permit = permit;
            let session = pool.take(deadline)?;
            session.watch.arm(deadline);
            let result = ticket
                .start(session.db.get_interrupt_handle(), &session.watch)
                .and_then(|()| session.enter(call.org_id))
                .and_then(|()| job(&session, &ticket, &mut call));
            // Whatever happened, nobody interrupts what the connection does next.
            let _ = ticket.finish();
            session.watch.disarm();
            pool.put_back(session);
            result
        }
    });
    let answer = match tokio::time::timeout_at((deadline + GRACE).into(), &mut thread).await {
        Ok(answer) => answer,
        Err(_) if ticket.cancel() => return Err(DbError::timed_out()),
        Err(_) => thread.await,
    };
    answer.unwrap_or_else(|failure| {
        Err(DbError::unavailable(format!(
            "the database's thread failed for plugin \"{}\": {failure}",
            pool.policy().plugin
        )))
    })
}

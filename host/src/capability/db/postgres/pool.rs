//! A plugin's connections of one purpose.
//!
//! A permit is taken before a connection, and given back after it: also by a call that went away, whose connection is
//! broken off only when the server was told to stop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

use super::connect::{Meter, Server, shown};

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How long tidying up after a call, or stopping it, may take.
const TIDYING: Duration = Duration::from_secs(5);
/// How many statements a connection remembers.
const REMEMBERED: usize = 64;
/// What the server may send while the host talks to it.
const SMALL_TALK: u64 = 1 << 20;

/// Takes back all that a statement could have left in its session. Prepared statements are the host's.
const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD SEQUENCES; \
                     DISCARD TEMP; SELECT pg_catalog.pg_advisory_unlock_all()";

/// A connection logged in as a plugin's role.
pub(super) struct Session {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    meter: Meter,
    statements: HashMap<String, Statement>,
}

impl Session {
    /// A statement that is prepared already.
    pub(super) fn remembered(&self, sql: &str) -> Option<Statement> {
        self.statements.get(sql).cloned()
    }

    pub(super) fn remember(&mut self, sql: String, statement: Statement) {
        if self.statements.len() >= REMEMBERED {
            self.statements.clear();
        }
        self.statements.insert(sql, statement);
    }

    /// Forgets all statements, as the schema has changed under them.
    pub(super) fn forget(&mut self) {
        self.statements.clear();
    }

    /// Prepares one of the host's own statements, once.
    pub(super) async fn own(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(known) = self.remembered(sql) {
            return Ok(known);
        }
        let statement = self.client.prepare(sql).await?;
        self.remember(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Whether the server sent more than the call may receive.
    pub(super) fn received_too_much(&self) -> bool {
        self.meter.is_used_up()
    }
}

/// See the module.
pub(super) struct Pool {
    server: Server,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Session, Instant)>>,
    swept: AtomicBool,
}

impl Pool {
    pub(super) fn new(server: Server, permits: usize) -> Self {
        Self {
            server,
            permits: Arc::new(Semaphore::new(permits.max(1))),
            idle: Mutex::new(Vec::new()),
            swept: AtomicBool::new(false),
        }
    }

    /// A permit, once it is this caller's turn; none if that is not before `deadline`.
    pub(super) async fn permit(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        tokio::time::timeout_at(deadline.into(), turn)
            .await
            .ok()?
            .ok()
    }

    /// A connection that may receive so many bytes.
    pub(super) async fn lend(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        allowance: u64,
    ) -> Result<Lease, String> {
        let session = match self.take() {
            Some(session) => session,
            None => {
                let meter = Meter::default();
                meter.allow(SMALL_TALK);
                let (client, driver) = self.server.connect(&meter).await?;
                Session {
                    client,
                    driver,
                    meter,
                    statements: HashMap::new(),
                }
            }
        };
        session.meter.allow(allowance);
        Ok(Lease {
            pool: Arc::clone(self),
            held: Some((session, permit)),
            // A call that goes away may do so on a thread that knows no runtime.
            runtime: Handle::current(),
            ends_by_itself: false,
        })
    }

    /// Stops what the server runs for a session, and breaks it off.
    ///
    /// The server ignores a request that comes when it is between two messages, such as before it began with the last
    /// one; so it is asked until the connection is at its end.
    async fn stop(&self, session: Session) {
        let Session {
            client, mut driver, ..
        } = session;
        let token = client.cancel_token();
        drop(client);
        let until = Instant::now() + TIDYING;
        let mut pause = Duration::from_millis(20);
        while Instant::now() < until {
            match tokio::time::timeout_at(until.into(), self.server.cancel(&token)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(error, "a plugin's statement cannot be stopped"),
                Err(_) => break,
            }
            if tokio::time::timeout(pause, &mut driver).await.is_ok() {
                return;
            }
            pause *= 2;
        }
        // A server that does not hear finds the connection gone, or the statement's time over.
        driver.abort();
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (session, since) = idle.pop()?;
            if !session.client.is_closed() && since.elapsed() < IDLE {
                return Some(session);
            }
        }
    }

    fn put_back(self: &Arc<Self>, session: Session) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((session, Instant::now()));
        if !self.swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what was not used for long; whether anything is left.
    fn close_idle(&self) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(session, since)| !session.client.is_closed() && since.elapsed() < IDLE);
        if idle.is_empty() {
            self.swept.store(false, Ordering::Release);
        }
        !idle.is_empty()
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        match pool.upgrade() {
            Some(pool) if pool.close_idle() => {}
            _ => return,
        }
    }
}

/// A connection that one call has. Dropped before its end, it stops what the server runs and is broken off.
pub(super) struct Lease {
    pool: Arc<Pool>,
    held: Option<(Session, OwnedSemaphorePermit)>,
    runtime: Handle,
    /// What runs is not to be stopped any more.
    pub(super) ends_by_itself: bool,
}

impl Lease {
    pub(super) fn session(&mut self) -> Result<&mut Session, String> {
        match &mut self.held {
            Some((session, _)) => Ok(session),
            None => Err("a connection was used after its end".to_owned()),
        }
    }

    /// Ends the call with `command` (`COMMIT` after reading, or `ROLLBACK`), tidies up behind its back, and keeps the
    /// connection.
    pub(super) fn settle(mut self, command: &'static str) {
        let Some((session, permit)) = self.held.take() else {
            return;
        };
        let pool = Arc::clone(&self.pool);
        self.runtime.spawn(async move {
            // Given back last.
            let _permit = permit;
            session.meter.allow(SMALL_TALK);
            let script = format!("{command}; {RESET}");
            let tidied = session.client.batch_execute(&script);
            match tokio::time::timeout(TIDYING, tidied).await {
                Ok(Ok(())) => pool.put_back(session),
                Ok(Err(error)) => {
                    tracing::debug!(error = shown(&error), "a plugin's connection is given up")
                }
                Err(_) => {
                    tracing::debug!("a plugin's connection does not answer and is given up");
                    session.driver.abort();
                }
            }
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((session, permit)) = self.held.take() else {
            return;
        };
        let stop = !self.ends_by_itself && !session.client.is_closed();
        let pool = Arc::clone(&self.pool);
        self.runtime.spawn(async move {
            let _permit = permit;
            if stop {
                pool.stop(session).await;
            }
        });
    }
}

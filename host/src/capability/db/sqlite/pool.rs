//! A plugin's connections of one purpose: opened when first needed, kept, and lent to one call at a time.
//!
//! Calls wait for a permit in the order in which they came. A connection that is not sound is dropped, and its permit is
//! free again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::backend::Caps;
use super::super::error::DbError;
use super::policy::Policy;
use super::session::Session;

/// See the module.
pub(super) struct Pool {
    path: PathBuf,
    policy: Arc<Policy>,
    caps: Caps,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf, policy: Policy, caps: Caps, permits: usize) -> Self {
        Self {
            path,
            policy: Arc::new(policy),
            caps,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn caps(&self) -> Caps {
        self.caps
    }

    /// A permit, once it is this caller's turn; none if that is not before `deadline`.
    pub(super) async fn permit(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        tokio::time::timeout_at(deadline.into(), turn)
            .await
            .ok()?
            .ok()
    }

    /// A connection for the holder of a permit. May open one, so not for threads that must not wait.
    pub(super) fn take(&self, deadline: Instant) -> Result<Session, DbError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(session) => Ok(session),
            None => Session::open(&self.path, &self.policy, self.caps, deadline),
        }
    }

    /// Takes a connection back.
    pub(super) fn put_back(&self, session: Session) {
        if session.is_sound() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(session);
        }
    }
}

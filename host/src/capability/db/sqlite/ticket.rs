//! One call's right to take effect, shared by the task that waits for it and the thread that runs it.
//!
//! Either the caller gives up first, and then nothing takes effect; or the thread begins to finish first, and then the
//! caller waits for the outcome, which comes at once. Both ask under one lock, which nobody holds for long, and which
//! also keeps a late interrupt from hitting the next call on the same connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::InterruptHandle;

use super::super::error::DbError;
use super::watch::Watch;

enum Phase {
    Waiting,
    Running(InterruptHandle, Arc<Watch>),
    Finishing,
    Cancelled,
}

/// See the module.
pub(super) struct Ticket(Mutex<Phase>);

impl Ticket {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Phase::Waiting))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread begins; in vain if the caller went away before.
    pub(super) fn start(
        &self,
        interrupt: InterruptHandle,
        watch: &Arc<Watch>,
    ) -> Result<(), DbError> {
        let mut phase = self.phase();
        match *phase {
            Phase::Waiting => {
                *phase = Phase::Running(interrupt, Arc::clone(watch));
                Ok(())
            }
            _ => Err(DbError::timed_out()),
        }
    }

    /// The thread is about to make the call take effect, or is done with a connection. An error means that the caller
    /// went away: nothing may take effect.
    pub(super) fn finish(&self) -> Result<(), DbError> {
        let mut phase = self.phase();
        match *phase {
            Phase::Cancelled => Err(DbError::timed_out()),
            _ => {
                *phase = Phase::Finishing;
                Ok(())
            }
        }
    }

    /// The caller gives up. Whether that is in time: if not, the outcome is about to come.
    pub(super) fn cancel(&self) -> bool {
        let mut phase = self.phase();
        match &*phase {
            Phase::Finishing => false,
            Phase::Running(interrupt, watch) => {
                watch.cancel();
                // For the few instructions that are long and look for this only.
                interrupt.interrupt();
                *phase = Phase::Cancelled;
                true
            }
            Phase::Waiting | Phase::Cancelled => {
                *phase = Phase::Cancelled;
                true
            }
        }
    }
}

//! Why a transaction did nothing.

use rusqlite::ffi;

use crate::capability::entities::backend::EntityFault;
use crate::store::StoreError;

/// A fault on its way out of a transaction.
pub(super) struct Fault(pub(super) EntityFault);

impl Fault {
    /// What is left to say once the transaction has ended. A constraint that is checked when a transaction is committed
    /// arrives as an error of the store.
    pub(super) fn ended(self) -> EntityFault {
        match self.0 {
            EntityFault::Store(StoreError::Conflict(text)) => EntityFault::Referenced(text),
            other => other,
        }
    }
}

impl From<EntityFault> for Fault {
    fn from(fault: EntityFault) -> Self {
        Self(fault)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error().map(|error| error.extended_code) else {
            return Self(StoreError::from(error).into());
        };
        Self(match code & 0xff {
            _ if code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
                EntityFault::Referenced(error.to_string())
            }
            ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => {
                EntityFault::Refused(error.to_string())
            }
            _ => StoreError::from(error).into(),
        })
    }
}

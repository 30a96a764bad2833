//! Why a secret was not read, set or rotated.

use thiserror::Error;

use super::backend::SECRETS;
use super::keys::KeyId;
use super::name::SecretId;
use super::ring::KeyRingError;
use super::seal::{OpenError, SealError};
use super::service::VALUE_BYTES;
use crate::contract;
use crate::store::StoreError;

/// Why something with a secret failed. Nothing of a secret or of a key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The value is too long.
    #[error("a secret of {bytes} bytes for {secret_id} is too long: it has at most {VALUE_BYTES}")]
    TooLong {
        /// Where it should have gone.
        secret_id: SecretId,
        /// How long it is.
        bytes: usize,
    },
    /// The plugin has as many secrets as it may have.
    #[error(
        "plugin \"{}\" has {SECRETS} secrets there already, which is as many as it may have; delete one to make room for {secret_id}",
        secret_id.plugin
    )]
    Full {
        /// Where it should have gone.
        secret_id: SecretId,
    },
    /// What is stored cannot be decrypted.
    #[error("the secret {secret_id} cannot be read: {why}")]
    Unreadable {
        /// Where it is.
        secret_id: SecretId,
        /// Why not.
        why: OpenError,
    },
    /// It cannot be encrypted.
    #[error("the secret {secret_id} cannot be encrypted: {why}")]
    Unsealable {
        /// Where it should have gone.
        secret_id: SecretId,
        /// Why not.
        why: SealError,
    },
    /// The key that this host encrypts with was retired by another one.
    #[error(
        "the key {0} that this host encrypts with is retired: give it the key ring that has its successor"
    )]
    KeyRetired(KeyId),
    /// The key cannot be retired.
    #[error("the key {key} is still in use: {by}")]
    KeyInUse {
        /// The key.
        key: KeyId,
        /// By what.
        by: String,
    },
    /// The key ring cannot be used.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SecretError> for contract::Error {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Store(error) => error.into(),
            SecretError::TooLong { .. } | SecretError::Full { .. } => {
                Self::TooLarge(error.to_string())
            }
            // Where the ring lies is for the operator, who finds it in the host's log.
            SecretError::Ring(error) => {
                tracing::error!("secrets cannot be encrypted: {error}");
                Self::Unavailable("the host's key ring cannot be used".to_owned())
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

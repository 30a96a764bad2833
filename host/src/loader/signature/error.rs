//! What can be wrong with keys and signatures.

use std::path::PathBuf;

use thiserror::Error;

use super::KeyId;

/// Why a text is not a key or a signature, or a key file is not used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// It has another form.
    #[error("this is no {what}: expected one line that begins with {prefix}")]
    Form {
        /// What was expected.
        what: &'static str,
        /// What it begins with.
        prefix: &'static str,
    },
    /// Its point is one that makes signatures meaningless.
    #[error(
        "this public key is weak: signatures by it would fit many messages; make another with goatherd keygen"
    )]
    Weak,
    /// A secret key that others can read.
    #[error("the secret key {} can be read by others: chmod 600 it", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// A key file that cannot be read or written.
    #[error("the key file {} cannot be used: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The system has no random numbers.
    #[error("no key can be made: {0}")]
    Random(String),
}

/// Why a plugin's bytes are not taken as signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// There is none, and there must be one.
    #[error(
        "it is not signed, and this host requires signatures; sign it with goatherd sign, by one of {trusted}"
    )]
    Missing {
        /// The trusted keys.
        trusted: String,
    },
    /// The text beside it is no signature.
    #[error("its signature cannot be read: {0}")]
    Form(String),
    /// Nobody trusts the key.
    #[error("it is signed by the key {key}, which is not among the trusted ones ({trusted})")]
    Unknown {
        /// The key that the signature names.
        key: KeyId,
        /// The trusted keys.
        trusted: String,
    },
    /// The key was trusted once.
    #[error("it is signed by the key {key}, which is revoked; have it signed by another one")]
    Revoked {
        /// The key that the signature names.
        key: KeyId,
    },
    /// The signature is not one of these bytes by that key.
    #[error(
        "its signature does not fit: it was made for other bytes, or by another key than {key}; sign it again"
    )]
    Mismatch {
        /// The key that the signature names.
        key: KeyId,
    },
}

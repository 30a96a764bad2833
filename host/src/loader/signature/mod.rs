//! Signatures of plugins: who vouches for these bytes.
//!
//! A signature is detached, beside what it signs as `FILE.sig`, and is made over all of the file's bytes with ed25519. It
//! names its key, so that an operator may trust several and revoke one. What is checked is the bytes in memory that are
//! then compiled or extracted; nothing here reads a plugin's file, so there is no second read in which it could be another
//! one. Verification is strict: keys and signatures that only some implementations accept are refused.
//!
//! Everything has one text form of one line: `goatherd-public:…`, `goatherd-secret:…`, `goatherd-signature:KEY:…`. A newline
//! at the end, which editors add, is passed over; anything else is an error.

mod error;
mod key;
mod trust;

pub use error::{KeyError, SignatureError};
pub use key::{KeyId, PublicKey, SecretKey, Signature};
pub use trust::TrustedKeys;

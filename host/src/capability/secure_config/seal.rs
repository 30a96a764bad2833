//! Encryption of one secret, bound to where it is kept.
//!
//! XChaCha20-Poly1305 with a nonce that is drawn anew for each encryption; at 192 bits a repetition need not be feared.
//! The associated data say which format this is, whose secret, under which name, for which organisation and by which
//! key. So what was sealed opens in its own place only: put into another plugin's row, under another name or
//! organisation, cut short or changed in any bit, it is [`OpenError::Damaged`] and never a text. What is not noticed is
//! an older value put back into its own place; who can do that can write the database.

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::keys::{Key, KeyId, KeyIdError, Keys};
use super::name::SecretId;
use super::secret::Secret;

/// What the associated data begin with, the format's version included.
const FORMAT: &[u8] = b"goatherd secret 1";
/// The version of the format, which stands before the ciphertext.
const VERSION: u8 = 1;
/// How long a nonce is, in bytes.
const NONCE_BYTES: usize = 24;
/// By how much a ciphertext is longer than its text: the tag.
const TAG_BYTES: usize = 16;

/// An encrypted secret, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key that opens it.
    pub key_id: KeyId,
    /// Its nonce of 24 bytes, which no other has.
    pub nonce: Vec<u8>,
    /// The version of the format in one byte, then the ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

/// Why a stored secret cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Its key is not in the ring.
    #[error("it was encrypted with the key {0}, which this host's key ring does not have")]
    UnknownKey(KeyId),
    /// Ciphertext, nonce, key and place do not belong together.
    #[error(
        "what is stored was changed, cut short or moved from another place, or the key {0} is not the one it was \
         encrypted with"
    )]
    Damaged(KeyId),
    /// A later version of the host wrote it.
    #[error("it is stored in the format {0}, which this version of the host does not know")]
    UnknownFormat(u8),
}

/// A secret could not be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// The cipher refuses the text, which its length does not allow for.
    #[error("the cipher refuses the text")]
    Refused,
}

impl Sealed {
    /// What a back-end has in its columns.
    pub(super) fn from_columns(
        key_id: &str,
        nonce: Vec<u8>,
        ciphertext: Vec<u8>,
    ) -> Result<Self, KeyIdError> {
        Ok(Self {
            key_id: key_id.parse()?,
            nonce,
            ciphertext,
        })
    }
}

/// Encrypts a secret with a key, for one place.
pub(super) fn seal(key: &Key, secret_id: &SecretId, secret: &Secret) -> Result<Sealed, SealError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| SealError::NoRandomness(error.to_string()))?;
    let text = secret.expose().as_bytes();
    // Encrypted where it stands, in memory that is large enough from the start: no copy of the text stays behind.
    let mut buffer = Vec::with_capacity(text.len() + TAG_BYTES);
    buffer.extend_from_slice(text);
    let sealed = XChaCha20Poly1305::new(key.bytes().into()).encrypt_in_place(
        &XNonce::from(nonce),
        &associated(secret_id, key.id()),
        &mut buffer,
    );
    if sealed.is_err() {
        buffer.zeroize();
        return Err(SealError::Refused);
    }
    let mut ciphertext = Vec::with_capacity(1 + buffer.len());
    ciphertext.push(VERSION);
    ciphertext.append(&mut buffer);
    Ok(Sealed {
        key_id: key.id().clone(),
        nonce: nonce.to_vec(),
        ciphertext,
    })
}

/// Decrypts what is stored at a place.
pub(super) fn open(
    keys: &Keys,
    secret_id: &SecretId,
    sealed: &Sealed,
) -> Result<Secret, OpenError> {
    let id = &sealed.key_id;
    let damaged = || OpenError::Damaged(id.clone());
    let ciphertext = match sealed.ciphertext.split_first() {
        Some((&VERSION, ciphertext)) => ciphertext,
        Some((&version, _)) => return Err(OpenError::UnknownFormat(version)),
        None => return Err(damaged()),
    };
    let key = keys
        .find(id)
        .ok_or_else(|| OpenError::UnknownKey(id.clone()))?;
    let nonce: [u8; NONCE_BYTES] = sealed.nonce.as_slice().try_into().map_err(|_| damaged())?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt_in_place(
            &XNonce::from(nonce),
            &associated(secret_id, id),
            &mut *buffer,
        )
        .map_err(|_| damaged())?;
    let text = String::from_utf8(std::mem::take(&mut *buffer)).map_err(|error| {
        error.into_bytes().zeroize();
        damaged()
    })?;
    Ok(Secret::new(text))
}

/// What a ciphertext is bound to. Every part is preceded by its length, so that two places never give the same bytes.
fn associated(secret_id: &SecretId, key: &KeyId) -> Vec<u8> {
    let org = match secret_id.org {
        None => Vec::new(),
        Some(org) => org.to_be_bytes().to_vec(),
    };
    let mut bytes = Vec::with_capacity(256);
    for part in [
        FORMAT,
        secret_id.plugin.as_str().as_bytes(),
        secret_id.name.as_str().as_bytes(),
        &org,
        key.as_str().as_bytes(),
    ] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::HashSet;

    use super::*;

    const RING: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=, \
                        new:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn keys() -> Keys {
        Keys::parse(RING).unwrap()
    }

    fn secret_id(plugin: &str, name: &str, org: Option<i64>) -> SecretId {
        SecretId {
            plugin: plugin.parse().unwrap(),
            name: name.parse().unwrap(),
            org,
        }
    }

    fn sealed(keys: &Keys, secret_id: &SecretId, text: &str) -> Sealed {
        seal(keys.current(), secret_id, &Secret::new(text.into())).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_in_its_own_place_only() {
        let keys = keys();
        let own = secret_id("stats", "token", Some(5));
        let sealed = sealed(&keys, &own, "hunter2");
        assert_eq!(open(&keys, &own, &sealed).unwrap().expose(), "hunter2");
        for other in [
            secret_id("stats", "token", None),
            secret_id("stats", "token", Some(6)),
            secret_id("stats", "tokem", Some(5)),
            secret_id("stat", "token", Some(5)),
            // The same letters, divided otherwise.
            secret_id("stat", "stoken", Some(5)),
            secret_id("statst", "oken", Some(5)),
        ] {
            let error = open(&keys, &other, &sealed).unwrap_err();
            assert!(matches!(error, OpenError::Damaged(_)), "{other}: {error}");
        }
    }

    #[test]
    fn no_two_places_have_the_same_associated_data() {
        let mut seen = HashSet::new();
        let id: KeyId = "k".parse().unwrap();
        // An organisation whose number is made of the bytes of a name, and a name made of those of a number.
        let number = i64::from_be_bytes(*b"aaaaaaaa");
        for plugin in ["a", "aa", "aaaaaaaa"] {
            for name in ["a", "aa", "aaaaaaaa"] {
                for org in [None, Some(0), Some(number), Some(-1)] {
                    assert!(seen.insert(associated(&secret_id(plugin, name, org), &id)));
                }
            }
        }
    }

    #[test]
    fn any_bit_that_is_turned_and_any_byte_that_is_missing_or_too_many_is_noticed() {
        let keys = keys();
        let own = secret_id("stats", "token", None);
        let whole = sealed(&keys, &own, "hunter2");
        for bit in 0..whole.ciphertext.len() * 8 {
            let mut turned = whole.clone();
            turned.ciphertext[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&keys, &own, &turned).is_err(), "bit {bit}");
        }
        for bit in 0..NONCE_BYTES * 8 {
            let mut turned = whole.clone();
            turned.nonce[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&keys, &own, &turned).is_err(), "nonce bit {bit}");
        }
        for length in 0..whole.ciphertext.len() {
            let mut short = whole.clone();
            short.ciphertext.truncate(length);
            assert!(open(&keys, &own, &short).is_err(), "{length} bytes");
        }
        let mut long = whole.clone();
        long.ciphertext.push(0);
        assert!(open(&keys, &own, &long).is_err());
        for length in [0, NONCE_BYTES - 1, NONCE_BYTES + 1] {
            let mut other = whole.clone();
            other.nonce.resize(length, 0);
            assert!(open(&keys, &own, &other).is_err(), "a nonce of {length}");
        }
    }

    #[test]
    fn a_row_that_claims_another_key_of_the_ring_does_not_open() {
        let keys = keys();
        let own = secret_id("stats", "token", None);
        let mut claimed = sealed(&keys, &own, "hunter2");
        assert_eq!(claimed.key_id.as_str(), "old");
        claimed.key_id = "new".parse().unwrap();
        let error = open(&keys, &own, &claimed).unwrap_err();
        assert_eq!(error, OpenError::Damaged("new".parse().unwrap()));
        claimed.key_id = "lost".parse().unwrap();
        let error = open(&keys, &own, &claimed).unwrap_err();
        assert_eq!(error, OpenError::UnknownKey("lost".parse().unwrap()));
    }

    #[test]
    fn the_same_text_looks_different_each_time() {
        let keys = keys();
        let own = secret_id("stats", "token", None);
        let (one, two) = (sealed(&keys, &own, "same"), sealed(&keys, &own, "same"));
        assert_ne!(one.nonce, two.nonce);
        assert_ne!(one.ciphertext, two.ciphertext);
    }

    #[test]
    fn a_later_format_is_named_and_not_guessed_at() {
        let keys = keys();
        let own = secret_id("stats", "token", None);
        let mut later = sealed(&keys, &own, "x");
        later.ciphertext[0] = 2;
        let error = open(&keys, &own, &later).unwrap_err();
        assert_eq!(error, OpenError::UnknownFormat(2));
    }
}

//! Keys that encrypt secrets.
//!
//! [`Keys`] is one state of a key ring: one or more keys, each with an id of its own, the first of which is current, which
//! means that it encrypts. All of them decrypt. As text, in a file or an environment variable, a key is `ID:BASE64` with 32
//! bytes in standard base64; keys are separated by line ends, spaces or commas, and a line that begins with `#` is a
//! comment.
//!
//! Key material lies in memory that is overwritten when it is dropped, is never moved or copied outside it, and has no
//! way into a message: nothing here that holds it can be printed, and no error repeats what it refuses.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

/// How long a key is, in bytes.
const KEY_BYTES: usize = 32;
/// How long the id of a key may be.
const ID_BYTES: usize = 32;
/// How many keys a ring may have. Each rotation adds one, and retiring takes one away.
const KEYS: usize = 256;

/// The id of a key: 1 to 32 of `a-z`, `0-9`, `-` and `_`. Not secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

/// Why a text is not the id of a key. The text is not repeated: it may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the id of a key has 1 to 32 of a-z, 0-9, - and _")]
pub struct KeyIdError;

/// Why a text is not a key ring. Nothing of the text is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeysError {
    /// There is no key in it.
    #[error("there is no key in it; a key is written ID:BASE64")]
    Empty,
    /// An entry is not of the form.
    #[error("entry {0} is not ID:BASE64, with an id of 1 to 32 of a-z, 0-9, - and _")]
    Entry(usize),
    /// An entry has something else than 32 bytes in base64.
    #[error("entry {0} does not have 32 bytes in base64")]
    Length(usize),
    /// An id or a key occurs twice.
    #[error("entry {0} repeats the id or the key of an earlier one")]
    Repeated(usize),
    /// There are too many.
    #[error("there are more than {KEYS} keys in it; retire some that nothing uses")]
    TooMany,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// The key is current, or not there.
    #[error("the key {0} is the current one, or not in the ring")]
    NotRemovable(KeyId),
}

/// A key and its id.
pub(super) struct Key {
    id: KeyId,
    bytes: Box<Zeroizing<[u8; KEY_BYTES]>>,
}

/// One state of a key ring: the current key first.
pub(super) struct Keys {
    current: Arc<Key>,
    older: Vec<Arc<Key>>,
}

impl KeyId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn random() -> Result<Self, KeysError> {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        let text = format!("{:016x}", u64::from_be_bytes(bytes));
        Ok(Self(Arc::from(text)))
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let char = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if (1..=ID_BYTES).contains(&text.len()) && text.bytes().all(char) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(KeyIdError)
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key {
    fn random() -> Result<Self, KeysError> {
        let mut bytes = Box::new(Zeroizing::new([0; KEY_BYTES]));
        fill(&mut bytes[..])?;
        Ok(Self {
            id: KeyId::random()?,
            bytes,
        })
    }

    pub(super) fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

impl Keys {
    /// A ring with one new key.
    pub(super) fn random() -> Result<Self, KeysError> {
        Ok(Self {
            current: Arc::new(Key::random()?),
            older: Vec::new(),
        })
    }

    /// Reads a ring from text.
    pub(super) fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let entries = lines
            .flat_map(|line| line.split([',', ' ', '\t', '\r']))
            .filter(|entry| !entry.is_empty());
        let mut keys: Vec<Arc<Key>> = Vec::new();
        for (index, entry) in entries.enumerate() {
            let number = index + 1;
            if number > KEYS {
                return Err(KeysError::TooMany);
            }
            let (id, encoded) = entry.split_once(':').ok_or(KeysError::Entry(number))?;
            let key = Key {
                id: id.parse().map_err(|KeyIdError| KeysError::Entry(number))?,
                bytes: decode(encoded).ok_or(KeysError::Length(number))?,
            };
            if keys
                .iter()
                .any(|other| other.id == key.id || other.bytes == key.bytes)
            {
                return Err(KeysError::Repeated(number));
            }
            keys.push(Arc::new(key));
        }
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        let current = keys.remove(0);
        Ok(Self {
            current,
            older: keys,
        })
    }

    /// The ring as text, which [`parse`](Self::parse) reads.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        // Large enough from the start, so that no copy is left behind by growing.
        let mut text = String::with_capacity(256 + (self.older.len() + 1) * 128);
        text.push_str("# Keys of goatherd's secrets, the current one first. Who can read this can read the secrets;\n");
        text.push_str(
            "# who loses it has lost them. Keep a copy apart from those of the database.\n",
        );
        for key in self.all() {
            text.push_str(key.id.as_str());
            text.push(':');
            STANDARD.encode_string(&key.bytes[..], &mut text);
            text.push('\n');
        }
        Zeroizing::new(text)
    }

    /// The key that encrypts.
    pub(super) fn current(&self) -> &Key {
        &self.current
    }

    /// All keys, the current one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current)
            .chain(&self.older)
            .map(|key| &**key)
    }

    /// The key with an id.
    pub(super) fn find(&self, id: &KeyId) -> Option<&Key> {
        self.all().find(|key| key.id == *id)
    }

    /// The same keys, and a new one that is current.
    pub(super) fn with_new_key(&self) -> Result<Self, KeysError> {
        if self.older.len() + 2 > KEYS {
            return Err(KeysError::TooMany);
        }
        let mut older = vec![Arc::clone(&self.current)];
        older.extend(self.older.iter().cloned());
        Ok(Self {
            current: Arc::new(Key::random()?),
            older,
        })
    }

    /// The same keys without an older one.
    pub(super) fn without(&self, id: &KeyId) -> Result<Self, KeysError> {
        let older: Vec<_> = self
            .older
            .iter()
            .filter(|key| key.id != *id)
            .cloned()
            .collect();
        if older.len() == self.older.len() {
            return Err(KeysError::NotRemovable(id.clone()));
        }
        Ok(Self {
            current: Arc::clone(&self.current),
            older,
        })
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), KeysError> {
    getrandom::fill(bytes).map_err(|error| KeysError::NoRandomness(error.to_string()))
}

fn decode(encoded: &str) -> Option<Box<Zeroizing<[u8; KEY_BYTES]>>> {
    // The decoder wants room for what a text of this length could hold at most.
    let mut room = Zeroizing::new([0; KEY_BYTES + 3]);
    let length = STANDARD.decode_slice(encoded, &mut room[..]).ok()?;
    let decoded = room.get(..length)?;
    let mut bytes = Box::new(Zeroizing::new([0; KEY_BYTES]));
    if decoded.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(decoded);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn ids(keys: &Keys) -> Vec<&str> {
        keys.all().map(|key| key.id().as_str()).collect()
    }

    #[test]
    fn a_ring_is_read_from_lines_and_from_a_variable() {
        let lines = format!("# a comment: with, chars\n\nnew:{ONE}\r\nold:{TWO}\n");
        assert_eq!(ids(&Keys::parse(&lines).unwrap()), ["new", "old"]);
        let variable = format!("new:{ONE},old:{TWO}");
        assert_eq!(ids(&Keys::parse(&variable).unwrap()), ["new", "old"]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let ring = Keys::random().unwrap().with_new_key().unwrap();
        let read = Keys::parse(&ring.to_text()).unwrap();
        assert_eq!(ids(&read), ids(&ring));
        for (one, two) in read.all().zip(ring.all()) {
            assert!(one.bytes() == two.bytes());
        }
    }

    #[test]
    fn what_is_no_ring_is_refused_and_not_repeated() {
        let short = "AAECAwQFBgcICQoLDA0ODw==";
        let long = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIj";
        let longest = ONE.repeat(1_000);
        for (text, expected) in [
            (String::new(), KeysError::Empty),
            ("# new:\n".to_owned(), KeysError::Empty),
            (ONE.to_owned(), KeysError::Entry(1)),
            (format!("New:{ONE}"), KeysError::Entry(1)),
            (format!(":{ONE}"), KeysError::Entry(1)),
            (format!("{}:{ONE}", "x".repeat(33)), KeysError::Entry(1)),
            (format!("new:{ONE} old:{short}"), KeysError::Length(2)),
            (format!("new:{long}"), KeysError::Length(1)),
            (format!("new:{longest}"), KeysError::Length(1)),
            (
                format!("new:{}", ONE.replace('=', "")),
                KeysError::Length(1),
            ),
            ("new:".to_owned(), KeysError::Length(1)),
            (format!("new:{ONE} new:{TWO}"), KeysError::Repeated(2)),
            (format!("new:{ONE} old:{ONE}"), KeysError::Repeated(2)),
        ] {
            let error = Keys::parse(&text).err().unwrap();
            assert_eq!(error, expected, "{text}");
            for part in text.split([':', ' ']).filter(|part| part.len() > 8) {
                assert!(!format!("{error} {error:?}").contains(part));
            }
        }
    }

    #[test]
    fn a_new_key_is_current_and_only_an_older_one_can_be_removed() {
        let ring = Keys::parse(&format!("first:{ONE}")).unwrap();
        let (first, unknown) = ("first".parse().unwrap(), "unknown".parse().unwrap());
        assert!(ring.without(&first).is_err());
        let grown = ring.with_new_key().unwrap();
        assert_eq!(ids(&grown).len(), 2);
        assert_ne!(grown.current().id(), &first);
        assert!(grown.without(&unknown).is_err());
        assert!(grown.without(grown.current().id()).is_err());
        let shrunk = grown.without(&first).unwrap();
        assert_eq!(ids(&shrunk), [grown.current().id().as_str()]);
    }

    #[test]
    fn a_ring_does_not_grow_without_end() {
        let mut ring = Keys::random().unwrap();
        for _ in 1..KEYS {
            ring = ring.with_new_key().unwrap();
        }
        assert_eq!(ring.with_new_key().err().unwrap(), KeysError::TooMany);
        assert_eq!(ids(&Keys::parse(&ring.to_text()).unwrap()).len(), KEYS);
    }
}

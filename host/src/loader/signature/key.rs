//! Keys and signatures, and their texts.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::KeyError;

const PUBLIC: &str = "goatherd-public:";
const SECRET: &str = "goatherd-secret:";
const SIGNATURE: &str = "goatherd-signature:";
/// What is signed begins with this, so that a signature is never one of something else by the same key.
const PURPOSE: &[u8] = b"goatherd plugin signature, version 1\n";

/// A short name of a public key: the beginning of its hash, as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// A key that signatures are checked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A key that signs. Never shown but by [`SecretKey::to_text`]; its memory is overwritten when it is dropped.
pub struct SecretKey(SigningKey);

/// A signature, and which key made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    pub(super) key: KeyId,
    pub(super) bytes: [u8; 64],
}

/// What is signed for a file of these bytes.
pub(super) fn message(content: &[u8]) -> Vec<u8> {
    [PURPOSE, blake3::hash(content).as_bytes()].concat()
}

impl SecretKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key from a file that nobody else can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is readable by others, or holds no key.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let failed = |reason| KeyError::File {
            file: file.to_owned(),
            reason,
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeyError::Exposed {
                    file: file.to_owned(),
                });
            }
        }
        let text = Zeroizing::new(fs::read_to_string(file).map_err(failed)?);
        text.parse()
    }

    /// Writes the key into a new file that nobody else can read.
    ///
    /// # Errors
    ///
    /// When the file exists already or cannot be written.
    pub fn write_new(&self, file: &Path) -> Result<(), KeyError> {
        let failed = |reason| KeyError::File {
            file: file.to_owned(),
            reason,
        };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut opened = options.open(file).map_err(failed)?;
        writeln!(opened, "{}", *self.to_text()).map_err(failed)?;
        opened.sync_all().map_err(failed)
    }

    /// The key's text, for its file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        let encoded = Zeroizing::new(BASE64.encode(*seed));
        Zeroizing::new(format!("{SECRET}{}", *encoded))
    }

    /// The key that others check with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a file's bytes.
    #[must_use]
    pub fn sign(&self, content: &[u8]) -> Signature {
        Signature {
            key: self.public().id(),
            bytes: self.0.sign(&message(content)).to_bytes(),
        }
    }
}

impl PublicKey {
    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let hash = blake3::hash(&self.0.to_bytes());
        let mut id = [0; 8];
        id.iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        KeyId(id)
    }

    /// Whether a signature is one of these bytes by this key.
    pub(super) fn signed(&self, content: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        self.0.verify_strict(&message(content), &signature).is_ok()
    }
}

impl Signature {
    /// The key that it names.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }
}

/// What stands behind a prefix, decoded into so many bytes.
fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
    let array: [u8; N] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(array))
}

/// A text without the newline that an editor may have put at its end.
fn line(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let seed = line(text).strip_prefix(SECRET).and_then(decode::<32>);
        let seed = seed.ok_or(KeyError::Form {
            what: "secret key",
            prefix: SECRET,
        })?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let form = || KeyError::Form {
            what: "public key",
            prefix: PUBLIC,
        };
        let bytes = line(text).strip_prefix(PUBLIC).and_then(decode::<32>);
        let bytes = bytes.ok_or_else(form)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| form())?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self(key))
    }
}

impl FromStr for Signature {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = line(text)
            .strip_prefix(SIGNATURE)
            .and_then(|rest| rest.split_once(':'));
        let parsed = parts.and_then(|(key, bytes)| Some((key.parse().ok()?, decode::<64>(bytes)?)));
        let (key, bytes) = parsed.ok_or(KeyError::Form {
            what: "signature",
            prefix: SIGNATURE,
        })?;
        Ok(Self { key, bytes: *bytes })
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let form = || KeyError::Form {
            what: "key id",
            prefix: "16 hexadecimal digits",
        };
        let plain =
            text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = u64::from_str_radix(text, 16).map_err(|_| form())?;
        plain.then_some(Self(number.to_be_bytes())).ok_or_else(form)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64.encode(self.0.to_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().id())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGNATURE}{}:{}", self.key, BASE64.encode(self.bytes))
    }
}

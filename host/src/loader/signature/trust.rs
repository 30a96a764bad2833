//! Which keys an operator believes.

use std::collections::{BTreeMap, BTreeSet};

use super::{KeyId, PublicKey, Signature, SignatureError};

/// Trusted keys, and those that are trusted no more. A key that is both is revoked.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    trusted: BTreeMap<KeyId, PublicKey>,
    revoked: BTreeSet<KeyId>,
}

impl TrustedKeys {
    /// Trusts these keys but for the revoked ones.
    pub fn new(
        trusted: impl IntoIterator<Item = PublicKey>,
        revoked: impl IntoIterator<Item = KeyId>,
    ) -> Self {
        Self {
            trusted: trusted.into_iter().map(|key| (key.id(), key)).collect(),
            revoked: revoked.into_iter().collect(),
        }
    }

    /// Checks a file's bytes against the text of the signature beside it, if there is one. Where signatures are `required`,
    /// what is not signed is refused. A signature that is there must be good, also where none is required; only a host
    /// that trusts no key at all, and requires none, cannot judge one: what it signs counts as not signed, unless the key
    /// is revoked or the text is no signature.
    ///
    /// # Errors
    ///
    /// [`SignatureError`]. The bytes are not to be used then.
    pub fn check(
        &self,
        content: &[u8],
        signature: Option<&str>,
        required: bool,
    ) -> Result<Option<KeyId>, SignatureError> {
        let Some(text) = signature else {
            if required {
                return Err(SignatureError::Missing {
                    trusted: self.names(),
                });
            }
            return Ok(None);
        };
        let signature = text
            .parse::<Signature>()
            .map_err(|error| SignatureError::Form(error.to_string()))?;
        let judged = self.verify(content, &signature);
        match judged {
            Err(SignatureError::Unknown { .. }) if self.trusted.is_empty() && !required => Ok(None),
            judged => judged.map(Some),
        }
    }

    /// Checks that a trusted key signed these bytes, and says which.
    ///
    /// # Errors
    ///
    /// [`SignatureError`].
    pub fn verify(&self, content: &[u8], signature: &Signature) -> Result<KeyId, SignatureError> {
        let key = signature.key;
        if self.revoked.contains(&key) {
            return Err(SignatureError::Revoked { key });
        }
        let Some(public) = self.trusted.get(&key) else {
            return Err(SignatureError::Unknown {
                key,
                trusted: self.names(),
            });
        };
        if public.signed(content, signature) {
            Ok(key)
        } else {
            Err(SignatureError::Mismatch { key })
        }
    }

    fn names(&self) -> String {
        let live = self
            .trusted
            .keys()
            .filter(|key| !self.revoked.contains(key));
        let names: Vec<String> = live.map(KeyId::to_string).collect();
        if names.is_empty() {
            "none: the configuration trusts no key".to_owned()
        } else {
            names.join(", ")
        }
    }
}

//! Changing keys while everybody goes on reading and writing.
//!
//! A rotation adds a new current key to the ring's file, and then re-encrypts what other keys have encrypted, batch by batch.
//! Each step leaves every secret readable, so a rotation that was killed is merely unfinished, and
//! [`reseal`](SecretService::reseal) finishes it. A secret that somebody sets meanwhile is never overwritten by its older
//! self. Old keys go on decrypting until they are [retired](SecretService::retire), which is refused as long as anything is
//! encrypted with them, and makes the store refuse what a node encrypts that has not heard of it.

use std::time::{Duration, Instant};

use super::backend::{Replaced, Replacement, Retired};
use super::error::SecretError;
use super::keys::KeyId;
use super::name::SecretId;
use super::ring::KeyRing;
use super::seal::{OpenError, Sealed};
use super::service::SecretService;

/// How many secrets are re-encrypted in one step.
const BATCH: usize = 100;
/// How long one step may take.
const STEP: Duration = Duration::from_secs(30);
/// How often the store is gone through for what other nodes encrypted with an old key meanwhile.
const PASSES: usize = 10;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The key that is current.
    pub current: KeyId,
    /// How many secrets it encrypted anew.
    pub resealed: usize,
    /// What could not be read, and so was left as it is.
    pub unreadable: Vec<(SecretId, OpenError)>,
}

impl SecretService {
    /// Adds a new current key and re-encrypts everything with it.
    ///
    /// # Errors
    ///
    /// When the ring does not come from a file or cannot be changed; when the store does not answer. What was done until
    /// then is no harm, and [`reseal`](Self::reseal) does the rest.
    pub async fn rotate(&self) -> Result<Rotation, SecretError> {
        self.on_ring(KeyRing::add).await?;
        self.reseal().await
    }

    /// Re-encrypts with the current key what others have encrypted: the rest of a rotation that was interrupted, or after a
    /// ring from an environment variable got a new key.
    ///
    /// # Errors
    ///
    /// When the store does not answer; what was done until then stays.
    pub async fn reseal(&self) -> Result<Rotation, SecretError> {
        self.reload_ring().await?;
        let mut rotation = Rotation {
            current: self.current(),
            resealed: 0,
            unreadable: Vec::new(),
        };
        for _ in 0..PASSES {
            rotation.unreadable.clear();
            if !self.pass(&mut rotation).await? {
                break;
            }
        }
        Ok(rotation)
    }

    /// Goes through the store once. Says whether anything was there that could be re-encrypted.
    async fn pass(&self, rotation: &mut Rotation) -> Result<bool, SecretError> {
        let mut found = false;
        let mut after: Option<SecretId> = None;
        loop {
            let rows = self
                .store()
                .sealed_otherwise(&rotation.current, after.as_ref(), BATCH, step())
                .await?;
            let Some((last, _)) = rows.last() else {
                return Ok(found);
            };
            after = Some(last.clone());
            let mut batch = Vec::with_capacity(rows.len());
            for (secret_id, sealed) in rows {
                match self.replacement(&secret_id, sealed).await? {
                    Ok(replacement) => batch.push(replacement),
                    Err(why) => rotation.unreadable.push((secret_id, why)),
                }
            }
            if batch.is_empty() {
                continue;
            }
            found = true;
            match self.store().replace(batch, step()).await? {
                Replaced::Done(count) => rotation.resealed += count,
                Replaced::KeyRetired => {
                    return Err(SecretError::KeyRetired(rotation.current.clone()));
                }
            }
        }
    }

    async fn replacement(
        &self,
        secret_id: &SecretId,
        sealed: Sealed,
    ) -> Result<Result<Replacement, OpenError>, SecretError> {
        let mut opened = self.open(secret_id, &sealed);
        if matches!(opened, Err(OpenError::UnknownKey(_))) {
            self.look_again().await;
            opened = self.open(secret_id, &sealed);
        }
        let secret = match opened {
            Ok(secret) => secret,
            Err(why) => return Ok(Err(why)),
        };
        Ok(Ok(Replacement {
            secret_id: secret_id.clone(),
            instead_of: sealed.nonce,
            sealed: self.seal(secret_id, &secret)?,
        }))
    }

    /// Retires an old key for good: it is taken out of the ring's file, and nothing that it encrypts is stored any more. A
    /// ring that does not come from a file may lose it from then on.
    ///
    /// # Errors
    ///
    /// When it is the current key or something is still encrypted with it; when the ring or the store cannot be changed.
    pub async fn retire(&self, key: &KeyId) -> Result<(), SecretError> {
        self.reload_ring().await?;
        let in_use = |by: String| SecretError::KeyInUse {
            key: key.clone(),
            by,
        };
        if self.current() == *key {
            return Err(in_use("it is the current key".to_owned()));
        }
        // First the store, down to the disk, then the file: a key that the store could still need is never gone.
        match self.store().retire(key, step()).await? {
            Retired::Done => {}
            Retired::InUse(secrets) => {
                return Err(in_use(format!("{secrets} secrets are encrypted with it")));
            }
        }
        if self.ring().is_changeable() && self.ring().ids().contains(key) {
            let key = key.clone();
            self.on_ring(move |ring| ring.remove(&key)).await?;
        }
        Ok(())
    }

    /// Retires every old key with which nothing is encrypted, and says which.
    ///
    /// # Errors
    ///
    /// As [`retire`](Self::retire), except that a key in use is left alone.
    pub async fn retire_unused(&self) -> Result<Vec<KeyId>, SecretError> {
        self.reload_ring().await?;
        let mut retired = Vec::new();
        for key in self.ring().ids().into_iter().skip(1) {
            match self.retire(&key).await {
                Ok(()) => retired.push(key),
                Err(SecretError::KeyInUse { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(retired)
    }

    fn current(&self) -> KeyId {
        self.ring().with(|keys| keys.current().id().clone())
    }
}

fn step() -> Instant {
    Instant::now() + STEP
}

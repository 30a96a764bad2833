//! Secrets as the host itself uses them: for administrators, and with a plugin's identity.
//!
//! An operator sets a plugin's secrets before it runs, sees which there are by name and [`Hint`], and deletes them. The
//! host reads a plugin's secret for it where that is needed outside its code, such as for the signature of a webhook.
//! Whoever holds a [`SecretService`] can read every secret; plugins get at theirs through
//! [`SecureConfig`](super::SecureConfig), which asks here after it has checked their grants.

use std::sync::Arc;
use std::time::Instant;

use super::backend::{Put, SecretStore};
use super::error::SecretError;
use super::keys::KeyId;
use super::name::{SecretId, SecretName};
use super::ring::KeyRing;
use super::seal::{self, OpenError, Sealed};
use super::secret::{Hint, Secret};
use crate::contract::PluginName;
use crate::store::StoreError;

/// How long a secret may be, in bytes.
pub const VALUE_BYTES: usize = 4_096;
/// How often something is tried again because the key ring changed meanwhile.
const ATTEMPTS: usize = 3;

/// The secrets of all plugins. Cheap to clone.
#[derive(Clone)]
pub struct SecretService(Arc<Shared>);

struct Shared {
    store: Box<dyn SecretStore>,
    ring: KeyRing,
}

/// A secret in a list: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: SecretName,
    /// The organisation that it is for; none for all.
    pub org: Option<i64>,
    /// What can be seen of it, or why it cannot be read.
    pub hint: Result<Hint, OpenError>,
    /// The key that it is encrypted with.
    pub key_id: KeyId,
    /// When it was set.
    pub updated_at: jiff::Timestamp,
}

impl SecretService {
    /// Secrets that are kept in a store and protected by a ring.
    pub fn new(store: impl SecretStore, ring: KeyRing) -> Self {
        let store = Box::new(store);
        Self(Arc::new(Shared { store, ring }))
    }

    /// The ring that protects them.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    pub(super) fn store(&self) -> &dyn SecretStore {
        &*self.0.store
    }

    /// A plugin's secret: that of the organisation if there is one, else the one for all; none if neither is set.
    ///
    /// # Errors
    ///
    /// When the store does not answer in time. When what is stored cannot be decrypted: the one for all does not stand
    /// in for an organisation's that is damaged.
    pub async fn get(
        &self,
        plugin: &PluginName,
        org: Option<i64>,
        name: &SecretName,
        deadline: Instant,
    ) -> Result<Option<Secret>, SecretError> {
        in_time(deadline)?;
        let mut attempts = 1..ATTEMPTS;
        loop {
            let again = attempts.next().is_some();
            let found = self.store().find(plugin, name, org, deadline).await?;
            let Some((owner, sealed)) = found else {
                return Ok(None);
            };
            let secret_id = SecretId {
                plugin: plugin.clone(),
                name: name.clone(),
                org: owner,
            };
            if owner.is_some() && owner != org {
                return Err(StoreError::Unavailable(format!(
                    "it has found the secret {secret_id}"
                ))
                .into());
            }
            match self.open(&secret_id, &sealed) {
                Ok(secret) => return Ok(Some(secret)),
                // Another process has rotated, or even retired what the row was sealed with when it was read.
                Err(OpenError::UnknownKey(_)) if again => self.look_again().await,
                Err(why) => return Err(SecretError::Unreadable { secret_id, why }),
            }
        }
    }

    /// Encrypts a secret and puts it into its place, instead of one that is there.
    ///
    /// # Errors
    ///
    /// When it has more than 4,096 bytes or the plugin has 1,000 there already; when the store does not answer in time;
    /// when the ring's file cannot be read, since a key that is in no file any more must protect nothing new.
    pub async fn set(
        &self,
        secret_id: &SecretId,
        secret: &Secret,
        deadline: Instant,
    ) -> Result<(), SecretError> {
        let bytes = secret.bytes();
        if bytes > VALUE_BYTES {
            let secret_id = secret_id.clone();
            return Err(SecretError::TooLong { secret_id, bytes });
        }
        in_time(deadline)?;
        let mut attempts = 1..ATTEMPTS;
        loop {
            let again = attempts.next().is_some();
            self.reload_ring().await?;
            let sealed = self.seal(secret_id, secret)?;
            let key = sealed.key_id.clone();
            match self.store().put(secret_id, sealed, deadline).await? {
                Put::Done => return Ok(()),
                Put::Full => {
                    let secret_id = secret_id.clone();
                    return Err(SecretError::Full { secret_id });
                }
                Put::KeyRetired if again => {}
                Put::KeyRetired => return Err(SecretError::KeyRetired(key)),
            }
        }
    }

    /// Deletes a secret, and says whether there was one. It need not be readable.
    ///
    /// # Errors
    ///
    /// When the store does not answer in time.
    pub async fn delete(
        &self,
        secret_id: &SecretId,
        deadline: Instant,
    ) -> Result<bool, SecretError> {
        Ok(self.store().delete(secret_id, deadline).await?)
    }

    /// A plugin's secrets by name and then by organisation, without the secrets themselves.
    ///
    /// # Errors
    ///
    /// When the store does not answer in time. What cannot be decrypted is in the list, with the reason.
    pub async fn list(
        &self,
        plugin: &PluginName,
        deadline: Instant,
    ) -> Result<Vec<Listed>, SecretError> {
        let stored = self.store().list(plugin, deadline).await?;
        let known = |sealed: &Sealed| self.ring().with(|keys| keys.find(&sealed.key_id).is_some());
        if !stored.iter().all(|stored| known(&stored.sealed)) {
            self.look_again().await;
        }
        let listed = stored.into_iter().map(|stored| Listed {
            hint: self
                .open(&stored.secret_id, &stored.sealed)
                .map(|secret| secret.hint()),
            name: stored.secret_id.name,
            org: stored.secret_id.org,
            key_id: stored.sealed.key_id,
            updated_at: stored.updated_at,
        });
        Ok(listed.collect())
    }

    pub(super) fn open(&self, secret_id: &SecretId, sealed: &Sealed) -> Result<Secret, OpenError> {
        self.ring().with(|keys| seal::open(keys, secret_id, sealed))
    }

    pub(super) fn seal(
        &self,
        secret_id: &SecretId,
        secret: &Secret,
    ) -> Result<Sealed, SecretError> {
        self.ring()
            .with(|keys| seal::seal(keys.current(), secret_id, secret))
            .map_err(|why| SecretError::Unsealable {
                secret_id: secret_id.clone(),
                why,
            })
    }

    /// Does something with the ring that reads or writes its file.
    pub(super) async fn on_ring<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeyRing) -> Result<T, super::KeyRingError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let ring = self.ring().clone();
        let done = tokio::task::spawn_blocking(move || work(&ring)).await;
        let done = done.map_err(|stopped| StoreError::Unavailable(stopped.to_string()))?;
        Ok(done?)
    }

    pub(super) async fn reload_ring(&self) -> Result<(), SecretError> {
        if !self.ring().is_changeable() {
            return Ok(());
        }
        self.on_ring(KeyRing::reload).await
    }

    /// Takes over keys that another process may have added. Whoever reads goes on with those that are there.
    pub(super) async fn look_again(&self) {
        if let Err(error) = self.reload_ring().await {
            tracing::warn!("a secret has an unknown key, and {error}");
        }
    }
}

/// Nothing is begun that could not be ended in time: a store may be quicker than its look at the clock.
fn in_time(deadline: Instant) -> Result<(), StoreError> {
    if Instant::now() >= deadline {
        return Err(StoreError::TimedOut);
    }
    Ok(())
}

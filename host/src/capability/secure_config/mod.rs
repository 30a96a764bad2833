//! `secure-config-read` and `secure-config-write`: a plugin's own secrets.
//!
//! A secret belongs to the plugin that calls, by the host's own record, so there is no key by which another's could be
//! named. It is encrypted and bound to its place before a back-end sees it, and stands in the clear only between the
//! plugin and the cipher, in memory that is overwritten. Keys, scope and sizes are checked here first: a call that is
//! refused touches neither the store nor the key ring. An operator works with the same secrets through a
//! [`SecretService`].

mod backend;
mod error;
mod handed;
mod keys;
mod name;
mod ring;
mod rotate;
mod seal;
mod secret;
mod service;
mod sql;

use std::sync::Arc;

pub use backend::{Put, Replaced, Replacement, Retired, SECRETS, SecretStore, Stored};
pub use error::SecretError;
pub use keys::{KeyId, KeyIdError, KeysError};
pub use name::{NAME_BYTES, SecretId, SecretName, SecretNameError};
pub use ring::{KeyRing, KeyRingError};
pub use rotate::Rotation;
pub use seal::{OpenError, SealError, Sealed};
pub use secret::{Hint, Secret};
pub use service::{Listed, SecretService, VALUE_BYTES};
#[cfg(feature = "postgres")]
pub use sql::PostgresSecrets;
pub use sql::{SqlSecrets, SqliteSecrets};

use handed::Handed;

use crate::capability::table::{SECURE_CONFIG_READ, SECURE_CONFIG_WRITE};
use crate::capability::{Caller, Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{SecureConfigRead, SecureConfigWrite};
use crate::permission::{KeyPattern, Scope};

/// Serves `secure-config-read` and `secure-config-write`.
pub struct SecureConfig(SecretService);

impl SecureConfig {
    /// Serves these secrets.
    #[must_use]
    pub fn new(secrets: SecretService) -> Self {
        Self(secrets)
    }
}

impl Provider for SecureConfig {
    type State = SecretAccess;

    fn interfaces(&self) -> Vec<Interface<SecretAccess>> {
        vec![
            Interface::known(
                SECURE_CONFIG_READ,
                link::secure_config_read::<_, Of<SecretAccess>>,
            ),
            Interface::known(
                SECURE_CONFIG_WRITE,
                link::secure_config_write::<_, Of<SecretAccess>>,
            ),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<SecretAccess, PrepareError> {
        Ok(SecretAccess {
            secrets: self.0.clone(),
            read: setup.grants.secure_config_read().cloned(),
            write: setup.grants.secure_config_write().cloned(),
            handed: Handed::default(),
        })
    }
}

/// What one plugin may do with its secrets.
pub struct SecretAccess {
    secrets: SecretService,
    read: Option<Scope<KeyPattern>>,
    write: Option<Scope<KeyPattern>>,
    handed: Handed,
}

/// Checks a key against form and scope; `access` is the word for the scope's access level.
fn check(
    caller: &Caller,
    scope: Option<&Scope<KeyPattern>>,
    access: &str,
    key: &str,
) -> Result<SecretName, Error> {
    let plugin = caller.plugin();
    let name: SecretName = key.parse().map_err(|error: SecretNameError| {
        Error::InvalidArgument(format!(
            "plugin \"{plugin}\" used a key for a secret that {error}"
        ))
    })?;
    if scope.is_some_and(|scope| scope.allows(key)) {
        return Ok(name);
    }
    Err(Error::PermissionDenied(format!(
        "plugin \"{plugin}\" may not {access} its secret \"{key}\": its secure_config grant covers only other keys; \
         grant secure_config:{access}={key} to allow it"
    )))
}

impl View<'_, SecretAccess> {
    async fn read(&self, key: &str) -> Result<Option<Arc<str>>, Error> {
        let access = self.state()?;
        let name = check(self.caller, access.read.as_ref(), "read", key)?;
        let (caller, org) = (self.caller, self.caller.context().org_id);
        let secret = access
            .secrets
            .get(caller.plugin(), org, &name, caller.deadline());
        Ok(secret.await?.map(|secret| access.handed.hand(&secret)))
    }

    /// Where the secret under a key goes.
    fn writing(&self, key: &str) -> Result<(&SecretService, SecretId), Error> {
        let access = self.state()?;
        let secret_id = SecretId {
            name: check(self.caller, access.write.as_ref(), "write", key)?,
            plugin: self.caller.plugin().clone(),
            org: self.caller.context().org_id,
        };
        Ok((&access.secrets, secret_id))
    }
}

impl SecureConfigRead for View<'_, SecretAccess> {
    async fn get(&mut self, key: String) -> Result<Option<Arc<str>>, Error> {
        self.read(&key).await
    }
}

impl SecureConfigWrite for View<'_, SecretAccess> {
    async fn set(&mut self, key: String, value: String) -> Result<(), Error> {
        // From here on it is overwritten, however the call ends.
        let secret = Secret::new(value);
        let (secrets, secret_id) = self.writing(&key)?;
        Ok(secrets
            .set(&secret_id, &secret, self.caller.deadline())
            .await?)
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        let (secrets, secret_id) = self.writing(&key)?;
        secrets.delete(&secret_id, self.caller.deadline()).await?;
        Ok(())
    }
}

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

use wasmtime::component::Linker;

pub use backend::{Put, Replaced, Replacement, Retired, SECRETS, SecretStore, Stored};
pub use error::SecretError;
pub use keys::{KeyId, KeyIdError, KeysError};
pub use name::{NAME_BYTES, Place, SecretName, SecretNameError};
pub use ring::{KeyRing, KeyRingError};
pub use rotate::Rotation;
pub use seal::{OpenError, SealError, Sealed};
pub use secret::{Hint, Secret};
pub use service::{Listed, SecretService, VALUE_BYTES};
pub use sql::{PostgresSecrets, SqlSecrets, SqliteSecrets};

use handed::Handed;

use crate::capability::{Caller, Guest, Of, PrepareError, Provider, Setup, Slot, View};
use crate::contract::Error;
use crate::contract::v0_1::goatherd::plugin::{secure_config_write, types};
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
    fn interfaces(&self) -> &'static [&'static str] {
        &["secure-config-read", "secure-config-write"]
    }

    fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        Ok(Slot::new(SecretAccess {
            secrets: self.0.clone(),
            read: setup.grants.secure_config_read().cloned(),
            write: setup.grants.secure_config_write().cloned(),
            handed: Handed::default(),
        }))
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

    async fn write(&self, key: &str, secret: Secret) -> Result<(), Error> {
        let access = self.state()?;
        let name = check(self.caller, access.write.as_ref(), "write", key)?;
        let place = Place {
            plugin: self.caller.plugin().clone(),
            name,
            org: self.caller.context().org_id,
        };
        let set = access.secrets.set(&place, &secret, self.caller.deadline());
        Ok(set.await?)
    }
}

/// The interface that [`link_read`] adds.
const READ: &str = "goatherd:plugin/secure-config-read@0.1.0";

/// Adds `secure-config-read` to a linker. Not by the generated code, which would take the text away from what overwrites
/// it.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_read(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(READ)?;
    interface.func_wrap_async("get", |mut store, (key,): (String,)| {
        Box::new(async move {
            let read = store.data_mut().view::<SecretAccess>().read(&key).await;
            wasmtime::Result::Ok((read.map_err(types::Error::from),))
        })
    })
}

/// Adds `secure-config-write` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link_write(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    secure_config_write::add_to_linker::<_, Of<SecretAccess>>(linker, Guest::view::<SecretAccess>)
}

impl secure_config_write::Host for View<'_, SecretAccess> {
    async fn set(&mut self, key: String, value: String) -> Result<(), types::Error> {
        // From here on it is overwritten, however the call ends.
        Ok(self.write(&key, Secret::new(value)).await?)
    }
}

//! What a back-end for secrets has to do.
//!
//! It keeps sealed bytes by [`SecretId`] and never sees a text or a key. What it promises: a change is there as a whole or
//! not at all; a place that is replaced or deleted meanwhile is not overwritten by [`replace`](SecretStore::replace); and
//! once a key is [retired](SecretStore::retire), nothing that it sealed is taken any more, by no node. The last is what
//! makes it safe to throw a key away: a node that still believes in that key is told so when it writes.

use std::time::Instant;

use async_trait::async_trait;

use super::keys::KeyId;
use super::name::{SecretId, SecretName};
use super::seal::Sealed;
use crate::contract::PluginName;
use crate::store::StoreError;

/// How many secrets a plugin may keep for one organisation, and as many for all.
pub const SECRETS: usize = 1_000;

/// Keeps sealed secrets. Every function ends by its deadline.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// What a plugin has under a name for an organisation, else what it has for all; for all alone where there is no
    /// organisation. It comes with the organisation that it was put for.
    async fn find(
        &self,
        plugin: &PluginName,
        name: &SecretName,
        org: Option<i64>,
        deadline: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError>;

    /// Puts a secret into its place, instead of one that is there.
    async fn put(
        &self,
        secret_id: &SecretId,
        sealed: Sealed,
        deadline: Instant,
    ) -> Result<Put, StoreError>;

    /// Empties a place, and says whether something was there.
    async fn delete(&self, secret_id: &SecretId, deadline: Instant) -> Result<bool, StoreError>;

    /// Everything that a plugin has, by name and then by organisation.
    async fn list(&self, plugin: &PluginName, deadline: Instant)
    -> Result<Vec<Stored>, StoreError>;

    /// Up to `limit` places after `after`, in an order that does not change, of all plugins, that another key than
    /// `current` sealed.
    async fn sealed_otherwise(
        &self,
        current: &KeyId,
        after: Option<&SecretId>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(SecretId, Sealed)>, StoreError>;

    /// Puts what was sealed anew into its places, all in one step, except where something else is there by now than what
    /// has the given nonce. Returns how many were put, or that their key is retired.
    async fn replace(
        &self,
        batch: Vec<Replacement>,
        deadline: Instant,
    ) -> Result<Replaced, StoreError>;

    /// Marks a key as never to be used again, if it sealed nothing that is there. It is on disk when this returns, and so
    /// is everything that was put before.
    async fn retire(&self, key: &KeyId, deadline: Instant) -> Result<Retired, StoreError>;
}

/// What became of a secret that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Done,
    /// The plugin has as many as it may have there already, and this would be another one.
    Full,
    /// The key that sealed it is retired. Nothing happened.
    KeyRetired,
}

/// What became of secrets that were sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// So many are in their places; the others had changed meanwhile.
    Done(usize),
    /// The key that sealed them is retired. Nothing happened.
    KeyRetired,
}

/// What became of a key that was to be retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// It is retired.
    Done,
    /// So many secrets are sealed with it. Nothing happened.
    InUse(u64),
}

/// A secret that is kept, and when it was put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it is.
    pub secret_id: SecretId,
    /// What is there.
    pub sealed: Sealed,
    /// When somebody set it. Sealing anew does not count.
    pub updated_at: jiff::Timestamp,
}

/// A secret that was sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Where it goes.
    pub secret_id: SecretId,
    /// The nonce of what it replaces.
    pub instead_of: Vec<u8>,
    /// What goes there.
    pub sealed: Sealed,
}

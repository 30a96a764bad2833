//! `wasi:keyvalue`, as a view of the plugin's cache.
//!
//! The bucket with the name `default`, or none, is the cache as `cache-read` and `cache-write` see it. Every other bucket is
//! the part of it whose keys begin with the bucket's name and a colon, so that `users` has under `7` what is `users:7` in the
//! whole. Names have 1 to [`NAME_BYTES`] letters of the English alphabet, digits, `.`, `_` and `-`; others are no bucket's. A
//! bucket is there as soon as it is opened, and another plugin's is nowhere.
//!
//! Each function is made of those of `cache-read` and `cache-write`, by the whole key: scope, sizes, quota and eviction are
//! those of the cache. That also means that entries are kept as a cache keeps them: they do not expire, and go when the
//! plugin's quota is full and they are the least recently used. A number is the cache's, of 64 bits with a sign.
//!
//! WASI's `access-denied` has no text, so a refusal is said in full in the plugin's log.
//!
//! What a batch is asked for is checked whole before anything is done, and bounded, because its values are all in the host's
//! memory at a time. A handle for a swap keeps a hash of the value that it saw and not the value: an instance can have as many
//! handles as its table of resources takes, and values are large.
//!
//! The two drafts that are served ([`DRAFTS`](crate::capability::wasi::DRAFTS)) differ in the shape of their functions and
//! are both put on [`Buckets`].

mod draft;
mod draft2;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

use super::{CacheAccess, Keys};
use crate::capability::log::Level;
use crate::capability::{Guest, View};
use crate::contract::Error;
use crate::contract::host::{CacheRead as _, CacheWrite as _};
use crate::permission::{KeyPrefix, Scope};

/// How long the name of a bucket may be, in bytes.
const NAME_BYTES: usize = 64;
/// The name of the bucket that is the whole cache; so is the empty name.
const WHOLE: &str = "default";
/// How many keys a batch may have.
const BATCH_KEYS: usize = 1_000;
/// How many bytes the values may have that a batch reads.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// What the functions of `wasi:keyvalue` work on.
struct Buckets<'a> {
    view: View<'a, CacheAccess>,
    resources: &'a mut ResourceTable,
}

/// An open bucket.
#[allow(unreachable_pub, reason = "generated code shows it to others")]
pub struct Bucket {
    /// What its keys begin with in the plugin's cache.
    beginning: String,
}

/// A swap that was begun.
#[allow(unreachable_pub, reason = "generated code shows it to others")]
pub struct Swap {
    /// In the plugin's cache.
    key: String,
    seen: Version,
}

/// A value, as far as it can be told from another; nothing where there is none.
type Version = Option<blake3::Hash>;

/// Why a function of `wasi:keyvalue` did nothing.
enum Refusal {
    NoSuchStore,
    AccessDenied,
    Other(String),
    /// A handle is not what it was taken for, which the runtime rules out.
    Broken(ResourceTableError),
}

/// How a swap ended that was not refused.
enum Swapped {
    Done,
    /// The value is another than the handle saw; here is a handle for the one that is there now.
    Stale(Resource<Swap>),
}

impl From<ResourceTableError> for Refusal {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::Other(
                "this instance has as many resources as it may have; drop buckets and swaps that are done with".to_owned(),
            ),
            broken => Self::Broken(broken),
        }
    }
}

/// What the keys begin with that are in scope and in the bucket with this beginning; nothing where none can be.
fn within(scope: Option<&Scope<KeyPrefix>>, beginning: &str) -> Vec<String> {
    let Some(scope) = scope else {
        return Vec::new();
    };
    let granted = || scope.entries().iter().map(KeyPrefix::beginning);
    if scope.covers_own() || granted().any(|granted| beginning.starts_with(granted)) {
        return vec![beginning.to_owned()];
    }
    let narrower = granted().filter(|granted| granted.starts_with(beginning));
    narrower.map(str::to_owned).collect()
}

fn version(value: Option<&[u8]>) -> Version {
    value.map(blake3::hash)
}

impl Buckets<'_> {
    fn open(&mut self, name: String) -> Result<Resource<Bucket>, Refusal> {
        let beginning = match name.as_str() {
            "" | WHOLE => String::new(),
            _ => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                if name.len() > NAME_BYTES || !name.bytes().all(is_plain) {
                    self.warn(&format!(
                        "plugin \"{}\" tried to open a bucket whose name no bucket can have; a name has 1 to {NAME_BYTES} \
                         letters, digits, dots, underscores and hyphens",
                        self.view.caller.plugin()
                    ));
                    return Err(Refusal::NoSuchStore);
                }
                format!("{name}:")
            }
        };
        let access = self.allowed(self.view.state())?;
        let reaches = |scope: &Option<_>| !within(scope.as_ref(), &beginning).is_empty();
        if !reaches(&access.read) && !reaches(&access.write) {
            return Err(self.out_of_scope("open", &beginning));
        }
        Ok(self.resources.push(Bucket { beginning })?)
    }

    fn close(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.resources.delete(bucket)?;
        Ok(())
    }

    async fn get(
        &mut self,
        bucket: &Resource<Bucket>,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let key = self.key(bucket, key)?;
        self.look(key).await
    }

    async fn set(
        &mut self,
        bucket: &Resource<Bucket>,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), Refusal> {
        let key = self.key(bucket, key)?;
        let set = self.view.set(key, value, None).await;
        self.allowed(set)
    }

    async fn delete(&mut self, bucket: &Resource<Bucket>, key: &str) -> Result<(), Refusal> {
        let key = self.key(bucket, key)?;
        let deleted = self.view.delete(key).await;
        self.allowed(deleted)
    }

    /// The keys in a bucket that are in scope for reading, a part of them at a time.
    async fn list_keys(
        &mut self,
        bucket: &Resource<Bucket>,
        after: Option<u64>,
    ) -> Result<Keys, Refusal> {
        let beginning = self.resources.get(bucket)?.beginning.clone();
        let access = self.allowed(self.view.state())?;
        let beginnings = within(access.read.as_ref(), &beginning);
        if beginnings.is_empty() {
            return Err(self.out_of_scope("list", &beginning));
        }
        let listed = access.cache.keys(&beginnings, after).await;
        let mut listed = self.allowed(listed.map_err(Error::from))?;
        for key in &mut listed.keys {
            key.drain(..beginning.len());
        }
        Ok(listed)
    }

    async fn increment(
        &mut self,
        bucket: &Resource<Bucket>,
        key: &str,
        by: i64,
    ) -> Result<i64, Refusal> {
        let key = self.key(bucket, key)?;
        let sum = self.view.increment(key, by, None).await;
        self.allowed(sum)
    }

    async fn get_many(
        &mut self,
        bucket: &Resource<Bucket>,
        names: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Refusal> {
        self.check_count(names.len())?;
        let mut asked = Vec::with_capacity(names.len());
        for name in names {
            let key = self.key(bucket, &name)?;
            self.allowed(self.view.reading(&key).map(|_| ()))?;
            asked.push((name, key));
        }
        let mut room = BATCH_BYTES;
        let mut got = Vec::with_capacity(asked.len());
        for (name, key) in asked {
            let value = self.look(key).await?;
            let bytes = value.as_ref().map_or(0, Vec::len);
            let Some(left) = room.checked_sub(bytes) else {
                return Err(Refusal::Other(format!(
                    "plugin \"{}\" tried to read values of more than {BATCH_BYTES} bytes at once; ask for fewer keys",
                    self.view.caller.plugin()
                )));
            };
            room = left;
            got.push((name, value));
        }
        Ok(got)
    }

    async fn set_many(
        &mut self,
        bucket: &Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Refusal> {
        self.check_count(entries.len())?;
        let mut checked = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let key = self.key(bucket, &name)?;
            self.allowed(self.view.writing(&key, Some(&value)).map(|_| ()))?;
            checked.push((key, value));
        }
        for (key, value) in checked {
            let set = self.view.set(key, value, None).await;
            self.allowed(set)?;
        }
        Ok(())
    }

    async fn delete_many(
        &mut self,
        bucket: &Resource<Bucket>,
        names: Vec<String>,
    ) -> Result<(), Refusal> {
        self.check_count(names.len())?;
        let mut checked = Vec::with_capacity(names.len());
        for name in names {
            let key = self.key(bucket, &name)?;
            self.allowed(self.view.writing(&key, None).map(|_| ()))?;
            checked.push(key);
        }
        for key in checked {
            let deleted = self.view.delete(key).await;
            self.allowed(deleted)?;
        }
        Ok(())
    }

    /// A handle for a swap of the value that is there now.
    async fn begin(
        &mut self,
        bucket: &Resource<Bucket>,
        key: &str,
    ) -> Result<Resource<Swap>, Refusal> {
        let key = self.key(bucket, key)?;
        let value = self.look(key.clone()).await?;
        let seen = version(value.as_deref());
        Ok(self.resources.push(Swap { key, seen })?)
    }

    /// The value that is there now, which is from then on what the handle saw.
    async fn current(&mut self, swap: &Resource<Swap>) -> Result<Option<Vec<u8>>, Refusal> {
        let key = self.resources.get(swap)?.key.clone();
        let value = self.look(key).await?;
        self.resources.get_mut(swap)?.seen = version(value.as_deref());
        Ok(value)
    }

    /// Puts a value in the place of the one that the handle saw, if that is there.
    async fn swap(&mut self, swap: Resource<Swap>, value: Vec<u8>) -> Result<Swapped, Refusal> {
        let Swap { key, seen } = self.resources.delete(swap)?;
        self.allowed(self.view.writing(&key, Some(&value)).map(|_| ()))?;
        let present = self.look(key.clone()).await?;
        if version(present.as_deref()) == seen {
            let new = Some(value);
            let set = self
                .view
                .compare_and_set(key.clone(), present, new, None)
                .await;
            if self.allowed(set)? {
                return Ok(Swapped::Done);
            }
        }
        let present = self.look(key.clone()).await?;
        let seen = version(present.as_deref());
        Ok(Swapped::Stale(self.resources.push(Swap { key, seen })?))
    }

    fn abandon(&mut self, swap: Resource<Swap>) -> wasmtime::Result<()> {
        self.resources.delete(swap)?;
        Ok(())
    }

    /// What a key of a bucket is in the plugin's cache.
    fn key(&self, bucket: &Resource<Bucket>, key: &str) -> Result<String, Refusal> {
        Ok(format!("{}{key}", self.resources.get(bucket)?.beginning))
    }

    async fn look(&mut self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        let value = self.view.get(key).await;
        self.allowed(value)
    }

    /// What our own interface answered, as WASI's says it.
    fn allowed<T>(&self, answer: Result<T, Error>) -> Result<T, Refusal> {
        answer.map_err(|error| match error {
            Error::PermissionDenied(message) => {
                self.warn(&message);
                Refusal::AccessDenied
            }
            other => Refusal::Other(other.message().into_owned()),
        })
    }

    fn out_of_scope(&self, tried: &str, beginning: &str) -> Refusal {
        self.warn(&format!(
            "plugin \"{}\" may not {tried} the bucket whose cache keys begin with \"{beginning}\": its cache grant covers only \
             keys with other beginnings; grant cache:readwrite={beginning} to allow it",
            self.view.caller.plugin()
        ));
        Refusal::AccessDenied
    }

    fn check_count(&self, keys: usize) -> Result<(), Refusal> {
        if keys <= BATCH_KEYS {
            return Ok(());
        }
        Err(Refusal::Other(format!(
            "plugin \"{}\" asked for {keys} keys at once; a batch has at most {BATCH_KEYS}",
            self.view.caller.plugin()
        )))
    }

    fn warn(&self, message: &str) {
        self.view.caller.log().host(Level::Warn, message);
    }
}

/// Tells the generated linking code what the functions work on.
struct OfBuckets;

impl HasData for OfBuckets {
    type Data<'a> = Buckets<'a>;
}

fn buckets(guest: &mut Guest) -> Buckets<'_> {
    let (view, resources) = guest.view_with_resources();
    Buckets { view, resources }
}

/// Adds `wasi:keyvalue/store` to a linker, in every draft that is served.
///
/// # Errors
///
/// When the linker has it already.
pub(super) fn link_store(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    draft::store::add_to_linker::<_, OfBuckets>(linker, buckets)?;
    draft2::store::add_to_linker::<_, OfBuckets>(linker, buckets)
}

/// Adds `wasi:keyvalue/atomics` to a linker, in every draft that is served.
///
/// # Errors
///
/// When the linker has it already.
pub(super) fn link_atomics(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    draft::atomics::add_to_linker::<_, OfBuckets>(linker, buckets)?;
    draft2::atomics::add_to_linker::<_, OfBuckets>(linker, buckets)
}

/// Adds `wasi:keyvalue/batch` to a linker, in every draft that is served.
///
/// # Errors
///
/// When the linker has it already.
pub(super) fn link_batch(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    draft::batch::add_to_linker::<_, OfBuckets>(linker, buckets)?;
    draft2::batch::add_to_linker::<_, OfBuckets>(linker, buckets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_bucket_reaches_as_far_as_the_scope_and_its_own_beginning() {
        let scope = |entries: &[&str]| {
            let entries = entries.iter().map(|entry| entry.parse().unwrap());
            Scope::only(entries.collect())
        };
        for (scope, beginning, reached) in [
            (Scope::own(), "", &[""][..]),
            (Scope::own(), "a:", &["a:"]),
            (scope(&["*"]), "a:", &["a:"]),
            (scope(&["a"]), "a:", &["a:"]),
            (scope(&["a:"]), "", &["a:"]),
            (scope(&["a:1", "a:2", "b:"]), "a:", &["a:1", "a:2"]),
            (scope(&["b:"]), "a:", &[]),
        ] {
            assert_eq!(
                within(Some(&scope), beginning),
                reached,
                "{scope} {beginning}"
            );
        }
        assert!(within(None, "").is_empty());
    }
}

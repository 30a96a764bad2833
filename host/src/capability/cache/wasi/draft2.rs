//! `wasi:keyvalue@0.2.0-draft2`, which has swaps, whole numbers and cursors that are texts.
//!
//! A cursor is what the cache gave, in decimal digits.

use wasmtime::component::Resource;

use super::{Bucket, Buckets, Refusal, Swap, Swapped};

#[allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; its documentation is in host/wit/"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue-draft2",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::capability::cache::wasi::Bucket,
            "wasi:keyvalue/atomics.cas": crate::capability::cache::wasi::Swap,
        },
        trappable_error_type: { "wasi:keyvalue/store.error" => crate::capability::cache::wasi::Refusal },
    });
}

pub(super) use generated::wasi::keyvalue::{atomics, batch, store};

impl store::Host for Buckets<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<Bucket>, Refusal> {
        Buckets::open(self, name)
    }

    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<store::Error> {
        Ok(match refusal {
            Refusal::NoSuchStore => store::Error::NoSuchStore,
            Refusal::AccessDenied => store::Error::AccessDenied,
            Refusal::Other(message) => store::Error::Other(message),
            Refusal::Broken(error) => return Err(error.into()),
        })
    }
}

impl store::HostBucket for Buckets<'_> {
    async fn get(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        Buckets::get(self, &bucket, &key).await
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refusal> {
        Buckets::set(self, &bucket, &key, value).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Refusal> {
        Buckets::delete(self, &bucket, &key).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Refusal> {
        Ok(Buckets::get(self, &bucket, &key).await?.is_some())
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Result<store::KeyResponse, Refusal> {
        let after = cursor.map(|cursor| cursor.parse()).transpose();
        let after = after.map_err(|_| {
            Refusal::Other(format!(
                "plugin \"{}\" gave a cursor to list-keys that list-keys never gave",
                self.view.caller.plugin()
            ))
        })?;
        let listed = Buckets::list_keys(self, &bucket, after).await?;
        Ok(store::KeyResponse {
            keys: listed.keys,
            cursor: listed.next.map(|next| next.to_string()),
        })
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl atomics::Host for Buckets<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, Refusal> {
        Buckets::increment(self, &bucket, &key, delta).await
    }

    async fn swap(
        &mut self,
        swap: Resource<Swap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        match Buckets::swap(self, swap, value).await {
            Ok(Swapped::Done) => Ok(Ok(())),
            Ok(Swapped::Stale(newer)) => Ok(Err(atomics::CasError::CasFailed(newer))),
            Err(refusal) => {
                let error = store::Host::convert_error(self, refusal)?;
                Ok(Err(atomics::CasError::StoreError(error)))
            }
        }
    }
}

impl atomics::HostCas for Buckets<'_> {
    async fn new(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Resource<Swap>, Refusal> {
        self.begin(&bucket, &key).await
    }

    async fn current(&mut self, swap: Resource<Swap>) -> Result<Option<Vec<u8>>, Refusal> {
        Buckets::current(self, &swap).await
    }

    async fn drop(&mut self, swap: Resource<Swap>) -> wasmtime::Result<()> {
        self.abandon(swap)
    }
}

impl batch::Host for Buckets<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Refusal> {
        Buckets::get_many(self, &bucket, keys).await
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Refusal> {
        Buckets::set_many(self, &bucket, entries).await
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<(), Refusal> {
        Buckets::delete_many(self, &bucket, keys).await
    }
}

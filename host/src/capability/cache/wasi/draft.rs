//! `wasi:keyvalue@0.2.0-draft`, which counts in natural numbers and knows no swaps.
//!
//! A sum that this draft cannot say, because something else put a number below 0 there, is an error that says what it is; the
//! addition has happened then, as it would have for everybody else.

use wasmtime::component::Resource;

use super::{Bucket, Buckets, Refusal};

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
        path: "wit/keyvalue-draft",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": crate::capability::cache::wasi::Bucket },
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
        cursor: Option<u64>,
    ) -> Result<store::KeyResponse, Refusal> {
        let listed = Buckets::list_keys(self, &bucket, cursor).await?;
        Ok(store::KeyResponse {
            keys: listed.keys,
            cursor: listed.next,
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
        delta: u64,
    ) -> Result<u64, Refusal> {
        let Ok(by) = i64::try_from(delta) else {
            return Err(Refusal::Other(format!(
                "plugin \"{}\" tried to add {delta} to what is cached under \"{key}\"; at most {} can be added at a time",
                self.view.caller.plugin(),
                i64::MAX
            )));
        };
        let sum = Buckets::increment(self, &bucket, &key, by).await?;
        u64::try_from(sum).map_err(|_| {
            Refusal::Other(format!(
                "what is cached under \"{key}\" is now {sum}, and this draft of wasi:keyvalue has no numbers below 0; \
                 0.2.0-draft2 has"
            ))
        })
    }
}

impl batch::Host for Buckets<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Refusal> {
        let got = Buckets::get_many(self, &bucket, keys).await?.into_iter();
        Ok(got.map(|(key, value)| Some((key, value?))).collect())
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

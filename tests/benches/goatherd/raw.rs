//! The same guest, called through wasmtime and nothing else: no grants, limits, pool, deadline or counters. Its one host
//! function does the work that it is there for, a look into the same kind of cache, and no more.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use goatherd::contract::Json;
use goatherd::contract::v0_1::Everything;
use goatherd::contract::v0_1::goatherd::plugin::types;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// One instance in one store.
pub struct Raw {
    store: Store<()>,
    bindings: Everything,
}

impl Raw {
    pub async fn load(bytes: &[u8]) -> Result<Self> {
        let engine = Engine::new(&Config::new())?;
        Self::instantiate(&Component::from_binary(&engine, bytes)?).await
    }

    /// An instance of a component that others may be instances of too.
    pub async fn instantiate(component: &Component) -> Result<Self> {
        let engine = component.engine();
        let mut linker = Linker::new(engine);
        let cache: moka::sync::Cache<String, Vec<u8>> = moka::sync::Cache::new(1_000);
        linker
            .instance("goatherd:plugin/cache-read@0.1.0")?
            .func_wrap_async("get", move |_, (key,): (String,)| {
                let found = cache.get(&key);
                Box::new(std::future::ready(Ok((Ok::<_, types::Error>(found),))))
            })?;
        linker.define_unknown_imports_as_traps(component)?;
        let mut store = Store::new(engine, ());
        let bindings = Everything::instantiate_async(&mut store, component, &linker).await?;
        Ok(Self { store, bindings })
    }

    pub async fn calls(&mut self, function: &str, args: &Json, calls: u32) -> Result<Duration> {
        let guest = self.bindings.goatherd_plugin_guest();
        let began = Instant::now();
        for _ in 0..calls {
            let answer = guest
                .call_call(&mut self.store, function, args.as_string())
                .await?;
            let answer = answer.ok().context("the guest answered with an error")?;
            ensure!(!answer.is_empty(), "the guest answered nothing");
        }
        Ok(began.elapsed())
    }
}

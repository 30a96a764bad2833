//! The same guest, called through wasmtime and nothing else: no grants, limits, pool, deadline or counters. Its one host
//! function does the work that it is there for, a look into the same kind of cache, and no more.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use goatherd::contract::{Error, Json};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

/// The interface that calls by a function's name go through, and its function.
const INTERFACE: &str = "goatherd:plugin/guest@0.1.0";
const FUNCTION: &str = "call";

/// One instance in one store.
pub struct Raw {
    store: Store<()>,
    call: TypedFunc<(String, String), (std::result::Result<String, Error>,)>,
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
                Box::new(std::future::ready(Ok((Ok::<_, Error>(found),))))
            })?;
        linker.define_unknown_imports_as_traps(component)?;
        let mut store = Store::new(engine, ());
        let instance = linker.instantiate_async(&mut store, component).await?;
        let interface = instance
            .get_export_index(&mut store, None, INTERFACE)
            .context("the guest exports no `guest`")?;
        let function = instance
            .get_export_index(&mut store, Some(&interface), FUNCTION)
            .context("the guest exports no `call`")?;
        let call = instance.get_typed_func(&mut store, function)?;
        Ok(Self { store, call })
    }

    pub async fn calls(&mut self, function: &str, args: &Json, calls: u32) -> Result<Duration> {
        let began = Instant::now();
        for _ in 0..calls {
            let question = (function.to_owned(), args.as_string().clone());
            let (answer,) = self.call.call_async(&mut self.store, question).await?;
            let answer = answer.ok().context("the guest answered with an error")?;
            ensure!(!answer.is_empty(), "the guest answered nothing");
        }
        Ok(began.elapsed())
    }
}

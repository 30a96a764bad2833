//! The same guest, called through wasmtime and nothing else: no grants, limits, pool, deadline or counters. Its one host
//! function does the work that it is there for, a look into the same kind of cache, and no more.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use goatherd::contract::wire::handlers::{Request, Response};
use goatherd::contract::{Error, Json};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

use crate::route::{ECHO, is_json};

/// The interface that calls by a function's name go through, and its function.
const GUEST: (&str, &str) = ("goatherd:plugin/guest@0.1.0", "call");
/// The interface that requests go through, and its function.
const ROUTES: (&str, &str) = ("goatherd:plugin/route-handler@0.1.0", "handle");

/// One instance in one store.
pub struct Raw {
    store: Store<()>,
    call: TypedFunc<(String, String), (std::result::Result<String, Error>,)>,
    handle: TypedFunc<(String, Request), (std::result::Result<Response, Error>,)>,
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
        let mut export = |(interface, function): (&str, &str)| {
            let interface = instance
                .get_export_index(&mut store, None, interface)
                .with_context(|| format!("the guest exports no {interface}"))?;
            instance
                .get_export_index(&mut store, Some(&interface), function)
                .with_context(|| format!("the guest exports no {function}"))
        };
        let (call, handle) = (export(GUEST)?, export(ROUTES)?);
        Ok(Self {
            call: instance.get_typed_func(&mut store, call)?,
            handle: instance.get_typed_func(&mut store, handle)?,
            store,
        })
    }

    /// Requests to the route, each of which is made anew, as a server makes them.
    pub async fn requests(&mut self, request: &Request, requests: u32) -> Result<Duration> {
        let began = Instant::now();
        for _ in 0..requests {
            let question = (ECHO.to_owned(), request.clone());
            let (answer,) = self.handle.call_async(&mut self.store, question).await?;
            let answer = answer.ok().context("the guest answered with an error")?;
            ensure!(is_json(&answer), "the guest answered something else");
        }
        Ok(began.elapsed())
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

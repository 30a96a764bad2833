//! The guest as a plugin: granted, limited, pooled, with a deadline and counters.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use goatherd::contract::invocation::HandleRoute;
use goatherd::contract::wire::handlers::Request;
use goatherd::contract::{CallContext, Json};
use goatherd::permission::{Grants, Rates};
use goatherd::runtime::{CodeCache, Limits};
use goatherd::{Host, Plugin};

use crate::route::{ECHO, is_json};

/// A loaded plugin, with the default policy but for its rate of calls.
pub struct Governed {
    plugin: Plugin,
}

pub fn host(code_cache: Option<&Path>) -> Result<Host> {
    let builder = Host::builder();
    Ok(match code_cache {
        Some(directory) => builder.code_cache(CodeCache::open(directory)?).build()?,
        None => builder.build()?,
    })
}

/// The default limits, and as many calls as the machine can make.
pub fn limits() -> Limits {
    Limits::default().rates(
        Rates::default()
            .calls_per_second(None)
            .database_per_minute(None),
    )
}

impl Governed {
    pub async fn load(bytes: &[u8]) -> Result<Self> {
        let host = host(None)?;
        let component = host.compile("bench", bytes.to_vec()).await?;
        let plugin = host
            .load(&component, Grants::default_policy(), limits())
            .await?;
        Ok(Self { plugin })
    }

    pub async fn calls(&self, function: &str, args: &Json, calls: u32) -> Result<Duration> {
        let began = Instant::now();
        for _ in 0..calls {
            let answer = self
                .plugin
                .call(function, args, CallContext::default())
                .await?;
            ensure!(!answer.as_str().is_empty(), "the guest answered nothing");
        }
        Ok(began.elapsed())
    }
}

impl Governed {
    /// Requests to the route, each of which is made anew, as a server makes them.
    pub async fn requests(&self, request: &Request, requests: u32) -> Result<Duration> {
        let began = Instant::now();
        for _ in 0..requests {
            let request = request.clone();
            let asked = HandleRoute {
                handler: ECHO,
                request: &request,
            };
            let answer = self.plugin.ask(&asked, CallContext::default()).await?;
            ensure!(is_json(&answer), "the guest answered something else");
        }
        Ok(began.elapsed())
    }
}

/// How long it takes from a file to the plugin's first answer.
pub async fn first_answer(host: &Host, file: &Path) -> Result<Duration> {
    let began = Instant::now();
    let component = host.compile_file(file).await?;
    let plugin = host
        .load(&component, Grants::default_policy(), limits())
        .await?;
    plugin
        .call("nothing", &Json::default(), CallContext::default())
        .await?;
    let took = began.elapsed();
    plugin.shutdown().await;
    Ok(took)
}

/// The same without compiled code.
pub async fn compile_time(file: &Path) -> Result<Duration> {
    first_answer(&host(None)?, file).await
}

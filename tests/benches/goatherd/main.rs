//! What Goatherd costs, as ratios taken in one run.
//!
//! Each row compares two ways of doing the same thing, which take turns in short rounds, so that whatever else the machine
//! does falls on both. A row's figure is the median over the rounds. The report goes to `target/bench/report.json` as
//! `{"name": {"value", "unit", "ratio", "against"}}`. Words on the command line choose the rows that contain one of them; the
//! report is then printed and not written.

mod governed;
mod host_api;
mod life;
mod neighbour;
mod organisations;
mod raw;
mod registry;
mod report;
mod rounds;
mod route;
mod warm;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use goatherd::contract::Json;

use governed::Governed;
use raw::Raw;
use report::Report;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

fn main() -> Result<()> {
    if life::alone()? {
        return Ok(());
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let target = target.parent().context("the target directory")?;
    let guests =
        std::env::var_os("GOATHERD_GUESTS").map_or_else(|| target.join("guests"), PathBuf::from);
    let guest = guests.join("bench.wasm");
    let bytes = std::fs::read(&guest)
        .with_context(|| format!("{}: run `cargo xtask guests --tests`", guest.display()))?;

    let chosen = Chosen::from_command_line();
    let mut report = Report::default();
    life::measure(&chosen, &mut report)?;
    neighbour::measure(&bytes, &chosen, &mut report)?;
    let single = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    single.block_on(calls(&bytes, &chosen, &mut report))?;
    if chosen.has("threads_2_over_1") {
        scaling(&bytes, &mut report)?;
    }
    if chosen.has("cold_start_ms") {
        single.block_on(cold_start(&guest, &mut report))?;
    }
    if chosen.has("describe_1000_warm_ms") {
        warm::describe(&guest, &mut report)?;
    }
    single.block_on(host_api::measure(&guests, &chosen, &mut report))?;
    single.block_on(organisations::measure(&chosen, &mut report))?;
    single.block_on(registry::measure(&chosen, &mut report))?;
    if !chosen.is_all() {
        return Ok(());
    }
    report.write(&target.join("bench").join("report.json"))
}

/// Which rows are measured.
struct Chosen(Vec<String>);

impl Chosen {
    /// Cargo adds options of its own, which mean nothing here.
    fn from_command_line() -> Self {
        let words = std::env::args().skip(1);
        Self(words.filter(|word| !word.starts_with('-')).collect())
    }

    fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.is_all() || self.0.iter().any(|word| name.contains(word.as_str()))
    }
}

/// The governed call against the raw one.
async fn calls(bytes: &[u8], chosen: &Chosen, report: &mut Report) -> Result<()> {
    let governed = Governed::load(bytes).await?;
    let mut raw = Raw::load(bytes).await?;
    let sizes = [
        ("call_empty_over_raw", "nothing", 0),
        ("call_1k_over_raw", "echo", 1 << 10),
        ("call_64k_over_raw", "echo", 64 << 10),
        ("host_call_over_raw", "get", 0),
    ];
    for (name, function, bytes) in sizes {
        if !chosen.has(name) {
            continue;
        }
        let args = Json::parse(format!("\"{}\"", "x".repeat(bytes)))?;
        let calls = if bytes > 10_000 { 4_000 } else { 20_000 };
        let pair = rounds::compare(
            async || governed.calls(function, &args, calls).await,
            async || raw.calls(function, &args, calls).await,
        )
        .await?;
        report.add(
            name,
            pair.subject / calls as f64,
            "ns",
            pair.ratio,
            "raw call",
        );
    }
    if chosen.has("route_typed_over_raw") {
        let request = route::request(1 << 10);
        let requests = 20_000;
        let pair = rounds::compare(
            async || governed.requests(&request, requests).await,
            async || raw.requests(&request, requests).await,
        )
        .await?;
        report.add(
            "route_typed_over_raw",
            pair.subject / f64::from(requests),
            "ns",
            pair.ratio,
            "raw call",
        );
    }
    Ok(())
}

/// Calls to one plugin from two threads against one. Beside it, what wasmtime and the machine make of two threads: with a
/// bare instance each of one engine, and with a bare instance each of an engine of its own.
fn scaling(bytes: &[u8], report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let governed = Arc::new(Governed::load(bytes).await?);
        rounds::throughput(&governed, 2).await?;
        let (mut one, mut both) = (Vec::new(), Vec::new());
        let compile = || {
            anyhow::Ok(Component::from_binary(
                &Engine::new(&Config::new())?,
                bytes,
            )?)
        };
        let (first, second) = (compile()?, compile()?);
        let shared = [&first, &first];
        let apart = [&first, &second];
        let (mut raw_one, mut raw_shared, mut raw_apart) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..15 {
            one.push(rounds::throughput(&governed, 1).await?);
            both.push(rounds::throughput(&governed, 2).await?);
            raw_one.push(rounds::raw_throughput(&shared[..1]).await?);
            raw_shared.push(rounds::raw_throughput(&shared).await?);
            raw_apart.push(rounds::raw_throughput(&apart).await?);
        }
        for (name, both, one) in [
            ("threads_2_over_1", &both, &one),
            ("raw_threads_2_over_1", &raw_shared, &raw_one),
            ("raw_engines_2_over_1", &raw_apart, &raw_one),
        ] {
            let ratio = rounds::median_ratio(both, one);
            report.add(name, rounds::median(both), "calls/s", ratio, "one thread");
        }
        Ok(())
    })
}

/// From a file to its first answer, with the compiled code on disk.
async fn cold_start(guest: &Path, report: &mut Report) -> Result<()> {
    let cache = tempfile::tempdir()?;
    let host = governed::host(Some(cache.path()))?;
    // The first time compiles.
    governed::first_answer(&host, guest).await?;
    let mut times = Vec::new();
    for _ in 0..200 {
        times.push(governed::first_answer(&host, guest).await?.as_secs_f64() * 1e3);
    }
    let compiled = governed::compile_time(guest).await?.as_secs_f64() * 1e3;
    let median = rounds::median(&times);
    report.add(
        "cold_start_ms",
        median,
        "ms",
        median / compiled,
        "without compiled code",
    );
    Ok(())
}

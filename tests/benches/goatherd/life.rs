//! What the life of a plugin costs: the first call of one that is loaded on demand, and replacing one under load.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use goatherd::Host;
use goatherd::contract::{CallContext, Json};
use goatherd::manager::{Configured, Handle, Loader, Manager, Terms};
use goatherd::runtime::{CodeCache, DescriptionCache, Limits};
use goatherd_tests::{process, steady};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::Chosen;
use crate::governed;
use crate::report::Report;
use crate::rounds;

const FIRST_CALL: &str = "lazy_first_call_ms";
const RELOAD: &str = "reload_under_200_calls_ms";
const MEMORY: &str = "memory_after_2000_reloads";
/// The same as the system's allocator is without being told anything. It gives threads arenas of their own, which fill in
/// the first hundreds of reloads; with one arena, what grows is what is kept.
const MEMORY_OF_ARENAS: &str = "memory_after_2000_reloads_arenas";
/// Set in a process that only replaces plugins, and says what it took in one line of JSON.
const ALONE: &str = "GOATHERD_BENCH_RELOADS_ALONE";

/// How many calls are in flight while a plugin is replaced.
const IN_FLIGHT: usize = 200;
/// After so many replacements memory is looked at first, and last.
const RELOADS: (u32, u32) = (20, 2_000);

/// Replaces plugins and nothing else, if this process was started for that.
pub fn alone() -> Result<bool> {
    if std::env::var_os(ALONE).is_none() {
        return Ok(false);
    }
    let taken = runtime()?.block_on(reloads())?;
    println!("{}", serde_json::to_string(&taken)?);
    Ok(true)
}

/// Measures the rows of this file.
pub fn measure(chosen: &Chosen, report: &mut Report) -> Result<()> {
    if chosen.has(RELOAD) || chosen.has(MEMORY) {
        let one_arena = in_a_process(&[("MALLOC_ARENA_MAX", "1")])?;
        one_arena.add(MEMORY, report);
        let arenas = in_a_process(&[])?;
        arenas.add(MEMORY_OF_ARENAS, report);
        report.add(
            RELOAD,
            arenas.median_ms,
            "ms",
            arenas.calls,
            "calls for each reload",
        );
    }
    if chosen.has(FIRST_CALL) {
        runtime()?.block_on(first_call(report))?;
    }
    Ok(())
}

/// What replacing plugins took.
#[derive(Serialize, Deserialize)]
struct Taken {
    /// Bytes after the first and after the last replacements.
    early: u64,
    late: u64,
    /// Of one replacement.
    median_ms: f64,
    /// How many calls were answered for each of them.
    calls: f64,
}

impl Taken {
    fn add(&self, name: &str, report: &mut Report) {
        let mebibytes = self.late as f64 / f64::from(1 << 20);
        let ratio = self.late as f64 / self.early as f64;
        report.add(name, mebibytes, "MiB", ratio, "after 20 reloads");
    }
}

/// Has it measured in a process of its own, with nothing in its memory but that.
fn in_a_process(environment: &[(&str, &str)]) -> Result<Taken> {
    let mut command = Command::new(std::env::current_exe()?);
    let command = command.env(ALONE, "1").envs(environment.iter().copied());
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the process failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}

/// A directory of plugins in a host that keeps compiled code and descriptions.
struct Home {
    folder: tempfile::TempDir,
    manager: Manager,
}

impl Home {
    fn new(limits: Limits) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let host = Host::builder()
            .code_cache(CodeCache::open(folder.path().join("code"))?)
            .description_cache(DescriptionCache::open(folder.path().join("descriptions"))?)
            .build()?;
        std::fs::create_dir(folder.path().join("plugins"))?;
        let terms = Terms::new(goatherd_tests::grants(&["plugin_call=*"]), limits);
        let decided = [("steady-a".parse()?, terms)];
        let manager = Manager::new(host, Configured::new(decided.into()));
        Ok(Self { folder, manager })
    }

    fn loader(&self) -> Loader {
        let plugins = self.folder.path().join("plugins");
        Loader::new(plugins, self.manager.clone(), goatherd_tests::reader())
    }

    /// Puts a generation of the plugin into the directory in one step.
    fn put(&self, component: &[u8]) -> Result<()> {
        let beside = self.folder.path().join("new");
        std::fs::write(&beside, component)?;
        let file = self.folder.path().join("plugins").join("a.wasm");
        Ok(std::fs::rename(beside, file)?)
    }

    fn plugin(&self) -> Result<Handle> {
        self.manager
            .plugin("steady-a")
            .context("the plugin does not serve")
    }
}

async fn ask(plugin: &Handle) -> Result<()> {
    let answer = plugin
        .call("generation", &Json::default(), CallContext::default())
        .await?;
    ensure!(answer.as_str().contains("generation"), "another answer");
    Ok(())
}

/// The first call of a plugin that is described and not loaded, against the second one.
async fn first_call(report: &mut Report) -> Result<()> {
    let home = Home::new(governed::limits())?;
    home.put(&steady('a', 1, b'n'))?;
    let loader = home.loader().with_lazy_loading(Duration::from_secs(3_600));
    loader.load_all().await?;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..61 {
        home.manager.disable("steady-a").await?;
        home.manager.enable("steady-a").await?;
        let table = home.manager.snapshot();
        let entry = table.get("steady-a").context("the plugin is gone")?;
        ensure!(
            entry.plugin().is_none(),
            "it is loaded before its first call"
        );
        let plugin = home.plugin()?;
        let began = Instant::now();
        ask(&plugin).await?;
        let between = Instant::now();
        ask(&plugin).await?;
        // The first one of all compiles.
        if round > 0 {
            first.push((between - began).as_secs_f64() * 1e3);
            second.push(between.elapsed().as_secs_f64() * 1e3);
        }
    }
    let (value, ratio) = (
        rounds::median(&first),
        rounds::median_ratio(&first, &second),
    );
    report.add(FIRST_CALL, value, "ms", ratio, "the second call");
    Ok(())
}

/// Replaces a plugin over and over while it is called.
async fn reloads() -> Result<Taken> {
    let home = Home::new(governed::limits())?;
    let generations = [steady('a', 1, b'n'), steady('a', 2, b'n')];
    home.put(&generations[0])?;
    home.loader().load_all().await?;
    let load = Load::of(&home.plugin()?);
    let mut times = Vec::new();
    let mut early = 0;
    for reload in 1..=RELOADS.1 {
        home.put(&generations[reload as usize % 2])?;
        let began = Instant::now();
        home.manager.reload("steady-a").await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        if reload == RELOADS.0 {
            early = process().anonymous_bytes;
        }
    }
    let late = process().anonymous_bytes;
    let calls = load.stop().await?;
    Ok(Taken {
        early,
        late,
        median_ms: rounds::median(&times),
        calls: calls as f64 / f64::from(RELOADS.1),
    })
}

/// Calls in flight, none of which may fail.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Result<u64>>>,
}

impl Load {
    fn of(plugin: &Handle) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = || {
            let (plugin, stop) = (plugin.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(Ordering::Relaxed) {
                    ask(&plugin).await?;
                    calls += 1;
                    tokio::task::yield_now().await;
                }
                Ok(calls)
            })
        };
        let tasks = (0..IN_FLIGHT).map(|_| task()).collect();
        Self { stop, tasks }
    }

    /// Ends them and says how many there were.
    async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut calls = 0;
        for task in self.tasks {
            calls += task.await??;
        }
        Ok(calls)
    }
}

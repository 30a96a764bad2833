//! What a plugin feels of another one that loops or eats memory with all its might.
//!
//! Two plugins share a host and two threads. A client outside of them calls one at short intervals and sees how long each
//! answer takes; meanwhile the other one is left alone, or is called by as many as its queue takes. Both take turns, and the
//! figure is the median over the rounds of one's 99th percentile over the other's. The bad plugin's breaker is off, which
//! would otherwise end the pressure after a few calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use goatherd::contract::{CallContext, Json};
use goatherd::permission::Grants;
use goatherd::runtime::BreakerPolicy;
use goatherd::{Host, Plugin};
use goatherd_tests::{Phase, hostile};
use tokio::runtime::{Handle, Runtime};

use crate::Chosen;
use crate::governed;
use crate::report::Report;
use crate::rounds;

/// The rows, with the deed of the guest `hostile` that each is about.
const ROWS: [(&str, u8); 2] = [("p99_beside_loops", b'l'), ("p99_beside_hoarders", b'o')];

const ROUNDS: usize = 9;
/// How many calls a round has.
const CALLS: usize = 1_000;
/// How long the client pauses between two calls.
const PAUSE: Duration = Duration::from_micros(500);
/// What the neighbour does for each of them: some 200 µs of work.
const STEPS: &str = "150000";
/// How many call the bad plugin at once.
const PRESSURE: usize = 200;

/// Measures the rows of this file.
pub fn measure(bench: &[u8], chosen: &Chosen, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    for (name, deed) in ROWS {
        if chosen.has(name) {
            row(&runtime, name, bench, deed, report)?;
        }
    }
    Ok(())
}

fn row(runtime: &Runtime, name: &str, bench: &[u8], deed: u8, report: &mut Report) -> Result<()> {
    let (good, bad) = runtime.block_on(load(bench, deed))?;
    client(runtime.handle(), &good)?;
    let (mut pressed, mut quiet) = (Vec::new(), Vec::new());
    let mut failed = 0;
    for _ in 0..ROUNDS {
        quiet.push(client(runtime.handle(), &good)?);
        let pressure = Pressure::on(runtime.handle(), &bad);
        // Until it is at its worst.
        std::thread::sleep(Duration::from_millis(300));
        pressed.push(client(runtime.handle(), &good)?);
        failed += runtime.block_on(pressure.end())?;
    }
    ensure!(failed > ROUNDS, "the bad plugin was not at work");
    runtime.block_on(async {
        good.shutdown().await;
        bad.shutdown().await;
    });
    let value = rounds::median(&pressed) * 1e6;
    let ratio = rounds::median_ratio(&pressed, &quiet);
    report.add(name, value, "us", ratio, "left alone");
    Ok(())
}

async fn load(bench: &[u8], deed: u8) -> Result<(Plugin, Plugin)> {
    let never = BreakerPolicy::default()
        .in_a_row(u32::MAX)
        .among_last(u32::MAX);
    let host = Host::builder().breaker(never).build()?;
    let good = host.compile("bench", bench.to_vec()).await?;
    let good = host.load(&good, Grants::default_policy(), governed::limits());
    let bad = host
        .compile("hostile", hostile(&[(Phase::Call, deed)]))
        .await?;
    let limits = governed::limits().call_timeout(Duration::from_secs(1));
    let bad = host.load(&bad, Grants::default_policy(), limits);
    Ok((good.await?, bad.await?))
}

/// Calls the plugin from outside of the runtime, and returns the 99th percentile of the answers' times in seconds.
fn client(runtime: &Handle, plugin: &Plugin) -> Result<f64> {
    let args = Json::parse(STEPS)?;
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        std::thread::sleep(PAUSE);
        let (plugin, args) = (plugin.clone(), args.clone());
        let (sender, answer) = std::sync::mpsc::channel();
        let began = Instant::now();
        runtime.spawn(async move {
            let answered = plugin.call("work", &args, CallContext::default()).await;
            // The client waits for it.
            let _ = sender.send(answered);
        });
        answer.recv().context("the call was dropped")??;
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[CALLS * 99 / 100])
}

/// Those who call the bad plugin.
struct Pressure {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<usize>>,
}

impl Pressure {
    fn on(runtime: &Handle, plugin: &Plugin) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = || {
            let (plugin, stop) = (plugin.clone(), Arc::clone(&stop));
            runtime.spawn(async move {
                let mut failed = 0;
                while !stop.load(Ordering::Relaxed) {
                    let args = Json::default();
                    let answer = plugin.call("anything", &args, CallContext::default());
                    failed += usize::from(answer.await.is_err());
                }
                failed
            })
        };
        let tasks = (0..PRESSURE).map(|_| task()).collect();
        Self { stop, tasks }
    }

    /// Ends it, and says how many calls failed.
    async fn end(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = 0;
        for task in self.tasks {
            failed += task.await?;
        }
        Ok(failed)
    }
}

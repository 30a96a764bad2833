//! A thousand bad calls leave nothing behind: no memory, no instances, no threads, no files.
//!
//! This is one test in a process of its own, since it measures the process.

use std::sync::Arc;

use goatherd::runtime::{BreakerPolicy, CallError, Trap};
use goatherd::{Host, Plugin};
use goatherd_tests::{
    NoDatabase, Phase, call, call_in, host_builder, hostile, limits, load, plugin, probe,
    probe_host, process, until,
};
use serde_json::json;

/// How much memory may differ between two moments of a process that holds the same: 262 bytes for each of the calls.
const SLACK_BYTES: u64 = 256 << 10;
/// How often a thousand calls are made until memory is flat over one. The pool keeps pages of up to a hundred instances
/// warm, and which it has used is chance, so memory rises in steps until all are; a leak grows over every thousand.
const ROUNDS: usize = 6;
/// What this process may hold in the end, warm pages included.
const TOTAL_BYTES: u64 = 64 << 20;
const MIB: usize = 1 << 20;
/// How many of the bad plugins cost the machine tens of milliseconds a call, and out of how many calls one is theirs.
const HEAVY: usize = 2;
const RARELY: usize = 25;
/// How many calls run at a time.
const PARALLEL: usize = 4;

/// Plugins that end their calls badly, each in its way.
struct Bad {
    /// With their codes; the last [`HEAVY`] of them write a lot of memory at each call.
    hostile: Vec<(u8, Plugin)>,
    bench: Plugin,
    probe: Plugin,
}

/// A host that goes on calling plugins which fail.
fn patient_host() -> Host {
    let never = BreakerPolicy::default()
        .in_a_row(u32::MAX)
        .among_last(BreakerPolicy::WINDOW);
    let builder = host_builder().provider(NoDatabase).breaker(never);
    builder.build().unwrap()
}

impl Bad {
    async fn load() -> Self {
        let host = patient_host();
        let mut all = Vec::new();
        for (code, memory) in [
            (b'p', 64),
            (b'l', 64),
            (b'r', 64),
            (b'u', 64),
            (b'h', 64),
            (b'o', 8),
            (b'e', 64),
            (b'H', 64),
            (b'h', 256),
        ] {
            let limits = limits().memory_bytes(memory * MIB);
            let loaded = load(
                &host,
                "hostile.wasm",
                hostile(&[(Phase::Call, code)]),
                &[],
                limits,
            )
            .await;
            all.push((code, loaded.unwrap()));
        }
        let bench = plugin(
            &host,
            "bench",
            &["cache:read=allowed"],
            limits().args_bytes(1_000),
        )
        .await;
        let probe = probe(&host, limits()).await;
        Self {
            hostile: all,
            bench,
            probe,
        }
    }

    /// The bad call of this number.
    async fn call(&self, number: usize) {
        let light = self.hostile.len() - HEAVY;
        let bad = if number.is_multiple_of(RARELY) {
            self.hostile.get(light + number / RARELY % HEAVY)
        } else {
            self.hostile[..light].get(number % (light + 5))
        };
        match bad {
            Some((code, plugin)) => {
                let patience = if *code == b'l' { 5 } else { 10_000 };
                let error = call_in(plugin, until(patience), "bad", json!({}))
                    .await
                    .expect_err("it is told to fail");
                let right = match &error {
                    CallError::Plugin { .. } => *code == b'e',
                    CallError::Trapped { trap, .. } => {
                        !matches!(trap, Trap::Other(_) | Trap::HostPanicked)
                    }
                    // A deadline of 5 ms can pass before an instance is free.
                    CallError::Busy { .. } => *code == b'l',
                    _ => false,
                };
                assert!(right, "{}: {error}", char::from(*code));
            }
            None => {
                let kind = number % (light + 5) - light;
                let error = match kind {
                    0 => call(&self.bench, "echo", json!("a".repeat(2_000))).await,
                    1 => call(&self.bench, "get", json!({})).await,
                    2 => call(&self.probe, "not-json", json!({})).await,
                    3 => call(&self.probe, "db.query", json!({"sql": "SELECT 1"})).await,
                    _ => {
                        call(
                            &self.probe,
                            "cache.set",
                            json!({"key": "k", "value": {"bytes": 1_500_000}}),
                        )
                        .await
                    }
                };
                let code = error.expect_err("it is refused").code();
                let expected = [
                    "too-large",
                    "permission-denied",
                    "unavailable",
                    "unavailable",
                    "too-large",
                ];
                assert_eq!(code, expected[kind]);
            }
        }
    }

    fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.hostile
            .iter()
            .map(|(_, plugin)| plugin)
            .chain([&self.bench, &self.probe])
    }
}

/// Makes so many bad calls, several at a time.
async fn make(bad: &Arc<Bad>, calls: usize) {
    let workers: Vec<_> = (0..PARALLEL)
        .map(|worker| {
            let bad = Arc::clone(bad);
            tokio::spawn(async move {
                for number in (worker..calls).step_by(PARALLEL) {
                    bad.call(number).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_calls_leave_memory_files_and_threads_as_they_were() {
    let bad = Arc::new(Bad::load().await);
    // Until the logs have filled up to their bounds.
    make(&bad, 1_000).await;
    let first = process();
    let mut rounds = vec![first];
    loop {
        let before = process();
        make(&bad, 1_000).await;
        let after = process();
        rounds.push(after);
        if after.anonymous_bytes <= before.anonymous_bytes + SLACK_BYTES {
            break;
        }
        assert!(
            rounds.len() <= ROUNDS,
            "memory grows over each thousand calls: {rounds:?}"
        );
    }
    let last = process();
    assert!(last.anonymous_bytes < TOTAL_BYTES, "{rounds:?}");
    assert_eq!(last.files, first.files, "open files: {rounds:?}");
    // Threads that loading needed end by themselves after ten seconds.
    assert!(last.threads <= first.threads, "threads: {rounds:?}");
    assert!(
        last.mappings <= first.mappings + 200,
        "mappings: {rounds:?}"
    );

    for plugin in bad.plugins() {
        assert!(
            plugin.instances() <= plugin.limits().instances,
            "{plugin:?}"
        );
    }
    // The pool is not used up: as many instances as before can be had, and they answer.
    for _ in 0..20 {
        let fresh = plugin(probe_host(), "bench", &["cache:read"], limits()).await;
        let calls = (0..2).map(|_| {
            let fresh = fresh.clone();
            tokio::spawn(async move {
                fresh
                    .call(
                        "echo",
                        &goatherd_tests::json(&json!({})),
                        Default::default(),
                    )
                    .await
            })
        });
        for answer in calls.collect::<Vec<_>>() {
            answer.await.unwrap().unwrap();
        }
    }
}

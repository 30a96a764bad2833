//! What calls that compute for long leave to the others. Alone in its process, since it measures what the process computes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use goatherd::contract::{CallContext, Json};
use goatherd::runtime::{CallError, Trap};
use goatherd::{Host, Plugin};
use goatherd_tests::{Phase, hostile, json, limits, load, plugin};

/// Held by each test, since one measures what the whole process computes.
static ALONE: Mutex<()> = Mutex::new(());

/// A plugin that loops, and one beside it.
async fn plugins(host: &Host, timeout: Duration) -> (Plugin, Plugin) {
    let looping = limits().call_timeout(timeout).instances(2);
    let loops = hostile(&[(Phase::Call, b'l')]);
    let loops = load(host, "loops", loops, &[], looping).await;
    let good = plugin(host, "bench", &["cache:read"], limits()).await;
    (loops.unwrap(), good)
}

fn call(plugin: &Plugin) -> tokio::task::JoinHandle<Result<(), CallError>> {
    let (plugin, args) = (plugin.clone(), Json::default());
    tokio::spawn(async move {
        let answer = plugin.call("loop", &args, CallContext::default());
        answer.await.map(drop)
    })
}

/// How long this process has computed.
fn computed() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the process may hold spaces; utime and stime are the 14th and 15th field, in hundredths of seconds.
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = [fields[11], fields[12]]
        .iter()
        .map(|text| text.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn two_calls_that_loop_take_one_of_two_threads_and_others_are_answered_meanwhile() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let host = runtime.block_on(async { Host::builder().build().unwrap() });
    let (loops, good) = runtime.block_on(plugins(&host, Duration::from_secs(3)));
    let (first, second) = runtime.block_on(async { (call(&loops), call(&loops)) });
    // Until both have seen their first ticks.
    std::thread::sleep(Duration::from_millis(500));
    let (began, before) = (Instant::now(), computed());
    let mut answered = 0;
    while began.elapsed() < Duration::from_millis(1_500) {
        let good = good.clone();
        let answer = handle.spawn(async move {
            let args = json(&10_000.into());
            let answer = good.call("work", &args, CallContext::default());
            answer.await.map(drop)
        });
        runtime.block_on(answer).unwrap().unwrap();
        answered += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    let part = (computed() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    assert!(part < 1.5, "they took {part:.2} processors");
    assert!(
        !first.is_finished() && !second.is_finished(),
        "the loops ended too early"
    );
    assert!(answered > 20, "only {answered} calls were answered");
    for looping in [first, second] {
        let ended = runtime.block_on(looping).unwrap();
        let timed_out = matches!(
            ended,
            Err(CallError::Trapped {
                trap: Trap::TimedOut,
                ..
            })
        );
        assert!(timed_out, "{ended:?}");
    }
}

#[test]
fn on_one_thread_calls_that_loop_let_others_run_at_every_tick() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let host = Host::builder().build().unwrap();
        let (loops, good) = plugins(&host, Duration::from_secs(2)).await;
        let looping = (call(&loops), call(&loops));
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..5 {
            let args = Json::default();
            let answer = good.call("nothing", &args, CallContext::default());
            answer.await.unwrap();
            tokio::task::yield_now().await;
        }
        assert!(!looping.0.is_finished() && !looping.1.is_finished());
        assert!(looping.0.await.unwrap().is_err() && looping.1.await.unwrap().is_err());
    });
}

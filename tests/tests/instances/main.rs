//! How instances serve calls: by mode, for so many calls, and within limits that change while they do.

mod limits;
mod per_call;
mod rates;
mod retirement;
mod single;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use goatherd::Plugin;
use goatherd::runtime::{CallError, InstanceMode, Limits};
use goatherd_tests::{call, limits};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

fn in_mode(mode: InstanceMode, instances: usize) -> Limits {
    limits().mode(mode).instances(instances)
}

/// Starts a call that goes on by itself.
fn start(
    plugin: &Plugin,
    function: &'static str,
    args: Value,
) -> JoinHandle<Result<Value, CallError>> {
    let plugin = plugin.clone();
    tokio::spawn(async move { call(&plugin, function, args).await })
}

/// The same, for a call that must have an instance or a place in line when this returns.
fn begin(
    plugin: &Plugin,
    function: &'static str,
    args: Value,
) -> JoinHandle<Result<Value, CallError>> {
    let plugin = plugin.clone();
    let mut begun = Box::pin(async move { call(&plugin, function, args).await });
    assert!(
        begun.as_mut().now_or_never().is_none(),
        "it is over already"
    );
    tokio::spawn(begun)
}

/// Keeps an instance busy.
fn occupy(plugin: &Plugin, milliseconds: u64) -> JoinHandle<Result<Value, CallError>> {
    begin(plugin, "spin", json!({ "ms": milliseconds }))
}

/// How many calls the instance had that answered.
async fn count(plugin: &Plugin) -> u64 {
    let counted = call(plugin, "count", json!({})).await;
    counted.unwrap_or_else(|error| panic!("{error}"))["count"]
        .as_u64()
        .unwrap()
}

/// Waits until something is so, and fails if it takes too long.
async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let latest = Instant::now() + Duration::from_secs(15);
    while !is_so() {
        assert!(Instant::now() < latest, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs something while callers without an end ask the plugin to count.
async fn among_many<T>(plugin: &Plugin, callers: usize, work: impl Future<Output = T>) -> T {
    let over = Arc::new(AtomicBool::new(false));
    let running: Vec<_> = (0..callers)
        .map(|_| {
            let (plugin, over) = (plugin.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    count(&plugin).await;
                }
            })
        })
        .collect();
    let done = work.await;
    over.store(true, Ordering::SeqCst);
    for caller in running {
        caller.await.unwrap();
    }
    done
}

//! Calls: in parallel, in line, under one deadline, each in an instance of its own.

mod application;
mod back_ends;
mod content;
mod deadlines;
mod failures;
mod lifecycle;
mod line;
mod parallel;

use std::time::{Duration, Instant};

use goatherd::capability::cache::{Cache, Caching};
use goatherd::runtime::{CallError, Limits, Trap};
use goatherd::{Host, Plugin};
use goatherd_tests::{NoDatabase, call, host_builder, limits};
use serde_json::{Value, json};

fn with_instances(instances: usize) -> Limits {
    limits().instances(instances)
}

/// Starts a call that goes on by itself.
fn start(
    plugin: &Plugin,
    function: &'static str,
    args: Value,
) -> tokio::task::JoinHandle<Result<Value, CallError>> {
    let plugin = plugin.clone();
    tokio::spawn(async move { call(&plugin, function, args).await })
}

/// Makes all of a plugin's instances.
async fn warm(plugin: &Plugin, instances: usize) {
    let calls: Vec<_> = (0..instances)
        .map(|_| start(plugin, "spin", json!({"ms": 50})))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(plugin.instances(), instances);
}

/// A host whose plugins' caches are in this back-end.
fn caching_host(cache: impl Cache) -> Host {
    host_builder()
        .provider(NoDatabase)
        .provider(Caching::new(cache))
        .build()
        .unwrap()
}

/// Fails unless the call was ended by its deadline.
#[track_caller]
fn timed_out(error: &CallError) {
    assert!(
        matches!(
            error,
            CallError::Trapped {
                trap: Trap::TimedOut,
                ..
            }
        ),
        "{error}"
    );
}

/// Fails unless less than this time has passed since then.
#[track_caller]
fn within(most: Duration, began: Instant) {
    let took = began.elapsed();
    assert!(took < most, "it took {took:?}");
}

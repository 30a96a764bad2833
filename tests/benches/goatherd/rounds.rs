//! Measuring in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use goatherd::contract::Json;
use tokio::task::JoinHandle;
use wasmtime::component::Component;

use crate::governed::Governed;
use crate::raw::Raw;

/// How many rounds each comparison takes.
const ROUNDS: usize = 41;
/// How long a round of a throughput measurement takes.
const ROUND: Duration = Duration::from_millis(150);

/// Two ways of doing the same thing.
pub struct Pair {
    /// Median time of the first, in nanoseconds.
    pub subject: f64,
    /// Median over the rounds of the first's time over the second's.
    pub ratio: f64,
    /// Median over the rounds of the first's time less the second's, in nanoseconds.
    pub difference: f64,
}

/// Lets two ways take turns.
pub async fn compare(
    mut subject: impl AsyncFnMut() -> Result<Duration>,
    mut against: impl AsyncFnMut() -> Result<Duration>,
) -> Result<Pair> {
    // Warm up.
    subject().await?;
    against().await?;
    let mut subjects = Vec::new();
    let mut others = Vec::new();
    for round in 0..ROUNDS {
        // Whoever goes first in a round may find colder caches.
        if round % 2 == 0 {
            subjects.push(subject().await?.as_secs_f64() * 1e9);
            others.push(against().await?.as_secs_f64() * 1e9);
        } else {
            others.push(against().await?.as_secs_f64() * 1e9);
            subjects.push(subject().await?.as_secs_f64() * 1e9);
        }
    }
    Ok(Pair {
        subject: median(&subjects),
        ratio: median_ratio(&subjects, &others),
        difference: {
            let pairs = subjects.iter().zip(&others);
            median(&pairs.map(|(subject, other)| subject - other).collect::<Vec<_>>())
        },
    })
}

/// Calls a second over many rounds, from so many tasks at once on their own threads.
pub async fn throughput(governed: &Arc<Governed>, tasks: usize) -> Result<f64> {
    let args = Json::default();
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (governed, args) = (Arc::clone(governed), args.clone());
            tokio::spawn(async move {
                let mut calls = 0_u64;
                while began.elapsed() < ROUND {
                    governed.calls("nothing", &args, 1_000).await?;
                    calls += 1_000;
                }
                anyhow::Ok((calls, began.elapsed()))
            })
        })
        .collect();
    sum_of_rates(running).await
}

/// The same with bare instances: a task for each component, with an instance of it.
pub async fn raw_throughput(components: &[&Component]) -> Result<f64> {
    let args = Json::default();
    let mut instances = Vec::new();
    for component in components {
        instances.push(Raw::instantiate(component).await?);
    }
    let began = Instant::now();
    let running: Vec<_> = instances
        .into_iter()
        .map(|mut raw| {
            let args = args.clone();
            tokio::spawn(async move {
                let mut calls = 0_u64;
                while began.elapsed() < ROUND {
                    raw.calls("nothing", &args, 1_000).await?;
                    calls += 1_000;
                }
                anyhow::Ok((calls, began.elapsed()))
            })
        })
        .collect();
    sum_of_rates(running).await
}

/// Calls a second, over all tasks.
async fn sum_of_rates(running: Vec<JoinHandle<Result<(u64, Duration)>>>) -> Result<f64> {
    let mut rate = 0.0;
    for task in running {
        let (calls, took) = task.await??;
        rate += calls as f64 / took.as_secs_f64();
    }
    Ok(rate)
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median over the rounds of one's value over the other's.
pub fn median_ratio(values: &[f64], others: &[f64]) -> f64 {
    let ratios: Vec<_> = values.iter().zip(others).map(|(a, b)| a / b).collect();
    median(&ratios)
}

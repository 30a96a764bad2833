//! A directory of a thousand plugins that were described before.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use goatherd::Host;
use goatherd::loader::{self, Reader, ReaderSettings};
use goatherd::runtime::DescriptionCache;

use crate::report::Report;
use crate::rounds;

const PLUGINS: usize = 1_000;
/// How many plugins are read and described at once.
const AT_ONCE: usize = 4;

/// Discovers, reads and describes a thousand small components, out of a warm cache and, for comparison, a few without it.
pub fn describe(guest: &Path, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(measure(guest, report))
}

async fn measure(guest: &Path, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins)?;
    let component = std::fs::read(guest)?;
    for number in 0..PLUGINS {
        let file = plugins.join(format!("p{number}.wasm"));
        std::fs::write(file, distinct(&component, u32::try_from(number)?))?;
    }
    let reader = Reader::new(ReaderSettings::new(folder.path().join("unpacked")))?;
    let cache = folder.path().join("descriptions");
    let host = || {
        anyhow::Ok(
            Host::builder()
                .description_cache(DescriptionCache::open(&cache)?)
                .build()?,
        )
    };
    // The first time compiles.
    let cold = all(&host()?, &reader, &plugins).await?.as_secs_f64() * 1e3;
    let mut times = Vec::new();
    for _ in 0..11 {
        times.push(all(&host()?, &reader, &plugins).await?.as_secs_f64() * 1e3);
    }
    let warm = rounds::median(&times);
    report.add(
        "describe_1000_warm_ms",
        warm,
        "ms",
        warm / cold,
        "cold cache",
    );
    Ok(())
}

async fn all(host: &Host, reader: &Reader, plugins: &Path) -> Result<Duration> {
    let began = Instant::now();
    let found = loader::discover(plugins).await?;
    let described: Vec<_> = stream::iter(&found)
        .map(|one| async move {
            let bundle = reader.read(one).await?;
            let component = bundle.component.clone().context("a component")?;
            let described = host.describe_bytes(&one.name_hint, Arc::clone(&component));
            let description = described.await?;
            bundle.check_against(&description)?;
            anyhow::Ok(description)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    ensure!(
        described.len() == PLUGINS,
        "{} were described",
        described.len()
    );
    Ok(began.elapsed())
}

/// A component with a section more, that nobody reads: another file that does the same.
fn distinct(component: &[u8], number: u32) -> Vec<u8> {
    let name = b"number";
    let mut bytes = component.to_vec();
    bytes.extend([0, 11, 6]);
    bytes.extend(name);
    bytes.extend(number.to_le_bytes());
    bytes
}

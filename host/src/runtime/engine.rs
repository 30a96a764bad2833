//! The wasmtime engine, configured for many small, mutually distrustful guests.
//!
//! Measured on this contract (see the benchmarks): component-model concurrency makes every synchronous call three times
//! as expensive, so it is compiled out; epochs cost next to nothing on calls, so they carry the deadlines; pooling halves
//! the price of an instance. Warm pages are kept so that instances do not fight over the process's memory map.

use std::time::Duration;

use super::clock::Clock;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often running guests are asked whether their deadline passed, and yield to others.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// How many instances may live in one host. A component in a language with a large runtime takes several core instances,
/// and each holds about seven of the kernel's 65,530 memory mappings.
const COMPONENTS: u32 = 1_000;
const CORE_INSTANCES: u32 = 4_000;
/// The stack of guest code; the rest of a fiber's stack is for host functions.
const GUEST_STACK: usize = 1 << 20;
const FIBER_STACK: usize = 2 << 20;
/// How much of a memory is wiped by writing instead of by unmapping.
const KEEP_RESIDENT: usize = 256 << 10;
/// How many memories that nobody uses stay prepared for the component that used them last, before another component gets
/// them in place of fresh ones. Each keeps up to [`KEEP_RESIDENT`], and a reloaded component is another component.
const WARM_MEMORIES: u32 = 16;
/// The largest table that the pool has room for.
const TABLE_ELEMENTS: usize = 100_000;

/// An engine, and the clock that ticks its epoch.
pub(super) struct Ticking {
    engine: Engine,
    clock: Clock,
}

/// What an embedder should know whose dependencies were compiled with this `opt-level`: plugins are compiled by code that is
/// among them.
fn warning(opt_level: &str) -> Option<&'static str> {
    (opt_level == "0").then_some(
        "the compiler of plugins was itself compiled without optimisation and takes minutes where it would take seconds; write \
         into the Cargo.toml of your workspace: [profile.dev.package.\"*\"] opt-level = 3, debug-assertions = false",
    )
}

impl Ticking {
    /// Configures an engine and starts its clock.
    ///
    /// # Errors
    ///
    /// When the machine cannot reserve the pool's address space, or cannot start a thread.
    pub(super) fn start() -> wasmtime::Result<Self> {
        if let Some(warning) = warning(env!("GOATHERD_COMPILER_OPT_LEVEL")) {
            tracing::warn!("{warning}");
        }
        let engine = Engine::new(&config())?;
        let ticked = engine.clone();
        let clock = Clock::start(TICK, move || ticked.increment_epoch())?;
        Ok(Self { engine, clock })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The time of the latest tick.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(COMPONENTS)
        .total_core_instances(CORE_INSTANCES)
        .total_memories(COMPONENTS)
        .total_tables(CORE_INSTANCES)
        .total_stacks(COMPONENTS)
        .max_core_instances_per_component(64)
        .max_memories_per_component(4)
        .max_tables_per_component(64)
        .max_tables_per_module(8)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(16 << 20)
        .max_component_instance_size(16 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .max_unused_warm_slots(WARM_MEMORIES)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(FIBER_STACK);
    config
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn an_unoptimised_compiler_is_told_with_the_lines_of_the_readme() {
        let warning = super::warning("0").unwrap();
        let readme = std::fs::read_to_string("../README.md").unwrap();
        for line in [
            "[profile.dev.package.\"*\"]",
            "opt-level = 3",
            "debug-assertions = false",
        ] {
            assert!(warning.contains(line), "{line}");
            assert!(readme.contains(&format!("\n{line}\n")), "{line}");
        }
        assert!(
            ["1", "2", "3", "s", "z"]
                .iter()
                .all(|level| super::warning(level).is_none())
        );
    }
}

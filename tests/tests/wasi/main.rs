//! WASI, as far as it is linked: the same for every toolchain's version of it, in `register` as in calls.

mod drafts;
mod failing;
mod languages;
mod printing;
mod refused;
mod shown;
mod versions;

use goatherd::capability::log::Entry;

/// What entries say, in their order.
fn messages(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.message.as_str()).collect()
}

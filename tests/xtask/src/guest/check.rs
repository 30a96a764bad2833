//! What a component says about itself, read from its own bytes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::DecodedWasm;

/// Its size, imports and exports, one a line. An error if it is no valid component.
pub(crate) fn describe(component: &Path) -> Result<String> {
    let bytes =
        fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    let decoded = wit_component::decode(&bytes)
        .with_context(|| format!("{} is not a valid component", component.display()))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        bail!("{} is a WIT package, not a component", component.display());
    };
    let Some(world) = resolve.worlds.get(world) else {
        bail!("{} has no world", component.display());
    };

    let mut text = format!("  {} bytes\n", bytes.len());
    for (direction, items) in [("imports", &world.imports), ("exports", &world.exports)] {
        for (key, _) in items {
            writeln!(text, "  {direction} {}", resolve.name_world_key(key))?;
        }
    }
    Ok(text)
}

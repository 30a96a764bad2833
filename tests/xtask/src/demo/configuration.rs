//! The demo's configuration file.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The examples that the demo shows. The others are for reading, and run in tests.
pub(crate) const PLUGINS: [&str; 4] = ["helpdesk-stats", "hello-js", "hello-py", "hello-go"];

/// The configuration as an operator would write it, every grant by hand.
pub(crate) fn text(address: SocketAddr, plugins: &Path, database: &Path) -> Result<String> {
    // Beside the database, so that the demo leaves nothing outside of `target/`.
    let keys = quoted(&database.with_file_name("goatherd.keys"))?;
    let (plugins, database) = (quoted(plugins)?, quoted(database)?);
    Ok(format!(
        r#"# Written by `cargo xtask demo`; it is written again at each start.
listen = "{address}"
plugins = {plugins}
database = {database}
secret_keys = {keys}

# Every visitor is an administrator. Only for a demo, and only on a loopback address.
open = true

[plugin.helpdesk-stats]
grants = ["db:read=ticket,queue", "cache:readwrite"]

[plugin.hello-js]
grants = ["cache:readwrite"]

[plugin.hello-py]
grants = ["cache:readwrite"]

[plugin.hello-go]
grants = ["cache:readwrite"]
"#
    ))
}

/// A path as a TOML string. Rust quotes the signs that TOML wants quoted in the same way.
fn quoted(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(format!("{text:?}"))
}

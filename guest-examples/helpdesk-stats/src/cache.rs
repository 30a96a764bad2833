//! Values in the plugin's cache, as JSON.

use serde_json::Value;

use crate::goatherd::plugin::types::Error;
use crate::goatherd::plugin::{cache_read, cache_write, context};

/// How long numbers may be out of date.
const TTL_SEC: u32 = 30;

/// The value under `key` for the organisation of this call, or else what `compute` returns, which is then cached. The
/// flag says whether it came out of the cache.
///
/// The host shows each organisation its own tickets, so what was computed for one must never be shown to another: the
/// organisation is part of the key.
pub fn cached(
    key: &str,
    compute: impl FnOnce() -> Result<Value, Error>,
) -> Result<(Value, bool), Error> {
    let key = match context::org_id() {
        Some(organisation) => format!("{key}:{organisation}"),
        None => key.to_string(),
    };
    if let Some(bytes) = cache_read::get(&key)?
        && let Ok(value) = serde_json::from_slice(&bytes)
    {
        return Ok((value, true));
    }
    let value = compute()?;
    cache_write::set(&key, value.to_string().as_bytes(), Some(TTL_SEC))?;
    Ok((value, false))
}

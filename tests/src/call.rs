//! Calls, with JSON on both sides.

use std::time::{Duration, Instant};

use goatherd::Plugin;
use goatherd::contract::{CallContext, Json};
use goatherd::runtime::CallError;
use serde_json::Value;

/// Arguments.
pub fn json(value: &Value) -> Json {
    Json::from_value(value).expect("what tests pass is not deep")
}

/// Calls a function with arguments and reads its result.
pub async fn call(plugin: &Plugin, function: &str, args: Value) -> Result<Value, CallError> {
    call_in(plugin, CallContext::default(), function, args).await
}

/// The same in a context.
pub async fn call_in(
    plugin: &Plugin,
    context: CallContext,
    function: &str,
    args: Value,
) -> Result<Value, CallError> {
    plugin.call_json(function, &json(&args), context).await
}

/// Calls a function for its text, whatever that is.
pub async fn call_text(plugin: &Plugin, function: &str, args: Value) -> Result<String, CallError> {
    let reply = plugin
        .call(function, &json(&args), CallContext::default())
        .await;
    reply.map(|reply| reply.into_string())
}

/// A context that ends after so many milliseconds.
pub fn until(milliseconds: u64) -> CallContext {
    CallContext::default().deadline(Some(Instant::now() + Duration::from_millis(milliseconds)))
}

/// A context in a language.
pub fn in_language(tag: &str) -> CallContext {
    CallContext::default().language(tag.parse().expect("a language tag"))
}

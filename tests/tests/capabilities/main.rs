//! Log, texts and settings, through a guest's imports.

mod config;
mod i18n;
mod log;

use goatherd::{Host, Plugin};
use goatherd_tests::{call, limits, plugin};
use serde_json::Value;

/// The code of a call that must fail.
async fn refusal(plugin: &Plugin, function: &str, args: Value) -> (String, String) {
    let error = call(plugin, function, args)
        .await
        .expect_err("it is refused");
    (error.code(), error.to_string())
}

/// The probe with these grants beside a database's.
async fn probe_with(host: &Host, granted: &[&str]) -> Plugin {
    let granted: Vec<_> = ["db:readwrite=*"].iter().chain(granted).copied().collect();
    plugin(host, "probe", &granted, limits()).await
}

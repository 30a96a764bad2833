//! Numbers about a helpdesk: how many tickets there are, in which queue, and since when.
//!
//! The plugin reads the tables `queue (id, name)` and `ticket (id, tn, title, queue_id, state, priority, created_at,
//! closed_at, org_id)`, keeps what it computed in its cache for half a minute, and adds four routes, a dashboard
//! widget and a menu item. Everything that it returns is an aggregate; no ticket's text leaves it.
//!
//! A plugin keeps nothing in variables from one call to the next: the host runs several instances of it and may throw
//! any of them away. That is what the cache is for.

mod cache;
mod chart;
mod database;
mod register;
mod routes;
mod stats;

// The contract is in the first folder, this plugin's own world in the second.
wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "example:helpdesk-stats/helpdesk-stats",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::widget_handler::{self, WidgetRequest};
use goatherd::plugin::log::{Level, log};
use goatherd::plugin::types::Error;
use serde_json::Value;

/// The plugin's name, as it registers it.
const NAME: &str = "helpdesk-stats";

struct HelpdeskStats;

impl Guest for HelpdeskStats {
    fn register() -> Registration {
        log_panics();
        register::registration()
    }

    fn init() -> Result<(), Error> {
        log_panics();
        Ok(())
    }

    /// What other plugins can ask for, and `goatherd call`. Errors of host functions pass through unchanged with `?`, so
    /// that the caller sees which rule refused.
    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let result = match function.as_str() {
            "stats" => stats::stats()?,
            "queue" => match args["name"].as_str() {
                Some(name) => stats::queue(name)?,
                None => return Err(Error::InvalidArgument("`name` is missing".into())),
            },
            unknown => {
                return Err(Error::NotFound(format!(
                    "{NAME} has no function {unknown:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl widget_handler::Guest for HelpdeskStats {
    fn render(handler: String, _widget: WidgetRequest) -> Result<String, Error> {
        match handler.as_str() {
            "tickets-by-queue" => chart::chart(),
            unknown => Err(Error::NotFound(format!("{NAME} has no widget {unknown:?}"))),
        }
    }
}

/// Has panics told to the log, with their line. Rust prints them to standard error, which a component for
/// wasm32-unknown-unknown does not have, so without this nobody would learn more than that the plugin panicked. `register`
/// runs in an instance of its own, so it needs this as much as `init` does.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string(), &[])));
}

export!(HelpdeskStats);

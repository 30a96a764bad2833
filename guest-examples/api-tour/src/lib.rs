//! One call of every function that a host offers, and for each of them what an error looks like.
//!
//! The function `tour` goes through all interfaces and returns how each step ended: `ok`, or the code of the error.
//! `../api-tour-js` and `../api-tour-py` take the same steps in the same order, so the three can be read side by side.
//! What each step does, and how it must end, is in `tests/tests/tour/expectations.json`.
//!
//! Each module is one family of interfaces, and can be read by itself. `handlers` is the other direction: what the host asks
//! of a plugin.

mod ambient;
mod cache;
mod custom_fields;
mod database;
mod entities;
mod handlers;
mod outside;
mod plugins;
mod register;
mod settings;
mod steps;

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "example:api-tour/api-tour",
    generate_all,
    additional_derives: [PartialEq],
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::log::{Level, log};
use goatherd::plugin::types::Error;
use serde::Deserialize;
use steps::Steps;

/// What differs from one installation to the next.
#[derive(Deserialize)]
struct Args {
    /// The organisation of the call, if there is one.
    org_id: Option<i64>,
    /// The user who acts, if there is one.
    user_id: Option<String>,
    /// The language of the call.
    language: String,
    /// A table that is not there yet. Its name begins with `tour_`.
    table: String,
    /// What the application's setting `app.name` says.
    app_name: String,
    /// A plugin with a function `echo`.
    peer: String,
    /// A name that the grant covers and no plugin has.
    absent_peer: String,
    /// A capability that returns its input, and whose slug ends in `.echo`.
    capability: String,
    /// A slug that the grant covers and nobody has.
    absent_capability: String,
    /// An address that answers a `POST` with its body.
    http_url: String,
    /// Somebody who may be written to.
    recipient: String,
    /// Two contacts. The second is deleted for good.
    contacts: [i64; 2],
}

struct ApiTour;

impl Guest for ApiTour {
    fn register() -> Registration {
        log_panics();
        register::registration()
    }

    fn init() -> Result<(), Error> {
        log_panics();
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        match function.as_str() {
            "tour" => {}
            // What the plugin's own capability calls.
            "echo" => return Ok(args),
            "fail" => fail(&args),
            unknown => {
                return Err(Error::NotFound(format!(
                    "api-tour has no function {unknown:?}"
                )));
            }
        }
        let args: Args = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args: {error}")))?;
        let mut steps = Steps::default();
        ambient::tour(&mut steps, &args);
        database::tour(&mut steps, &args);
        cache::tour(&mut steps);
        settings::tour(&mut steps, &args);
        plugins::tour(&mut steps, &args);
        outside::tour(&mut steps, &args);
        custom_fields::tour(&mut steps, args.contacts[0]);
        entities::tour(&mut steps, args.contacts);
        Ok(steps.into_json().to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

/// A bug, to see where one is read: the error that the call ends with, and the log, have the message and this line.
fn fail(args: &str) -> ! {
    panic!("a bug, with {args}");
}

/// Has panics told to the log, with their line. Rust prints them to standard error, which a component for
/// wasm32-unknown-unknown does not have, so without this nobody would learn more than that the plugin panicked. `register`
/// runs in an instance of its own, so it needs this as much as `init` does.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string(), &[])));
}

export!(ApiTour);

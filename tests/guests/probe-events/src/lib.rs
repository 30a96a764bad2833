//! A plugin that publishes what its caller says, and decides by a channel's name who may listen to it.
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `publish` | `{"channel", "type", "data"}`: text, or `{"bytes": N}` for N letters `x` | `null` |
//! | `burst` | `{"channel", "from", "count", "bytes"}` | `null`, after events of type `n` whose data is a number, padded |
//!
//! Its authorizers are asked about `asked.*` and answer what the channel's name says; see [`may_listen`]. Everybody may
//! listen to other channels.

#[path = "../../probe/src/json.rs"]
#[allow(dead_code, reason = "shared with a guest that needs more of it")]
mod json;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-events/probe-events",
    generate_all,
});

use exports::goatherd::plugin::event_authorizer;
use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{Contribution, EventAuthorizer};
use goatherd::plugin::types::Error;
use goatherd::plugin::{context, events};
use serde_json::Value;

use json::{number, text, wrong};

struct ProbeEvents;

impl Guest for ProbeEvents {
    fn register() -> Registration {
        Registration {
            name: "probe-events".into(),
            version: "0.1.0".into(),
            description: Some("Publishes what its caller says".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![
                Contribution::EventAuthorizer(EventAuthorizer {
                    handler: "may-listen".into(),
                    channels: vec!["asked.*".into()],
                }),
                Contribution::EventAuthorizer(EventAuthorizer {
                    handler: "never".into(),
                    channels: vec!["asked.twice".into()],
                }),
            ],
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        match function.as_str() {
            "publish" => {
                let data = match &args["data"] {
                    Value::String(data) => data.clone(),
                    sized => "x".repeat(number(sized, "bytes")? as usize),
                };
                events::publish(text(&args, "channel")?, text(&args, "type")?, &data)?;
                Ok("null".into())
            }
            "burst" => {
                let (from, count) = (number(&args, "from")?, number(&args, "count")?);
                let padding = ".".repeat(number(&args, "bytes")? as usize);
                for at in from..from + count {
                    events::publish(text(&args, "channel")?, "n", &format!("{at}{padding}"))?;
                }
                Ok("null".into())
            }
            _ => Err(Error::NotFound(format!(
                "probe-events has no function {function:?}"
            ))),
        }
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl event_authorizer::Guest for ProbeEvents {
    fn authorize(handler: String, channel: String) -> Result<bool, Error> {
        match handler.as_str() {
            "may-listen" => may_listen(&channel),
            "never" => Ok(false),
            _ => Err(wrong("there is no such authorizer")),
        }
    }
}

/// Everything that an authorizer can do, and what it can know.
fn may_listen(channel: &str) -> Result<bool, Error> {
    Ok(match channel {
        "asked.yes" | "asked.twice" => true,
        "asked.no" => false,
        "asked.error" => return Err(wrong("this channel fails")),
        "asked.trap" => panic!("this channel traps"),
        "asked.loop" => loop {
            std::hint::black_box(0);
        },
        // Those whose name begins with an A, who read German.
        "asked.who" => {
            let user = context::user();
            let named = user.is_some_and(|user| user.name.starts_with('A'));
            named && context::language() == "de"
        }
        other => {
            return Err(wrong(&format!("{other} is not known here")));
        }
    })
}

export!(ProbeEvents);

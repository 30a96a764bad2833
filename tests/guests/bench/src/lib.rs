//! As little as a plugin can do, so that a measured call shows what the host costs and not what the guest does.
//!
//! `echo` returns its arguments, `nothing` returns `null`, `get` reads one key of the cache and returns `null`, and `work`
//! takes a number of steps of about a nanosecond each and returns where they led to.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:bench/bench",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::cache_read;
use goatherd::plugin::types::Error;

struct Bench;

impl Guest for Bench {
    fn register() -> Registration {
        Registration {
            name: "bench".into(),
            version: "0.1.0".into(),
            description: "Does next to nothing".into(),
            author: String::new(),
            license: String::new(),
            homepage: String::new(),
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        match function.as_str() {
            "echo" => Ok(args),
            "nothing" => Ok("null".into()),
            "get" => {
                cache_read::get("k")?;
                Ok("null".into())
            }
            "work" => {
                let steps: u64 = args
                    .parse()
                    .map_err(|_| Error::InvalidArgument("steps are a number".into()))?;
                Ok(steps_of(steps).to_string())
            }
            _ => Err(Error::NotFound(function)),
        }
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

/// A chain of multiplications, of which none can begin before the one before has ended.
fn steps_of(steps: u64) -> u64 {
    (0..steps).fold(1, |state: u64, step| {
        (state ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

export!(Bench);

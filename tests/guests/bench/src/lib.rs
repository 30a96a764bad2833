//! As little as a plugin can do, so that a measured call shows what the host costs and not what the guest does.
//!
//! `echo` returns its arguments, `nothing` returns `null`, and `get` reads one key of the cache and returns `null`.

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
            _ => Err(Error::NotFound(function)),
        }
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Bench);

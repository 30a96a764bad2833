//! A plugin in perfect order, but for one import that no host serves.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:stranger/stranger",
    generate_all,
});

use acme::telepathy::mind;
use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::Error;

struct Stranger;

impl Guest for Stranger {
    fn register() -> Registration {
        Registration {
            name: "stranger".into(),
            version: "0.1.0".into(),
            description: Some("Reads minds".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(_function: String, args: String) -> Result<String, Error> {
        Ok(mind::read(&args))
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

export!(Stranger);

//! A plugin with an export of the right name and the wrong type, once a test has changed `goatherx` into `goatherd`
//! everywhere in the component: what binds this guest knows only one interface of a name.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:mistyped/mistyped",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherx::plugin::route_handler;
use goatherd::plugin::registration::{Contribution, Handler, Route};
use goatherd::plugin::types::{Error, Method};

struct Mistyped;

impl Guest for Mistyped {
    fn register() -> Registration {
        Registration {
            name: "mistyped".into(),
            version: "0.1.0".into(),
            description: Some("Exports what it should, but not as it should".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![Contribution::Route(Route {
                methods: vec![Method::Get],
                path: "/api/plugins/mistyped/page".into(),
                handler: Handler::Function("page".into()),
                middleware: Vec::new(),
                description: None,
                max_body_bytes: None,
            })],
        }
    }

    fn init() -> Result<(), Error> {
        Ok(())
    }

    fn call(function: String, _args: String) -> Result<String, Error> {
        Err(Error::NotFound(function))
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl route_handler::Guest for Mistyped {
    fn handle(handler: String) -> String {
        handler
    }
}

export!(Mistyped);

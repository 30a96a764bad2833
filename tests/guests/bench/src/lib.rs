//! As little as a plugin can do, so that a measured call shows what the host costs and not what the guest does.
//!
//! `echo` returns its arguments, `nothing` returns `null`, `get` reads one key of the cache and returns `null`, and `work`
//! takes a number of steps of about a nanosecond each and returns where they led to. The route `POST
//! /api/plugins/bench/echo` answers with the JSON that it got.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:bench/bench",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::route_handler::{self, Request, Response, ResponseBody};
use goatherd::plugin::cache_read;
use goatherd::plugin::registration::{Contribution, Handler, Middleware, Route};
use goatherd::plugin::types::{Error, Method};

struct Bench;

impl Guest for Bench {
    fn register() -> Registration {
        Registration {
            name: "bench".into(),
            version: "0.1.0".into(),
            description: Some("Does next to nothing".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![Contribution::Route(Route {
                methods: vec![Method::Post],
                path: "/api/plugins/bench/echo".into(),
                handler: Handler::Function("echo".into()),
                middleware: vec![Middleware::Public],
                description: None,
                max_body_bytes: None,
            })],
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

impl route_handler::Guest for Bench {
    fn handle(_handler: String, request: Request) -> Result<Response, Error> {
        let json = String::from_utf8(request.body)
            .map_err(|_| Error::InvalidArgument("the body is no text".into()))?;
        Ok(Response {
            status: None,
            headers: Vec::new(),
            body: ResponseBody::Json(json),
        })
    }
}

/// A chain of multiplications, of which none can begin before the one before has ended.
fn steps_of(steps: u64) -> u64 {
    (0..steps).fold(1, |state: u64, step| {
        (state ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

export!(Bench);

//! Calls one host function a call and does nothing with what it returned, so that a measured call shows what the host's
//! data cost: reading them, checking them, and bringing them into the guest.
//!
//! | function | arguments | does |
//! |---|---|---|
//! | `nothing` | | nothing |
//! | `query` | SQL | runs it and returns the number of rows |
//! | `put`, `get` | a key | writes 1 KiB into the cache, reads it and returns its length |
//! | `request` | a URL | asks for it and returns the status; an error's case when it is refused |
//!
//! Arguments are JSON.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:bench-data/bench-data",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::http_client::{self, HttpRequest};
use goatherd::plugin::types::{Error, Method};
use goatherd::plugin::{cache_read, cache_write, db_read};

struct BenchData;

impl Guest for BenchData {
    fn register() -> Registration {
        Registration {
            name: "bench-data".into(),
            version: "0.1.0".into(),
            description: Some("Calls one host function a call".into()),
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

    fn call(function: String, args: String) -> Result<String, Error> {
        let answer = match function.as_str() {
            "nothing" => return Ok("null".into()),
            "query" => db_read::query(&parsed::<String>(&args)?, &[])
                .map_err(|failed| failed.error)?
                .rows
                .len(),
            "put" => {
                cache_write::set(&parsed::<String>(&args)?, &[7; 1024], None)?;
                1
            }
            "get" => cache_read::get(&parsed::<String>(&args)?)?.map_or(0, |value| value.len()),
            "request" => return request(parsed(&args)?),
            _ => return Err(Error::NotFound(function)),
        };
        Ok(answer.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn parsed<T: serde::de::DeserializeOwned>(args: &str) -> Result<T, Error> {
    serde_json::from_str(args).map_err(|error| Error::InvalidArgument(error.to_string()))
}

fn request(url: String) -> Result<String, Error> {
    let request = HttpRequest {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: None,
        options: Vec::new(),
    };
    Ok(match http_client::request(&request) {
        Ok(response) => response.status.to_string(),
        Err(Error::PermissionDenied(_)) => "\"denied\"".into(),
        Err(error) => return Err(error),
    })
}

export!(BenchData);

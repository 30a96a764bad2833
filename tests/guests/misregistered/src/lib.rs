//! Registers itself wrongly, in one of two ways that a test chooses by changing one byte of the component.
//!
//! Right behind the text `GOATHERD-REGISTRATION:` stands
//! - `m` for five mistakes at once: the name, the version, a route's method, a route's middleware, a job's schedule;
//! - `v` for nothing wrong but a `min-host-version` of 99.0.0.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:misregistered/misregistered",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::registration::{Contribution, Job, Route};
use goatherd::plugin::types::Error;

static CHOICE: [u8; 24] = *b"GOATHERD-REGISTRATION:m\n";

/// The byte as it is in the component, whatever the compiler saw.
fn choice() -> u8 {
    // SAFETY: the pointer comes from a reference, and the index is below the array's length.
    unsafe { std::ptr::read_volatile(&CHOICE[22]) }
}

struct Misregistered;

impl Guest for Misregistered {
    fn register() -> Registration {
        match choice() {
            b'v' => Registration {
                name: "misregistered".into(),
                version: "1.0.0".into(),
                min_host_version: Some("99.0.0".into()),
                contributions: Vec::new(),
                ..unnamed()
            },
            _ => Registration {
                name: "Bad Name".into(),
                version: "1.0".into(),
                min_host_version: None,
                contributions: vec![
                    Contribution::Route(Route {
                        method: "FETCH".into(),
                        path: "/api/plugins/misregistered/a".into(),
                        handler: "a".into(),
                        middleware: vec!["auth".into()],
                        description: String::new(),
                    }),
                    Contribution::Route(Route {
                        method: "GET".into(),
                        path: "/api/plugins/misregistered/b".into(),
                        handler: "b".into(),
                        middleware: vec!["autth".into()],
                        description: String::new(),
                    }),
                    Contribution::Job(Job {
                        id: "nightly".into(),
                        handler: "c".into(),
                        schedule: "61 3 * * *".into(),
                        time_zone: None,
                        description: String::new(),
                        enabled: true,
                        timeout_sec: None,
                    }),
                ],
                ..unnamed()
            },
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

fn unnamed() -> Registration {
    Registration {
        name: String::new(),
        version: String::new(),
        description: "Cannot be registered".into(),
        author: String::new(),
        license: String::new(),
        homepage: String::new(),
        min_host_version: None,
        resources: None,
        contributions: Vec::new(),
    }
}

export!(Misregistered);

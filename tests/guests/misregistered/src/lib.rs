//! Registers itself wrongly, in one of three ways that a test chooses by changing one byte of the component.
//!
//! Right behind the text `GOATHERD-REGISTRATION:` stands
//! - `m` for five mistakes at once: the name, the version, a route's method, a route's middleware, a job's schedule;
//! - `v` for nothing wrong but a `min-host-version` of 99.0.0;
//! - `e` for nothing wrong but a widget, for which the component exports no `widget-handler`.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:misregistered/misregistered",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::job_handler::{self, JobRun};
use exports::goatherd::plugin::route_handler::{self, Request, Response};
use goatherd::plugin::registration::{
    Contribution, Handler, Job, Middleware, Route, Widget, WidgetLocation,
};
use goatherd::plugin::types::{Error, Method};

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
            b'e' => Registration {
                name: "misregistered".into(),
                version: "1.0.0".into(),
                contributions: vec![Contribution::Widget(Widget {
                    id: "lost".into(),
                    title: "Lost".into(),
                    description: None,
                    handler: "lost".into(),
                    location: WidgetLocation::AgentHome,
                    size: None,
                    order: 0,
                    refreshable: false,
                    refresh_sec: None,
                })],
                ..unnamed()
            },
            _ => Registration {
                name: "Bad Name".into(),
                version: "1.0".into(),
                min_host_version: None,
                contributions: vec![
                    route("a", Method::Other("FETCH".into()), Middleware::Auth),
                    route("b", Method::Get, Middleware::Other("autth".into())),
                    Contribution::Job(Job {
                        id: "nightly".into(),
                        handler: "c".into(),
                        schedule: "61 3 * * *".into(),
                        time_zone: None,
                        description: None,
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

impl route_handler::Guest for Misregistered {
    fn handle(handler: String, _request: Request) -> Result<Response, Error> {
        Err(Error::NotFound(handler))
    }
}

impl job_handler::Guest for Misregistered {
    fn run(handler: String, _run: JobRun) -> Result<Option<String>, Error> {
        Err(Error::NotFound(handler))
    }
}

fn route(name: &str, method: Method, middleware: Middleware) -> Contribution {
    Contribution::Route(Route {
        methods: vec![method],
        path: format!("/api/plugins/misregistered/{name}"),
        handler: Handler::Function(name.into()),
        middleware: vec![middleware],
        description: None,
        max_body_bytes: None,
    })
}

fn unnamed() -> Registration {
    Registration {
        name: String::new(),
        version: String::new(),
        description: Some("Cannot be registered".into()),
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources: None,
        contributions: Vec::new(),
    }
}

export!(Misregistered);

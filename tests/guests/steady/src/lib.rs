//! A plugin whose life can be watched: loaded, reloaded, put to sleep and woken.
//!
//! The component holds the text `GOATHERD-STEADY:a1n` exactly once: the last letter of the plugin's name, its generation,
//! which is the major version, and what goes wrong. A test changes them, which needs no rebuilding.
//!
//! | what goes wrong | |
//! |---|---|
//! | `n` | nothing |
//! | `i` | `init` answers with an error |
//! | `t` | `init` traps |
//! | `c` | each call and each request traps |
//!
//! | function | arguments | result |
//! |---|---|---|
//! | `generation` | | `{"generation"}` |
//! | `count` | | `{"count"}`: how often this instance was asked |
//! | `spin` | `{"ms"}` | `{"ms", "generation"}`, after being busy for so long |
//! | `nested` | `{"ms"}` | after being busy for so long, what `generation` of the plugin's own name answers to a plugin call |
//! | `greet` | `{"name"}`, a name at least as long as the generation's number | `{"greeting"}` |
//!
//! The route `page` answers HTML with the generation.

#[path = "../../probe/src/json.rs"]
#[allow(dead_code)]
mod json;
#[path = "../../probe/src/self_made.rs"]
#[allow(dead_code)]
mod self_made;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:steady/steady",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::route_handler::{self, Html, Request, Response, ResponseBody};
use goatherd::plugin::plugins;
use goatherd::plugin::registration::{Capability, CapabilityBody, Contribution, Handler, Route};
use goatherd::plugin::types::{Error, Method};
use serde_json::{Value, json};

static MARK: [u8; 19] = *b"GOATHERD-STEADY:a1n";

/// A byte of the mark as it is in the component, whatever the compiler saw.
fn mark(place: usize) -> char {
    // SAFETY: the pointer comes from a reference to a static of this length.
    let all = unsafe { std::ptr::read_volatile(&MARK) };
    char::from(all[16 + place])
}

fn name() -> String {
    format!("steady-{}", mark(0))
}

fn generation() -> Value {
    json!({ "generation": mark(1).to_string() })
}

/// What `greet` takes: names that are at least as long as the generation's number.
fn input() -> String {
    let name = json!({ "type": "string", "minLength": mark(1).to_digit(10).unwrap_or(1) });
    json!({ "type": "object", "required": ["name"], "properties": { "name": name } }).to_string()
}

struct Steady;

export!(Steady);

impl Guest for Steady {
    fn register() -> Registration {
        let name = name();
        Registration {
            version: format!("{}.0.0", mark(1)),
            description: Some("Goes on".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![
                Contribution::Route(Route {
                    methods: vec![Method::Get],
                    path: format!("/api/plugins/{name}/page"),
                    handler: Handler::Function("page".into()),
                    middleware: Vec::new(),
                    description: Some("Which generation answers".into()),
                    max_body_bytes: None,
                }),
                Contribution::Capability(Capability {
                    slug: format!("{name}.greet"),
                    does: CapabilityBody::Function("greet".into()),
                    title: "Greet".into(),
                    description: Some("Greets by name".into()),
                    input_schema: Some(input()),
                }),
            ],
            name,
        }
    }

    fn init() -> Result<(), Error> {
        match mark(2) {
            'i' => Err(Error::Unavailable("init fails as asked".into())),
            't' => panic!("init traps as asked"),
            _ => Ok(()),
        }
    }

    fn call(function: String, args: String) -> Result<String, Error> {
        trap_if_asked();
        let args: Value = serde_json::from_str(&args)
            .map_err(|error| Error::InvalidArgument(format!("args are not JSON: {error}")))?;
        let result = match function.as_str() {
            "generation" => generation(),
            "count" => self_made::count(),
            "spin" => {
                let mut spun = self_made::spin(&args)?;
                spun["generation"] = generation()["generation"].clone();
                spun
            }
            "nested" => {
                self_made::spin(&args)?;
                return plugins::call(&name(), "generation", "null");
            }
            "greet" => {
                let greeted = json::text(&args, "name")?;
                json!({ "greeting": format!("Hello, {greeted}!") })
            }
            _ => {
                return Err(Error::NotFound(format!(
                    "steady has no function {function:?}"
                )));
            }
        };
        Ok(result.to_string())
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

impl route_handler::Guest for Steady {
    fn handle(_handler: String, _request: Request) -> Result<Response, Error> {
        trap_if_asked();
        Ok(Response {
            status: None,
            headers: Vec::new(),
            body: ResponseBody::Html(Html {
                content: format!("<p>Generation {}</p>", mark(1)),
                title: None,
                whole_page: false,
            }),
        })
    }
}

fn trap_if_asked() {
    if mark(2) == 'c' {
        panic!("traps as asked");
    }
}

//! A plugin that means harm, in the phase and in the way that a test chooses.
//!
//! The component holds the text `GOATHERD-BEHAVIOUR:register=n;init=n;call=n;shutdown=n` exactly once. A test changes
//! the byte behind a phase's `=`, which needs no rebuilding. Counted from the text's first byte they stand at 28
//! (register), 35 (init), 42 (call) and 53 (shutdown).
//!
//! | code | what the phase does |
//! |---|---|
//! | `n` | what it should; `call` returns its arguments, the route its body |
//! | `u` | invalid UTF-8: in the description, in the result of `call` and of the route, in the message of an error of init and shutdown |
//! | `h` | 100 MB in the same places, if its memory limit lets it |
//! | `H` | register: 4,096 contributions whose texts are all the same 1 MiB of memory, so that 1 MiB in here is 4 GiB out there; otherwise an error with a message of 40 MB |
//! | `r` | recursion without an end |
//! | `l` | a loop without an end |
//! | `p` | a panic |
//! | `o` | allocates until it gets no more, and dies of it |
//! | `e` | an error of its own; register cannot return one and behaves |
//! | `s` | busy for 200 ms, then as `n` |
//!
//! Any other code panics. The route `POST /api/plugins/hostile/page` answers text and does what `call` does.

mod deeds;

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:hostile/hostile",
    generate_all,
});

use deeds::Told;
use exports::goatherd::plugin::guest::{Guest, Registration};
use exports::goatherd::plugin::route_handler::{self, Request, Response, ResponseBody};
use goatherd::plugin::registration::{Contribution, Handler, Middleware, Route};
use goatherd::plugin::types::{Error, ErrorDetail, Method};

static BEHAVIOUR: [u8; 55] = *b"GOATHERD-BEHAVIOUR:register=n;init=n;call=n;shutdown=n\n";

/// A function of the contract, by where its code stands.
#[derive(Clone, Copy)]
enum Phase {
    Register = 28,
    Init = 35,
    Call = 42,
    Shutdown = 53,
}

impl Phase {
    /// The code as it is in the component, whatever the compiler saw.
    fn code(self) -> u8 {
        // SAFETY: the pointer comes from a reference, and every phase's place is below the array's length.
        unsafe { std::ptr::read_volatile(&BEHAVIOUR[self as usize]) }
    }
}

struct Hostile;

impl Guest for Hostile {
    fn register() -> Registration {
        let mut registration = Registration {
            name: "hostile".into(),
            version: "0.1.0".into(),
            description: Some("Does what a plugin must not".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: vec![Contribution::Route(Route {
                methods: vec![Method::Post],
                path: "/api/plugins/hostile/page".into(),
                handler: Handler::Function("page".into()),
                middleware: vec![Middleware::Public],
                description: None,
                max_body_bytes: None,
            })],
        };
        match deeds::obey(Phase::Register.code()) {
            Told::Behave | Told::Fail => {}
            Told::Say(text) => registration.description = Some(text),
            Told::Amplify => {
                registration.contributions = deeds::one_block_many_times()
                    .map(Contribution::HideMenuItem)
                    .collect();
            }
        }
        registration
    }

    fn init() -> Result<(), Error> {
        fail_or(Phase::Init)
    }

    fn call(_function: String, args: String) -> Result<String, Error> {
        answer(args)
    }

    fn shutdown() -> Result<(), Error> {
        fail_or(Phase::Shutdown)
    }
}

impl route_handler::Guest for Hostile {
    fn handle(_handler: String, request: Request) -> Result<Response, Error> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Ok(Response {
            status: None,
            headers: Vec::new(),
            body: ResponseBody::Text(answer(body)?),
        })
    }
}

/// What a call is told to answer; `told` back if it is told to behave.
fn answer(told: String) -> Result<String, Error> {
    match deeds::obey(Phase::Call.code()) {
        Told::Behave => Ok(told),
        Told::Say(text) => Ok(text),
        Told::Fail => Err(error("as told".into())),
        Told::Amplify => Err(error(deeds::long_text(40_000_000))),
    }
}

fn fail_or(phase: Phase) -> Result<(), Error> {
    match deeds::obey(phase.code()) {
        Told::Behave => Ok(()),
        Told::Say(text) => Err(error(text)),
        Told::Fail => Err(error("as told".into())),
        Told::Amplify => Err(error(deeds::long_text(40_000_000))),
    }
}

fn error(message: String) -> Error {
    Error::Other(ErrorDetail {
        code: "hostile".into(),
        message,
    })
}

export!(Hostile);

//! A plugin that prints through WASI, as the runtimes of most languages do.
//!
//! `out` and `err` write their arguments, as they come, to standard output and to standard error and answer `null`;
//! `environment` answers how many environment variables and program arguments there are.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:printer/printer",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::types::{Error, ErrorDetail};
use wasi::cli::environment::{get_arguments, get_environment};
use wasi::cli::stderr::get_stderr;
use wasi::cli::stdout::get_stdout;
use wasi::io::streams::OutputStream;

struct Printer;

impl Guest for Printer {
    fn register() -> Registration {
        Registration {
            name: "printer".into(),
            version: "0.1.0".into(),
            description: Some("Prints".into()),
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
        match function.as_str() {
            "out" => print(&get_stdout(), &args),
            "err" => print(&get_stderr(), &args),
            "environment" => Ok((get_environment().len() + get_arguments().len()).to_string()),
            _ => Err(Error::NotFound(function)),
        }
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn print(stream: &OutputStream, text: &str) -> Result<String, Error> {
    // No more may be written at a time.
    for piece in text.as_bytes().chunks(4_096) {
        stream.blocking_write_and_flush(piece).map_err(|_| {
            Error::Other(ErrorDetail {
                code: "not-written".into(),
                message: "the stream did not take it".into(),
            })
        })?;
    }
    Ok("null".into())
}

export!(Printer);

//! The routes: what a request asks for, and the response that it gets.

use serde::Deserialize;
use serde_json::Value;

use crate::exports::goatherd::plugin::route_handler::{
    Guest, Html, Request, Response, ResponseBody,
};
use crate::goatherd::plugin::types::Error;
use crate::{HelpdeskStats, NAME, chart, stats};

/// More queues than this are not compared at a time, since each of them is asked for by itself.
const MAX_COMPARED: usize = 20;

/// The body of `compare`.
#[derive(Deserialize)]
struct Compare {
    queues: Vec<String>,
}

impl Guest for HelpdeskStats {
    /// `handler` is what the route was registered with. An error becomes a problem document with the status that fits;
    /// that of an unknown queue is the one that the plugin registered for its code.
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        match handler.as_str() {
            "stats" => Ok(json(&stats::stats()?)),
            "queue" => Ok(json(&stats::queue(parameter(&request, "name")?)?)),
            "compare" => Ok(json(&compare(&request.body)?)),
            "page" => page(),
            unknown => Err(Error::NotFound(format!(
                "{NAME} has no handler {unknown:?}"
            ))),
        }
    }
}

/// A list of queues, as `queue` shows each of them.
fn compare(body: &[u8]) -> Result<Value, Error> {
    let Compare { queues } = serde_json::from_slice(body)
        .map_err(|error| Error::InvalidArgument(format!("the body: {error}")))?;
    if queues.len() > MAX_COMPARED {
        return Err(Error::TooLarge(format!("more than {MAX_COMPARED} queues")));
    }
    queues.iter().map(|name| stats::queue(name)).collect()
}

/// The chart as a page, inside the application's layout.
fn page() -> Result<Response, Error> {
    Ok(response(ResponseBody::Html(Html {
        content: chart::chart()?,
        title: Some(chart::translate("title")),
        whole_page: false,
    })))
}

/// The first value of a parameter of the query.
fn parameter<'a>(request: &'a Request, name: &str) -> Result<&'a str, Error> {
    let mut query = request.query.iter();
    match query.find(|(parameter, _)| parameter == name) {
        Some((_, value)) => Ok(value),
        None => Err(Error::InvalidArgument(format!(
            "the parameter `{name}` is missing"
        ))),
    }
}

fn json(value: &Value) -> Response {
    response(ResponseBody::Json(value.to_string()))
}

/// With the status that is usual for its body, and no headers of its own.
fn response(body: ResponseBody) -> Response {
    Response {
        status: None,
        headers: vec![],
        body,
    }
}

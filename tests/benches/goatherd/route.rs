//! The request and the answer of the route that is measured.

use goatherd::contract::wire::handlers::{Request, Response, ResponseBody};
use goatherd::contract::wire::types::Method;

/// The handler of the guest's route.
pub const ECHO: &str = "echo";

/// A request with so many bytes of JSON, and the headers that a browser sends with one.
pub fn request(bytes: usize) -> Request {
    let headers = [
        ("accept", "application/json"),
        ("accept-language", "en"),
        ("content-type", "application/json"),
        ("host", "127.0.0.1:8787"),
        ("user-agent", "a browser"),
    ];
    Request {
        method: Method::Post,
        path: "/api/plugins/bench/echo".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))).into_bytes(),
        ui: None,
        details: Vec::new(),
    }
}

/// Whether it is what the handler answers.
pub fn is_json(response: &Response) -> bool {
    matches!(&response.body, ResponseBody::Json(json) if !json.is_empty())
}

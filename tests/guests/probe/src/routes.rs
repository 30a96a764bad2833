//! The probe's routes.
//!
//! | route | answers |
//! |---|---|
//! | `GET echo/:id`, `POST echo` | the request as JSON: `{"handler", "method", "path", "params", "query", "headers", "body", "ui", "details"}`; pairs are `[name, value]`, a body is text or `{"bytes": [1, 2]}` |
//! | `GET context` | what the function `context` returns |
//! | `POST answer` | what its body says: `{"status", "headers", "json" or "text" or "html" or "redirect" or "bytes" or "other"}`, or the error that `fail` would return for `{"error"}` |
//!
//! To `answer`, `html` is `{"content", "title", "whole_page"}`, `bytes` is `{"content_type", "content": [1, 2]}`, `json` and
//! `other` are texts, and a body without any of them is answered by an empty one.

use serde_json::{Value, json};

use crate::Probe;
use crate::exports::goatherd::plugin::route_handler::{
    Guest, Html, Request, RequestDetail, Response, ResponseBody, TypedBytes,
};
use crate::goatherd::plugin::registration::UiDataScope;
use crate::goatherd::plugin::types::{Error, Method};
use crate::json::{list, pairs, text, wrong};
use crate::{host, self_made};

impl Guest for Probe {
    fn handle(handler: String, request: Request) -> Result<Response, Error> {
        match handler.as_str() {
            "echo" => Ok(json_response(&seen(&handler, request))),
            "context" => Ok(json_response(&host::context())),
            "answer" => answer(&request.body),
            _ => Err(Error::NotFound(format!("probe has no handler {handler:?}"))),
        }
    }
}

fn json_response(value: &Value) -> Response {
    Response {
        status: None,
        headers: Vec::new(),
        body: ResponseBody::Json(value.to_string()),
    }
}

fn seen(handler: &str, request: Request) -> Value {
    let body = match String::from_utf8(request.body) {
        Ok(text) => text.into(),
        Err(error) => json!({ "bytes": error.into_bytes() }),
    };
    let details = request.details.into_iter().map(|detail| match detail {
        RequestDetail::BasePath(path) => ("base_path".into(), path),
        RequestDetail::ClientAddress(address) => ("client_address".into(), address),
        RequestDetail::Route(route) => ("route".into(), route),
        RequestDetail::Other(named) => named,
    });
    let details: Vec<(String, String)> = details.collect();
    json!({
        "handler": handler,
        "method": method(request.method),
        "path": request.path,
        "params": request.params,
        "query": request.query,
        "headers": request.headers,
        "body": body,
        "ui": request.ui.map(|ui| json!({ "id": ui.id, "data_scope": data_scope(ui.data_scope) })),
        "details": details,
    })
}

fn method(method: Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Other(name) => return name,
    }
    .to_owned()
}

fn data_scope(scope: UiDataScope) -> String {
    match scope {
        UiDataScope::Own => "own",
        UiDataScope::Org => "org",
        UiDataScope::All => "all",
        UiDataScope::Other(name) => return name,
    }
    .to_owned()
}

fn answer(told: &[u8]) -> Result<Response, Error> {
    let told: Value =
        serde_json::from_slice(told).map_err(|error| wrong(&format!("the body: {error}")))?;
    if !told["error"].is_null() {
        return Err(self_made::error(&told)?);
    }
    Ok(Response {
        status: told["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok()),
        headers: pairs(&told, "headers")?,
        body: body(&told)?,
    })
}

fn body(told: &Value) -> Result<ResponseBody, Error> {
    let kinds = ["json", "text", "html", "bytes", "redirect", "other"];
    let Some(kind) = kinds.into_iter().find(|kind| !told[kind].is_null()) else {
        return Ok(ResponseBody::Empty);
    };
    let value = &told[kind];
    Ok(match kind {
        "json" => ResponseBody::Json(text(told, kind)?.into()),
        "text" => ResponseBody::Text(text(told, kind)?.into()),
        "html" => ResponseBody::Html(Html {
            content: text(value, "content")?.into(),
            title: value["title"].as_str().map(str::to_owned),
            whole_page: value["whole_page"] == true,
        }),
        "bytes" => ResponseBody::Bytes(TypedBytes {
            content_type: text(value, "content_type")?.into(),
            content: list(value, "content")?
                .iter()
                .map(|byte| byte.as_u64().unwrap_or_default() as u8)
                .collect(),
        }),
        "redirect" => ResponseBody::Redirect(text(told, kind)?.into()),
        _ => ResponseBody::Other(("newer".into(), text(told, kind)?.into())),
    })
}

//! One request and its response.

use serde_json::{Value, json};

use crate::failed;
use crate::goatherd::plugin::types::Error;
use crate::json::{number, pairs, text, wrong};
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use crate::wasi::io::streams::StreamError;

pub fn whole(args: &Value) -> Result<Value, Error> {
    let response = respond(args)?;
    let headers: Vec<(String, String)> = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let body = response.consume().map_err(|()| wrong("no body"))?;
    let body = read(&body)?;
    let length = body.len();
    let body = match String::from_utf8(body) {
        Ok(text) if length <= 4_096 => text.into(),
        _ => json!({ "bytes": length }),
    };
    Ok(json!({ "status": response.status(), "headers": headers, "body": body }))
}

pub fn unread(args: &Value) -> Result<IncomingBody, Error> {
    respond(args)?.consume().map_err(|()| wrong("no body"))
}

pub fn abandon(args: &Value) -> Result<Value, Error> {
    let (request, content) = request(args)?;
    let body = request.body().map_err(|()| wrong("no body to write"))?;
    let future = send(request, args)?;
    write(&body, &content)?;
    drop(body);
    wait(&future).map(|_| Value::Null)
}

pub fn read(body: &IncomingBody) -> Result<Vec<u8>, Error> {
    let stream = body.stream().map_err(|()| wrong("no stream"))?;
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(failed(&error.to_debug_string()));
            }
        }
    }
}

fn respond(args: &Value) -> Result<IncomingResponse, Error> {
    let (request, content) = request(args)?;
    if content.is_empty() {
        return wait(&send(request, args)?);
    }
    let body = request.body().map_err(|()| wrong("no body to write"))?;
    let future = send(request, args)?;
    let written = write(&body, &content);
    let finished = OutgoingBody::finish(body, None);
    // A server that refuses a body says so in its response, which is of more interest than the broken stream.
    let response = wait(&future)?;
    written?;
    finished.map_err(|error| failed(&error))?;
    Ok(response)
}

fn request(args: &Value) -> Result<(OutgoingRequest, Vec<u8>), Error> {
    let headers: Vec<(String, Vec<u8>)> = pairs(args, "headers")?
        .into_iter()
        .map(|(name, value)| (name, value.into_bytes()))
        .collect();
    let headers = Fields::from_list(&headers).map_err(|error| failed(&error))?;
    let request = OutgoingRequest::new(headers);
    let method = match args["method"].as_str() {
        None | Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("CONNECT") => Method::Connect,
        Some(other) => Method::Other(other.into()),
    };
    let scheme = match args["scheme"].as_str() {
        None | Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        Some(other) => Scheme::Other(other.into()),
    };
    let refused = |what: &'static str| move |()| failed(&what);
    request.set_method(&method).map_err(refused("method"))?;
    request
        .set_scheme(Some(&scheme))
        .map_err(refused("scheme"))?;
    request
        .set_authority(Some(text(args, "authority")?))
        .map_err(refused("authority"))?;
    request
        .set_path_with_query(args["path"].as_str().or(Some("/")))
        .map_err(refused("path"))?;
    let content = match &args["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        zeros => vec![0; number(zeros, "bytes")? as usize],
    };
    Ok((request, content))
}

fn send(request: OutgoingRequest, args: &Value) -> Result<FutureIncomingResponse, Error> {
    let options = RequestOptions::new();
    let nanoseconds = |name: &str| args[name].as_u64().map(|ms| ms * 1_000_000);
    let set = [
        options.set_first_byte_timeout(nanoseconds("first_byte_ms")),
        options.set_between_bytes_timeout(nanoseconds("between_bytes_ms")),
    ];
    if set.contains(&Err(())) {
        return Err(failed(&"options"));
    }
    outgoing_handler::handle(request, Some(options)).map_err(|error| failed(&error))
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, Error> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(failed(&error)),
        Some(Err(())) | None => Err(wrong("the response was taken")),
    }
}

fn write(body: &OutgoingBody, content: &[u8]) -> Result<(), Error> {
    let stream = body.write().map_err(|()| wrong("no stream"))?;
    let mut rest = content;
    while !rest.is_empty() {
        stream.subscribe().block();
        let room = match stream.check_write() {
            Ok(room) => rest.len().min(room as usize),
            Err(error) => return Err(failed(&error)),
        };
        let (piece, more) = rest.split_at(room);
        stream.write(piece).map_err(|error| failed(&error))?;
        rest = more;
    }
    Ok(())
}

//! One request of `http-client` from its arguments to the whole response.
//!
//! Everything that can be refused is refused before the first byte leaves; then one deadline covers look-ups, connections,
//! redirects and reading. A response is counted while it is read, so a server cannot make the host hold more than the limit
//! whatever it says about the length.

use bytes::Bytes;
use http::Method;
use reqwest::{Body, Response};

use super::redirect::Outgoing;
use super::{BODY_BYTES, Egress, Failure, HttpAccess, METHODS, REDIRECTS, headers};
use crate::capability::Caller;
use crate::contract::Error;
use crate::contract::v0_1::goatherd::plugin::http_client::{HttpRequest, HttpResponse};

/// Sends a request and reads its response.
pub(super) async fn exchange(
    access: &HttpAccess,
    caller: &Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let outgoing = prepare(&access.egress, request)?;
    access.rate.check()?;
    let mut origin = outgoing.target.origin();
    let following = follow(access, outgoing, &mut origin);
    let ended = tokio::time::timeout_at(caller.deadline().into(), following).await;
    ended
        .unwrap_or(Err(Failure::TimedOut))
        .map_err(|failure| failure.into_error(&access.egress, &origin))
}

fn prepare(egress: &Egress, request: HttpRequest) -> Result<Outgoing, Error> {
    let plugin = egress.plugin();
    let target = egress.parse(&request.url)?;
    let method = method(&request.method).ok_or_else(|| {
        let shown: String = request.method.chars().take(64).collect();
        Error::InvalidArgument(format!(
            "plugin \"{plugin}\" made a request with the method {shown:?}; the methods are {}",
            METHODS.join(", ")
        ))
    })?;
    let headers = headers::of_request(plugin.as_str(), &request.headers)?;
    if let Some(body) = request.body.as_ref().filter(|body| body.len() > BODY_BYTES) {
        return Err(Error::TooLarge(format!(
            "plugin \"{plugin}\" made a request with a body of {} bytes; at most {BODY_BYTES} are allowed",
            body.len()
        )));
    }
    Ok(Outgoing {
        target,
        method,
        headers,
        body: request
            .body
            .filter(|body| !body.is_empty())
            .map(Bytes::from),
    })
}

fn method(text: &str) -> Option<Method> {
    METHODS
        .contains(&text)
        .then(|| Method::from_bytes(text.as_bytes()).ok())?
}

/// Sends, follows redirects, and reads the response at the end of them. `origin` is whom it asked last.
async fn follow(
    access: &HttpAccess,
    mut outgoing: Outgoing,
    origin: &mut String,
) -> Result<HttpResponse, Failure> {
    let egress = &access.egress;
    let mut via = None;
    for _ in 0..=REDIRECTS {
        let Outgoing {
            target,
            method,
            headers,
            body,
        } = outgoing.clone();
        let body = body.map(Body::from);
        let sent = access.wire.send(egress, &target, method, headers, body);
        let response = sent
            .await
            .map_err(|failure| failure.after(via.as_deref()))?;
        let redirected = outgoing.redirected(egress, response.status(), response.headers());
        outgoing = match redirected.map_err(Failure::Refused)? {
            Some(next) => next,
            None => return read(response).await,
        };
        via = Some(std::mem::replace(origin, outgoing.target.origin()));
    }
    Err(Failure::TooManyRedirects(REDIRECTS))
}

async fn read(mut response: Response) -> Result<HttpResponse, Failure> {
    let announced = response.content_length().unwrap_or_default();
    if announced > BODY_BYTES as u64 {
        return Err(Failure::BodyTooLarge);
    }
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| Failure::of_reading(&error))?
    {
        if body.len() + piece.len() > BODY_BYTES {
            return Err(Failure::BodyTooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(HttpResponse {
        status: response.status().as_u16(),
        headers: headers::of_response(response.headers()),
        body,
    })
}

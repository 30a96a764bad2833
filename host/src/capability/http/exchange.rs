//! One request of `http-client` from its arguments to the whole response.
//!
//! Everything that can be refused is refused before the first byte leaves; then one deadline covers look-ups, connections,
//! redirects and reading. A response is counted while it is read, so a server cannot make the host hold more than the limit
//! whatever it says about the length.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use reqwest::{Body, Response};

use super::redirect::Outgoing;
use super::{BODY_BYTES, Egress, Failure, HttpAccess, METHODS, REDIRECTS, headers};
use crate::capability::Caller;
use crate::contract::host::{HttpOption, HttpRequest, HttpResponse};
use crate::contract::wire::types as wire;
use crate::contract::{Error, PluginName};
use crate::names::text::quoted;

/// Sends a request and reads its response.
pub(super) async fn exchange(
    access: &HttpAccess,
    caller: &Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let options = Options::parse(access.egress.plugin(), &request.options)?;
    let outgoing = prepare(&access.egress, request)?;
    access.rate.check()?;
    let deadline = options.deadline(caller.deadline());
    let mut origin = outgoing.target.origin();
    let following = follow(access, outgoing, options.redirects, &mut origin);
    let ended = tokio::time::timeout_at(deadline.into(), following).await;
    ended
        .unwrap_or(Err(Failure::TimedOut))
        .map_err(|failure| failure.into_error(&access.egress, &origin))
}

/// How a request is to be sent.
struct Options {
    timeout: Option<Duration>,
    redirects: usize,
}

impl Options {
    fn parse(plugin: &PluginName, given: &[HttpOption]) -> Result<Self, Error> {
        let mut options = Self {
            timeout: None,
            redirects: REDIRECTS,
        };
        let wrong = |what: String| {
            Error::InvalidArgument(format!("plugin \"{plugin}\" made a request {what}"))
        };
        for option in given {
            match option {
                HttpOption::TimeoutMs(milliseconds) => {
                    options.timeout = Some(Duration::from_millis((*milliseconds).into()));
                }
                HttpOption::Redirects(redirects) => {
                    let redirects = usize::try_from(*redirects).unwrap_or(usize::MAX);
                    if redirects > REDIRECTS {
                        return Err(wrong(format!(
                            "that follows {redirects} redirects; at most {REDIRECTS} are followed"
                        )));
                    }
                    options.redirects = redirects;
                }
                HttpOption::Unknown(name) => {
                    return Err(wrong(format!(
                        "with the option {}, which this host does not know; it knows timeout-ms and redirects",
                        quoted(name)
                    )));
                }
            }
        }
        Ok(options)
    }

    fn deadline(&self, latest: Instant) -> Instant {
        let own = self
            .timeout
            .and_then(|time| Instant::now().checked_add(time));
        own.map_or(latest, |own| own.min(latest))
    }
}

fn prepare(egress: &Egress, request: HttpRequest) -> Result<Outgoing, Error> {
    let plugin = egress.plugin();
    let target = egress.parse(&request.url)?;
    let method = method(&request.method).ok_or_else(|| {
        Error::InvalidArgument(format!(
            "plugin \"{plugin}\" made a request with the method {}; the methods are {}",
            quoted(request.method.as_str()),
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

fn method(given: &wire::Method) -> Option<Method> {
    Some(match given {
        wire::Method::Get => Method::GET,
        wire::Method::Head => Method::HEAD,
        wire::Method::Post => Method::POST,
        wire::Method::Put => Method::PUT,
        wire::Method::Patch => Method::PATCH,
        wire::Method::Delete => Method::DELETE,
        wire::Method::Options => Method::OPTIONS,
        wire::Method::Other(_) => return None,
    })
}

/// Sends, follows redirects, and reads the response at the end of them. `origin` is whom it asked last.
async fn follow(
    access: &HttpAccess,
    mut outgoing: Outgoing,
    redirects: usize,
    origin: &mut String,
) -> Result<HttpResponse, Failure> {
    let egress = &access.egress;
    let mut via = None;
    for _ in 0..=redirects {
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
    Err(Failure::TooManyRedirects(redirects))
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

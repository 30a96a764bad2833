//! `wasi:http/outgoing-handler`, by the rules of `http-client`.
//!
//! A request of a guest is turned into a URL, decided on, counted and sent like any other. Bodies stream in both directions;
//! each is counted and ends at its limit or at the deadline of the call that made the request, whichever is first. Then the
//! connection is closed, whether anybody reads or not. Redirects are responses, as WASI has it: following one is the guest's
//! next request.
//!
//! WASI's errors have no text, so a refusal is said in full in the plugin's log.
//!
//! `wasi:http/types` is linked without a grant, because runtimes import it whether a plugin uses it or not. It has no
//! effect, but what a guest makes with it lives in the host's memory: each resource is bounded here, and their number by
//! the table that they are in.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};

use super::egress::{Kind, Refusal, Target};
use super::failure::{BodyError, Failure};
use super::{BODY_BYTES, METHODS, Shared, headers};
use crate::capability::log::{Level, PluginLog};
use crate::capability::{Caller, Guest};

/// How much of a request's body is held until the server takes it: twice this.
const CHUNK_BYTES: usize = 16 * 1024;
/// The longest method or authority that a request is made with.
const TEXT_BYTES: usize = 1024;

/// What one instance needs for `wasi:http`.
struct WasiHttpState {
    context: WasiHttpCtx,
    hooks: Hooks,
}

/// What is the host's own in wasmtime's implementation.
struct Hooks {
    access: Option<Shared>,
    log: Arc<PluginLog>,
    deadline: Instant,
}

type Sent = Result<(Response<WasiBody>, Ending), Error>;
type Ending = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpState {
    /// For an instance whose plugin may do this much; nothing leaves without.
    fn new(access: Option<&Shared>, log: &Arc<PluginLog>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(headers::SECTION_BYTES);
        Self {
            context,
            hooks: Hooks {
                access: access.cloned(),
                log: Arc::clone(log),
                deadline: Instant::now(),
            },
        }
    }

    /// For the call that runs now.
    fn enter(&mut self, caller: &Caller) {
        self.hooks.deadline = caller.deadline();
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let parts = self.parts(|access: Option<&Shared>, caller| {
            WasiHttpState::new(access, caller.shared_log())
        });
        parts.kept.enter(parts.caller);
        WasiHttpCtxView {
            ctx: &mut parts.kept.context,
            table: parts.resources,
            hooks: &mut parts.kept.hooks,
        }
    }
}

/// Whether a header may neither be set by a guest nor is shown to it. A guest may say how long its body is: wasmtime holds
/// it to that, and the connection is closed if the body is shorter.
fn is_forbidden(name: &HeaderName) -> bool {
    name != CONTENT_LENGTH && headers::is_reserved(name)
}

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn set_host_header(&mut self) -> bool {
        // It comes from the URL, like everything that says where a request goes.
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Ending,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let options = options.unwrap_or_default();
        match self.admit(&request) {
            Ok(admitted) => Box::new(admitted.send(request, options)),
            Err(error) => Box::new(async { Err(error) }),
        }
    }
}

impl Hooks {
    fn admit(&self, request: &Request<WasiBody>) -> Result<Admitted, Error> {
        let Some(access) = &self.access else {
            return Err(Error::HttpRequestDenied);
        };
        let plugin = access.egress.plugin();
        let warn = |message: String| self.log.host(Level::Warn, message);
        let url = request.uri().to_string();
        let target = access.egress.parse(&url).map_err(|refusal| {
            warn(refusal.message.clone());
            refused(&refusal)
        })?;
        if !METHODS.contains(&request.method().as_str()) {
            return Err(Error::HttpRequestMethodInvalid);
        }
        if !headers::fit(request.headers()) {
            return Err(Error::HttpRequestHeaderSectionSize(None));
        }
        if let Some(bytes) = request
            .body()
            .size_hint()
            .exact()
            .or_else(|| length(request))
            && bytes > BODY_BYTES as u64
        {
            return Err(Error::HttpRequestBodySize(Some(BODY_BYTES as u64)));
        }
        access.rate.check().map_err(|error| {
            warn(format!(
                "plugin \"{plugin}\" asks other servers too often: {error}"
            ));
            Error::ConnectionLimitReached
        })?;
        let permit = Arc::clone(&access.open).try_acquire_owned().map_err(|_| {
            warn(format!(
                "plugin \"{plugin}\" has {} requests open and may not have more",
                super::OPEN
            ));
            Error::ConnectionLimitReached
        })?;
        Ok(Admitted {
            access: Arc::clone(access),
            log: Arc::clone(&self.log),
            target,
            permit,
            deadline: self.deadline,
        })
    }
}

fn length(request: &Request<WasiBody>) -> Option<u64> {
    let value = request.headers().get(CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// A request that may leave.
struct Admitted {
    access: Shared,
    log: Arc<PluginLog>,
    target: Target,
    permit: OwnedSemaphorePermit,
    deadline: Instant,
}

impl Admitted {
    async fn send(self, request: Request<WasiBody>, options: RequestOptions) -> Sent {
        let (parts, body) = request.into_parts();
        let body = (!body.is_end_stream()).then(|| {
            reqwest::Body::wrap(RequestBody(Mutex::new(Streamed {
                body,
                left: BODY_BYTES,
                deadline: Box::pin(tokio::time::sleep_until(self.deadline.into())),
            })))
        });
        let egress = &self.access.egress;
        let wire = &self.access.wire;
        let sent = wire.send(egress, &self.target, parts.method, parts.headers, body);
        let latest = self.until_first_byte(&options);
        let sent = tokio::time::timeout_at(latest.into(), sent).await;
        let response = sent
            .unwrap_or(Err(Failure::TimedOut))
            .map_err(|failure| self.explain(failure))?;
        if response
            .content_length()
            .is_some_and(|bytes| bytes > BODY_BYTES as u64)
        {
            return Err(Error::HttpResponseBodySize(Some(BODY_BYTES as u64)));
        }
        let (parts, body) = Response::from(response).into_parts();
        let body = Arc::new(Mutex::new(State::Open(Open {
            body,
            left: BODY_BYTES,
            pause: options.between_bytes_timeout.map(Pause::new),
            _permit: self.permit,
        })));
        let ending = expire(Arc::clone(&body), self.deadline);
        let body = ResponseBody(body).boxed_unsync();
        Ok((Response::from_parts(parts, body), Box::new(ending)))
    }

    /// The guest's own limits are within the deadline. Connecting is not told apart from waiting for the first byte, so what
    /// a guest allows for both is one span.
    fn until_first_byte(&self, options: &RequestOptions) -> Instant {
        let span = options
            .first_byte_timeout
            .map(|first| first.saturating_add(options.connect_timeout.unwrap_or_default()));
        span.and_then(|span| Instant::now().checked_add(span))
            .map_or(self.deadline, |own| own.min(self.deadline))
    }

    fn explain(&self, failure: Failure) -> Error {
        let error = error(&failure);
        if let Failure::Refused(_) | Failure::Tls { .. } | Failure::Unresolved = failure {
            let said = failure.into_error(&self.access.egress, &self.target.origin());
            self.log.host(Level::Warn, said.message());
        }
        error
    }
}

fn refused(refusal: &Refusal) -> Error {
    match refusal.kind {
        Kind::Url => Error::HttpRequestUriInvalid,
        Kind::Scope => Error::HttpRequestDenied,
        Kind::Address => Error::DestinationIpProhibited,
    }
}

fn error(failure: &Failure) -> Error {
    let limit = Some(BODY_BYTES as u64);
    match failure {
        Failure::Refused(refusal) => refused(refusal),
        Failure::Unresolved => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        Failure::ConnectionRefused => Error::ConnectionRefused,
        Failure::Unreachable => Error::DestinationUnavailable,
        Failure::Tls {
            certificate: true, ..
        } => Error::TlsCertificateError,
        Failure::Tls { .. } => Error::TlsProtocolError,
        Failure::BrokeOff | Failure::TooManyRedirects(_) => Error::HttpResponseIncomplete,
        Failure::HeadersTooLarge => Error::HttpResponseHeaderSectionSize(None),
        Failure::BodyTooLarge => Error::HttpResponseBodySize(limit),
        Failure::Request(BodyError::TooLarge) => Error::HttpRequestBodySize(limit),
        Failure::Request(BodyError::GivenUp) => Error::HttpProtocolError,
        Failure::Inexpressible => Error::HttpRequestUriInvalid,
        Failure::Request(BodyError::TimedOut) | Failure::TimedOut => Error::HttpResponseTimeout,
    }
}

/// The body of a request, as a guest writes it. The lock is never contended: it makes shareable what is only ever used by
/// one connection.
struct RequestBody(Mutex<Streamed>);

struct Streamed {
    body: WasiBody,
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let streamed = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if streamed.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(BodyError::TimedOut)));
        }
        Pin::new(&mut streamed.body)
            .poll_frame(context)
            .map(|frame| {
                frame.map(|frame| {
                    let frame = frame.map_err(|_| BodyError::GivenUp)?;
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    streamed.left = streamed
                        .left
                        .checked_sub(bytes)
                        .ok_or(BodyError::TooLarge)?;
                    Ok(frame)
                })
            })
    }
}

/// The body of a response, as a guest reads it.
struct ResponseBody(Arc<Mutex<State>>);

enum State {
    Open(Open),
    Ended,
    Expired,
}

struct Open {
    body: reqwest::Body,
    left: usize,
    pause: Option<Pause>,
    _permit: OwnedSemaphorePermit,
}

/// How long a guest waits for the next bytes.
struct Pause {
    span: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pause {
    fn new(span: Duration) -> Self {
        Self { span, sleep: None }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let span = self.span;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(span)));
        sleep.as_mut().poll(context).is_ready()
    }
}

/// Closes a response at the deadline, whether its guest reads it or not.
async fn expire(state: Arc<Mutex<State>>, deadline: Instant) -> Result<(), Error> {
    tokio::time::sleep_until(deadline.into()).await;
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if let State::Open(_) = *state {
        *state = State::Expired;
    }
    Ok(())
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // The task that waits for the deadline holds the state as well, and is gone only when it was scheduled again.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Ended;
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match &mut *state {
            State::Open(open) => std::task::ready!(open.poll(context)),
            State::Ended => None,
            State::Expired => Some(Err(Error::ConnectionReadTimeout)),
        };
        if !matches!(next, Some(Ok(_))) {
            *state = State::Ended;
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Open(open) => open.body.size_hint(),
            State::Ended | State::Expired => SizeHint::default(),
        }
    }
}

impl Open {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            let paused = self.pause.as_mut();
            return if paused.is_some_and(|pause| pause.is_over(context)) {
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            } else {
                Poll::Pending
            };
        };
        if let Some(pause) = &mut self.pause {
            pause.sleep = None;
        }
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|cause| error(&Failure::of_reading(&cause)))?;
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.left = self
                .left
                .checked_sub(bytes)
                .ok_or_else(|| error(&Failure::BodyTooLarge))?;
            Ok(frame)
        }))
    }
}

/// Adds `wasi:http/outgoing-handler` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub(super) fn link_outgoing_handler(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<_, WasiHttp>(linker, Guest::http)
}

/// Adds `wasi:http/types` to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub(in crate::capability) fn link_types(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, WasiHttp>(linker, &types::LinkOptions::default(), Guest::http)?;
    bound_texts(linker)
}

/// Puts bounds before the two functions that keep a guest's text without looking at its length.
fn bound_texts(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store, (request, method): (Resource<HostOutgoingRequest>, Method)| {
            if matches!(&method, Method::Other(text) if text.len() > TEXT_BYTES) {
                return Ok((Err(()),));
            }
            let mut http = Guest::http(store.data_mut());
            Ok((http.set_method(request, method)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| {
            if authority
                .as_ref()
                .is_some_and(|text| text.len() > TEXT_BYTES)
            {
                return Ok((Err(()),));
            }
            let mut http = Guest::http(store.data_mut());
            Ok((http.set_authority(request, authority)?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The name under which wasmtime links the interface.
const TYPES: &str = "wasi:http/types@0.2.12";

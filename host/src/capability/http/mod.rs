//! `http-client` and `wasi:http/outgoing-handler`: requests to other servers.
//!
//! Both go one way out. One policy decides on a parsed URL, and only what it let through can be sent; the addresses that a
//! name resolves to are checked inside the connection's own look-up; connections to public and to private addresses are
//! kept apart. Rate, sizes and deadline hold for both. They differ in what plugins see: `http-client` follows redirects,
//! each checked like a new request, and gives the response whole; `wasi:http` streams, and leaves redirects to the guest,
//! whose next request is checked as well.
//!
//! Besides `+private` in the scope there is no way to a private address, and no setting for one.

mod address;
mod egress;
mod exchange;
mod failure;
mod headers;
mod redirect;
mod resolver;
mod wasi;
mod wire;

use std::sync::Arc;

pub use resolver::{Resolver, SystemResolver};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
pub(in crate::capability) use wasi::link_types;
pub use wire::HttpSetupError;

use self::egress::Egress;
use self::failure::Failure;
use self::wire::Wire;
use crate::capability::table::{HTTP_CLIENT, WASI_OUTGOING_HANDLER};
use crate::capability::{Interface, Of, PrepareError, Provider, RateLimit, Setup, View};
use crate::contract::Error;
use crate::contract::bindings::link;
use crate::contract::host::{self, HttpRequest, HttpResponse};
use crate::permission::Counted;

/// How large a body may be, in bytes, in either direction.
pub const BODY_BYTES: usize = 10 * 1024 * 1024;
/// How many redirects are followed.
pub const REDIRECTS: usize = 5;
/// Methods that a request of `wasi:http` may have.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// How many requests of `wasi:http` one plugin may have open, until their responses are read or dropped.
pub const OPEN: usize = 64;

/// What requests to other servers are made with.
pub struct HttpOptions {
    tls: ClientConfig,
    resolver: Arc<dyn Resolver>,
}

impl HttpOptions {
    /// With the certificates that this configuration believes (see [`tls::client`](crate::tls::client)), and the system's
    /// resolver.
    #[must_use]
    pub fn new(tls: ClientConfig) -> Self {
        Self {
            tls,
            resolver: Arc::new(SystemResolver::default()),
        }
    }

    /// With another resolver.
    #[must_use]
    pub fn resolver(self, resolver: impl Resolver) -> Self {
        Self {
            resolver: Arc::new(resolver),
            ..self
        }
    }
}

/// Serves `http-client` and `wasi:http/outgoing-handler`.
pub struct HttpClient {
    wire: Wire,
}

impl HttpClient {
    /// A client of its own, with connections of its own.
    ///
    /// # Errors
    ///
    /// When the TLS configuration cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, HttpSetupError> {
        Ok(Self {
            wire: Wire::new(&options.tls, &options.resolver)?,
        })
    }
}

impl Provider for HttpClient {
    type State = Shared;

    fn interfaces(&self) -> Vec<Interface<Shared>> {
        vec![
            Interface::known(HTTP_CLIENT, link::http_client::<_, Of<Shared>>),
            Interface::known(WASI_OUTGOING_HANDLER, |linker, _| {
                wasi::link_outgoing_handler(linker)
            }),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<Shared, PrepareError> {
        Ok(Arc::new(HttpAccess {
            egress: Egress::new(setup.plugin, setup.grants.http()),
            rate: setup.rates.of(&Counted::Http),
            wire: self.wire.clone(),
            open: Arc::new(Semaphore::new(OPEN)),
        }))
    }
}

/// How one plugin may ask other servers.
pub struct HttpAccess {
    egress: Egress,
    rate: RateLimit,
    wire: Wire,
    open: Arc<Semaphore>,
}

/// What is prepared for a plugin, shared with the requests that it has under way.
pub type Shared = Arc<HttpAccess>;

impl host::HttpClient for View<'_, Shared> {
    async fn request(&mut self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let access = self.state()?;
        exchange::exchange(access, self.caller, request).await
    }
}

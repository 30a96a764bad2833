//! Connections to other servers.
//!
//! There are two clients, and connections of one are never used by the other: one dials public addresses only, the other is
//! for targets whose scope allows private ones. So a plugin without that mark cannot come by a connection that another one
//! with it has opened.
//!
//! HTTP/1.1 only: a connection carries one request at a time, so a plugin that reads slowly slows nobody else's stream.
//! Nothing is taken from the environment, no redirect is followed, no body is unpacked and no cookie kept down here.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Request, Response};
use rustls::ClientConfig;
use thiserror::Error;

use super::egress::{Egress, Target};
use super::failure::Failure;
use super::headers;
use super::resolver::{Checked, Resolver};

/// How long a server may take to accept a connection, encryption included, where the deadline is further away.
const CONNECT: Duration = Duration::from_secs(30);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How many unused connections to one host are kept.
const IDLE_PER_HOST: usize = 8;

/// Why requests to other servers cannot be set up.
#[derive(Debug, Error)]
#[error("requests to other servers cannot be set up: {0}")]
pub struct HttpSetupError(String);

/// The two clients.
#[derive(Clone)]
pub(super) struct Wire {
    public: Client,
    private: Client,
}

impl Wire {
    pub(super) fn new(
        tls: &ClientConfig,
        resolver: &Arc<dyn Resolver>,
    ) -> Result<Self, HttpSetupError> {
        Ok(Self {
            public: client(tls, Checked::public(resolver))?,
            private: client(tls, Checked::private(resolver))?,
        })
    }

    /// Sends a request, and waits for the head of its response.
    pub(super) async fn send(
        &self,
        egress: &Egress,
        target: &Target,
        method: Method,
        mut headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Response, Failure> {
        // A server may ask for a length where a body is usual.
        if body.is_none() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(method, target.url().clone());
        *request.headers_mut() = headers;
        *request.body_mut() = body;
        let client = if target.private() {
            &self.private
        } else {
            &self.public
        };
        let response = client
            .execute(request)
            .await
            .map_err(|error| Failure::of_sending(&error, egress, target))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody asked for that.
            return Err(Failure::BrokeOff);
        }
        if !headers::fit(response.headers()) {
            return Err(Failure::HeadersTooLarge);
        }
        Ok(response)
    }
}

fn client(tls: &ClientConfig, resolver: Checked) -> Result<Client, HttpSetupError> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(resolver)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .http1_only()
        .user_agent(concat!("goatherd/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .build()
        .map_err(|error| HttpSetupError(error.to_string()))
}

//! What all requests share.

use std::sync::Arc;

use super::streams::Streams;
use super::templates::Templates;
use super::visitor::{Authenticator, Nobody};
use crate::capability::events::EventHub;
use crate::manager::Manager;
use crate::platform::Platform;

/// What a server serves. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(super) manager: Manager,
    pub(super) platform: Arc<Platform>,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) templates: Arc<Templates>,
    pub(super) streams: Arc<Streams>,
    pub(super) events: Option<EventHub>,
}

impl App {
    /// Serves the plugins of `manager`, whose applier must be `platform`. Nobody can sign in until an
    /// [`authenticator`](Self::authenticator) is given.
    pub fn new(manager: Manager, platform: Arc<Platform>) -> Self {
        Self {
            manager,
            platform,
            authenticator: Arc::new(Nobody),
            templates: Arc::new(Templates::new()),
            streams: Arc::default(),
            events: None,
        }
    }

    /// Serves the events that plugins publish into `hub`, which must be the hub of the host's provider
    /// [`Events`](crate::capability::events::Events).
    #[must_use]
    pub fn events(mut self, hub: EventHub) -> Self {
        self.events = Some(hub);
        self
    }

    /// Ends the streams of events that are open and refuses new ones, so that a server can stop. [`serve`](super::serve)
    /// does it by itself; for applications that serve the [`router`](super::router) on their own.
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// Sets who says who requests come from.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator + 'static) -> Self {
        self.authenticator = Arc::new(authenticator);
        self
    }
}

//! A server of the test's own, in this process, over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use goatherd::capability::events::{EventHub, Events, HubLimits, MemoryBroker};
use goatherd::contract::PluginName;
use goatherd::manager::{Configured, Loader, Manager, Terms};
use goatherd::platform::Platform;
use goatherd::web::{self, App, Authenticator, Problem, Role, SignedIn, Visitor};
use goatherd_tests::{Answer, EventStream, call, grants, guest, host_builder};
use http::request::Parts;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::brokers::{PLUGIN, soon, unlimited};

/// A server with the guest in it.
pub struct Site {
    pub address: SocketAddr,
    pub hub: EventHub,
    pub manager: Manager,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

/// Whoever a request says that it is from, in a header that only this test's server believes.
struct Believing;

#[async_trait]
impl Authenticator for Believing {
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Problem> {
        let name = request.headers.get("x-test-user");
        let name = name.and_then(|name| name.to_str().ok());
        Ok(name.map_or(Visitor::Anonymous, |name| {
            Visitor::SignedIn(SignedIn::new(name, name, Role::Customer))
        }))
    }
}

impl Site {
    /// A server whose guest may publish to every channel.
    pub async fn start() -> Self {
        Self::with(HubLimits::default(), &["events=*"]).await
    }

    pub async fn with(limits: HubLimits, granted: &[&str]) -> Self {
        Self::over(
            EventHub::with_limits(MemoryBroker::default(), limits),
            granted,
        )
        .await
    }

    /// A server over a hub.
    pub async fn over(hub: EventHub, granted: &[&str]) -> Self {
        let host = host_builder().provider(Events::new(hub.clone()));
        let host = host.build().expect("the host starts");
        let terms = Terms::new(grants(granted), unlimited());
        let name: PluginName = PLUGIN.parse().expect("a name");
        let policy = Configured::new([(name, terms)].into());
        let platform = Platform::new(web::application());
        let manager = Manager::applying(host, policy, Arc::clone(&platform) as _);
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("probe-events.wasm"), guest(PLUGIN)).expect("a file");
        let report = Loader::new(folder.path(), manager.clone(), goatherd_tests::reader())
            .load_all()
            .await
            .expect("a folder");
        assert_eq!(report.enabled(), 1, "{report:?}");

        let app = App::new(manager.clone(), platform)
            .events(hub.clone())
            .authenticator(Believing);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let signal = async {
                let _ = stopped.await;
            };
            web::serve(listener, app, signal).await.expect("it serves");
        });
        Self {
            address,
            hub,
            manager,
            stop: Some(stop),
            serving,
            _folder: folder,
        }
    }

    /// Listens as Ada, and reads the first event.
    pub async fn listen(&self, channel: &str) -> EventStream {
        let mut stream = self.try_listen(channel, &[]).await.expect("Ada may listen");
        let first = stream.event().await;
        assert_eq!(
            (&*first.event_type, &*first.data),
            ("connected", r#"{"status":"ok"}"#)
        );
        stream
    }

    /// Listens as Ada, with more headers, from an id on.
    pub async fn listen_from(&self, channel: &str, last_id: &str) -> EventStream {
        let headers = [("Last-Event-ID", last_id)];
        let mut stream = self
            .try_listen(channel, &headers)
            .await
            .expect("Ada may listen");
        assert_eq!(stream.event().await.event_type, "connected");
        stream
    }

    /// Tries to listen as Ada, with more headers.
    pub async fn try_listen(
        &self,
        channel: &str,
        headers: &[(&str, &str)],
    ) -> Result<EventStream, Answer> {
        let headers = [&[("X-Test-User", "Ada")], headers].concat();
        self.try_open(&path(channel), &headers).await
    }

    /// Asks for a path with these headers alone.
    pub async fn try_open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<EventStream, Answer> {
        EventStream::open(self.address, path, headers).await
    }

    /// Calls the guest.
    pub async fn call(&self, function: &str, args: Value) {
        let snapshot = self.manager.snapshot();
        let plugin = snapshot.enabled().find_map(|entry| entry.plugin().cloned());
        let plugin = plugin.expect("it is loaded");
        call(&plugin, function, args)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    pub async fn publish(&self, channel: &str, data: &str) {
        let args = json!({ "channel": channel, "type": "note", "data": data });
        self.call("publish", args).await;
    }

    /// Waits until so many listen.
    pub async fn until_listeners(&self, count: usize) {
        let plugin = PLUGIN.parse().expect("a name");
        soon(async {
            while self.hub.listeners(&plugin) != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Tells the server to stop; ready when it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.serving.await.expect("no panic");
        self.manager.shutdown().await;
    }
}

/// Where a channel of the guest is.
pub fn path(channel: &str) -> String {
    format!("/api/v1/plugins/{PLUGIN}/events/{channel}")
}

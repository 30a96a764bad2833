//! `/api/v1/plugins/{plugin}/events/{channel}`: the events of a plugin, for browsers.
//!
//! Whoever is signed in may listen to the channels that an enabled plugin may publish to, unless the plugin has named a
//! function that decides; then only its clear consent lets them in. A stream ends when the plugin is disabled or reloaded,
//! when the server stops, and after an hour, so that consent that was given once is asked for again: browsers come back
//! by themselves and miss nothing that is still kept.
//!
//! A visitor and a plugin each have a bounded number of streams. A stream that is read slowly holds no events of its own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::stream::{self, Stream, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};

use super::access;
use super::edge::Asked;
use super::problem::Problem;
use super::sse;
use super::state::App;
use super::streams::{OpenStream, RETRY_AFTER};
use super::views::Parameters;
use crate::capability::events::{Delivery, EventHub, LastSeen, Subscription};
use crate::capability::log::Level;
use crate::contract::invocation::Authorize;
use crate::manager::Handle;
use crate::permission::ChannelName;

/// How long an authorizer may take, or all of them where several are asked.
const AUTHORIZING: Duration = Duration::from_secs(5);
/// How often a silent stream is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a stream lasts.
const LASTS: Duration = Duration::from_secs(3_600);
/// How many events a stream that ends still passes on.
const LAST_EVENTS: usize = 256;
/// How long a first listener waits for this node to hear the others.
const READY: Duration = Duration::from_secs(2);

/// What browsers send when they come back.
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks proxies to pass on what they get at once.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with a stream of events.
pub(super) async fn listen(
    Extension(app): Extension<App>,
    Extension(asked): Extension<Asked>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Before anything is looked up, so that nobody learns from the answer which plugins and channels there are.
    access::signed_in(&asked.visitor)?;
    let hub = app
        .events
        .clone()
        .ok_or_else(|| Problem::not_found("this server has no events"))?;
    // Seen before the plugin is looked up, so that no change after it is missed.
    let changes = app.platform.changes();
    let (plugin, channel) = match path {
        Ok(Path((plugin, channel))) => find(&app, &plugin, &channel)?,
        Err(_) => return Err(nothing()),
    };
    let visitor = asked.visitor.signed_in();
    let visitor = visitor.map_or("", |one| one.user.id.as_str());
    let open = app.streams.open(visitor)?;
    authorize(&plugin, &channel, &asked).await?;

    let last = last_seen(&headers, &parameters);
    // Without the other nodes there still are the events of this one, and later all of them.
    let _ = timeout(READY, hub.ready()).await;
    let subscription = subscribe(&hub, &plugin, &channel, last)?;
    let first = sse::connected((last == LastSeen::Nothing).then(|| subscription.newest_at_start()));
    let ends = Ends {
        changes,
        stopping: app.streams.ended(),
        app,
        plugin,
    };
    let rest = deliveries(subscription, ends, open);
    let body = stream::once(std::future::ready(first)).chain(rest);
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store, no-transform"),
        (BUFFERING.clone(), "no"),
    ];
    Ok((headers, Body::from_stream(body.map(Ok::<_, Infallible>))).into_response())
}

fn nothing() -> Problem {
    Problem::not_found("no enabled plugin has this channel")
}

/// The plugin, if it is enabled and may publish to the channel.
fn find(app: &App, plugin: &str, channel: &str) -> Result<(Handle, ChannelName), Problem> {
    let channel: ChannelName = channel.parse().map_err(|_| nothing())?;
    let contributions = app.platform.snapshot();
    let plugin = contributions.plugin(plugin).ok_or_else(nothing)?;
    let publishes = plugin
        .grants()
        .events()
        .is_some_and(|scope| scope.allows(plugin.name().as_str(), channel.as_str()));
    if publishes {
        Ok((plugin.clone(), channel))
    } else {
        Err(nothing())
    }
}

/// Asks every authorizer that the plugin has for the channel. Nothing but consent lets a visitor in.
async fn authorize(plugin: &Handle, channel: &ChannelName, asked: &Asked) -> Result<(), Problem> {
    let registration = &plugin.description().registration;
    let authorizers = registration.event_authorizers.iter();
    let deadline = Instant::now() + AUTHORIZING;
    for authorizer in authorizers.filter(|one| one.covers(channel)) {
        let context = asked.call_context(Some(deadline));
        let question = Authorize {
            handler: authorizer.handler.as_str(),
            channel: channel.as_str(),
        };
        let allowed = match plugin.ask(&question, context).await {
            Ok(allowed) => allowed,
            Err(error) => {
                let message = format!(
                    "{}, asked about the channel {channel}, failed: {error}",
                    question.handler
                );
                plugin.log().host(Level::Error, message);
                false
            }
        };
        if !allowed {
            return Err(Problem::forbidden(format!(
                "plugin {} does not let you listen to this channel",
                plugin.name()
            )));
        }
    }
    Ok(())
}

/// Where the visitor left off: what the browser says, or else what the page has put into the address.
fn last_seen(headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> LastSeen {
    let header = headers.get(&LAST_EVENT_ID);
    let header = header.map(|value| value.to_str().unwrap_or("unreadable"));
    LastSeen::of(header.or_else(|| parameters.get("last_event_id").map(String::as_str)))
}

fn subscribe(
    hub: &EventHub,
    plugin: &Handle,
    channel: &ChannelName,
    last: LastSeen,
) -> Result<Subscription, Problem> {
    hub.subscribe(plugin.name(), channel, last).map_err(|full| {
        let detail = format!("plugin {}: {full}", plugin.name());
        Problem::exhausted(StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER, detail)
    })
}

/// What ends a stream before its time.
struct Ends {
    changes: watch::Receiver<()>,
    stopping: watch::Receiver<bool>,
    app: App,
    plugin: Handle,
}

impl Ends {
    /// Ready when the plugin that was asked for is gone, or the server stops.
    async fn reached(mut self) {
        let gone = async {
            loop {
                let contributions = self.app.platform.snapshot();
                let present = contributions.plugin(self.plugin.name().as_str());
                if !present.is_some_and(|present| present.is(&self.plugin)) {
                    return;
                }
                drop(contributions);
                if self.changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = gone => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = sleep(LASTS) => {}
        }
    }
}

/// A stream that is open.
struct Listening<E> {
    subscription: Subscription,
    silence: Interval,
    ends: E,
    /// How many more events may come once the stream has to end.
    last: Option<usize>,
    _open: OpenStream,
}

/// What a subscription yields, as bytes, with comments in silence.
fn deliveries(
    subscription: Subscription,
    ends: Ends,
    open: OpenStream,
) -> impl Stream<Item = Bytes> + Send {
    let mut silence = interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listening = Listening {
        subscription,
        silence,
        ends: Box::pin(ends.reached()),
        last: None,
        _open: open,
    };
    stream::unfold(listening, async |mut listening| {
        let bytes = listening.next().await?;
        listening.silence.reset();
        Some((bytes, listening))
    })
}

impl<E: Future<Output = ()> + Unpin> Listening<E> {
    async fn next(&mut self) -> Option<Bytes> {
        if self.last.is_none() {
            tokio::select! {
                biased;
                () = &mut self.ends => self.last = Some(LAST_EVENTS),
                delivery = self.subscription.next() => return Some(bytes(delivery?)),
                _ = self.silence.tick() => return Some(sse::keep_alive()),
            }
        }
        // What was published before the end is still told, but nobody waits for more.
        let left = self.last.as_mut()?;
        *left = left.checked_sub(1)?;
        let delivery = self.subscription.next().now_or_never()?;
        Some(bytes(delivery?))
    }
}

fn bytes(delivery: Delivery) -> Bytes {
    match delivery {
        Delivery::Event(event) => sse::event(&event),
        Delivery::Lost { count } => sse::lost(count),
    }
}

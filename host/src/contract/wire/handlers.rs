//! `handler-types`: what the host asks a plugin's handlers, and what they answer.

#![allow(missing_docs, reason = "documented in wit/handler-types.wit")]

use wasmtime::component::{ComponentType, Lift, Lower};

use super::registration::{UiDataScope, WidgetLocation};
use super::types::{Json, Method};

types_only!();

/// The user interface whose page is asked for.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct UiContext {
    /// As the plugin registered it.
    pub id: String,
    /// Whose data the page is about.
    #[component(name = "data-scope")]
    pub data_scope: UiDataScope,
}

/// Something more about a request.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum RequestDetail {
    /// What stands before `path` in the address that the visitor sees, such as `/helpdesk`; links to this server begin
    /// with it.
    #[component(name = "base-path")]
    BasePath(String),
    /// Where the request came from: an IP address, as far as the server can tell.
    #[component(name = "client-address")]
    ClientAddress(String),
    /// The path of the route as it was registered, such as `/api/plugins/stats/report/:year`.
    #[component(name = "route")]
    Route(String),
    /// A detail that a later version adds: its name and its value.
    #[component(name = "other")]
    Other((String, String)),
}

/// A request to one of the plugin's routes. Who asks, in which organisation and language, is in `context`.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Request {
    pub method: Method,
    /// The path as the route has it, percent-encoded, without the query.
    pub path: String,
    /// The values of the route's `:param` and `*rest` segments, decoded, in the order of the path.
    pub params: Vec<(String, String)>,
    /// The query's names and values, decoded, in the order in which they came. A name may repeat.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in the order received; a name may repeat. Without the visitor's credentials for this
    /// server.
    pub headers: Vec<(String, String)>,
    /// As it was sent. At most 4 MiB, unless the route says otherwise.
    pub body: Vec<u8>,
    /// The user interface that the page belongs to; none for a plain route.
    pub ui: Option<UiContext>,
    /// What else is known, each kind at most once. Cases that a plugin does not know are passed over.
    pub details: Vec<RequestDetail>,
}

/// A page, or a part of one.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Html {
    pub content: String,
    /// The page's title; the application's name when absent.
    pub title: Option<String>,
    /// Whether the content is a whole document, which stands by itself; otherwise the application draws its layout
    /// around it.
    #[component(name = "whole-page")]
    pub whole_page: bool,
}

/// Bytes with their type.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TypedBytes {
    /// A media type, such as `image/png`.
    #[component(name = "content-type")]
    pub content_type: String,
    pub content: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum ResponseBody {
    /// Nothing.
    #[component(name = "empty")]
    Empty,
    /// JSON, sent as it is.
    #[component(name = "json")]
    Json(Json),
    /// Plain text.
    #[component(name = "text")]
    Text(String),
    /// HTML. It is served under a policy that keeps it from acting as the visitor.
    #[component(name = "html")]
    Html(Html),
    /// Bytes of any other type.
    #[component(name = "bytes")]
    Bytes(TypedBytes),
    /// Go elsewhere: an absolute path of this server, or an `http` or `https` address. With status 301, 302, 303, 307 or
    /// 308.
    #[component(name = "redirect")]
    Redirect(String),
    /// A kind of answer that a later version adds: its name and its data. This version answers 502 and logs the name.
    #[component(name = "other")]
    Other((String, Json)),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Response {
    /// When absent: 204 for `empty`, 303 for `redirect`, 200 for all others.
    pub status: Option<u16>,
    /// Those that describe the answer (`cache-control`, `content-disposition`, `content-language`, `etag`, `expires`,
    /// `last-modified`, `pragma`, `retry-after`, `vary`) and the plugin's own, which begin with `x-`. Others are left
    /// out and the log says so.
    pub headers: Vec<(String, String)>,
    pub body: ResponseBody,
}

/// Which widget is asked for, and where.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct WidgetRequest {
    /// As the plugin registered it.
    #[component(name = "widget-id")]
    pub widget_id: String,
    /// The dashboard that it stands on.
    pub location: WidgetLocation,
    /// What the page says about itself, such as `ticket` with the id of the ticket beside which the widget stands.
    pub params: Vec<(String, String)>,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct JobRun {
    /// As the plugin registered it.
    #[component(name = "job-id")]
    pub job_id: String,
    /// When it was due: milliseconds since 1970-01-01T00:00Z.
    #[component(name = "due-at-ms")]
    pub due_at_ms: u64,
    /// 1 for the first attempt at this due time.
    pub attempt: u32,
    /// Whether it is late because nobody could run it when it was due.
    #[component(name = "catch-up")]
    pub catch_up: bool,
}

/// Whether it can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum DeletionKind {
    /// Into the recycle bin.
    #[component(name = "soft")]
    Soft,
    /// For good.
    #[component(name = "hard")]
    Hard,
}

/// A deletion that is under way.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Deletion {
    #[component(name = "entity-type")]
    pub entity_type: String,
    pub id: i64,
    pub kind: DeletionKind,
}

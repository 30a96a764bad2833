//! The HTTP surface: plugin routes, widgets, the start page, events, and what programs ask.
//!
//! [`router`] is everything as an axum router, for embedders; [`serve`] runs it on a listener until a signal. Three rules
//! hold for every answer:
//!
//! - a request has a visitor before any handler sees it, and every route says whom it is for; what cannot be checked is
//!   refused;
//! - what a plugin says is untrusted: its text is escaped, its HTML is shown in a frame or under a policy in which it runs
//!   no script and has no origin, and its headers are only those that describe its answer;
//! - errors are problem details with a stable code, and details of the inside go to the log and to administrators only.

mod access;
mod answer;
mod api;
mod app;
mod assets;
mod dispatch;
mod edge;
mod events;
mod language;
mod pages;
mod problem;
mod serve;
mod sse;
mod state;
mod streams;
mod templates;
mod views;
mod visitor;
mod widgets;
mod words;

pub use app::{application, router};
pub use problem::Problem;
pub use serve::{ServeError, serve};
pub use state::App;
pub use streams::VISITOR_STREAMS;
pub use visitor::{AdminToken, Authenticator, Development, Nobody, Role, SignedIn, Visitor};

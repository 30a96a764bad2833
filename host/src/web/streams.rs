//! How many streams of events are open, and whether they are to end.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::problem::Problem;

/// How many streams a visitor may have at a time, of all plugins together.
pub const VISITOR_STREAMS: usize = 32;
/// When to come back after there were too many streams, in seconds.
pub(super) const RETRY_AFTER: u64 = 30;

/// The streams of a server that are open.
pub(super) struct Streams {
    open: Mutex<HashMap<String, usize>>,
    ended: watch::Sender<bool>,
}

/// One of a visitor's streams, which counts until this is dropped.
pub(super) struct OpenStream {
    streams: Arc<Streams>,
    visitor: String,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            ended: watch::Sender::new(false),
        }
    }
}

impl Streams {
    /// Ends the streams that are open, and refuses new ones.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Tells whether streams are to end.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Counts a new stream of a visitor, unless there are too many of them.
    pub(super) fn open(self: &Arc<Self>, visitor: &str) -> Result<OpenStream, Problem> {
        if *self.ended.borrow() {
            return Err(Problem::unavailable("this server is stopping"));
        }
        let mut open = self.open.lock();
        let count = open.entry(visitor.to_owned()).or_default();
        if *count >= VISITOR_STREAMS {
            return Err(Problem::exhausted(
                StatusCode::TOO_MANY_REQUESTS,
                RETRY_AFTER,
                format!(
                    "you have {VISITOR_STREAMS} streams of events open, which is the most that one may have"
                ),
            ));
        }
        *count += 1;
        Ok(OpenStream {
            streams: Arc::clone(self),
            visitor: visitor.to_owned(),
        })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock();
        if let Some(count) = open.get_mut(&self.visitor) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.visitor);
            }
        }
    }
}

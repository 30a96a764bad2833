//! What can be asked of a plugin: one type for each function that a component exports for it.
//!
//! Whoever calls a plugin says what by one of these, and gets the answer that belongs to it; the way there (limits, the pool,
//! the deadline, counting) is the same for all. They borrow what they hand over, so that a call which did not begin can be
//! made again without a copy.

use std::future::Future;

use wasmtime::Store;

use super::Json;
use super::bindings::{Called, Exports};
use super::wire::handlers::{Deletion, JobRun, Request, Response, ResponseBody, WidgetRequest};

/// Something that a plugin is asked.
pub trait Invocation: Send + Sync {
    /// What it answers.
    type Answer: Send;

    /// The name of the function or handler, for messages.
    fn name(&self) -> &str;

    /// How many bytes it hands over, which the plugin's limits bound.
    fn bytes(&self) -> usize;

    /// How many bytes an answer has.
    fn answer_bytes(answer: &Self::Answer) -> usize;

    /// Asks an instance.
    fn enter<T: Send>(
        &self,
        exports: &Exports,
        store: &mut Store<T>,
    ) -> impl Future<Output = Called<Self::Answer>> + Send;
}

/// `guest.call`: a function whose shape only the plugin knows. The answer is text that should be JSON.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The function.
    pub function: &'a str,
    /// Its arguments.
    pub args: &'a Json,
}

/// `route-handler.handle`.
#[derive(Debug, Clone, Copy)]
pub struct HandleRoute<'a> {
    /// The handler that the route was registered with.
    pub handler: &'a str,
    /// The request. Its body is bounded by the route and not by the limit of arguments.
    pub request: &'a Request,
}

/// `widget-handler.render`: the answer is a fragment of HTML.
#[derive(Debug, Clone, Copy)]
pub struct RenderWidget<'a> {
    /// The handler that the widget was registered with.
    pub handler: &'a str,
    /// Which widget, and where.
    pub widget: &'a WidgetRequest,
}

/// `job-handler.run`: the answer is a note.
#[derive(Debug, Clone, Copy)]
pub struct RunJob<'a> {
    /// The handler that the job was registered with.
    pub handler: &'a str,
    /// Which run of it.
    pub run: &'a JobRun,
}

/// `cascade-handler.on-delete`.
#[derive(Debug, Clone, Copy)]
pub struct OnDelete<'a> {
    /// The handler that the cascade was registered with.
    pub handler: &'a str,
    /// What is deleted.
    pub deletion: &'a Deletion,
}

/// `event-authorizer.authorize`: whether the caller may listen.
#[derive(Debug, Clone, Copy)]
pub struct Authorize<'a> {
    /// The handler that the authorizer was registered with.
    pub handler: &'a str,
    /// To what.
    pub channel: &'a str,
}

/// `navigation.badge`: a count.
#[derive(Debug, Clone, Copy)]
pub struct CountBadge<'a> {
    /// The badge that the entry was registered with.
    pub handler: &'a str,
    /// The user interface.
    pub ui_id: &'a str,
}

/// `health.report`: how the plugin is, in a line for operators.
#[cfg(feature = "rehearsal")]
#[derive(Debug, Clone, Copy)]
pub struct ReportHealth;

impl Invocation for Call<'_> {
    type Answer = String;

    fn name(&self) -> &str {
        self.function
    }

    fn bytes(&self) -> usize {
        self.args.as_str().len()
    }

    fn answer_bytes(answer: &String) -> usize {
        answer.len()
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<String> {
        exports
            .call(store, self.function, self.args.as_string())
            .await
    }
}

impl Invocation for HandleRoute<'_> {
    type Answer = Response;

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        let Request {
            path,
            params,
            query,
            headers,
            ..
        } = self.request;
        path.len() + bytes_of(params) + bytes_of(query) + bytes_of(headers)
    }

    fn answer_bytes(answer: &Response) -> usize {
        let body = match &answer.body {
            ResponseBody::Empty => 0,
            ResponseBody::Json(text) | ResponseBody::Text(text) | ResponseBody::Redirect(text) => {
                text.len()
            }
            ResponseBody::Html(html) => html.content.len(),
            ResponseBody::Bytes(bytes) => bytes.content.len(),
            ResponseBody::Other((name, data)) => name.len() + data.len(),
        };
        body + bytes_of(&answer.headers)
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<Response> {
        exports.handle(store, self.handler, self.request).await
    }
}

fn bytes_of(pairs: &[(String, String)]) -> usize {
    pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

impl Invocation for RenderWidget<'_> {
    type Answer = String;

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.widget.params)
    }

    fn answer_bytes(answer: &String) -> usize {
        answer.len()
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<String> {
        exports.render(store, self.handler, self.widget).await
    }
}

impl Invocation for RunJob<'_> {
    type Answer = Option<String>;

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        self.run.job_id.len()
    }

    fn answer_bytes(answer: &Option<String>) -> usize {
        answer.as_ref().map_or(0, String::len)
    }

    async fn enter<T: Send>(
        &self,
        exports: &Exports,
        store: &mut Store<T>,
    ) -> Called<Option<String>> {
        exports.run(store, self.handler, self.run).await
    }
}

impl Invocation for OnDelete<'_> {
    type Answer = ();

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        self.deletion.entity_type.len()
    }

    fn answer_bytes((): &()) -> usize {
        0
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<()> {
        exports.on_delete(store, self.handler, self.deletion).await
    }
}

impl Invocation for Authorize<'_> {
    type Answer = bool;

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        self.channel.len()
    }

    fn answer_bytes(_: &bool) -> usize {
        0
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<bool> {
        exports.authorize(store, self.handler, self.channel).await
    }
}

impl Invocation for CountBadge<'_> {
    type Answer = u32;

    fn name(&self) -> &str {
        self.handler
    }

    fn bytes(&self) -> usize {
        self.ui_id.len()
    }

    fn answer_bytes(_: &u32) -> usize {
        0
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<u32> {
        exports.badge(store, self.handler, self.ui_id).await
    }
}

#[cfg(feature = "rehearsal")]
impl Invocation for ReportHealth {
    type Answer = String;

    fn name(&self) -> &str {
        "report"
    }

    fn bytes(&self) -> usize {
        0
    }

    fn answer_bytes(answer: &String) -> usize {
        answer.len()
    }

    async fn enter<T: Send>(&self, exports: &Exports, store: &mut Store<T>) -> Called<String> {
        exports.report(store).await
    }
}

//! Capabilities: functions with a name that an administrator, a plugin or a workflow can run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;
use thiserror::Error;

use super::{RunError, Schema, Service, Workflow};
use crate::contract::{CallContext, Error as Contract};

/// How deep capabilities may run each other.
pub(super) const DEPTH: usize = 10;

/// The name of a capability, such as `newsletter.send`: parts of lower-case letters, digits, `-` and `_` with dots between
/// them. The first part is its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapabilitySlug(Arc<str>);

/// A text that names no capability.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{shown:?} is no capability: expected a name such as newsletter.send, of lower-case letters, digits, - and _ with dots \
     between its parts, 128 bytes at most"
)]
pub struct CapabilitySlugError {
    shown: String,
}

impl CapabilitySlug {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The record on which it hangs.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(owner, _)| owner)
    }
}

impl FromStr for CapabilitySlug {
    type Err = CapabilitySlugError;

    fn from_str(text: &str) -> Result<Self, CapabilitySlugError> {
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_')
                })
        };
        if text.len() <= 128 && text.split('.').all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(CapabilitySlugError {
                shown: text.chars().take(150).collect(),
            })
        }
    }
}

impl fmt::Display for CapabilitySlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for CapabilitySlug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What a running capability gives back some time.
pub type RunFuture = Pin<Box<dyn Future<Output = Result<Value, RunError>> + Send>>;

type Function = dyn Fn(Run, Value) -> RunFuture + Send + Sync;

/// Something that can be run. Cheap to clone.
#[derive(Clone)]
pub struct Capability {
    /// What to call it, for people; may be empty.
    pub title: String,
    /// What it does, for people; may be empty.
    pub description: String,
    input: Option<Arc<Schema>>,
    function: Arc<Function>,
}

/// A run of a capability: for whom, and with what it can run others.
#[derive(Clone)]
pub struct Run {
    /// For whom, and until when.
    pub context: CallContext,
    pub(super) service: Service,
    pub(super) trail: Vec<CapabilitySlug>,
}

impl Capability {
    /// A capability made of a function of the application.
    pub fn new<F, Fut>(function: F) -> Self
    where
        F: Fn(Run, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, Contract>> + Send + 'static,
    {
        let function = Arc::new(function);
        Self::of_runs(move |run: Run, input| {
            let function = Arc::clone(&function);
            let slug = run.slug();
            Box::pin(async move {
                let done = function(run, input).await;
                done.map_err(|error| RunError::Failed { slug, error })
            })
        })
    }

    /// A capability whose errors are those of the capabilities that it runs.
    pub(super) fn of_runs(
        function: impl Fn(Run, Value) -> RunFuture + Send + Sync + 'static,
    ) -> Self {
        Self {
            title: String::new(),
            description: String::new(),
            input: None,
            function: Arc::new(function),
        }
    }

    /// A capability that runs this workflow.
    #[must_use]
    pub fn of_workflow(workflow: Workflow) -> Self {
        let workflow = Arc::new(workflow);
        Self::of_runs(move |run, input| {
            let workflow = Arc::clone(&workflow);
            Box::pin(async move { workflow.run(&run, input).await })
        })
    }

    /// The JSON Schema of the input, if it has one.
    #[must_use]
    pub fn input_schema(&self) -> Option<String> {
        self.input.as_ref().map(|schema| schema.text().to_string())
    }

    /// The same with words for people.
    #[must_use]
    pub fn described(self, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: description.into(),
            ..self
        }
    }

    /// The same for inputs that satisfy a schema only.
    #[must_use]
    pub fn taking(self, input: impl Into<Arc<Schema>>) -> Self {
        Self {
            input: Some(input.into()),
            ..self
        }
    }

    /// Checks an input and runs it.
    pub(super) async fn call(&self, run: Run, input: Value) -> Result<Value, RunError> {
        if let Some(schema) = &self.input {
            let fits = schema.check_input(&input);
            fits.map_err(|reason| RunError::Input {
                slug: run.slug(),
                reason,
            })?;
        }
        (self.function)(run, input).await
    }
}

impl Run {
    /// Runs another capability for the same caller.
    ///
    /// # Errors
    ///
    /// As [`Service::run_capability`].
    pub async fn capability(&self, slug: &str, input: Value) -> Result<Value, RunError> {
        self.service.run_within(self, slug, input).await
    }

    /// The service that runs it.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The capability that runs.
    pub(super) fn slug(&self) -> CapabilitySlug {
        let last = self.trail.last().cloned();
        last.unwrap_or_else(|| CapabilitySlug("unnamed".into()))
    }

    pub(super) fn way(&self) -> String {
        let names: Vec<&str> = self.trail.iter().map(CapabilitySlug::as_str).collect();
        names.join(" → ")
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capability")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

//! How the steps of the tour ended.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::goatherd::plugin::types::Error;

#[derive(Default)]
pub struct Steps(Map<String, Value>);

impl Steps {
    /// Notes what a function returned that cannot fail.
    pub fn is<T: Debug + PartialEq>(&mut self, step: &str, value: T, expected: T) {
        self.gives(step, Ok::<T, Error>(value), expected);
    }

    /// Notes the outcome of a function that can fail. What it returned must be `expected` for the step to be `ok`.
    pub fn gives<T: Debug + PartialEq>(
        &mut self,
        step: &str,
        outcome: Result<T, impl Into<Error>>,
        expected: T,
    ) {
        self.shows(step, outcome, |value| *value == expected);
    }

    /// The same for a value that is not known to the last bit.
    pub fn shows<T: Debug>(
        &mut self,
        step: &str,
        outcome: Result<T, impl Into<Error>>,
        is_right: impl FnOnce(&T) -> bool,
    ) {
        let ended = match outcome {
            Ok(value) if is_right(&value) => "ok".into(),
            Ok(value) => format!("unexpected: {value:?}"),
            Err(error) => code(error.into()),
        };
        self.0.insert(step.into(), ended.into());
    }

    /// Notes the outcome of a function that should fail. Success is `ok`, whatever it returned.
    pub fn refuses<T>(&mut self, step: &str, outcome: Result<T, impl Into<Error>>) {
        let ended = outcome.map_or_else(|error| code(error.into()), |_| "ok".into());
        self.0.insert(step.into(), ended.into());
    }

    pub fn into_json(self) -> Value {
        self.0.into()
    }
}

/// The name of an error's case in the contract.
fn code(error: Error) -> String {
    match error {
        Error::PermissionDenied(_) => "permission-denied",
        Error::NotFound(_) => "not-found",
        Error::InvalidArgument(_) => "invalid-argument",
        Error::Conflict(_) => "conflict",
        Error::RateLimited(_) => "rate-limited",
        Error::TimedOut => "timed-out",
        Error::TooLarge(_) => "too-large",
        Error::Unavailable(_) => "unavailable",
        // Errors of other plugins have codes of their own.
        Error::Other(detail) => return detail.code,
    }
    .into()
}

//! Why an instance was thrown away, in words for plugin authors.
//!
//! wasmtime's errors speak of unreachable code and of memory out of bounds. An author needs to know that their plugin ran
//! out of memory, recursed too deeply or panicked. The full text, with the guest's call stack, goes into the plugin's log.

use std::fmt;

use wasmtime_wasi::I32Exit;

use super::closed::NotLinked;
use super::limits::{Limits, Meter};
use crate::contract::bindings::Mistyped;

/// Why an instance stopped in the middle of a call and was discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trap {
    /// Its deadline passed.
    TimedOut,
    /// It asked for more memory than its limit and could not go on without.
    OutOfMemory {
        /// The limit.
        limit_bytes: usize,
    },
    /// It recursed too deeply.
    StackOverflow,
    /// It panicked, aborted, or reached code that it declared unreachable.
    Panicked,
    /// It called `exit`.
    Exited(i32),
    /// It read or wrote outside its memory or tables.
    OutOfBounds,
    /// It handed over more data at a time than its limit.
    TransferTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// It handed over data that is not what the contract says, such as text that is not UTF-8.
    BadData(String),
    /// It called an interface that is not linked, as happens when `register` is not pure. Names interface and function.
    NotLinked(String),
    /// A host function panicked: a bug in the host.
    HostPanicked,
    /// The host has as many instances as it can hold. It says nothing about the plugin.
    HostFull(String),
    /// Anything else, in wasmtime's words.
    Other(String),
}

/// An entry into an instance that did not return.
#[derive(Debug)]
pub(super) struct Trapped {
    pub(super) trap: Trap,
    /// What the plugin said about it in that entry; untrusted, and empty where it said nothing.
    pub(super) output: String,
}

/// What a plugin said about its failure, to be put behind an error's text. It is for people who run the plugin or write it,
/// never for other plugins or visitors.
pub(super) struct Said<'a>(pub(super) &'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; it said:\n{}", self.0)
    }
}

/// The error that ends an instance whose deadline passed.
#[derive(Debug, thiserror::Error)]
#[error("the deadline of the call passed")]
pub(super) struct DeadlinePassed;

impl Trap {
    /// Explains an error that came out of an instance.
    pub(super) fn explain(error: &wasmtime::Error, meter: &Meter, limits: Bounds) -> Self {
        if error.is::<DeadlinePassed>() {
            return Self::TimedOut;
        }
        if let Some(I32Exit(status)) = error.downcast_ref() {
            return Self::Exited(*status);
        }
        if let Some(trap) = error.downcast_ref::<wasmtime::Trap>() {
            return Self::from_wasm(*trap, meter, limits);
        }
        if let Some(not_linked) = error.downcast_ref::<NotLinked>() {
            return Self::NotLinked(not_linked.to_string());
        }
        if let Some(mistyped) = error.downcast_ref::<Mistyped>() {
            return Self::Other(mistyped.to_string());
        }
        if let Some(full) = error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::HostFull(full.to_string());
        }
        let text = error.root_cause().to_string();
        if text.contains("fuel allocated for hostcalls") {
            Self::TransferTooLarge {
                limit_bytes: limits.transfer_bytes,
            }
        } else if is_about_data(&text) {
            Self::BadData(text)
        } else if meter.take_refused() {
            Self::OutOfMemory {
                limit_bytes: limits.memory_bytes,
            }
        } else {
            Self::Other(text)
        }
    }

    fn from_wasm(trap: wasmtime::Trap, meter: &Meter, limits: Bounds) -> Self {
        let refused = meter.take_refused();
        match trap {
            wasmtime::Trap::Interrupt => Self::TimedOut,
            wasmtime::Trap::StackOverflow => Self::StackOverflow,
            _ if refused => Self::OutOfMemory {
                limit_bytes: limits.memory_bytes,
            },
            wasmtime::Trap::UnreachableCodeReached => Self::Panicked,
            wasmtime::Trap::MemoryOutOfBounds | wasmtime::Trap::TableOutOfBounds => {
                Self::OutOfBounds
            }
            other => Self::Other(other.to_string()),
        }
    }
}

/// The limits that an explanation names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) memory_bytes: usize,
    pub(super) transfer_bytes: usize,
}

impl Bounds {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
            transfer_bytes: limits.transfer_bytes,
        }
    }
}

/// Whether wasmtime refused data that the guest handed over. It has no type for these errors, only texts.
fn is_about_data(text: &str) -> bool {
    [
        "utf-8",
        "utf8",
        "out of bounds of memory",
        "not aligned",
        "unexpected discriminant",
        "for `char`",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("it did not finish before its deadline"),
            Self::OutOfMemory { limit_bytes } => write!(
                f,
                "it needs more memory than its limit of {} MiB",
                limit_bytes >> 20
            ),
            Self::StackOverflow => f.write_str("it recursed too deeply for its stack"),
            Self::Panicked => f.write_str("it panicked or aborted"),
            Self::Exited(status) => write!(f, "it called exit with status {status}"),
            Self::OutOfBounds => {
                f.write_str("it went outside its memory, as happens when it recurses too deeply")
            }
            Self::TransferTooLarge { limit_bytes } => write!(
                f,
                "it handed over more than its limit of {} MiB at a time",
                limit_bytes >> 20
            ),
            Self::BadData(text) => {
                write!(f, "it handed over data that breaks the contract: {text}")
            }
            Self::NotLinked(text) => write!(
                f,
                "it called what needs a grant, and nothing is granted yet: {text}; call it in `init` or later"
            ),
            Self::HostPanicked => {
                f.write_str("a host function panicked, which is a bug in the host")
            }
            Self::HostFull(text) => {
                write!(f, "the host has no room for another instance: {text}")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

//! Standard output and error, into the plugin's log.
//!
//! Text becomes one entry a line. A line without an end is held until the end comes, the call that wrote it is over, or the
//! line reaches the longest message that the log keeps; so what is held is bounded. Flushing ends no line, since most
//! runtimes flush after every write, and many write a line in pieces. Writing never waits.
//!
//! What goes to standard error is kept as the entry's [error output](ErrorOutput) as well, for whoever reads of its trap.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::capability::log::{ErrorOutput, Level, MESSAGE_BYTES, PluginLog, Source};

/// How much a plugin may write at a time.
const PERMIT: usize = 64 * 1024;

/// One of a plugin's output streams; its clones share the line that has not ended yet.
#[derive(Clone)]
pub(super) struct LogStream {
    log: Arc<PluginLog>,
    source: Source,
    /// Standard output has none.
    error_output: Option<Arc<ErrorOutput>>,
    line: Arc<Mutex<Vec<u8>>>,
    /// Whether `line` has anything in it, to be asked without the lock.
    held: Arc<AtomicBool>,
}

/// Both output streams of one instance.
pub(crate) struct Stdio {
    pub(super) out: LogStream,
    pub(super) err: LogStream,
}

impl Stdio {
    /// Streams into a plugin's log.
    pub(super) fn new(log: &Arc<PluginLog>, error_output: &Arc<ErrorOutput>) -> Self {
        Self {
            out: LogStream::new(log, Source::Stdout, None),
            err: LogStream::new(log, Source::Stderr, Some(Arc::clone(error_output))),
        }
    }

    /// Ends the lines that were begun.
    pub(crate) fn finish(&self) {
        self.out.finish();
        self.err.finish();
    }
}

impl LogStream {
    fn new(log: &Arc<PluginLog>, source: Source, error_output: Option<Arc<ErrorOutput>>) -> Self {
        Self {
            log: Arc::clone(log),
            source,
            error_output,
            line: Arc::default(),
            held: Arc::default(),
        }
    }

    fn append(&self, bytes: &[u8]) {
        if let Some(error_output) = &self.error_output {
            error_output.add(bytes);
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(MESSAGE_BYTES) {
                line.extend_from_slice(part);
                if line.ends_with(b"\n") || line.len() >= MESSAGE_BYTES {
                    self.emit(&mut line);
                }
            }
        }
        self.held.store(!line.is_empty(), Ordering::Relaxed);
    }

    fn finish(&self) {
        if !self.held.load(Ordering::Relaxed) {
            return;
        }
        self.held.store(false, Ordering::Relaxed);
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.emit(&mut line);
    }

    fn emit(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        line.clear();
        if text.is_empty() {
            return;
        }
        let level = match self.source {
            Source::Stderr => Level::Warn,
            _ => Level::Info,
        };
        self.log.add(level, self.source, text, Vec::new(), None);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

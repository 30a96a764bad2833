//! Streams of files: what they write counts, and as long as they live their file does.

use std::fs::File;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;
use wasmtime_wasi::p2::{
    DynInputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

use super::change;
use super::space::Handle;

/// How much may be written at a time.
const PERMIT: usize = 64 * 1024;

/// A stream that reads a file.
pub(super) struct Reading {
    inner: DynInputStream,
    _handle: Arc<Handle>,
}

/// A stream that writes a file from a position on, or at its end.
pub(super) struct Writing {
    file: Arc<File>,
    handle: Arc<Handle>,
    position: Option<u64>,
    state: State,
}

enum State {
    Ready,
    Busy(JoinHandle<io::Result<usize>>),
    Failed(io::Error),
    Closed,
}

impl Reading {
    pub(super) fn new(inner: DynInputStream, handle: Arc<Handle>) -> Self {
        Self {
            inner,
            _handle: handle,
        }
    }
}

#[async_trait]
impl Pollable for Reading {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl InputStream for Reading {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.inner.read(size)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.inner.blocking_read(size).await
    }

    fn skip(&mut self, count: usize) -> StreamResult<usize> {
        self.inner.skip(count)
    }

    async fn blocking_skip(&mut self, count: usize) -> StreamResult<usize> {
        self.inner.blocking_skip(count).await
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

impl Writing {
    pub(super) fn new(file: Arc<File>, handle: Arc<Handle>, position: Option<u64>) -> Self {
        Self {
            file,
            handle,
            position,
            state: State::Ready,
        }
    }

    /// Ends the stream if the last write failed.
    fn check(&mut self) -> StreamResult<()> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Failed(error) => Err(StreamError::LastOperationFailed(error.into())),
            State::Closed => Err(StreamError::Closed),
            other => {
                self.state = other;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Pollable for Writing {
    async fn ready(&mut self) {
        let State::Busy(task) = &mut self.state else {
            return;
        };
        self.state = match task.await {
            Ok(Ok(written)) => {
                if let Some(position) = &mut self.position {
                    *position = position.saturating_add(written as u64);
                }
                State::Ready
            }
            Ok(Err(error)) => State::Failed(error),
            Err(stopped) => State::Failed(io::Error::other(stopped)),
        };
    }
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        if !matches!(self.state, State::Ready) || bytes.len() > PERMIT {
            return Err(StreamError::trap(
                "write not permitted: check_write was not called, or allowed less",
            ));
        }
        let (file, handle) = (Arc::clone(&self.file), Arc::clone(&self.handle));
        let position = self.position;
        // Goes on to the end if the stream is dropped meanwhile, and holds on to the file until then.
        self.state = State::Busy(tokio::spawn(async move {
            let turn = handle.space().turn().await;
            let write = move || {
                let written = change::write(&handle, &file, &bytes, position);
                drop(turn);
                written
            };
            let done = tokio::task::spawn_blocking(write).await;
            done.map_err(io::Error::other)?
        }));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check()?;
        match self.state {
            State::Ready => Ok(PERMIT),
            _ => Ok(0),
        }
    }

    async fn cancel(&mut self) {
        if let State::Busy(task) = std::mem::replace(&mut self.state, State::Closed) {
            // A write that has begun cannot be taken back; waiting for it bounds how many a plugin can have under way.
            let _ = task.await;
        }
    }
}

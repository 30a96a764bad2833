//! Server-sent events, read as a browser reads them.
//!
//! Written after the standard and not after the host, so that what the host writes is understood by somebody who does not
//! know how it was meant.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Answer;

/// How long something that must come may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events that is open.
pub struct EventStream {
    socket: TcpStream,
    /// The status and headers of the answer.
    pub head: Answer,
    raw: Vec<u8>,
    lines: Lines,
    fields: Fields,
    ready: VecDeque<SseEvent>,
    /// How many comments have come.
    pub comments: usize,
    /// The time after which to come back, if it was said, in milliseconds.
    pub retry: Option<u64>,
}

/// An event as a page's listener gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The id that the browser would come back with; empty if there was none yet.
    pub last_id: String,
    pub event_type: String,
    pub data: String,
}

/// What stands between two events.
#[derive(Default)]
struct Fields {
    last_id: String,
    event_type: String,
    data: String,
}

/// Bytes on their way to lines.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    after_return: bool,
}

impl EventStream {
    /// Asks for a path. An answer that is no stream of events is read to its end and returned as the error.
    pub async fn open(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Answer> {
        let mut socket = TcpStream::connect(address)
            .await
            .expect("the server listens");
        // In version 1.0 an answer ends with the connection, so there are no chunks to put together.
        let mut request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        socket
            .write_all(request.as_bytes())
            .await
            .expect("the server reads");
        let mut raw = Vec::new();
        let end = loop {
            if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                read(&mut socket, &mut raw).await,
                "the server answers: {raw:?}"
            );
        };
        let rest = raw.split_off(end);
        let text = String::from_utf8(raw).expect("headers are text");
        let head = Answer::parse(&text);
        if head.header("content-type") != Some("text/event-stream") {
            let mut body = rest;
            while read(&mut socket, &mut body).await {}
            let body = String::from_utf8(body).expect("the server answers in UTF-8");
            return Err(Answer { body, ..head });
        }
        let mut stream = Self {
            socket,
            head,
            raw: Vec::new(),
            lines: Lines::default(),
            fields: Fields::default(),
            ready: VecDeque::new(),
            comments: 0,
            retry: None,
        };
        stream.take(&rest);
        Ok(stream)
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let mut bytes = Vec::new();
            if !read(&mut self.socket, &mut bytes).await {
                return None;
            }
            self.take(&bytes);
        }
    }

    /// The next event, which must come.
    pub async fn event(&mut self) -> SseEvent {
        self.next().await.expect("the stream goes on")
    }

    /// Whether nothing comes for a while.
    pub async fn is_silent(&mut self, time: Duration) -> bool {
        timeout(time, self.next()).await.is_err()
    }

    /// All bytes that came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        for byte in bytes {
            if let Some(line) = self.lines.push(*byte) {
                let line = String::from_utf8(line).expect("a stream of events is UTF-8");
                self.line(&line);
            }
        }
    }

    /// As the standard says, with its words.
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            let event_type = std::mem::take(&mut self.fields.event_type);
            let mut data = std::mem::take(&mut self.fields.data);
            if data.pop().is_none() {
                return;
            }
            self.ready.push_back(SseEvent {
                last_id: self.fields.last_id.clone(),
                event_type: if event_type.is_empty() {
                    "message".to_owned()
                } else {
                    event_type
                },
                data,
            });
            return;
        }
        let (field, value) = match line.split_once(':') {
            Some(("", _)) => {
                self.comments += 1;
                return;
            }
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (line, ""),
        };
        match field {
            "event" => self.fields.event_type = value.to_owned(),
            "data" => {
                self.fields.data.push_str(value);
                self.fields.data.push('\n');
            }
            "id" if !value.contains('\0') => self.fields.last_id = value.to_owned(),
            "retry" => self.retry = value.parse().ok().or(self.retry),
            _ => {}
        }
    }
}

impl Lines {
    /// Takes a byte; returns the line that it ends.
    fn push(&mut self, byte: u8) -> Option<Vec<u8>> {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\n' if after_return => None,
            b'\n' | b'\r' => Some(std::mem::take(&mut self.line)),
            other => {
                self.line.push(other);
                None
            }
        }
    }
}

/// Reads some more; says whether there was more.
async fn read(socket: &mut TcpStream, into: &mut Vec<u8>) -> bool {
    let mut bytes = vec![0; 64 * 1024];
    let count = timeout(PATIENCE, socket.read(&mut bytes))
        .await
        .expect("the server sends something in time")
        .unwrap_or(0);
    into.extend_from_slice(&bytes[..count]);
    count > 0
}

//! The wire format of server-sent events.
//!
//! This is the only place that writes it, and whatever text it is given stays what it was given as: a newline in data
//! begins another line of the same data, in each of the three forms that browsers know, and what must be one line and is
//! not cannot be written. So nothing that a plugin says is an event, an id or a field of its own.

use std::fmt::Write as _;

use axum::body::Bytes;

use crate::capability::events::{Event, EventId};

/// How long a browser waits before it comes back, in milliseconds.
const RETRY_MS: u32 = 3_000;

/// The first event of a stream. It has an id where a browser that comes back before it got any event should begin there.
pub(super) fn connected(id: Option<EventId>) -> Bytes {
    let mut text = format!("retry: {RETRY_MS}\n");
    if let Some(id) = id {
        // An id is digits and a hyphen.
        let _ = writeln!(text, "id: {id}");
    }
    frame(text, "connected", r#"{"status":"ok"}"#)
}

/// Events are gone, as many as said. It has no id, so a browser that comes back asks for them once more.
pub(super) fn lost(count: Option<u64>) -> Bytes {
    let count = count.map_or_else(|| "null".to_owned(), |count| count.to_string());
    frame(String::new(), "lost", &format!("{{\"count\":{count}}}"))
}

/// An event of a plugin.
pub(super) fn event(event: &Event) -> Bytes {
    let message = &event.message;
    let mut text = String::with_capacity(message.data().len() + 256);
    let _ = writeln!(text, "id: {}", event.id);
    frame(text, message.event_type(), message.data())
}

/// What keeps a connection open: a comment.
pub(super) fn keep_alive() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// Adds type and data to the fields that come before. Types are one line already; should that ever change, what is behind
/// the first is left out.
fn frame(mut text: String, event_type: &str, data: &str) -> Bytes {
    let event_type = lines(event_type).next().unwrap_or_default();
    text.push_str("event: ");
    text.push_str(event_type);
    text.push('\n');
    for line in lines(data) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    Bytes::from(text)
}

/// The lines of a text, ended by `\r\n`, `\r` or `\n`; at least one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let Some(at) = memchr::memchr2(b'\r', b'\n', all.as_bytes()) else {
            return rest.take();
        };
        let (line, ending) = all.split_at_checked(at)?;
        let ending = ending.strip_prefix("\r\n").or_else(|| ending.get(1..));
        rest = ending;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(event_type: &str, data: &str) -> String {
        String::from_utf8_lossy(&frame(String::new(), event_type, data)).into_owned()
    }

    #[test]
    fn every_form_of_newline_begins_a_line_of_the_same_data() {
        assert_eq!(
            framed("note", "a\nb\r\nc\rd\n\re\n\n"),
            "event: note\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \ndata: \n\n"
        );
        assert_eq!(framed("note", ""), "event: note\ndata: \n\n");
        assert_eq!(
            framed("note", "é\u{2028}\0"),
            "event: note\ndata: é\u{2028}\0\n\n"
        );
    }

    #[test]
    fn a_type_that_is_more_than_one_line_is_cut() {
        assert_eq!(framed("note\ndata: x", "y"), "event: note\ndata: y\n\n");
    }
}

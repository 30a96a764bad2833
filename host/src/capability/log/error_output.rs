//! What a plugin said about its own failure.
//!
//! A trap has no words of its own. What went wrong is what the plugin wrote just before: to standard error, or to its log as
//! an error. Of that, the beginning and the end are kept for the entry that runs (a call, `init`, `register`, `shutdown`),
//! since runtimes differ in where they put the message: Go writes it before the stack, Python after it. At most
//! [`KEPT_BYTES`] are kept, whatever is written. It is untrusted text.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many bytes of an entry's error output are kept: half of them from its beginning, half from its end.
pub const KEPT_BYTES: usize = 2 * 1024;

const HALF: usize = KEPT_BYTES / 2;

/// The error output of the entry that runs in one instance.
#[derive(Debug, Default)]
pub(crate) struct ErrorOutput {
    kept: Mutex<Kept>,
    /// Whether anything is kept, to be asked without the lock at every entry.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    beginning: Vec<u8>,
    /// What came after the beginning, as far as it may be shown: at most two halves, so that it is rarely moved.
    end: Vec<u8>,
    /// Whether something between the two was dropped.
    cut: bool,
}

impl ErrorOutput {
    /// Keeps what was written.
    pub(crate) fn add(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.add(bytes);
        self.any.store(true, Ordering::Relaxed);
    }

    /// Keeps a message as a line of its own.
    pub(crate) fn add_line(&self, message: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.last().is_some_and(|last| last != b'\n') {
            kept.add(b"\n");
        }
        kept.add(message.as_bytes());
        kept.add(b"\n");
        self.any.store(true, Ordering::Relaxed);
    }

    /// Forgets what the entry before wrote.
    pub(crate) fn clear(&self) {
        // Nearly every entry finds nothing here, and reading costs less than exchanging.
        if self.any.load(Ordering::Relaxed) {
            self.any.store(false, Ordering::Relaxed);
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
        }
    }

    /// What the entry wrote; empty where it wrote nothing.
    pub(crate) fn text(&self) -> String {
        if !self.any.load(Ordering::Relaxed) {
            return String::new();
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.text()
    }
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let room = HALF.saturating_sub(self.beginning.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.beginning.extend_from_slice(first);
        // Of one large write only what may be shown is copied.
        let shown = rest.len().saturating_sub(HALF);
        self.cut |= shown > 0;
        self.end
            .extend_from_slice(rest.get(shown..).unwrap_or_default());
        if self.end.len() > 2 * HALF {
            self.drop_all_but_the_last_half();
        }
    }

    fn drop_all_but_the_last_half(&mut self) {
        let surplus = self.end.len().saturating_sub(HALF);
        self.end.drain(..surplus);
        self.cut |= surplus > 0;
    }

    fn last(&self) -> Option<u8> {
        self.end.last().or(self.beginning.last()).copied()
    }

    fn text(&self) -> String {
        let surplus = self.end.len().saturating_sub(HALF);
        let end = self.end.get(surplus..).unwrap_or_default();
        if !self.cut && surplus == 0 {
            let whole = [self.beginning.as_slice(), end].concat();
            return String::from_utf8_lossy(&whole).trim().to_owned();
        }
        let end = String::from_utf8_lossy(end);
        // The end begins in the middle of a line, and perhaps of a char: that line is left out where there are others.
        let end = end.split_once('\n').map_or(&*end, |(_, lines)| lines);
        let beginning = String::from_utf8_lossy(&self.beginning);
        format!("{}\n…\n{}", beginning.trim(), end.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_one_text() {
        let output = ErrorOutput::default();
        for fragment in ["panic: ", "oh", "\n", "\ngoroutine 1\n"] {
            output.add(fragment.as_bytes());
        }
        assert_eq!(output.text(), "panic: oh\n\ngoroutine 1");
    }

    #[test]
    fn a_message_does_not_run_into_the_line_before_it() {
        let output = ErrorOutput::default();
        output.add(b"half a line");
        output.add_line("panicked at src/lib.rs:1:2");
        assert_eq!(output.text(), "half a line\npanicked at src/lib.rs:1:2");
    }

    #[test]
    fn what_one_entry_wrote_is_not_told_of_the_next() {
        let output = ErrorOutput::default();
        output.add(b"old");
        output.clear();
        assert_eq!(output.text(), "");
        output.add(b"new");
        assert_eq!(output.text(), "new");
    }

    #[test]
    fn of_a_long_output_the_beginning_and_the_end_are_kept_however_it_is_written() {
        let lines: String = (0..10_000)
            .map(|number| format!("line {number} ü\n"))
            .collect();
        for size in [1, 7, 1_000, KEPT_BYTES, usize::MAX] {
            let output = ErrorOutput::default();
            for fragment in lines.as_bytes().chunks(size) {
                output.add(fragment);
            }
            let text = output.text();
            assert!(text.starts_with("line 0 ü\nline 1 ü\n"), "{size}: {text}");
            assert!(
                text.ends_with("\nline 9998 ü\nline 9999 ü"),
                "{size}: {text}"
            );
            assert!(text.contains("\n…\n"), "{size}: {text}");
            assert!(
                text.len() <= KEPT_BYTES + 16,
                "{size}: {} bytes",
                text.len()
            );
        }
    }
}

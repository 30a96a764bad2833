//! Texts on their way into a plugin's memory.
//!
//! wasmtime copies what a host function returns into the plugin's memory and lets go of it, without overwriting it. So the
//! text is shared with it and not given away: what only this side holds any more has arrived, and is overwritten. That
//! happens when the plugin asks for its next secret and when it is unloaded; until then at most one text for each of its
//! instances waits. The copy in the plugin's own memory is the plugin's.

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize as _;

use super::secret::Secret;

/// The texts that were handed to one plugin and may not be overwritten yet.
#[derive(Default)]
pub(super) struct Handed(Mutex<Vec<Arc<str>>>);

impl Handed {
    /// A secret's text to return to the plugin.
    pub(super) fn hand(&self, secret: &Secret) -> Arc<str> {
        let text: Arc<str> = Arc::from(secret.expose());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain_mut(|text| !overwrite(text));
        all.push(Arc::clone(&text));
        text
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let all = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for text in all {
            overwrite(text);
        }
    }
}

/// Overwrites a text that nobody else holds, and says whether it was so.
fn overwrite(text: &mut Arc<str>) -> bool {
    match Arc::get_mut(text) {
        Some(text) => {
            text.zeroize();
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn waiting(handed: &Handed) -> Vec<String> {
        let all = handed.0.lock().unwrap();
        all.iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn a_text_that_has_arrived_is_overwritten_when_the_next_is_handed_over() {
        let handed = Handed::default();
        let first = handed.hand(&Secret::new("first".into()));
        let second = handed.hand(&Secret::new("second".into()));
        assert_eq!(waiting(&handed), ["first", "second"], "both are under way");
        drop(first);
        let third = handed.hand(&Secret::new("third".into()));
        assert_eq!(waiting(&handed), ["second", "third"]);
        assert_eq!((&*second, &*third), ("second", "third"));
    }

    #[test]
    fn overwriting_leaves_nothing_of_the_text() {
        let mut text: Arc<str> = Arc::from("hunter2");
        let shared = Arc::clone(&text);
        assert!(!overwrite(&mut text), "somebody still reads it");
        assert_eq!(&*shared, "hunter2");
        drop(shared);
        assert!(overwrite(&mut text));
        assert_eq!(&*text, "\0\0\0\0\0\0\0");
    }
}

//! How much is in a plugin's folder, and how much may be.
//!
//! Whoever changes the folder first takes the [`Turn`], finds out what would be added, asks for [`room`](Space::room), makes
//! the change and reports what really became of it. Only one thing happens without a turn: an open descriptor is given up,
//! which may free what has no name any more, and can only make the count smaller. Nothing waits and nothing is read or
//! written while the count itself is locked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use wasmtime_wasi::p2::bindings::filesystem::types::MetadataHashValue;

use super::count::Content;
use super::{ENTRIES, OPEN};

/// One plugin's count.
pub(super) struct Space {
    quota: AtomicU64,
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

/// The right to change the folder, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// What tells one file from another, whatever its names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity(u64, u64);

/// There is no room for what would be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// All places for open descriptors are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyOpen;

/// An open file is found by its identity only while it has a name: the file system gives the identity of one that has none
/// to the next file as soon as its last descriptor is closed, which is a moment before the last [`Handle`] is dropped.
struct State {
    bytes: u64,
    entries: u64,
    handles: usize,
    open: HashMap<Key, Open>,
    named: HashMap<Identity, Key>,
    next: Key,
}

/// What tells an open file from all that were open before it.
type Key = u64;

/// A file or folder that has open descriptors.
struct Open {
    handles: usize,
    bytes: u64,
    /// None once it has no name any more: then it goes away with its last descriptor.
    identity: Option<Identity>,
}

/// An open descriptor's part in the count, given back when it is dropped.
pub(super) struct Handle {
    space: Arc<Space>,
    file: Key,
}

impl Space {
    pub(super) fn new(quota: u64, content: Content) -> Self {
        Self {
            quota: AtomicU64::new(quota),
            turn: Arc::default(),
            state: Mutex::new(State {
                bytes: content.bytes,
                entries: content.entries,
                handles: 0,
                open: HashMap::new(),
                named: HashMap::new(),
                next: 0,
            }),
        }
    }

    /// Changes the quota, for what comes from now on.
    pub(super) fn set_quota(&self, quota: u64) {
        self.quota.store(quota, Ordering::Relaxed);
    }

    /// Waits for the turn to change the folder.
    pub(super) async fn turn(&self) -> Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Whether so much more would fit.
    pub(super) fn room(&self, bytes: u64, entries: u64) -> Result<(), NoRoom> {
        let state = self.state();
        let quota = self.quota.load(Ordering::Relaxed);
        let fits = |used: u64, more: u64, limit: u64| {
            more == 0 || used.checked_add(more).is_some_and(|sum| sum <= limit)
        };
        if fits(state.bytes, bytes, quota) && fits(state.entries, entries, ENTRIES) {
            Ok(())
        } else {
            Err(NoRoom)
        }
    }

    /// A name was added.
    pub(super) fn added(&self) {
        let mut state = self.state();
        state.entries = state.entries.saturating_add(1);
    }

    /// A name was removed; `bytes` of the file went with it if it was the last one.
    pub(super) fn removed(&self, identity: Identity, bytes: u64, last: bool) {
        let mut state = self.state();
        state.entries = state.entries.saturating_sub(1);
        if !last {
            return;
        }
        let open = state.named.remove(&identity);
        match open.and_then(|file| state.open.get_mut(&file)) {
            Some(open) => open.identity = None,
            None => state.bytes = state.bytes.saturating_sub(bytes),
        }
    }

    /// Takes a place for an open descriptor of a file that has a name and so many bytes.
    pub(super) fn hold(
        self: &Arc<Self>,
        identity: Identity,
        bytes: u64,
    ) -> Result<Handle, TooManyOpen> {
        let mut state = self.state();
        if state.handles >= OPEN {
            return Err(TooManyOpen);
        }
        state.handles += 1;
        let file = match state.named.get(&identity) {
            Some(file) => *file,
            None => state.insert(identity, bytes),
        };
        if let Some(open) = state.open.get_mut(&file) {
            open.handles += 1;
        }
        Ok(Handle {
            space: Arc::clone(self),
            file,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, identity: Identity, bytes: u64) -> Key {
        let file = self.next;
        self.next += 1;
        self.named.insert(identity, file);
        let open = Open {
            handles: 0,
            bytes,
            identity: Some(identity),
        };
        self.open.insert(file, open);
        file
    }
}

impl Handle {
    pub(super) fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// The file has another length now.
    pub(super) fn resized(&self, before: u64, after: u64) {
        let mut state = self.space.state();
        state.bytes = state.bytes.saturating_sub(before).saturating_add(after);
        if let Some(open) = state.open.get_mut(&self.file) {
            open.bytes = after;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.space.state();
        state.handles = state.handles.saturating_sub(1);
        let Some(open) = state.open.get_mut(&self.file) else {
            return;
        };
        open.handles = open.handles.saturating_sub(1);
        if open.handles > 0 {
            return;
        }
        let (identity, bytes) = (open.identity, open.bytes);
        state.open.remove(&self.file);
        match identity {
            Some(identity) => drop(state.named.remove(&identity)),
            None => state.bytes = state.bytes.saturating_sub(bytes),
        }
    }
}

impl From<MetadataHashValue> for Identity {
    fn from(value: MetadataHashValue) -> Self {
        Self(value.lower, value.upper)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn space(quota: u64) -> Arc<Space> {
        Arc::new(Space::new(quota, Content::default()))
    }

    const ONE: Identity = Identity(1, 1);

    #[test]
    fn what_fits_exactly_fits_and_one_byte_more_does_not() {
        let space = space(100);
        assert_eq!(space.room(100, 1), Ok(()));
        assert_eq!(space.room(101, 0), Err(NoRoom));
        assert_eq!(space.room(u64::MAX, 0), Err(NoRoom));
        assert_eq!(space.room(0, ENTRIES), Ok(()));
        assert_eq!(space.room(0, ENTRIES + 1), Err(NoRoom));
    }

    #[test]
    fn a_file_without_a_name_counts_until_its_last_descriptor_is_gone() {
        let space = space(100);
        space.added();
        let handles = [space.hold(ONE, 0).unwrap(), space.hold(ONE, 0).unwrap()];
        let [first, second] = handles;
        first.resized(0, 80);
        space.removed(ONE, 80, true);
        drop(first);
        assert_eq!(space.room(21, 0), Err(NoRoom));
        second.resized(80, 90);
        assert_eq!(space.room(11, 0), Err(NoRoom));
        drop(second);
        assert_eq!(space.room(100, ENTRIES), Ok(()));
    }

    #[test]
    fn a_new_file_with_the_identity_of_one_that_just_went_away_is_counted_by_itself() {
        let space = space(100);
        space.added();
        let closed = space.hold(ONE, 0).unwrap();
        closed.resized(0, 40);
        space.removed(ONE, 40, true);
        // The file system has given the identity away, and the handle of the one before is still there.
        space.added();
        let new = space.hold(ONE, 0).unwrap();
        new.resized(0, 30);
        drop(closed);
        assert_eq!(space.room(70, 0), Ok(()));
        assert_eq!(space.room(71, 0), Err(NoRoom));
        drop(new);
        assert_eq!(space.room(71, 0), Err(NoRoom), "it still has its name");
        space.removed(ONE, 30, true);
        assert_eq!(space.room(100, ENTRIES), Ok(()));
    }

    #[test]
    fn a_file_that_is_over_a_smaller_quota_can_still_be_removed() {
        let space = space(100);
        space.added();
        space.hold(ONE, 0).unwrap().resized(0, 100);
        space.set_quota(10);
        assert_eq!(space.room(1, 0), Err(NoRoom));
        assert_eq!(space.room(0, 1), Ok(()));
        space.removed(ONE, 100, true);
        assert_eq!(space.room(10, 0), Ok(()));
    }

    #[test]
    fn descriptors_are_bounded_and_given_back() {
        let space = space(100);
        let mut all: Vec<_> = (0..OPEN)
            .map(|number| space.hold(Identity(number as u64, 0), 0).unwrap())
            .collect();
        assert_eq!(space.hold(ONE, 0).err(), Some(TooManyOpen));
        all.pop();
        assert!(space.hold(ONE, 0).is_ok());
    }
}

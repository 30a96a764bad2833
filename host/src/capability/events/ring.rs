//! The last events of one channel, which every listener reads at a pace of their own.
//!
//! Listeners have no queues: each has a position in the ring, so a thousand slow ones need no more memory than one. Whoever
//! falls behind by more than the ring holds loses what is no longer there, and is told how much it was. What is known to
//! be missing because the node did not get it stands in the ring as a gap, so that everybody whose reading crosses it is
//! told too, those who come back later included.
//!
//! Positions count events, lost ones included; an unknown number of lost ones counts as one, and is remembered so that it is
//! never told as a number.

use std::collections::VecDeque;
use std::sync::Arc;

use super::delivery::{Delivery, LastSeen};
use super::event::{Event, EventId, Message};

/// What an event costs beside its text.
const OVERHEAD: usize = 128;

/// The last events of a channel.
#[derive(Default)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    /// The position of the next event.
    next: u64,
    bytes: usize,
    /// The newest event of the channel, as far as this node knows.
    newest: Option<EventId>,
    /// Before this position is a gap of unknown size.
    unknown_before: u64,
}

struct Entry {
    position: u64,
    what: What,
}

enum What {
    Event(Arc<Event>),
    Gap(Option<u64>),
}

impl What {
    fn width(&self) -> u64 {
        match self {
            Self::Event(_) | Self::Gap(None) => 1,
            Self::Gap(Some(count)) => *count,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.message.bytes() + OVERHEAD,
            Self::Gap(_) => OVERHEAD,
        }
    }
}

impl Ring {
    /// The memory that the ring takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many events and gaps it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest event of the channel, for listeners to begin after; [`EventId::ORIGIN`] where there was none yet.
    pub(super) fn newest(&self) -> EventId {
        self.newest.unwrap_or(EventId::ORIGIN)
    }

    /// Gives a message the next number and takes it up.
    pub(super) fn append(&mut self, message: Message) -> EventId {
        let id = match self.newest {
            Some(newest) => EventId {
                number: newest.number + 1,
                ..newest
            },
            None => EventId {
                epoch: super::event::Epoch::random(),
                number: 1,
            },
        };
        self.newest = Some(id);
        self.push(What::Event(Arc::new(Event { id, message })));
        id
    }

    /// Takes up an event that was numbered elsewhere; says whether it is new.
    pub(super) fn deliver(&mut self, event: Event) -> bool {
        let id = event.id;
        let missing = match self.newest {
            Some(newest) if newest.epoch == id.epoch => {
                if id.number <= newest.number {
                    return false;
                }
                id.number - newest.number - 1
            }
            // Counting began anew, and what came before its first number that is seen here was not seen.
            Some(_) => id.number.saturating_sub(1),
            // Nobody here was told anything about this channel yet.
            None => 0,
        };
        if missing > 0 {
            self.push(What::Gap(Some(missing)));
        }
        self.newest = Some(id);
        self.push(What::Event(Arc::new(event)));
        true
    }

    /// After this node could not hear for a while: compares what it heard last with the channel's newest event, which is
    /// absent where counting has not begun again. `heard` says whether anybody listened here. Says whether anything is
    /// missing.
    pub(super) fn resume(&mut self, newest: Option<EventId>, heard: bool) -> bool {
        let gap = match (self.newest, newest) {
            (None, None) => return false,
            (Some(here), Some(there)) if here.epoch == there.epoch => {
                match there.number.checked_sub(here.number) {
                    Some(0) => return false,
                    Some(missing) => Some(missing),
                    // The server went back in time, so numbers will be used twice.
                    None => None,
                }
            }
            // An event may have come while nobody here could hear it, or long before.
            (None, Some(_)) if !heard => {
                self.newest = newest;
                return false;
            }
            (None, Some(_)) | (Some(_), _) => None,
        };
        if gap.is_none() {
            // What is kept has numbers that mean nothing any more.
            self.forget();
        }
        self.newest = newest;
        self.push(What::Gap(gap));
        true
    }

    /// Drops the oldest entry.
    pub(super) fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.what.bytes();
        }
    }

    fn forget(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    fn push(&mut self, what: What) {
        self.bytes += what.bytes();
        let position = self.next;
        self.next = self.next.saturating_add(what.width());
        if matches!(what, What::Gap(None)) {
            self.unknown_before = self.next;
        }
        self.entries.push_back(Entry { position, what });
    }

    /// Where a listener begins, and what they have to be told before.
    pub(super) fn position_after(&self, last: LastSeen) -> (u64, Option<Delivery>) {
        let lost = |count| Some(Delivery::Lost { count });
        let last = match (last, self.newest) {
            (LastSeen::Nothing, _) => return (self.next, None),
            (LastSeen::Event(EventId::ORIGIN), None) => return (self.next, None),
            (LastSeen::Event(EventId::ORIGIN), Some(newest)) => EventId {
                number: 0,
                ..newest
            },
            (LastSeen::Event(last), Some(newest))
                if last.epoch == newest.epoch && last.number <= newest.number =>
            {
                last
            }
            // Gaps before the first event are in what is told already.
            _ => return (self.first_event(), lost(None)),
        };
        let newest = self.newest.unwrap_or(last);
        let first_missed = self.entries.iter().find_map(|entry| match &entry.what {
            What::Event(event) if event.id.epoch == last.epoch => {
                (event.id.number > last.number).then_some((entry.position, event.id.number))
            }
            _ => None,
        });
        let (position, missing) = match first_missed {
            Some((position, number)) => (position, number - last.number - 1),
            None => (self.next, newest.number - last.number),
        };
        (
            position,
            (missing > 0)
                .then_some(missing)
                .and_then(|count| lost(Some(count))),
        )
    }

    /// What a listener gets at a position, and where they are then; nothing yet, at the end.
    pub(super) fn read(&self, position: u64) -> Option<(Delivery, u64)> {
        let front = self.front();
        if position < front {
            let count = (position >= self.unknown_before).then_some(front - position);
            return Some((Delivery::Lost { count }, front));
        }
        let at = self
            .entries
            .partition_point(|entry| entry.position < position);
        let entry = self.entries.get(at)?;
        let delivery = match &entry.what {
            What::Event(event) => Delivery::Event(Arc::clone(event)),
            What::Gap(count) => Delivery::Lost { count: *count },
        };
        Some((delivery, entry.position + entry.what.width()))
    }

    fn first_event(&self) -> u64 {
        let mut entries = self.entries.iter();
        let first = entries.find(|entry| matches!(entry.what, What::Event(_)));
        first.map_or(self.next, |entry| entry.position)
    }

    fn front(&self) -> u64 {
        self.entries
            .front()
            .map_or(self.next, |entry| entry.position)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::event::Epoch;
    use super::*;

    fn message(data: &str) -> Message {
        Message::new("note".to_owned(), data.to_owned()).unwrap()
    }

    fn filled(count: u64) -> Ring {
        let mut ring = Ring::default();
        for number in 1..=count {
            ring.append(message(&number.to_string()));
        }
        ring
    }

    /// Everything that somebody gets who begins like this: texts, and `-N` or `-?` for what is lost.
    fn heard(ring: &Ring, last: LastSeen) -> Vec<String> {
        let (mut position, first) = ring.position_after(last);
        let mut all: Vec<Delivery> = first.into_iter().collect();
        while let Some((delivery, next)) = ring.read(position) {
            all.push(delivery);
            position = next;
        }
        let text = |delivery: Delivery| match delivery {
            Delivery::Event(event) => event.message.data().to_owned(),
            Delivery::Lost { count: Some(count) } => format!("-{count}"),
            Delivery::Lost { count: None } => "-?".to_owned(),
        };
        all.into_iter().map(text).collect()
    }

    fn numbered(ring: &Ring, number: u64) -> LastSeen {
        LastSeen::Event(EventId {
            number,
            ..ring.newest()
        })
    }

    #[test]
    fn who_comes_back_gets_what_they_missed_and_is_told_what_is_gone() {
        let mut ring = filled(5);
        assert_eq!(heard(&ring, numbered(&ring, 3)), ["4", "5"]);
        assert_eq!(heard(&ring, numbered(&ring, 5)), Vec::<String>::new());
        ring.drop_oldest();
        ring.drop_oldest();
        assert_eq!(heard(&ring, numbered(&ring, 2)), ["3", "4", "5"]);
        assert_eq!(heard(&ring, numbered(&ring, 1)), ["-1", "3", "4", "5"]);
        assert_eq!(
            heard(&ring, LastSeen::Event(EventId::ORIGIN)),
            ["-2", "3", "4", "5"]
        );
        assert_eq!(heard(&ring, LastSeen::Nothing), Vec::<String>::new());
        while ring.len() > 0 {
            ring.drop_oldest();
        }
        assert_eq!(ring.bytes(), 0);
        assert_eq!(heard(&ring, numbered(&ring, 1)), ["-4"]);
    }

    #[test]
    fn ids_of_another_counting_and_of_the_future_are_unknown() {
        let ring = filled(2);
        let foreign = EventId {
            epoch: Epoch::random(),
            number: 1,
        };
        for last in [
            LastSeen::Unknown,
            LastSeen::Event(foreign),
            numbered(&ring, 3),
        ] {
            assert_eq!(heard(&ring, last), ["-?", "1", "2"]);
        }
    }

    #[test]
    fn who_falls_behind_is_told_how_far() {
        let mut ring = Ring::default();
        let (position, _) = ring.position_after(LastSeen::Nothing);
        for number in 0..10 {
            ring.append(message(&number.to_string()));
            if ring.len() > 4 {
                ring.drop_oldest();
            }
        }
        let (lost, position) = ring.read(position).unwrap();
        assert_eq!(lost, Delivery::Lost { count: Some(6) });
        let (next, _) = ring.read(position).unwrap();
        assert!(matches!(next, Delivery::Event(event) if event.message.data() == "6"));
    }

    #[test]
    fn a_number_that_is_skipped_is_a_gap_and_one_that_comes_again_is_nothing() {
        let epoch = Epoch::random();
        let event = |number: u64| Event {
            id: EventId { epoch, number },
            message: message(&number.to_string()),
        };
        let mut ring = Ring::default();
        assert!(ring.deliver(event(7)));
        assert!(!ring.deliver(event(7)) && !ring.deliver(event(6)));
        assert!(ring.deliver(event(10)));
        assert_eq!(heard(&ring, numbered(&ring, 7)), ["-2", "10"]);
        let other = Event {
            id: EventId {
                epoch: Epoch::random(),
                number: 1,
            },
            message: message("anew"),
        };
        assert!(ring.deliver(other));
        assert_eq!(
            heard(&ring, LastSeen::Unknown),
            ["-?", "7", "-2", "10", "anew"]
        );
    }

    #[test]
    fn after_a_silence_only_what_is_missing_is_a_gap() {
        let mut ring = filled(3);
        let newest = ring.newest();
        assert!(!ring.resume(Some(newest), true));
        let later = EventId {
            number: newest.number + 4,
            ..newest
        };
        assert!(ring.resume(Some(later), true));
        assert_eq!(heard(&ring, numbered(&ring, 1)), ["2", "3", "-4"]);
        let earlier = EventId {
            number: 2,
            ..newest
        };
        assert!(ring.resume(Some(earlier), true), "the server went back");
        assert_eq!(ring.newest(), earlier);
        assert!(ring.resume(None, true), "the server lost its counting");
        assert!(!ring.resume(None, true));
        assert!(!ring.resume(Some(later), false), "nobody listened");
        assert_eq!(ring.newest(), later);
    }

    #[test]
    fn an_unknown_loss_is_never_told_as_a_number() {
        let mut ring = filled(1);
        let (position, _) = ring.position_after(LastSeen::Nothing);
        ring.resume(None, true);
        ring.append(message("a"));
        ring.append(message("b"));
        ring.drop_oldest();
        ring.drop_oldest();
        assert_eq!(
            ring.read(position).unwrap().0,
            Delivery::Lost { count: None }
        );
    }
}

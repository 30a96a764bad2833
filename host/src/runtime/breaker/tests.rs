//! The breaker, with the time in the tests' hands.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// A breaker, and the time that its test makes pass.
struct Rig {
    breaker: Breaker,
    now: Instant,
}

impl Rig {
    fn new() -> Self {
        Self::with(BreakerPolicy::default())
    }

    fn with(policy: BreakerPolicy) -> Self {
        Self {
            breaker: Breaker::new(policy),
            now: Instant::now(),
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// A call, if it is let in.
    fn call(&mut self, outcome: Outcome) -> Result<Change, Refusal> {
        let change = match self.breaker.admit(self.now)? {
            Pass::Call => self.breaker.ended(self.now, self.now, outcome),
            Pass::Probe(probe) => self.breaker.probed(probe, self.now, outcome),
        };
        Ok(change)
    }

    fn good(&mut self) -> Change {
        self.call(Outcome::Good).unwrap()
    }

    fn bad(&mut self) -> Change {
        self.call(failed()).unwrap()
    }

    fn trip(&mut self) -> Change {
        (0..5).map(|_| self.bad()).last().unwrap()
    }
}

fn failed() -> Outcome {
    Outcome::Failed("it panicked".to_owned())
}

fn tripped_for(seconds: u64) -> Change {
    Change::Tripped {
        probe_in: Duration::from_secs(seconds),
    }
}

#[test]
fn the_fifth_failure_in_a_row_trips_it_and_not_the_fourth() {
    let mut rig = Rig::new();
    for _ in 0..4 {
        assert_eq!(rig.bad(), Change::None);
    }
    assert_eq!(rig.bad(), tripped_for(5));
    let refusal = rig.call(Outcome::Good).unwrap_err();
    assert_eq!(refusal.last, "it panicked");
    assert_eq!(refusal.retry_in, Some(Duration::from_secs(5)));
}

#[test]
fn a_good_call_ends_the_row() {
    let mut rig = Rig::new();
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(rig.bad(), Change::None);
        }
        assert_eq!(rig.good(), Change::None);
    }
    assert_eq!(
        rig.breaker.health(rig.now),
        Health::Failing {
            failures: 8,
            last_failure: "it panicked".to_owned()
        }
    );
}

#[test]
fn more_than_half_of_the_last_twenty_trip_it_however_they_lie() {
    let mut rig = Rig::new();
    // Every other one: never more than ten of twenty.
    for _ in 0..100 {
        assert_eq!(rig.bad(), Change::None);
        assert_eq!(rig.good(), Change::None);
    }
    assert_eq!(rig.bad(), Change::None, "it takes the place of an old one");
    assert_eq!(rig.bad(), tripped_for(5));
}

#[test]
fn what_lies_more_than_twenty_calls_back_is_forgotten() {
    let mut rig = Rig::new();
    rig.bad();
    for _ in 0..19 {
        rig.good();
        assert!(!rig.breaker.is_clean());
    }
    rig.good();
    assert!(rig.breaker.is_clean());
    assert_eq!(rig.breaker.health(rig.now), Health::Healthy);
}

#[test]
fn what_says_nothing_about_the_plugin_changes_nothing() {
    let mut rig = Rig::new();
    for _ in 0..4 {
        rig.bad();
    }
    for _ in 0..1_000 {
        assert_eq!(rig.call(Outcome::NoVerdict), Ok(Change::None));
    }
    assert_eq!(rig.bad(), tripped_for(5), "the row was not ended either");
}

#[test]
fn one_probe_is_made_at_a_time_and_none_too_early() {
    let mut rig = Rig::new();
    rig.trip();
    rig.pass(4);
    assert!(rig.breaker.admit(rig.now).is_err());
    rig.pass(1);
    let Ok(Pass::Probe(probe)) = rig.breaker.admit(rig.now) else {
        panic!("it is time")
    };
    for _ in 0..10 {
        assert!(rig.breaker.admit(rig.now).is_err(), "one runs already");
    }
    assert_eq!(
        rig.breaker.probed(probe, rig.now, Outcome::Good),
        Change::Closed
    );
    assert_eq!(rig.breaker.admit(rig.now), Ok(Pass::Call));
    assert!(rig.breaker.is_clean());
}

#[test]
fn bad_probes_come_after_5_10_20_and_at_most_300_seconds() {
    let mut rig = Rig::with(BreakerPolicy {
        trips: 100,
        ..BreakerPolicy::default()
    });
    assert_eq!(rig.trip(), tripped_for(5));
    for (waited, next) in [5, 10, 20, 40, 80, 160, 300, 300]
        .into_iter()
        .zip([10, 20, 40, 80, 160, 300, 300, 300])
    {
        rig.pass(waited);
        assert_eq!(rig.bad(), tripped_for(next));
    }
    rig.pass(300);
    assert_eq!(rig.good(), Change::Closed);
    assert_eq!(rig.trip(), tripped_for(5), "from the beginning");
}

#[test]
fn a_probe_without_a_verdict_makes_room_for_another_and_is_no_trip() {
    let mut rig = Rig::new();
    rig.trip();
    rig.pass(5);
    for _ in 0..20 {
        assert_eq!(rig.call(Outcome::NoVerdict), Ok(Change::None));
    }
    assert_eq!(rig.good(), Change::Closed);
    assert_eq!(rig.breaker.trips(), 1);
}

#[test]
fn the_sixth_trip_in_ten_minutes_exhausts_it_for_good() {
    let mut rig = Rig::new();
    rig.trip();
    for waited in [5, 10, 20, 40] {
        rig.pass(waited);
        assert!(matches!(rig.bad(), Change::Tripped { .. }));
    }
    rig.pass(80);
    assert_eq!(rig.bad(), Change::Exhausted);
    for _ in 0..10 {
        rig.pass(3_600);
        let refusal = rig.call(Outcome::Good).unwrap_err();
        assert_eq!(refusal.retry_in, None);
    }
    assert!(matches!(
        rig.breaker.health(rig.now),
        Health::Exhausted { .. }
    ));
}

#[test]
fn good_probes_in_between_do_not_keep_it_from_being_exhausted() {
    let mut rig = Rig::new();
    for _ in 0..5 {
        assert_eq!(rig.trip(), tripped_for(5));
        rig.pass(5);
        assert_eq!(rig.good(), Change::Closed);
    }
    assert_eq!(rig.trip(), Change::Exhausted);
}

#[test]
fn trips_further_apart_than_ten_minutes_do_not_add_up() {
    let mut rig = Rig::new();
    for _ in 0..50 {
        assert_eq!(rig.trip(), tripped_for(5));
        rig.pass(121);
        assert_eq!(rig.good(), Change::Closed);
    }
    assert_eq!(rig.breaker.trips(), 50);
}

#[test]
fn calls_from_before_it_closed_have_no_say() {
    let mut rig = Rig::new();
    let before = rig.now;
    rig.trip();
    for _ in 0..10 {
        let change = rig.breaker.ended(before, rig.now, failed());
        assert_eq!(change, Change::None, "it is open already");
    }
    rig.pass(5);
    rig.good();
    for _ in 0..10 {
        let change = rig.breaker.ended(before, rig.now, failed());
        assert_eq!(change, Change::None);
    }
    assert!(rig.breaker.is_clean());
}

#[test]
fn a_reset_closes_it_and_a_probe_from_before_has_no_say() {
    let mut rig = Rig::new();
    rig.trip();
    rig.pass(5);
    let Ok(Pass::Probe(old)) = rig.breaker.admit(rig.now) else {
        panic!("it is time")
    };
    rig.breaker.reset(rig.now);
    assert!(rig.breaker.is_clean());
    assert_eq!(rig.breaker.probed(old, rig.now, failed()), Change::None);
    rig.trip();
    rig.pass(5);
    assert!(matches!(rig.breaker.admit(rig.now), Ok(Pass::Probe(_))));
    assert_eq!(
        rig.breaker.probed(old, rig.now, Outcome::Good),
        Change::None,
        "that was another probe"
    );
    assert!(rig.breaker.admit(rig.now).is_err());
}

#[test]
fn a_reset_forgets_the_trips() {
    let mut rig = Rig::new();
    for _ in 0..5 {
        rig.trip();
        rig.breaker.reset(rig.now);
    }
    assert_eq!(rig.trip(), tripped_for(5));
}

#[test]
fn long_words_are_cut_between_characters() {
    let mut rig = Rig::new();
    rig.call(Outcome::Failed("é".repeat(1_000))).unwrap();
    let Health::Failing { last_failure, .. } = rig.breaker.health(rig.now) else {
        panic!("it failed once")
    };
    assert_eq!(last_failure, "é".repeat(150));
}

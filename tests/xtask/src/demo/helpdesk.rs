//! A helpdesk's database, made up.
//!
//! The same numbers come out every time but for the dates, which end today, so that a chart of the last two weeks shows
//! something. Tickets are spread unevenly over queues, states and days, as they are in life.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::{Timestamp, ToSpan as _};
use rusqlite::{Connection, params};

/// How many tickets there are.
const TICKETS: u32 = 2_400;
/// Over how many days they came in.
const DAYS: u32 = 60;

/// Queues, with how many of a hundred tickets come in there.
const QUEUES: &[(&str, u32)] = &[
    ("Support", 38),
    ("Billing", 22),
    ("Sales", 15),
    ("Returns", 12),
    ("Complaints", 8),
    ("Junk", 5),
];
/// States, with how many of a hundred tickets are in them.
const STATES: &[(&str, u32)] = &[("new", 12), ("open", 30), ("pending", 10), ("closed", 48)];
/// Priorities, with how many of a hundred tickets have them.
const PRIORITIES: &[(&str, u32)] = &[("normal", 70), ("high", 20), ("low", 7), ("urgent", 3)];
/// What tickets are about.
const SUBJECTS: &[&str] = &[
    "Cannot sign in",
    "Invoice is wrong",
    "Where is my order?",
    "Question about the contract",
    "The page does not load",
    "Please cancel my subscription",
    "Broken on arrival",
    "How do I export my data?",
];

/// Makes the database, in place of one that an earlier demo left.
pub(crate) fn make(file: &Path) -> Result<()> {
    for leftover in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(leftover);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    fill(file, Timestamp::now()).with_context(|| format!("making {}", file.display()))
}

fn fill(file: &Path, now: Timestamp) -> Result<()> {
    let mut database = Connection::open(file)?;
    let all = database.transaction()?;
    all.execute_batch(
        "CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
         CREATE TABLE ticket (
             id INTEGER PRIMARY KEY,
             tn TEXT NOT NULL UNIQUE,
             title TEXT NOT NULL,
             queue_id INTEGER NOT NULL REFERENCES queue (id),
             state TEXT NOT NULL,
             priority TEXT NOT NULL,
             created_at TEXT NOT NULL,
             closed_at TEXT,
             org_id INTEGER NOT NULL
         );
         CREATE INDEX ticket_queue ON ticket (queue_id, state);
         CREATE INDEX ticket_created ON ticket (created_at);",
    )?;
    for (name, _) in QUEUES {
        all.execute("INSERT INTO queue (name) VALUES (?)", [name])?;
    }
    let mut dice = Dice(0x676f_6174);
    for number in 1..=TICKETS {
        let age = dice.below(DAYS * 24 * 60);
        let created = now - i64::from(age).minutes();
        let state = dice.pick(STATES);
        let closed =
            (state == "closed").then(|| created + i64::from(dice.below(age + 1)).minutes());
        let queue = dice.pick(QUEUES);
        let subject = SUBJECTS
            .get(dice.below(u32::try_from(SUBJECTS.len())?) as usize)
            .context("a subject")?;
        all.execute(
            "INSERT INTO ticket (tn, title, queue_id, state, priority, created_at, closed_at, org_id)
             VALUES (?, ?, (SELECT id FROM queue WHERE name = ?), ?, ?, ?, ?, ?)",
            params![
                format!("2026{number:06}"),
                subject,
                queue,
                state,
                dice.pick(PRIORITIES),
                iso(created),
                closed.map(iso),
                1 + dice.below(3),
            ],
        )?;
    }
    all.commit()?;
    Ok(())
}

fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A small generator of numbers that only have to look uneven and come out the same every time (a linear congruential
/// generator with Knuth's constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(self.0 >> 33).unwrap_or(0);
        high % limit.max(1)
    }

    /// One of the names, by their shares of a hundred.
    fn pick(&mut self, shares: &'static [(&'static str, u32)]) -> &'static str {
        let mut drawn = self.below(100);
        for (name, share) in shares {
            if drawn < *share {
                return name;
            }
            drawn -= share;
        }
        shares.first().map_or("", |(name, _)| name)
    }
}

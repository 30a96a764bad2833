//! The program: what it prints where, how it ends, and where its settings come from.

mod calls;
mod helpdesk_stats;
mod inspect;
mod plugins;
mod secrets;
mod settings;

use goatherd_tests::{Helpdesk, Outcome, goatherd, guest_path};
use serde_json::Value;

fn path(guest: &str) -> String {
    guest_path(guest).to_str().unwrap().to_owned()
}

/// Runs `goatherd call` for a guest.
fn call(guest: &str, function: &str, args: &str, more: &[&str]) -> Outcome {
    let guest = path(guest);
    let all: Vec<_> = ["call", &guest, function, args]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    goatherd(&all)
}

const STATS: &str = "helpdesk-stats";
const STATS_GRANT: &str = "db:read=ticket,queue";

fn stats(helpdesk: &Helpdesk, function: &str, args: &str, more: &[&str]) -> Outcome {
    let database = helpdesk.path_text();
    let more: Vec<_> = ["--database", &database]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    call(STATS, function, args, &more)
}

/// The probe with all tables and settings granted, on a helpdesk's database.
fn probe(helpdesk: &Helpdesk, function: &str, args: &str, more: &[&str]) -> Outcome {
    let database = helpdesk.path_text();
    let all: Vec<_> = [
        "--grant",
        "db:readwrite=*",
        "--grant",
        "config",
        "--database",
        &database,
    ]
    .into_iter()
    .chain(more.iter().copied())
    .collect();
    call("probe", function, args, &all)
}

/// Fails unless an error's message has these words.
#[track_caller]
fn says(error: &Value, words: &str) {
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(words), "{words:?} is not in: {error}");
}

//! A helpdesk's database, in a file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use tempfile::TempDir;

/// A database in a temporary folder, which goes away with this.
pub struct Helpdesk {
    folder: TempDir,
}

/// Queues, and how many tickets each gets in each state.
const QUEUES: &[(&str, [usize; 4])] = &[
    ("Support", [7, 11, 5, 31]),
    ("Billing", [2, 3, 1, 13]),
    ("Returns & \"Repairs\"", [1, 0, 2, 4]),
    ("Empty", [0, 0, 0, 0]),
];
const STATES: [&str; 4] = ["new", "open", "pending", "closed"];
const PRIORITIES: [&str; 3] = ["low", "normal", "high"];

/// A new database with a few queues and tickets, a secret table, and a view and a trigger that lead to it.
pub fn helpdesk() -> Helpdesk {
    let helpdesk = empty();
    let mut connection = helpdesk.connection();
    // What the host would switch on, so that a test can see that reading changes no byte of the file.
    connection
        .pragma_update(None, "journal_mode", "wal")
        .expect("a new database");
    let transaction = connection.transaction().expect("a new database");
    transaction
        .execute_batch(
            "CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE ticket (
                 id INTEGER PRIMARY KEY, tn TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
                 queue_id INTEGER NOT NULL REFERENCES queue (id), state TEXT NOT NULL, priority TEXT NOT NULL,
                 created_at TEXT NOT NULL, closed_at TEXT, org_id INTEGER
             );
             CREATE TABLE secret (id INTEGER PRIMARY KEY, word TEXT NOT NULL);
             INSERT INTO secret (word) VALUES ('hunter2');
             CREATE VIEW ticket_with_secret AS
                 SELECT ticket.id, secret.word FROM ticket JOIN secret ON secret.id = 1;
             CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, number REAL, data BLOB);
             CREATE TABLE watched (id INTEGER PRIMARY KEY, word TEXT);
             CREATE TRIGGER watch AFTER INSERT ON watched BEGIN
                 UPDATE watched SET word = (SELECT word FROM secret WHERE id = 1) WHERE id = NEW.id;
             END;",
        )
        .expect("the schema");
    let mut number = 0;
    for (queue, counts) in QUEUES {
        transaction
            .execute("INSERT INTO queue (name) VALUES (?)", params![queue])
            .expect("a queue");
        let queue = transaction.last_insert_rowid();
        for (state, count) in STATES.iter().zip(counts) {
            for _ in 0..*count {
                let created = format!("2026-10-{:02}T08:00:00Z", 1 + number % 20);
                let closed = (*state == "closed").then(|| created.clone());
                let priority = PRIORITIES[number % PRIORITIES.len()];
                transaction
                    .execute(
                        "INSERT INTO ticket (tn, title, queue_id, state, priority, created_at, closed_at)
                         VALUES (?, ?, ?, ?, ?, ?, ?)",
                        params![format!("T{number:05}"), format!("Ticket {number}"), queue, state, priority, created, closed],
                    )
                    .expect("a ticket");
                number += 1;
            }
        }
    }
    transaction.commit().expect("the helpdesk");
    helpdesk
}

/// A new database of another application's, with these tables.
pub fn helpdesk_with(schema: &str) -> Helpdesk {
    let helpdesk = empty();
    let made = helpdesk.connection().execute_batch(schema);
    made.unwrap_or_else(|error| panic!("{schema}: {error}"));
    helpdesk
}

fn empty() -> Helpdesk {
    Helpdesk {
        folder: tempfile::tempdir().expect("a temporary folder"),
    }
}

impl Helpdesk {
    /// The folder that the database is in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database's file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("helpdesk.db")
    }

    /// The path as text, for command lines.
    pub fn path_text(&self) -> String {
        self.path()
            .to_str()
            .expect("temporary folders have names in UTF-8")
            .to_owned()
    }

    /// A connection of the test's own, which no grant limits.
    pub fn connection(&self) -> Connection {
        Connection::open(self.path()).expect("the database opens")
    }

    /// One number that the test itself asks the database for.
    pub fn number(&self, sql: &str) -> i64 {
        self.connection()
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

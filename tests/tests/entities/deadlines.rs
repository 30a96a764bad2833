//! A database that does not answer in time.

use std::time::{Duration, Instant};

use goatherd::contract::CallContext;

use crate::desk::{DELETED_1, Desk, ann, refused};
use crate::ground::Ground;

fn soon() -> CallContext {
    ann().deadline(Some(Instant::now() + Duration::from_millis(500)))
}

async fn what_another_holds_too_long_is_timed_out_and_nothing_happens(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    desk.ask("soft-delete", 2).await.unwrap();
    let holding = Holding::start(&desk.ground).await;
    for (function, id) in [
        ("soft-delete", 1),
        ("hard-delete", 1),
        ("restore", 2),
        ("hard-delete", 2),
    ] {
        let began = Instant::now();
        refused(
            desk.ask_as(soon(), function, "ticket", id).await,
            "timed-out",
        );
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{function}: {:?}",
            began.elapsed()
        );
    }
    let host = goatherd::capability::entities::Actor::host(soon(), desk.peers());
    let late = desk.service.soft_delete(&host, "ticket", 1, "").await;
    assert_eq!(late.unwrap_err().code(), "timed-out");
    holding.end().await;
    // What was given up does not happen later either.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(desk.log("ticket", 1).await, [""; 0]);
    assert_eq!(desk.log("ticket", 2).await.len(), 1);
    assert_eq!(desk.in_bin("ticket").await, 1);
    desk.ask("soft-delete", 1).await.unwrap();
    assert_eq!(desk.ticket(1).await, DELETED_1);
}

/// Somebody who has changed every ticket and does not commit.
enum Holding {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

const CHANGE: &str = "BEGIN; UPDATE ticket SET title = title";

impl Holding {
    async fn start(ground: &Ground) -> Self {
        match ground {
            Ground::Sqlite(_) => {
                let connection = rusqlite::Connection::open(ground.file()).unwrap();
                connection.execute_batch(CHANGE).unwrap();
                Self::Sqlite(connection)
            }
            Ground::Postgres(url, _) => {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                    .await
                    .unwrap();
                tokio::spawn(connection);
                client.batch_execute(CHANGE).await.unwrap();
                Self::Postgres(client)
            }
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch("ROLLBACK").unwrap(),
            Self::Postgres(client) => client.batch_execute("ROLLBACK").await.unwrap(),
        }
    }
}

on_both! {
    what_another_holds_too_long_is_timed_out_and_nothing_happens
}

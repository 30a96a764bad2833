//! A process that is killed in the middle of a deletion leaves all of it or nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use goatherd::capability::Alone;
use goatherd::capability::entities::Actor;
use goatherd_tests::kill;

use crate::desk::{by, types};
use crate::ground::{Ground, SCHEMA, open_at, rows_at};

/// How many tickets the child works on.
const TICKETS: i64 = 20;
/// What the personal data of a ticket are until it is deleted.
const PERSON: &str = "Ada Lovelace";

#[test]
fn a_killed_process_leaves_every_entity_whole_in_sqlite() {
    let test = "killed::a_killed_process_leaves_every_entity_whole_in_sqlite";
    kill_over_and_over(test, 200, Duration::from_millis(60), Ground::sqlite);
}

#[test]
fn a_killed_process_leaves_every_entity_whole_in_postgres() {
    let test = "killed::a_killed_process_leaves_every_entity_whole_in_postgres";
    kill_over_and_over(test, 60, Duration::from_millis(200), Ground::postgres);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn kill_over_and_over(
    test: &str,
    rounds: usize,
    longest: Duration,
    ground: impl FnOnce() -> Ground,
) {
    if let Some(place) = kill::child() {
        runtime().block_on(work(&place));
        return;
    }
    let ground = ground();
    let runtime = runtime();
    runtime.block_on(async {
        ground.run(SCHEMA).await;
        ground.run("DELETE FROM ticket").await;
    });
    let place = ground.place();
    let mut seen = HashMap::new();
    let lines = kill::Kills::rounds(rounds).within(longest).run(
        || kill::again(test, &place),
        |_| runtime.block_on(check(&place, &mut seen)),
    );
    // A loop that never met an entity in one of its states would have shown nothing.
    assert!(
        lines > rounds / 4,
        "only {lines} pieces of work were finished"
    );
    for state in ["live", "deleted", "restored"] {
        assert!(
            seen.get(state).copied().unwrap_or(0) > 0,
            "no ticket was ever {state}: {seen:?}"
        );
    }
}

/// Deletes, restores and removes tickets in turn, and makes new ones, until it is killed.
async fn work(place: &str) {
    let service = open_at(place, types()).await.unwrap();
    let actor = || Actor::host(by("ann", Some(7)), Arc::new(Alone));
    kill::say("ready");
    let start = i64::from(std::process::id());
    for step in 0.. {
        let id = (start + step) % TICKETS;
        let again = (start + step * 7) % TICKETS;
        // Whether each of them finds its entity is up to what the processes before it have left.
        crate::ground::run_at(
            place,
            &format!(
                "INSERT INTO ticket (id, title, customer, email, born, phone, org_id)
                 VALUES ({id}, 't', '{PERSON}', 'e{id}', 1815, 'p{id}', 7) ON CONFLICT DO NOTHING"
            ),
        )
        .await;
        let _ = service.soft_delete(&actor(), "ticket", id, "r").await;
        let _ = service.restore(&actor(), "ticket", again).await;
        if step % 3 == 0 {
            let _ = service.hard_delete(&actor(), "ticket", again, "r").await;
        }
        kill::say("done");
    }
}

/// Every ticket is marked exactly if it is in the bin and the log's last word on it is its deletion, and one that is
/// marked has no personal data left. One that was never deleted, in its present life, has all of them.
async fn check(place: &str, seen: &mut HashMap<&'static str, usize>) {
    let rows = rows_at(
        place,
        "SELECT i.id, t.id, t.deleted_at, t.customer, t.email, t.born, t.phone, b.entity_id,
             (SELECT l.action FROM goatherd_deletion_log l
              WHERE l.entity_type = 'ticket' AND l.entity_id = i.id ORDER BY l.id DESC LIMIT 1)
         FROM (SELECT id FROM ticket UNION SELECT entity_id FROM goatherd_recycle_bin
               UNION SELECT entity_id FROM goatherd_deletion_log) i
         LEFT JOIN ticket t ON t.id = i.id
         LEFT JOIN goatherd_recycle_bin b ON b.entity_type = 'ticket' AND b.entity_id = i.id",
    )
    .await;
    for row in rows {
        let [id, there, mark, customer, email, born, phone, binned, last] = &row[..] else {
            panic!("{row:?}");
        };
        let id = id.as_deref().unwrap();
        let (mail, gone) = (format!("[DELETED] {id}"), format!("gone-{id}"));
        let anonymous = (
            customer.as_deref(),
            email.as_deref(),
            born.as_deref(),
            phone.as_deref(),
        ) == (
            Some("[DELETED]"),
            Some(mail.as_str()),
            None,
            Some(gone.as_str()),
        );
        let (mail, call) = (format!("e{id}"), format!("p{id}"));
        let personal = (
            customer.as_deref(),
            email.as_deref(),
            born.as_deref(),
            phone.as_deref(),
        ) == (
            Some(PERSON),
            Some(mail.as_str()),
            Some("1815"),
            Some(call.as_str()),
        );
        let state = match (there, mark, binned, last.as_deref()) {
            (Some(_), None, None, None | Some("hard-delete")) if personal => "live",
            (Some(_), Some(_), Some(_), Some("soft-delete")) if anonymous => "deleted",
            (Some(_), None, None, Some("restore")) if anonymous => "restored",
            (None, None, None, Some("hard-delete")) => "removed",
            _ => panic!("half done: {row:?}"),
        };
        *seen.entry(state).or_default() += 1;
    }
}

#[tokio::test]
async fn what_is_half_done_would_be_noticed() {
    let whole = "
        INSERT INTO ticket (id, title, customer, email, phone, org_id, deleted_at)
            VALUES (1, 't', '[DELETED]', '[DELETED] 1', 'gone-1', 7, 'now');
        INSERT INTO goatherd_recycle_bin
            (entity_type, entity_id, deleted_at_ms, reason, expires_at_ms, purge_after_ms)
            VALUES ('ticket', 1, 1, 'r', 1, 1);
        INSERT INTO goatherd_deletion_log (at_ms, action, entity_type, entity_id, reason)
            VALUES (1, 'soft-delete', 'ticket', 1, 'r')";
    for damage in [
        "",
        "UPDATE ticket SET deleted_at = NULL",
        "UPDATE ticket SET customer = 'Ada Lovelace'",
        "UPDATE ticket SET email = 'e1', born = 1815, phone = 'p1', customer = 'Ada Lovelace'",
        "DELETE FROM ticket",
        "DELETE FROM goatherd_recycle_bin",
        "DELETE FROM goatherd_deletion_log",
        "DELETE FROM goatherd_deletion_log; DELETE FROM goatherd_recycle_bin; UPDATE ticket SET deleted_at = NULL",
        "UPDATE goatherd_deletion_log SET action = 'restore'",
        "UPDATE goatherd_deletion_log SET action = 'hard-delete'",
    ] {
        let ground = Ground::sqlite();
        ground.run(SCHEMA).await;
        ground.open(types()).await.unwrap();
        ground.run("DELETE FROM ticket").await;
        ground.run(whole).await;
        ground.run(damage).await;
        let place = ground.place();
        let checked = tokio::spawn(async move { check(&place, &mut HashMap::new()).await });
        assert_eq!(checked.await.is_err(), !damage.is_empty(), "{damage}");
    }
}

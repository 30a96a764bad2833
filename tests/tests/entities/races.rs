//! Several callers at once, in one process and as several nodes on one database.

use goatherd::capability::Alone;
use goatherd::capability::entities::Actor;
use goatherd::contract::Error;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::desk::{DELETED_1, Desk, ann, by, types};
use crate::ground::{Ground, SCHEMA};

async fn of_callers_at_once_one_wins_and_nothing_happens_twice(ground: Ground) {
    let desk = Arc::new(Desk::open(ground, vec![]).await);
    for function in ["soft-delete", "restore", "hard-delete"] {
        let mut calls = JoinSet::new();
        for _ in 0..6 {
            let desk = Arc::clone(&desk);
            calls.spawn(async move { desk.ask(function, 1).await });
        }
        let (won, lost): (Vec<_>, Vec<_>) =
            calls.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{function}");
        for error in lost {
            let code = error.unwrap_err().code();
            assert!(
                ["conflict", "not-found"].contains(&code.as_str()),
                "{function}: {code}"
            );
        }
        if function == "soft-delete" {
            assert_eq!(desk.ticket(1).await, DELETED_1);
        }
    }
    let actions: Vec<String> = desk.log("ticket", 1).await;
    assert_eq!(actions.len(), 3, "{actions:?}");
    assert_eq!(desk.in_bin("ticket").await, 0);
}

async fn of_nodes_at_once_one_wins_and_nothing_happens_twice(ground: Ground) {
    ground.run(SCHEMA).await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(ground.open(types()).await.unwrap());
    }
    for round in 0..10 {
        let id = 100 + round;
        ground
            .run(&format!(
                "INSERT INTO ticket (id, title, customer, email, phone, org_id) VALUES ({id}, 't', 'c', 'e{id}', 'p', 7)"
            ))
            .await;
        for deed in ["soft", "restore", "soft", "hard"] {
            let mut calls = JoinSet::new();
            for node in &nodes {
                let node = node.clone();
                calls.spawn(async move {
                    let actor = Actor::host(by("ann", Some(7)), Arc::new(Alone));
                    match deed {
                        "soft" => node.soft_delete(&actor, "ticket", id, "").await,
                        "restore" => node.restore(&actor, "ticket", id).await,
                        _ => node.hard_delete(&actor, "ticket", id, "").await,
                    }
                });
            }
            let ended = calls.join_all().await;
            let won = ended.iter().filter(|end| end.is_ok()).count();
            assert_eq!(won, 1, "{deed}: {ended:?}");
            let fair = |end: &Result<(), Error>| {
                matches!(end, Ok(()) | Err(Error::Conflict(_) | Error::NotFound(_)))
            };
            assert!(ended.iter().all(fair), "{deed}: {ended:?}");
        }
        let log = format!("SELECT COUNT(*) FROM goatherd_deletion_log WHERE entity_id = {id}");
        assert_eq!(ground.number(&log).await, 4);
    }
    assert_eq!(
        ground
            .number("SELECT COUNT(*) FROM goatherd_recycle_bin")
            .await,
        0
    );
    assert_eq!(
        ground
            .number("SELECT COUNT(*) FROM ticket WHERE id >= 100")
            .await,
        0
    );
}

async fn deletions_of_different_entities_do_not_wait_for_each_others_plugins(ground: Ground) {
    let desk = Desk::open(ground, vec![crate::desk::cascader(b'a')]).await;
    let many: Vec<String> = (10..30)
        .map(|id| format!("({id}, 't', 'c', 'e{id}', 'p', 7)"))
        .collect();
    desk.ground
        .run(&format!(
            "INSERT INTO ticket (id, title, customer, email, phone, org_id) VALUES {}",
            many.join(", ")
        ))
        .await;
    let desk = Arc::new(desk);
    let mut calls = JoinSet::new();
    for id in 10..30 {
        let desk = Arc::clone(&desk);
        calls.spawn(async move { desk.ask_as(ann(), "soft-delete", "ticket", id).await });
    }
    for end in calls.join_all().await {
        assert_eq!(end.unwrap(), json!(null));
    }
    assert_eq!(desk.in_bin("ticket").await, 20);
    assert_eq!(desk.asked().len(), 20);
}

on_both! {
    of_callers_at_once_one_wins_and_nothing_happens_twice
    of_nodes_at_once_one_wins_and_nothing_happens_twice
    deletions_of_different_entities_do_not_wait_for_each_others_plugins
}

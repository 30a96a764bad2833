//! Plugins that take part in deletions, and those that misbehave in it.

use std::time::{Duration, Instant};

use goatherd::contract::{Chain, PluginName};
use goatherd_tests::{call_in, limits};
use serde_json::json;

use crate::desk::{DELETED_1, Desk, ann, cascader, refused};
use crate::ground::Ground;

const SOFT_1: &str = r#"soft | {"entity_type":"ticket","id":1} | 7 | ann"#;
const HARD_1: &str = r#"hard | {"entity_type":"ticket","id":1} | 7 | ann"#;

async fn every_plugin_is_asked_in_order_for_the_callers_user_and_organisation(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'b'), cascader(b'a')]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    let asked = |cascade: &str| ["a", "b"].map(|letter| format!("cascader-{letter} | {cascade}"));
    assert_eq!(desk.asked(), asked(SOFT_1));
    assert_eq!(desk.ticket(1).await, DELETED_1);
    desk.ask("hard-delete", 1).await.unwrap();
    assert_eq!(desk.asked(), [asked(SOFT_1), asked(HARD_1)].concat());
    // Nobody takes part in what happens to contacts, nor in a restoration.
    desk.ask("soft-delete", 2).await.unwrap();
    desk.ask("restore", 2).await.unwrap();
    desk.ask_as(ann(), "soft-delete", "contact", 1)
        .await
        .unwrap();
    assert_eq!(desk.asked().len(), 6);
}

async fn one_that_refuses_stops_the_deletion_and_is_named(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a'), cascader(b'b'), cascader(b'c')]).await;
    for (behaviour, words) in [
        ("refuse", "it is still needed"),
        ("fail", "there are attachments"),
        ("trap", "failed in"),
    ] {
        for (function, cascade) in [("soft-delete", "soft"), ("hard-delete", "hard")] {
            desk.behaviours.set("cascader-b", cascade, behaviour);
            let before = desk.asked().len();
            let said = refused(desk.ask(function, 1).await, "conflict");
            assert!(
                said.contains("\"cascader-b\"") && said.contains(words),
                "{said}"
            );
            assert!(said.contains(&format!("{cascade} cascade")), "{said}");
            desk.untouched().await;
            assert_eq!(
                desk.asked().len(),
                before + 2,
                "the third is not asked any more"
            );
        }
    }
    for cascade in ["soft", "hard"] {
        desk.behaviours.set("cascader-b", cascade, "agree");
    }
    desk.ask("soft-delete", 1).await.unwrap();
}

async fn a_disabled_plugin_is_not_asked(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a'), cascader(b'b')]).await;
    desk.behaviours.set("cascader-a", "soft", "refuse");
    desk.manager.disable("cascader-a").await.unwrap();
    desk.ask("soft-delete", 1).await.unwrap();
    assert_eq!(desk.asked(), [format!("cascader-b | {SOFT_1}")]);
}

async fn one_that_never_ends_ends_with_the_callers_deadline_and_nothing_happens(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    for (function, cascade) in [("soft-delete", "soft"), ("hard-delete", "hard")] {
        desk.behaviours.set("cascader-a", cascade, "spin");
        let began = Instant::now();
        let context = ann().deadline(Some(began + Duration::from_millis(600)));
        refused(
            desk.ask_as(context, function, "ticket", 1).await,
            "timed-out",
        );
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        desk.untouched().await;
        desk.behaviours.set("cascader-a", cascade, "agree");
    }
    // The cascade was told how much was left, and the entity is free again.
    let file = rusqlite::Connection::open(desk.ground.file()).unwrap();
    let left: i64 = file
        .query_row("SELECT max(deadline_ms) FROM asked", [], |row| row.get(0))
        .unwrap();
    assert!(left <= 600, "{left}");
    desk.ask("soft-delete", 1).await.unwrap();
}

async fn one_that_takes_more_than_its_own_time_is_a_conflict_that_names_it(ground: Ground) {
    let slow = cascader(b'a').within(limits().call_timeout(Duration::from_millis(400)));
    let desk = Desk::open(ground, vec![slow]).await;
    desk.behaviours.set("cascader-a", "soft", "spin");
    let said = refused(desk.ask("soft-delete", 1).await, "conflict");
    assert!(
        said.contains("\"cascader-a\"") && said.contains("timed-out"),
        "{said}"
    );
    desk.untouched().await;
}

async fn one_that_deletes_the_same_entity_again_is_told_that_it_is_being_deleted(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    for behaviour in ["soft-delete", "hard-delete", "restore"] {
        desk.behaviours.set("cascader-a", "soft", behaviour);
        let said = refused(desk.ask("soft-delete", 1).await, "conflict");
        assert!(
            said.contains("\"cascader-a\"") && said.contains("by another call"),
            "{said}"
        );
        desk.untouched().await;
    }
    desk.behaviours.set("cascader-a", "hard", "soft-delete");
    refused(desk.ask("hard-delete", 1).await, "conflict");
    desk.untouched().await;
    assert_eq!(desk.asked().len(), 4, "none was asked a second time");
    // Whoever does not care gets what the first caller wanted, once.
    desk.behaviours
        .set("cascader-a", "soft", "soft-delete-anyway");
    desk.ask("soft-delete", 1).await.unwrap();
    assert_eq!(desk.ticket(1).await, DELETED_1);
    assert_eq!(desk.log("ticket", 1).await.len(), 1);
}

async fn a_plugin_that_deletes_takes_part_itself(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    let own = desk.plugin("cascader-a");
    call_in(&own, ann(), "delete", json!({"id": 1}))
        .await
        .unwrap();
    assert_eq!(desk.asked(), [format!("cascader-a | {SOFT_1}")]);
    assert_eq!(
        desk.log("ticket", 1).await,
        ["soft-delete | 7 | ann | cascader-a | asked to"]
    );
}

async fn cascades_count_as_plugin_calls_and_a_chain_that_is_too_long_ends(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    let waiting: PluginName = "waiting".parse().unwrap();
    let chain =
        |depth: usize| (0..depth).fold(Chain::default(), |chain, _| chain.with(waiting.clone()));
    let at = |depth| ann().chain(chain(depth));
    let said = refused(
        desk.ask_as(at(Chain::MAX_DEPTH), "soft-delete", "ticket", 1)
            .await,
        "conflict",
    );
    assert!(said.contains("waiting → probe-entities"), "{said}");
    desk.untouched().await;
    desk.ask_as(at(Chain::MAX_DEPTH - 1), "soft-delete", "ticket", 1)
        .await
        .unwrap();
}

async fn whoever_may_not_see_an_entity_is_not_told_that_it_is_being_deleted(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    desk.behaviours.set("cascader-a", "soft", "spin");
    let under_way = desk.ask_as(
        ann().deadline(Some(Instant::now() + Duration::from_secs(4))),
        "soft-delete",
        "ticket",
        1,
    );
    let others = async {
        while desk.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let eve = crate::desk::by("eve", Some(8));
        refused(
            desk.ask_as(eve, "soft-delete", "ticket", 1).await,
            "not-found",
        );
        refused(desk.ask("soft-delete", 1).await, "conflict");
        // Others of the same type are not held up.
        desk.ask_as(crate::desk::by("bob", Some(8)), "recycle-bin", "ticket", 0)
            .await
            .unwrap();
        desk.ask("restore", 2).await.unwrap_err();
    };
    let (spun, ()) = tokio::join!(under_way, others);
    refused(spun, "timed-out");
    desk.untouched().await;
}

on_both! {
    every_plugin_is_asked_in_order_for_the_callers_user_and_organisation
    one_that_refuses_stops_the_deletion_and_is_named
    a_disabled_plugin_is_not_asked
    one_that_never_ends_ends_with_the_callers_deadline_and_nothing_happens
    one_that_takes_more_than_its_own_time_is_a_conflict_that_names_it
    one_that_deletes_the_same_entity_again_is_told_that_it_is_being_deleted
    a_plugin_that_deletes_takes_part_itself
    cascades_count_as_plugin_calls_and_a_chain_that_is_too_long_ends
    whoever_may_not_see_an_entity_is_not_told_that_it_is_being_deleted
}

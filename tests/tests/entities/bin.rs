//! The recycle bin, as a plugin sees it.

use serde_json::json;

use crate::desk::{Desk, ann, by};
use crate::ground::Ground;

async fn the_bin_shows_the_newest_first_and_at_most_a_thousand(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    let rows: Vec<String> = (0..1_005)
        .map(|number| {
            format!(
                "('ticket', {}, 7, {}, 'r', 9000000, 9000000)",
                1_000 + number,
                5_000 + number / 2
            )
        })
        .collect();
    let others = "('ticket', 1, 8, 9999, 'r', 9000000, 9000000), ('contact', 1, 7, 9999, 'r', 9000000, 9000000)";
    desk.ground
        .run(&format!(
            "INSERT INTO goatherd_recycle_bin
                 (entity_type, entity_id, organisation, deleted_at_ms, reason, expires_at_ms, purge_after_ms)
             VALUES {}, {others}",
            rows.join(", ")
        ))
        .await;
    let bin = desk.ask("recycle-bin", 0).await.unwrap();
    let ids: Vec<i64> = bin
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| entity["id"].as_i64().unwrap())
        .collect();
    let newest: Vec<i64> = (1_005..2_005).rev().collect();
    assert_eq!(ids, newest);
    assert_eq!(bin[0]["deleted_by"], json!(null));
}

async fn who_deleted_is_nobody_when_nobody_was_signed_in(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    let nobody = ann().user(None);
    desk.ask_as(nobody, "soft-delete", "ticket", 1)
        .await
        .unwrap();
    desk.ask_as(by("ann", Some(7)), "soft-delete", "ticket", 2)
        .await
        .unwrap();
    let bin = desk.ask("recycle-bin", 0).await.unwrap();
    let who: Vec<_> = bin
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| (&entity["id"], &entity["deleted_by"]))
        .collect();
    assert_eq!(who, [(&json!(2), &json!("ann")), (&json!(1), &json!(null))]);
    // Which plugin it was is for the host's own eyes.
    let seen = desk
        .service
        .recycle_bin(&desk.host(), "ticket")
        .await
        .unwrap();
    assert_eq!(seen[1].by_plugin.as_deref(), Some("probe-entities"));
}

async fn an_empty_bin_is_an_empty_list(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    assert_eq!(desk.ask("recycle-bin", 0).await.unwrap(), json!([]));
}

on_both! {
    the_bin_shows_the_newest_first_and_at_most_a_thousand
    who_deleted_is_nobody_when_nobody_was_signed_in
    an_empty_bin_is_an_empty_list
}

//! The job that removes what has been in the bin for long enough.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use goatherd::capability::entities::{Expired, PurgeJob, Purged};
use goatherd::capability::{Alone, Peers};
use tokio::task::JoinSet;

use crate::desk::{Desk, ann, by, cascader, types};
use crate::ground::{Ground, SCHEMA};

const DAY: Duration = Duration::from_secs(86_400);

fn in_days(days: u32) -> SystemTime {
    SystemTime::now() + DAY * days
}

async fn what_is_over_is_removed_and_what_is_not_stays(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask_as(ann(), "soft-delete", "contact", 1)
        .await
        .unwrap();
    let peers = desk.peers();
    // Contacts are kept for 60 days, tickets for 90.
    let early = desk
        .service
        .purge_expired(&peers, in_days(59), 100)
        .await
        .unwrap();
    assert_eq!(early, Purged::default());
    let contact = desk
        .service
        .purge_expired(&peers, in_days(61), 100)
        .await
        .unwrap();
    assert_eq!((contact.removed, contact.failed.len()), (1, 0));
    assert_eq!(desk.ground.number("SELECT COUNT(*) FROM contact").await, 1);
    assert_eq!(desk.in_bin("ticket").await, 1);
    let ticket = desk
        .service
        .purge_expired(&peers, in_days(91), 100)
        .await
        .unwrap();
    assert_eq!((ticket.removed, ticket.failed.len()), (1, 0));
    assert_eq!(
        desk.ground
            .number("SELECT COUNT(*) FROM ticket WHERE id = 1")
            .await,
        0
    );
    // Plugins are asked in the organisation that the entity belonged to, for nobody.
    assert_eq!(
        desk.asked()[1],
        r#"cascader-a | hard | {"entity_type":"ticket","id":1} | 7 | -"#
    );
    assert_eq!(
        desk.log("ticket", 1).await[1],
        "hard-delete | 7 | - | - | its 90 days in the recycle bin are over"
    );
}

async fn one_that_cannot_be_removed_stops_no_other_and_is_tried_again_in_an_hour(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    // Two tickets that cannot go, each for its own reason, expire before the contacts that can.
    desk.ground
        .run("INSERT INTO article VALUES (1, 2, 'a')")
        .await;
    desk.ask("soft-delete", 2).await.unwrap();
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask_as(ann(), "soft-delete", "contact", 1)
        .await
        .unwrap();
    desk.ask_as(ann(), "soft-delete", "contact", 2)
        .await
        .unwrap();
    desk.ground
        .run(
            "UPDATE goatherd_recycle_bin SET expires_at_ms = entity_id, purge_after_ms = entity_id
             WHERE entity_type = 'ticket'",
        )
        .await;
    desk.behaviours.set("cascader-a", "hard", "agree");
    let peers = desk.peers();
    let referenced = desk
        .service
        .purge_expired(&peers, SystemTime::now(), 1)
        .await
        .unwrap();
    assert_eq!(
        referenced.removed, 1,
        "ticket 1 is first, and goes: {referenced:?}"
    );
    desk.behaviours.set("cascader-a", "hard", "refuse");
    let all = desk
        .service
        .purge_expired(&peers, in_days(61), 100)
        .await
        .unwrap();
    assert_eq!(all.removed, 2, "{all:?}");
    let failed: Vec<&Expired> = all.failed.iter().map(|(expired, _)| expired).collect();
    assert_eq!(
        failed.iter().map(|expired| expired.id).collect::<Vec<_>>(),
        [2]
    );
    assert!(
        all.failed[0].1.to_string().contains("\"cascader-a\""),
        "{all:?}"
    );
    assert_eq!(desk.in_bin("ticket").await, 1);
    // The same second again: it is not tried again before an hour is over.
    let at_once = desk
        .service
        .purge_expired(&peers, in_days(61), 100)
        .await
        .unwrap();
    assert_eq!(at_once, Purged::default());
    desk.behaviours.set("cascader-a", "hard", "agree");
    let later = in_days(61) + Duration::from_secs(3_700);
    let still = desk
        .service
        .purge_expired(&peers, later, 100)
        .await
        .unwrap();
    assert!(
        still.failed[0].1.to_string().contains("still refer"),
        "{still:?}"
    );
    desk.ground.run("DELETE FROM article").await;
    let last = desk
        .service
        .purge_expired(&peers, later + DAY, 100)
        .await
        .unwrap();
    assert_eq!((last.removed, last.failed.len()), (1, 0));
}

async fn what_the_application_took_back_itself_leaves_the_bin_and_not_the_table(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask_as(ann(), "soft-delete", "contact", 1)
        .await
        .unwrap();
    desk.ground
        .run("UPDATE ticket SET deleted_at = NULL; UPDATE contact SET valid_id = 3 WHERE id = 1")
        .await;
    let purged = desk
        .service
        .purge_expired(&desk.peers(), in_days(100), 100)
        .await
        .unwrap();
    assert_eq!(
        (purged.removed, purged.restored, purged.failed.len()),
        (0, 2, 0)
    );
    assert_eq!(
        desk.asked().len(),
        1,
        "no plugin is asked for a hard deletion"
    );
    assert_eq!(
        desk.in_bin("ticket").await + desk.in_bin("contact").await,
        0
    );
    assert_eq!(
        desk.ground
            .line("SELECT valid_id FROM contact WHERE id = 1")
            .await,
        "3"
    );
    assert!(desk.log("ticket", 1).await[1].contains("restore"));
}

async fn what_the_application_removed_itself_leaves_the_bin(ground: Ground) {
    let desk = Desk::open(ground, vec![]).await;
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ask("soft-delete", 2).await.unwrap();
    desk.ground.run("DELETE FROM ticket WHERE org_id = 7").await;
    // Another organisation's plugins do not see even this of it.
    let eve = by("eve", Some(8));
    crate::desk::refused(
        desk.ask_as(eve, "hard-delete", "ticket", 2).await,
        "not-found",
    );
    crate::desk::refused(desk.ask("restore", 2).await, "not-found");
    desk.ask("hard-delete", 2).await.unwrap();
    let purged = desk
        .service
        .purge_expired(&desk.peers(), in_days(100), 100)
        .await
        .unwrap();
    assert_eq!((purged.removed, purged.failed.len()), (1, 0));
    assert_eq!(desk.in_bin("ticket").await, 0);
}

async fn nodes_that_purge_at_once_remove_each_entity_once(ground: Ground) {
    ground.run(SCHEMA).await;
    let rows: Vec<String> = (100..160).map(|id| format!("({id}, 'n', 2)")).collect();
    ground
        .run(&format!("INSERT INTO contact VALUES {}", rows.join(", ")))
        .await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(ground.open(types()).await.unwrap());
    }
    let binned: Vec<String> = (100..160)
        .map(|id| format!("('contact', {id}, 1, 'r', 1, 1, '1')"))
        .collect();
    ground
        .run(&format!(
            "INSERT INTO goatherd_recycle_bin
                 (entity_type, entity_id, deleted_at_ms, reason, expires_at_ms, purge_after_ms, mark_before)
             VALUES {}",
            binned.join(", ")
        ))
        .await;
    let mut purges = JoinSet::new();
    for node in nodes {
        purges.spawn(async move {
            let alone: Arc<dyn Peers> = Arc::new(Alone);
            node.purge_expired(&alone, SystemTime::now(), 1_000)
                .await
                .unwrap()
        });
    }
    let purged = purges.join_all().await;
    let removed: u32 = purged.iter().map(|purged| purged.removed).sum();
    assert!(
        purged
            .iter()
            .all(|purged| purged.failed.is_empty() && purged.restored == 0),
        "{purged:?}"
    );
    assert_eq!(removed, 60, "{purged:?}");
    assert_eq!(
        ground
            .number("SELECT COUNT(*) FROM goatherd_deletion_log")
            .await,
        60
    );
    assert_eq!(ground.number("SELECT COUNT(*) FROM contact").await, 2);
}

async fn the_job_purges_at_once_and_again_and_ends_when_it_is_told_to(ground: Ground) {
    let desk = Desk::open(ground, vec![cascader(b'a')]).await;
    let expire = "UPDATE goatherd_recycle_bin SET expires_at_ms = 1, purge_after_ms = 1";
    desk.ask("soft-delete", 1).await.unwrap();
    desk.ground.run(expire).await;
    let job = PurgeJob::start(
        desk.service.clone(),
        desk.peers(),
        Duration::from_millis(50),
    );
    until_empty(&desk).await;
    desk.ask("soft-delete", 2).await.unwrap();
    desk.ground.run(expire).await;
    until_empty(&desk).await;
    job.stop().await;
    desk.ask_as(by("bob", Some(8)), "soft-delete", "ticket", 3)
        .await
        .unwrap();
    desk.ground.run(expire).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(desk.in_bin("ticket").await, 1, "nobody purges any more");
}

async fn until_empty(desk: &Desk) {
    for _ in 0..500 {
        if desk.in_bin("ticket").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the job has not purged in ten seconds");
}

on_both! {
    what_is_over_is_removed_and_what_is_not_stays
    one_that_cannot_be_removed_stops_no_other_and_is_tried_again_in_an_hour
    what_the_application_took_back_itself_leaves_the_bin_and_not_the_table
    what_the_application_removed_itself_leaves_the_bin
    nodes_that_purge_at_once_remove_each_entity_once
    the_job_purges_at_once_and_again_and_ends_when_it_is_told_to
}

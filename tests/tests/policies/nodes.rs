//! Several nodes on one store, and several writers at once.

use std::time::{Duration, Instant};

use goatherd::registry::policy::{AuditPage, PolicyChange, Status};
use serde_json::json;

use super::*;

/// Waits until something is so, and says how long it took.
async fn until(what: &str, mut so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_by_one_node_is_seen_by_the_other_within_a_second() {
    for kind in StoreKind::shared() {
        let (one, other) = (kind.policies().await, kind.policies().await);
        let following = tokio::spawn(other.follow());
        let stats = name("stats");
        let mut quickest = Duration::MAX;
        for _ in 0..3 {
            one.approve(&stats, &PolicyChange::none(), &by("anna"))
                .await
                .unwrap();
            let seen = || {
                other
                    .get("stats")
                    .is_some_and(|policy| policy.status == Status::Approved)
            };
            quickest = quickest.min(until("an approval is not seen", seen).await);
            one.block(&stats, &by("anna")).await.unwrap();
            let seen = || {
                other
                    .get("stats")
                    .is_some_and(|policy| policy.status == Status::Blocked)
            };
            quickest = quickest.min(until("a block is not seen", seen).await);
        }
        // On a busy machine one look may come late; all of them do not.
        assert!(quickest < Duration::from_secs(1), "{quickest:?}");
        one.forget(&stats, &by("anna")).await.unwrap();
        until("it is not forgotten", || other.get("stats").is_none()).await;
        following.abort();
    }
}

#[tokio::test]
async fn whoever_holds_running_plugins_is_told_which_policies_changed_also_by_others() {
    for kind in StoreKind::shared() {
        let (one, other) = (kind.policies().await, kind.policies().await);
        let following = tokio::spawn(other.follow());
        let mut changes = other.changes();
        one.block(&name("a"), &by("anna")).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), changes.next())
            .await
            .unwrap();
        assert_eq!(told.unwrap(), [name("a")].into());
        // Several changes before anybody asks are told at once, and none is missed.
        other.block(&name("b"), &by("bert")).await.unwrap();
        other.unblock(&name("b"), &by("bert")).await.unwrap();
        other.forget(&name("a"), &by("bert")).await.unwrap();
        assert_eq!(changes.next().await.unwrap(), [name("a"), name("b")].into());
        following.abort();
        let _ = following.await;
        drop(other);
        assert_eq!(changes.next().await, None);
    }
}

#[tokio::test]
async fn policies_that_are_gone_are_followed_no_longer() {
    let policies = Policies::new();
    let following = tokio::spawn(policies.follow());
    drop(policies);
    let ended = tokio::time::timeout(Duration::from_secs(20), following).await;
    ended.expect("nobody has the policies any more").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_writers_no_update_is_lost_and_each_is_in_the_trail() {
    const FIELDS: [&str; 5] = [
        "max_calls_per_second",
        "max_db_queries_per_min",
        "max_http_req_per_min",
        "max_emails_per_min",
        "max_events_per_min",
    ];
    for kind in StoreKind::all() {
        let first = kind.policies().await;
        first
            .approve(&name("stats"), &PolicyChange::none(), &by("anna"))
            .await
            .unwrap();
        let mut tasks = Vec::new();
        for writer in 0..20 {
            // Where the store is shared, every fourth writer is another node.
            let policies = match &kind {
                StoreKind::Memory => first.clone(),
                _ if writer % 4 != 0 => first.clone(),
                shared => shared.policies().await,
            };
            tasks.push(tokio::spawn(async move {
                let change = json!({ (FIELDS[writer % 5]): 1_000 + writer });
                let change: PolicyChange = serde_json::from_value(change).unwrap();
                policies
                    .set_limits(&name("stats"), &change, &by(&format!("writer {writer}")))
                    .await
                    .unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        first.refresh().await.unwrap();
        let trail = first.audit(&AuditPage::newest(100)).await.unwrap();
        assert_eq!(trail.len(), 21);
        // Each entry begins with what the one before it ended with: nobody wrote over another one's change.
        for pair in trail.windows(2) {
            assert_eq!(pair[0].event.before, pair[1].event.after);
            assert!(pair[0].id > pair[1].id);
        }
        let last = serde_json::to_value(&*first.get("stats").unwrap()).unwrap();
        for field in FIELDS {
            assert!(last[field].as_u64().unwrap() >= 1_000, "{field}");
        }
    }
}

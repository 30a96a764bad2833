//! Several services on one store, as nodes are.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_toggle_by_one_node_is_seen_by_the_other_without_restart() {
    for kind in StoreKind::shared() {
        let (one, other) = (kind.service().await, kind.service().await);
        let following = tokio::spawn(other.follow());
        one.register(record("newsletter")).await.unwrap();
        for enabled in [true, false, true] {
            if enabled {
                one.enable("newsletter").await.unwrap();
            } else {
                one.disable("newsletter").await.unwrap();
            }
            let began = Instant::now();
            while other.is_enabled("newsletter") != enabled {
                assert!(
                    began.elapsed() < Duration::from_secs(20),
                    "the other node sees nothing"
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        following.abort();
    }
}

#[tokio::test]
async fn a_service_that_is_gone_is_followed_no_longer() {
    let service = Service::new();
    let following = tokio::spawn(service.follow());
    drop(service);
    let ended = tokio::time::timeout(Duration::from_secs(20), following).await;
    ended.expect("nobody has the service any more").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_nodes_change_at_the_same_time_are_all_kept() {
    for kind in StoreKind::shared() {
        let first = kind.service().await;
        first.register(record("newsletter")).await.unwrap();
        let mut tasks = Vec::new();
        for node in 0..4 {
            let service = kind.service().await;
            tasks.push(tokio::spawn(async move {
                for number in 0..5 {
                    let change = object(json!({ format!("key{node}_{number}"): number }));
                    service.configure("newsletter", &change).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        first.refresh().await.unwrap();
        assert_eq!(first.get("newsletter").unwrap().config.len(), 20);
    }
}

#[tokio::test]
async fn a_change_of_an_old_revision_is_refused_even_after_the_record_was_made_anew() {
    for kind in StoreKind::all() {
        let store = kind.store().await;
        let slug = "newsletter".parse().unwrap();
        let stale = Err(goatherd::registry::StoreFault::Stale);
        let revision = store.upsert(&record("newsletter")).await.unwrap();
        let old = store.get(&slug).await.unwrap().unwrap();
        assert_eq!(old.revision, revision);
        assert_eq!(store.delete(&slug, revision + 1).await, stale);
        assert_eq!(store.delete(&slug, revision).await, Ok(revision + 1));
        assert_eq!(store.delete(&slug, revision).await, stale);
        assert_eq!(store.delete(&slug, 0).await, stale);
        assert_eq!(store.all().await.unwrap(), (revision + 1, Vec::new()));
        store.upsert(&record("newsletter")).await.unwrap();
        assert_eq!(store.upsert(&old).await, stale);
        assert_eq!(store.delete(&slug, revision).await, stale);
        assert!(store.upsert(&record("newsletter")).await.is_err());
    }
}

#[tokio::test]
async fn records_survive_the_service() {
    for kind in StoreKind::shared() {
        let service = kind.service().await;
        let mut kept = record("newsletter");
        kept.config = object(json!({ "a": [1, { "b": null }], "ü": "\u{1F410}" }));
        kept.kind = Kind::Other("theme".to_owned());
        service.register(kept.clone()).await.unwrap();
        drop(service);
        let again = kind.service().await.get("newsletter").unwrap();
        assert_eq!(
            Record {
                revision: 0,
                ..(*again).clone()
            },
            kept
        );
    }
}

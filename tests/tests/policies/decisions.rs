//! Approving, restricting, blocking, limits, forgetting.

use goatherd::registry::policy::{PolicyChange, PolicyError, Status};
use goatherd::runtime::Limits;
use goatherd_tests::grants;
use serde_json::json;

use super::*;

fn change(value: serde_json::Value) -> PolicyChange {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_plugin_goes_through_all_statuses_in_every_store() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        let stats = name("stats");
        assert!(policies.get("stats").is_none());
        assert_eq!(
            policies.get_or_default(&stats).status,
            Status::PendingReview
        );
        let less = PolicyChange::grants(grants(&["db:read=ticket"]));
        let approved = policies.approve(&stats, &less, &by("anna")).await.unwrap();
        assert_eq!(
            (approved.status, granted(&approved)),
            (Status::Approved, vec!["db:read=ticket".to_owned()])
        );
        let steps = [
            (
                policies
                    .restrict(&stats, &PolicyChange::none(), &by("anna"))
                    .await,
                Status::Restricted,
            ),
            (policies.block(&stats, &by("anna")).await, Status::Blocked),
            (
                policies.unblock(&stats, &by("anna")).await,
                Status::PendingReview,
            ),
            (
                policies
                    .approve(&stats, &PolicyChange::none(), &by("anna"))
                    .await,
                Status::Approved,
            ),
            (
                policies.pend(&stats, &by("anna")).await,
                Status::PendingReview,
            ),
        ];
        let mut revision = approved.revision;
        for (done, status) in steps {
            let policy = done.unwrap();
            assert_eq!(policy.status, status);
            assert!(policy.revision > revision);
            assert_eq!(
                granted(&policy),
                ["db:read=ticket"],
                "grants stay through all of it"
            );
            revision = policy.revision;
        }
        assert_eq!(
            *policies.get("stats").unwrap(),
            *opened_again(&kind, &policies).await
        );
        policies.forget(&stats, &by("anna")).await.unwrap();
        assert!(policies.get("stats").is_none() && policies.list().is_empty());
    }
}

/// The policy as another service reads it, where the store can be shared.
async fn opened_again(kind: &StoreKind, policies: &Policies) -> std::sync::Arc<ResourcePolicy> {
    match kind {
        StoreKind::Memory => policies.get("stats").unwrap(),
        shared => shared.policies().await.get("stats").unwrap(),
    }
}

#[tokio::test]
async fn approving_can_give_less_than_was_asked_for_and_limits_of_its_own() {
    let policies = Policies::new();
    let less = change(json!({
        "permissions": [{ "type": "db", "access": "read", "scope": ["ticket"] }], "memory_mb": 16,
        "max_db_queries_per_min": 3, "mode": "single"
    }));
    let policy = policies
        .approve(&name("stats"), &less, &by("anna"))
        .await
        .unwrap();
    assert_eq!(granted(&policy), ["db:read=ticket"]);
    let limits = policy.limits();
    assert_eq!(limits.memory_bytes, 16 << 20);
    assert_eq!(limits.rates.database_per_minute.unwrap().get(), 3);
    assert_eq!(limits.call_timeout, Limits::default().call_timeout);
}

#[tokio::test]
async fn restricting_lowers_what_is_above_the_default_policy_and_keeps_what_is_below() {
    let policies = Policies::new();
    let stats = name("stats");
    let much = change(json!({
        "memory_mb": 512, "call_timeout": "5m", "init_timeout": "2s", "max_calls_per_second": 0, "max_http_req_per_min": 5,
        "max_emails_per_min": 100
    }));
    policies.approve(&stats, &much, &by("anna")).await.unwrap();
    let restricted = policies
        .restrict(&stats, &change(json!({ "memory_mb": 96 })), &by("anna"))
        .await
        .unwrap();
    let shown = serde_json::to_value(&*restricted).unwrap();
    for (field, value) in [
        ("memory_mb", json!(96)),
        ("call_timeout", json!("30s")),
        ("init_timeout", json!("2s")),
        ("max_calls_per_second", json!(100)),
        ("max_http_req_per_min", json!(5)),
        ("max_emails_per_min", json!(10)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
}

#[tokio::test]
async fn limits_are_changed_without_touching_status_and_grants() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        let stats = name("stats");
        let none = policies
            .set_limits(&stats, &change(json!({ "memory_mb": 96 })), &by("anna"))
            .await
            .unwrap_err();
        assert!(matches!(none, PolicyError::Unknown { .. }));
        let before = policies
            .approve(
                &stats,
                &PolicyChange::grants(grants(&["http=a.example"])),
                &by("anna"),
            )
            .await
            .unwrap();
        let after = policies
            .set_limits(&stats, &change(json!({ "memory_mb": 96 })), &by("bert"))
            .await
            .unwrap();
        assert_eq!(
            (after.status, &after.grants),
            (before.status, &before.grants)
        );
        assert_eq!(after.memory.get(), 96);
        let smuggled = change(json!({ "memory_mb": 96, "permissions": ["http=*"] }));
        let error = policies
            .set_limits(&stats, &smuggled, &by("bert"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("approve or restrict"), "{error}");
        assert_eq!(granted(&policies.get("stats").unwrap()), ["http=a.example"]);
    }
}

#[tokio::test]
async fn what_cannot_be_done_says_what_could() {
    let policies = Policies::new();
    let stats = name("stats");
    let unknown = [
        policies.unblock(&stats, &by("anna")).await.map(drop),
        policies.forget(&stats, &by("anna")).await,
    ];
    for error in unknown {
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("\"stats\"") && text.contains("approve, restrict or block"),
            "{text}"
        );
    }
    policies
        .approve(&stats, &PolicyChange::none(), &by("anna"))
        .await
        .unwrap();
    let text = policies
        .unblock(&stats, &by("anna"))
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("it is approved"), "{text}");
}

#[tokio::test]
async fn a_bounded_store_takes_no_more_plugins_than_it_says() {
    let policies = Policies::with_store(MemoryPolicies::new(2)).await.unwrap();
    for plugin in ["a", "b"] {
        policies.block(&name(plugin), &by("anna")).await.unwrap();
    }
    let error = policies.block(&name("c"), &by("anna")).await.unwrap_err();
    assert!(error.to_string().contains("holds 2"), "{error}");
    policies.unblock(&name("a"), &by("anna")).await.unwrap();
    assert!(policies.get("c").is_none());
}

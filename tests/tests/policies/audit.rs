//! The audit trail: who, when, what, before and after, and why.

use goatherd::registry::policy::{AuditPage, NoteError, PolicyChange};
use goatherd_tests::grants;
use serde_json::json;

use super::*;

#[tokio::test]
async fn every_decision_says_who_made_it_about_what_and_why_with_before_and_after() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        let stats = name("stats");
        let began = std::time::SystemTime::now();
        let first = Note::new(
            By::operator("Änna <anna@example.org>").unwrap(),
            "needs\nthe \"tickets\" \u{1F410}",
        )
        .unwrap();
        let reading = PolicyChange::grants(grants(&["db:read=ticket"]));
        policies
            .approve(&stats, &reading, &first.about(component("1.0.0")))
            .await
            .unwrap();
        policies.block(&stats, &by("bert")).await.unwrap();
        policies.forget(&stats, &by("bert")).await.unwrap();
        let trail = policies
            .audit(&AuditPage::newest(10).of(stats))
            .await
            .unwrap();
        let shown = serde_json::to_value(&trail).unwrap();
        let told: Vec<_> = trail
            .iter()
            .map(|entry| entry.event.decided.as_str())
            .collect();
        assert_eq!(told, ["forgotten", "blocked", "approved"]);
        let approved = &shown[2];
        assert_eq!(approved["by"], "Änna <anna@example.org>");
        assert_eq!(approved["plugin"], "stats");
        assert_eq!(approved["decided"], "approved");
        assert_eq!(approved["reason"], "needs\nthe \"tickets\" \u{1F410}");
        assert_eq!(
            approved["component"],
            json!({ "version": "1.0.0", "hash": "hash-of-1.0.0" })
        );
        assert_eq!(approved["before"], json!(null));
        assert_eq!(
            approved["after"]["permissions"],
            json!([{ "type": "db", "access": "read", "scope": ["ticket"] }])
        );
        assert_eq!(
            (&shown[1]["by"], &shown[1]["before"]),
            (&json!("bert"), &approved["after"])
        );
        assert_eq!(shown[1]["after"]["status"], "blocked");
        assert_eq!(
            (&shown[0]["before"], &shown[0]["after"]),
            (&shown[1]["after"], &json!(null))
        );
        for entry in &trail {
            let at = std::time::SystemTime::from(entry.event.at);
            let tolerance = std::time::Duration::from_millis(1);
            assert!(at + tolerance >= began && at <= std::time::SystemTime::now() + tolerance);
        }
    }
}

#[tokio::test]
async fn the_trail_is_paged_newest_first_by_plugin_and_for_all() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        for turn in 0..5 {
            for plugin in ["a", "b"] {
                let note =
                    Note::new(By::operator("anna").unwrap(), &format!("{plugin}{turn}")).unwrap();
                policies
                    .approve(&name(plugin), &PolicyChange::none(), &note)
                    .await
                    .unwrap();
            }
        }
        let reasons = |page: AuditPage| {
            let policies = policies.clone();
            async move {
                let trail = policies.audit(&page).await.unwrap();
                let last = trail.last().map(|entry| entry.id);
                let reasons: Vec<_> = trail.into_iter().map(|entry| entry.event.reason).collect();
                (reasons, last)
            }
        };
        let (first, last) = reasons(AuditPage::newest(3)).await;
        assert_eq!(first, ["b4", "a4", "b3"]);
        let (second, _) = reasons(AuditPage::newest(3).before(last.unwrap())).await;
        assert_eq!(second, ["a3", "b2", "a2"]);
        let (of_a, last) = reasons(AuditPage::newest(4).of(name("a"))).await;
        assert_eq!(of_a, ["a4", "a3", "a2", "a1"]);
        let (rest, last) = reasons(AuditPage::newest(4).of(name("a")).before(last.unwrap())).await;
        assert_eq!(rest, ["a0"]);
        let (end, none) = reasons(AuditPage::newest(4).of(name("a")).before(last.unwrap())).await;
        assert_eq!((end.len(), none), (0, None));
        assert_eq!(reasons(AuditPage::newest(usize::MAX)).await.0.len(), 10);
        assert_eq!(reasons(AuditPage::newest(0)).await.0.len(), 1);
    }
}

#[test]
fn nobody_signs_as_a_rule_or_as_nobody() {
    let long = "a".repeat(201);
    for who in [
        "",
        "  ",
        "default",
        "auto-approve: signed-within-default",
        " Auto-Approve:x",
        "a\nb",
        "a\0b",
        &long,
    ] {
        assert!(
            matches!(By::operator(who), Err(NoteError::Who { .. })),
            "{who:?}"
        );
    }
    assert_eq!(By::operator("  anna ").unwrap().to_string(), "anna");
    assert!(Note::new(By::operator("anna").unwrap(), &"x".repeat(4_097)).is_err());
}

#[tokio::test]
async fn a_reason_with_a_nul_is_kept_without_it() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        let note = Note::new(By::operator("anna").unwrap(), "a\0b").unwrap();
        policies.block(&name("stats"), &note).await.unwrap();
        let trail = policies.audit(&AuditPage::newest(1)).await.unwrap();
        assert_eq!(trail[0].event.reason, "a b");
    }
}

#[tokio::test]
async fn entries_in_a_database_cannot_be_changed_or_removed_by_mistake() {
    let changes = [
        "UPDATE goatherd_policy_audit SET who = 'somebody else'",
        "DELETE FROM goatherd_policy_audit",
    ];
    for kind in StoreKind::shared() {
        let policies = kind.policies().await;
        policies.block(&name("stats"), &by("anna")).await.unwrap();
        for change in changes {
            let refused = match &kind {
                StoreKind::Sqlite(folder) => {
                    let file =
                        rusqlite::Connection::open(folder.path().join("goatherd.db")).unwrap();
                    file.execute(change, []).unwrap_err().to_string()
                }
                StoreKind::Postgres(url) => {
                    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                        .await
                        .unwrap();
                    let driving = tokio::spawn(connection);
                    let error = client.execute(change, &[]).await.unwrap_err();
                    driving.abort();
                    error.as_db_error().unwrap().message().to_owned()
                }
                StoreKind::Memory => unreachable!("it is in no database"),
            };
            assert!(refused.contains("only added to"), "{refused}");
        }
        let trail = policies.audit(&AuditPage::newest(10)).await.unwrap();
        assert_eq!(
            (trail.len(), trail[0].event.by.to_string()),
            (1, "anna".to_owned())
        );
    }
}

//! The rule that approves by itself, and in which order decisions count.

use goatherd::contract::ContractVersion;
use goatherd::contract::registration::{PermissionRequest, Registration, Resources};
use goatherd::contract::wire::registration as wire;
use goatherd::loader::signature::SecretKey;
use goatherd::manager::{Candidate, Configured, Decision, Policy, Reviewed, Terms};
use goatherd::permission::{Access, Need};
use goatherd::registry::policy::{AuditPage, Origin, PolicyChange, Status};
use goatherd::runtime::{Description, Import, Limits, Verdict};
use goatherd_tests::grants;

use super::*;

/// A plugin `stats` of some version that imports what `needs` names and asks for `requests`.
fn plugin(
    version: &str,
    needs: &[Need],
    requests: &[&str],
    resources: Option<wire::ResourceRequest>,
) -> Description {
    let given = wire::Registration {
        name: "stats".to_owned(),
        version: version.to_owned(),
        description: None,
        author: None,
        license: None,
        homepage: None,
        min_host_version: None,
        resources,
        contributions: Vec::new(),
    };
    let asked = requests.iter().map(|line| request(line));
    let mut registration = Registration::parse(given, goatherd_tests::host().version()).unwrap();
    registration
        .resources
        .get_or_insert_with(Resources::default)
        .permissions
        .extend(asked);
    let import = |permission: &Need| Import {
        name: "an-interface".to_owned(),
        verdict: Verdict::Granted {
            permission: permission.clone(),
        },
    };
    Description {
        contract: ContractVersion::newest(),
        hash: format!("hash-of-{version}"),
        bytes: 0,
        imports: needs.iter().map(import).collect(),
        exports: Vec::new(),
        registration,
    }
}

/// What a plugin asks for: the line of a grant, whose scope may be none that could be granted.
fn request(line: &str) -> PermissionRequest {
    let (kind, scope) = match line.split_once('=') {
        Some((kind, scope)) => (kind, vec![scope.to_owned()]),
        None => (line, Vec::new()),
    };
    let (kind, access) = match kind.split_once(':') {
        Some((kind, word)) => {
            let access = Access::ALL.into_iter().find(|access| access.name() == word);
            (kind, Some(access.unwrap()))
        }
        None => (kind, None),
    };
    PermissionRequest {
        kind: kind.parse().unwrap(),
        access,
        scope,
    }
}

fn modest(version: &str) -> Description {
    plugin(
        version,
        &[Need::CACHE_READ, Need::CACHE_WRITE],
        &["cache:readwrite=stats:"],
        None,
    )
}

/// A plugin that a trusted key signed.
fn signed(description: &Description) -> Candidate<'_> {
    Candidate {
        signed_by: Some(SecretKey::generate().unwrap().public().id()),
        ..Candidate::unsigned(description)
    }
}

fn approved(decision: &Decision) -> &Terms {
    match decision {
        Decision::Approve(terms) => terms,
        other => panic!("not approved: {other:?}"),
    }
}

fn why(decision: &Decision) -> &str {
    match decision {
        Decision::Wait { why } | Decision::Block { why } => why,
        other => panic!("approved: {other:?}"),
    }
}

async fn trail(policies: &Policies) -> Vec<(String, String)> {
    let trail = policies.audit(&AuditPage::newest(100)).await.unwrap();
    let told = |entry: &goatherd::registry::policy::AuditEntry| {
        (entry.event.by.to_string(), entry.event.decided.to_string())
    };
    trail.iter().map(told).collect()
}

#[tokio::test]
async fn what_is_signed_and_modest_is_approved_and_the_trail_says_by_which_rule_and_about_what() {
    for kind in StoreKind::all() {
        let policies = kind.policies().await;
        let rule = Reviewed::new(policies.clone()).approve_signed();
        let stats = modest("1.0.0");
        for _ in 0..3 {
            let decision = rule.decide(signed(&stats)).await;
            let terms = approved(&decision);
            assert_eq!(
                terms
                    .grants
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                ["cache:readwrite"]
            );
            assert_eq!(terms.limits, Limits::default());
        }
        let entries = policies.audit(&AuditPage::newest(10)).await.unwrap();
        assert_eq!(entries.len(), 1, "a start again is no new decision");
        assert_eq!(
            entries[0].event.by.to_string(),
            "auto-approve: signed-within-default"
        );
        assert!(entries[0].event.by.is_rule());
        assert_eq!(entries[0].event.component, Some(component("1.0.0")));
        assert!(
            entries[0]
                .event
                .reason
                .contains("signed by the trusted key")
        );
        assert_eq!(policies.get("stats").unwrap().origin, Origin::Rule);
    }
}

#[tokio::test]
async fn what_is_not_signed_or_asks_for_more_waits_and_is_told_why() {
    let wish = |memory_mib: Option<u32>, call_timeout_ms: Option<u32>| {
        let memory = memory_mib.map(wire::LimitRequest::MemoryMib);
        let timeout = call_timeout_ms.map(wire::LimitRequest::CallTimeoutMs);
        wire::ResourceRequest {
            limits: memory.into_iter().chain(timeout).collect(),
            permissions: Vec::new(),
        }
    };
    let policies = Policies::new();
    let rule = Reviewed::new(policies.clone()).approve_signed();
    let unsigned = rule.decide(Candidate::unsigned(&modest("1.0.0"))).await;
    assert!(
        why(&unsigned).contains("no trusted key has signed it"),
        "{unsigned:?}"
    );
    for (greedy, what) in [
        (
            plugin("1.0.0", &[Need::DB_READ], &[], None),
            "db:read (by an import)",
        ),
        (
            plugin("1.0.0", &[], &["db:read=ticket"], None),
            "db:read=ticket",
        ),
        (plugin("1.0.0", &[], &["http"], None), "http"),
        (
            plugin("1.0.0", &[], &["routes=/admin/stats"], None),
            "routes=/admin/stats",
        ),
        (plugin("1.0.0", &[], &["files"], None), "files"),
        (
            plugin("1.0.0", &[], &["http=not a host"], None),
            "not a host",
        ),
        (
            plugin("1.0.0", &[], &[], Some(wish(Some(65), None))),
            "65 MiB of memory",
        ),
        (
            plugin("1.0.0", &[], &[], Some(wish(None, Some(31_000)))),
            "31s for call",
        ),
    ] {
        let decision = rule.decide(signed(&greedy)).await;
        assert!(why(&decision).contains(what), "{what}: {decision:?}");
    }
    let without_rule = Reviewed::new(policies.clone())
        .decide(signed(&modest("1.0.0")))
        .await;
    assert!(
        why(&without_rule).contains("approve \"stats\""),
        "{without_rule:?}"
    );
    assert_eq!(trail(&policies).await, []);
}

#[tokio::test]
async fn an_approval_by_the_rule_does_not_carry_over_to_a_component_that_nobody_signed() {
    let policies = Policies::new();
    let rule = Reviewed::new(policies.clone()).approve_signed();
    approved(&rule.decide(signed(&modest("1.0.0"))).await);
    // Another file under the same name, unsigned: it gets nothing, and the trail says so.
    let replaced = modest("1.0.1");
    let decision = rule.decide(Candidate::unsigned(&replaced)).await;
    assert!(matches!(decision, Decision::Wait { .. }), "{decision:?}");
    assert_eq!(policies.get("stats").unwrap().status, Status::PendingReview);
    // The next signed version is approved anew, as a decision of its own.
    approved(&rule.decide(signed(&modest("1.1.0"))).await);
    // And with the rule switched off nothing of it stays.
    let decision = Reviewed::new(policies.clone())
        .decide(signed(&modest("1.1.0")))
        .await;
    assert!(matches!(decision, Decision::Wait { .. }), "{decision:?}");
    let told = trail(&policies).await;
    let words: Vec<_> = told.iter().map(|(_, decided)| decided.as_str()).collect();
    assert_eq!(
        words,
        ["pending_review", "approved", "pending_review", "approved"]
    );
    assert!(
        told.iter()
            .all(|(who, _)| who == "auto-approve: signed-within-default")
    );
}

#[tokio::test]
async fn an_operator_comes_before_the_configuration_which_comes_before_the_rule() {
    let policies = Policies::new();
    let terms = Terms::new(grants(&["db:read=ticket"]), Limits::default());
    let configured = Configured::new([(name("stats"), terms)].into());
    let rule = Reviewed::new(policies.clone()).approve_signed();
    let all = rule.clone().configured(configured);
    let stats = modest("1.0.0");
    assert_eq!(
        approved(&rule.decide(signed(&stats)).await).grants,
        grants(&["cache:readwrite"])
    );
    assert_eq!(
        approved(&all.decide(signed(&stats)).await).grants,
        grants(&["db:read=ticket"])
    );
    let http = PolicyChange::grants(grants(&["http=a.example"]));
    policies
        .approve(&name("stats"), &http, &by("anna"))
        .await
        .unwrap();
    assert_eq!(
        approved(&all.decide(signed(&stats)).await).grants,
        grants(&["http=a.example"])
    );
    // An operator's "not yet" is a decision too.
    policies.pend(&name("stats"), &by("anna")).await.unwrap();
    for policy in [&rule, &all] {
        let decision = policy.decide(signed(&stats)).await;
        assert!(why(&decision).contains("to be reviewed"), "{decision:?}");
    }
    policies
        .restrict(&name("stats"), &PolicyChange::none(), &by("anna"))
        .await
        .unwrap();
    approved(&all.decide(Candidate::unsigned(&stats)).await);
    policies.forget(&name("stats"), &by("anna")).await.unwrap();
    assert_eq!(
        approved(&all.decide(signed(&stats)).await).grants,
        grants(&["db:read=ticket"])
    );
}

#[tokio::test]
async fn trust_in_everybody_ends_at_what_is_blocked() {
    let policies = Policies::new();
    let trusting = Reviewed::new(policies.clone()).trust_all();
    let stats = plugin("1.0.0", &[Need::DB_READ], &["db:read=ticket"], None);
    let decision = trusting.decide(Candidate::unsigned(&stats)).await;
    assert_eq!(approved(&decision).grants, grants(&["db:read=ticket"]));
    policies.block(&name("stats"), &by("anna")).await.unwrap();
    let decision = trusting.decide(signed(&stats)).await;
    assert!(
        matches!(&decision, Decision::Block { why } if why.contains("unblock")),
        "{decision:?}"
    );
}

#[tokio::test]
async fn limits_that_an_operator_set_on_what_a_rule_approved_stay_and_do_not_make_it_an_operators_approval()
 {
    let policies = Policies::new();
    let rule = Reviewed::new(policies.clone()).approve_signed();
    approved(&rule.decide(signed(&modest("1.0.0"))).await);
    let less: PolicyChange =
        serde_json::from_value(serde_json::json!({ "memory_mb": 16 })).unwrap();
    policies
        .set_limits(&name("stats"), &less, &by("anna"))
        .await
        .unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let decision = rule.decide(signed(&modest(version))).await;
        assert_eq!(approved(&decision).limits.memory_bytes, 16 << 20);
    }
    let decision = rule.decide(Candidate::unsigned(&modest("1.2.0"))).await;
    assert!(matches!(decision, Decision::Wait { .. }), "{decision:?}");
}

#[test]
fn terms_tell_a_change_of_limits_from_one_that_needs_linking() {
    let terms = |given: &[&str], queue| Terms::new(grants(given), Limits::default().queue(queue));
    let present = terms(&["db:read=ticket", "http=a.example"], 10);
    assert!(present.only_limits_differ(&terms(&["db:read=ticket", "http=a.example"], 11)));
    assert!(!present.only_limits_differ(&present.clone()));
    for others in [
        &["db:read=ticket"][..],
        &["db:read=queue", "http=a.example"],
        &[],
    ] {
        assert!(!present.only_limits_differ(&terms(others, 11)));
    }
}

//! The JSON form: `ResourcePolicy`, `DefaultResourcePolicy` and `Permission` of the Go system.

use std::time::Duration;

use goatherd::permission::Rates;
use goatherd::registry::policy::{PolicyChange, Status};
use goatherd::runtime::{InstanceMode, Limits};
use serde_json::{Value, json};

use super::*;

fn read(value: Value) -> ResourcePolicy {
    serde_json::from_value(value).unwrap()
}

#[test]
fn default_resource_policy_waits_for_review_with_its_own_cache_and_little_of_everything() {
    let policy = ResourcePolicy::default_for(name("stats"));
    assert_eq!(
        serde_json::to_value(&policy).unwrap(),
        json!({
            "plugin_name": "stats", "status": "pending_review", "memory_mb": 64, "call_timeout": "30s",
            "init_timeout": "10s", "shutdown_timeout": "5s",
            "permissions": [{ "type": "cache", "access": "readwrite" }],
            "mode": "pooled", "instances": 0, "queue": 1000, "max_invocations": 0,
            "max_calls_per_second": 100, "max_db_queries_per_min": 600, "max_http_req_per_min": 60,
            "max_emails_per_min": 10, "max_events_per_min": 600, "decided_by": "default"
        })
    );
    assert_eq!(policy.limits(), Limits::default());
    assert!(!policy.status.may_run());
}

#[test]
fn resource_policy_is_read_as_the_go_system_wrote_it() {
    let policy = read(json!({
        "plugin_name": "fictus", "status": "restricted", "memory_mb": 256, "call_timeout": "1m30s",
        "init_timeout": "15s", "shutdown_timeout": "500ms",
        "permissions": [
            { "type": "db", "access": "read", "scope": ["fictus_*", "ticket"] },
            { "type": "http", "access": "", "scope": ["api.giphy.com"] },
            { "type": "cache", "access": "readwrite", "scope": null }
        ],
        "max_calls_per_second": 20, "max_db_queries_per_min": 0, "max_http_req_per_min": 5
    }));
    assert_eq!(policy.status, Status::Restricted);
    assert_eq!(
        granted(&policy),
        [
            "db:read=fictus_*,ticket",
            "http=api.giphy.com",
            "cache:readwrite"
        ]
    );
    let limits = policy.limits();
    assert_eq!(limits.memory_bytes, 256 << 20);
    assert_eq!(limits.call_timeout, Duration::from_secs(90));
    assert_eq!(limits.init_timeout, Duration::from_secs(15));
    assert_eq!(limits.shutdown_timeout, Duration::from_millis(500));
    assert_eq!(limits.rates.calls_per_second.unwrap().get(), 20);
    assert_eq!(limits.rates.database_per_minute, None, "0 is unlimited");
    assert_eq!(limits.rates.http_per_minute.unwrap().get(), 5);
    assert_eq!(
        limits.rates.emails_per_minute,
        Rates::default().emails_per_minute
    );
}

#[test]
fn all_four_statuses_are_read_and_written_by_their_names() {
    for (text, may_run) in [
        ("pending_review", false),
        ("approved", true),
        ("restricted", true),
        ("blocked", false),
    ] {
        let policy = read(json!({ "plugin_name": "stats", "status": text }));
        assert_eq!(policy.status.as_str(), text);
        assert_eq!(policy.status.may_run(), may_run);
        assert_eq!(serde_json::to_value(&policy).unwrap()["status"], text);
    }
}

#[test]
fn what_a_document_leaves_out_is_the_default_policys_and_never_more() {
    let policy = read(json!({ "plugin_name": "stats" }));
    assert_eq!(policy.status, Status::PendingReview);
    assert!(policy.grants.is_empty(), "no permissions are none");
    assert_eq!(
        policy.rates,
        Rates::default(),
        "an absent rate is not unlimited"
    );
    assert_eq!(policy.limits(), Limits::default());
}

#[test]
fn instance_settings_become_limits() {
    let policy = read(json!({
        "plugin_name": "stats", "mode": "per-call", "instances": 3, "queue": 7, "max_invocations": 1000
    }));
    let limits = policy.limits();
    assert_eq!(limits.mode, InstanceMode::PerCall);
    assert_eq!((limits.instances, limits.queue), (3, 7));
    assert_eq!(limits.max_invocations.unwrap().get(), 1_000);
    let single = read(json!({ "plugin_name": "stats", "mode": "single" }));
    assert_eq!(single.limits().mode, InstanceMode::Single);
    assert_eq!(single.limits().max_invocations, None);
}

#[test]
fn a_policy_reads_back_as_it_is_written() {
    let mut policy = read(json!({
        "plugin_name": "stats", "status": "approved", "memory_mb": 16_384, "call_timeout": "1500ms", "queue": 0,
        "permissions": ["files=100MiB", "entity:hard_delete=ticket", "custom_fields:read=ticket/crm:segment"],
        "max_calls_per_second": 4_294_967_295_u32, "max_events_per_min": 0, "decided_by": "auto-approve",
        "component": { "version": "1.2.3", "hash": "ab" }, "revision": 12
    }));
    let again = read(serde_json::to_value(&policy).unwrap());
    assert_eq!(again, policy);
    policy.revision = 0;
    assert!(
        serde_json::to_value(&policy)
            .unwrap()
            .get("revision")
            .is_none()
    );
}

#[test]
fn nonsense_is_refused_with_the_field_and_with_what_would_be_right() {
    for (field, value, part) in [
        ("plugin_name", json!("Stats!"), "Stats!"),
        ("plugin_name", json!(null), "plugin_name"),
        (
            "status",
            json!("aproved"),
            "write pending_review, approved, restricted, blocked",
        ),
        ("memory_mb", json!(0), "write 1 to 16384"),
        ("memory_mb", json!(-5), "-5 is no usable memory"),
        ("memory_mb", json!(9_000_000_000_i64), "write 1 to 16384"),
        ("memory_mb", json!("64"), "expected i64"),
        ("call_timeout", json!("30"), "such as \"30s\""),
        (
            "call_timeout",
            json!(30),
            "a time with its unit, such as \"30s\"",
        ),
        ("call_timeout", json!("0s"), "more than 0"),
        ("init_timeout", json!("25h"), "at most 24h"),
        (
            "permissions",
            json!([{ "type": "db" }]),
            "db:read, db:write or db:readwrite",
        ),
        (
            "permissions",
            json!([{ "type": "db", "acess": "read" }]),
            "{type, access, scope}",
        ),
        (
            "permissions",
            json!(["http:read=a.example"]),
            "write http instead",
        ),
        ("mode", json!("pool"), "`pooled`, `single`, `per-call`"),
        ("instances", json!(1_001), "write 1 to 1000"),
        ("queue", json!(-1), "write 0 to 100000"),
        ("max_invocations", json!(-1), "or 0 for no limit"),
        (
            "max_calls_per_second",
            json!(-1),
            "max_calls_per_second: -1",
        ),
        (
            "max_calls_per_second",
            json!(4_294_967_296_i64),
            "or 0 for no limit",
        ),
        ("max_calls_per_second", json!(0.5), "floating point"),
        ("max_calls_per_secnd", json!(5), "`max_calls_per_second`"),
    ] {
        let mut document = json!({ "plugin_name": "stats" });
        document[field] = value.clone();
        let error = serde_json::from_value::<ResourcePolicy>(document)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{field} {value}: {error}");
    }
    let many: Vec<String> = (0..1_001)
        .map(|number| format!("http=h{number}.example"))
        .collect();
    let error = serde_json::from_value::<ResourcePolicy>(
        json!({ "plugin_name": "stats", "permissions": many }),
    );
    assert!(error.unwrap_err().to_string().contains("at most 1000"));
}

#[test]
fn a_change_has_only_what_is_to_be_changed_and_cannot_name_the_status() {
    let change: PolicyChange =
        serde_json::from_value(json!({ "memory_mb": 128, "max_http_req_per_min": 0 })).unwrap();
    assert!(change.grants.is_none() && change.call_timeout.is_none());
    assert_eq!(change.memory.unwrap().get(), 128);
    for field in ["status", "plugin_name", "decided_by"] {
        let value = if field == "decided_by" {
            "operator"
        } else {
            "approved"
        };
        let error = serde_json::from_value::<PolicyChange>(json!({ field: value }))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(field) && error.contains("approve, restrict and block"),
            "{error}"
        );
    }
}

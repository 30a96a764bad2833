//! The host is open: an application adds an interface with a permission of its own, puts a back-end of its own behind one of
//! ours, and serves one of ours by itself. All of it through the crate's public names.

#[path = "../../host/examples/invoices.rs"]
#[allow(
    missing_docs,
    dead_code,
    reason = "an example, here as the application"
)]
mod invoices;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use goatherd::capability::table::{CACHE_READ, CACHE_WRITE};
use goatherd::capability::{Guest, Interface, PrepareError, Provider, Setup, View};
use goatherd::contract::bindings::link;
use goatherd::contract::host::{CacheRead, CacheWrite};
use goatherd::contract::{Error, PluginName};
use goatherd::manager::{Decision, Policy as _, Reviewed};
use goatherd::permission::{Access, AppPermission, Counted, Grant, Need};
use goatherd::registry::policy::{AuditPage, By, Note, Policies, PolicyChange, Status};
use goatherd::runtime::{HostBuilder, Limits, Verdict};
use goatherd::wasmtime::component::HasData;
use goatherd::{Host, Plugin};
use goatherd_tests::{call, guest, host_builder, importing, limits, load, plugin};
use invoices::Billing;
use serde_json::json;

const GRANT: &str = "acme_billing:read=c-*";

/// A host of an application whose customers owe something.
fn billing_host() -> Host {
    let billing = Billing::new(&[("c-1", 1_250), ("c-2", 0), ("d-1", 99)]).unwrap();
    host_builder().provider(billing).build().unwrap()
}

async fn billed(host: &Host, limits: Limits) -> Plugin {
    plugin(host, "billed", &[GRANT], limits).await
}

async fn owed(plugin: &Plugin, customer: &str) -> serde_json::Value {
    let asked = json!({ "customer": customer });
    call(plugin, "owed", asked).await.unwrap()
}

fn by(name: &str) -> Note {
    Note::new(By::operator(name).unwrap(), "as agreed").unwrap()
}

fn billed_name() -> PluginName {
    "billed".parse().unwrap()
}

#[tokio::test]
async fn an_applications_interface_is_linked_when_its_permission_is_granted_and_not_otherwise() {
    let host = billing_host();
    let plugin = billed(&host, limits()).await;
    assert_eq!(owed(&plugin, "c-1").await, json!({ "cents": 1_250 }));

    for granted in [&[][..], &["acme_billing:write=*"], &["cache:readwrite"]] {
        let refused = load(&host, "billed.wasm", guest("billed"), granted, limits()).await;
        let refused = refused.unwrap_err().to_string();
        for part in [
            "billed",
            "acme:billing/invoices@1.0.0",
            "acme_billing:read=c-*",
        ] {
            assert!(refused.contains(part), "{part} is not in: {refused}");
        }
    }
}

#[tokio::test]
async fn its_scope_is_what_the_operator_granted() {
    let host = billing_host();
    let plugin = billed(&host, limits()).await;
    assert_eq!(owed(&plugin, "c-9").await, json!({ "unknown": "c-9" }));
    let denied = owed(&plugin, "d-1").await;
    assert!(
        denied["denied"].as_str().unwrap().contains("c-*"),
        "{denied}"
    );

    let nothing = plugin_with(&host, "acme_billing:read").await;
    let denied = owed(&nothing, "c-1").await;
    assert!(
        denied["denied"].as_str().unwrap().contains("nothing"),
        "{denied}"
    );
}

async fn plugin_with(host: &Host, grant: &str) -> Plugin {
    plugin(host, "billed", &[grant], limits()).await
}

#[tokio::test]
async fn it_may_be_used_as_often_as_the_policy_says_and_else_as_the_application_says() {
    let host = billing_host();
    let mut rated = limits();
    let counted = Counted::App("acme_billing".parse().unwrap());
    rated.rates.set(&counted, NonZeroU32::new(1));
    let plugin = billed(&host, rated.clone()).await;
    assert_eq!(owed(&plugin, "c-2").await, json!({ "cents": 0 }));
    let busy = owed(&plugin, "c-2").await["busy"].as_u64().unwrap();
    assert!((1..=60_001).contains(&busy), "{busy}");

    rated.rates.set(&counted, None);
    plugin.set_limits(rated);
    for _ in 0..20 {
        assert_eq!(owed(&plugin, "c-2").await, json!({ "cents": 0 }));
    }

    // Another application, which says that once a minute is enough, and whose policy says nothing.
    let mut billing = Billing::new(&[("c-2", 0)]).unwrap();
    billing.permission = billing.permission.per_minute(1);
    let host = host_builder().provider(billing).build().unwrap();
    let plugin = billed(&host, limits()).await;
    assert_eq!(owed(&plugin, "c-2").await, json!({ "cents": 0 }));
    assert!(owed(&plugin, "c-2").await.get("busy").is_some());
}

#[tokio::test]
async fn what_a_plugin_asks_for_is_shown_reviewed_and_written_down_as_for_ours() {
    let host = billing_host();
    let component = host.compile("billed.wasm", guest("billed")).await.unwrap();
    let needed = Billing::new(&[]).unwrap().permission;
    let needed = needed.need(Some(Access::Read)).unwrap();
    assert!(component.imports().iter().any(|import| {
        import.name == "acme:billing/invoices@1.0.0"
            && import.verdict
                == Verdict::Granted {
                    permission: needed.clone(),
                }
    }));
    let description = host.describe(&component).await.unwrap();
    let asked: Vec<Grant> = description
        .registration
        .requested_permissions()
        .map(|request| request.to_grant().unwrap())
        .collect();
    assert_eq!(asked, [Grant::parse(GRANT).unwrap()]);

    let policies = Policies::new().with_permissions(host.permissions());
    let reviewed = Reviewed::new(policies.clone());
    let candidate = || goatherd::manager::Candidate {
        description: &description,
        signed_by: None,
    };
    assert!(matches!(
        reviewed.decide(candidate()).await,
        Decision::Wait { .. }
    ));

    let change: PolicyChange = serde_json::from_value(json!({
        "permissions": [{ "type": "acme_billing", "access": "read", "scope": ["c-*"] }],
        "max_acme_billing_per_min": 5,
    }))
    .unwrap();
    policies
        .approve(&billed_name(), &change, &by("anna"))
        .await
        .unwrap();
    let Decision::Approve(terms) = reviewed.decide(candidate()).await else {
        panic!("it is approved");
    };
    assert_eq!(
        terms
            .grants
            .iter()
            .map(Grant::to_string)
            .collect::<Vec<_>>(),
        [GRANT]
    );
    let counted = Counted::App("acme_billing".parse().unwrap());
    assert_eq!(terms.limits.rates.get(&counted), Some(NonZeroU32::new(5)));

    let trail = policies.audit(&AuditPage::newest(10)).await.unwrap();
    let after: serde_json::Value =
        serde_json::from_str(trail[0].event.after.as_ref().unwrap().as_str()).unwrap();
    assert_eq!(after["permissions"][0]["type"], "acme_billing");
    assert_eq!(after["max_acme_billing_per_min"], 5);

    // Restricting takes the rate back to what the application says.
    let policy = policies
        .restrict(&billed_name(), &PolicyChange::none(), &by("anna"))
        .await
        .unwrap();
    assert_eq!(policy.status, Status::Restricted);
    assert_eq!(policy.rates.get(&counted), None);
}

#[tokio::test]
async fn nobody_can_grant_or_limit_what_the_application_does_not_have() {
    let host = billing_host();
    let here = Policies::new().with_permissions(host.permissions());
    for (change, part) in [
        (
            json!({ "permissions": ["acme_bills:read=*"] }),
            "acme_bills\"; the types are db, ",
        ),
        (
            json!({ "permissions": ["acme_bills:read=*"] }),
            "acme_billing",
        ),
        (
            json!({ "permissions": ["acme_billing:write=*"] }),
            "write acme_billing:read",
        ),
        (json!({ "max_acme_bills_per_min": 3 }), "acme_billing"),
    ] {
        let change: PolicyChange = serde_json::from_value(change).unwrap();
        let refused = here.approve(&billed_name(), &change, &by("anna")).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains(part) && refused.contains("billed"),
            "{refused}"
        );
    }
    assert!(here.get("billed").is_none(), "nothing was decided");
    let elsewhere = Policies::new();
    let change: PolicyChange = serde_json::from_value(json!({ "permissions": [GRANT] })).unwrap();
    elsewhere
        .approve(&billed_name(), &change, &by("anna"))
        .await
        .unwrap_err();
}

/// Brings one interface that is linked to nothing.
struct Brings(fn() -> Interface<()>);

impl Provider for Brings {
    type State = ();

    fn interfaces(&self) -> Vec<Interface<()>> {
        vec![self.0()]
    }

    async fn prepare(&self, _: &Setup<'_>) -> Result<(), PrepareError> {
        Ok(())
    }
}

fn permission(levels: &[Access]) -> AppPermission {
    AppPermission::new("acme_billing", "something else")
        .unwrap()
        .levels(levels)
}

#[test]
fn an_interface_that_would_collide_with_ours_or_wasis_keeps_the_host_from_being_built() {
    type Brought = fn() -> Interface<()>;
    let cases: [(Brought, &str); 9] = [
        (
            || Interface::ambient("goatherd:plugin/db-read@0.1.0", |_, _| Ok(())),
            "goatherd",
        ),
        (
            || Interface::ambient("goatherd:plugin/invoices", |_, _| Ok(())),
            "goatherd",
        ),
        (
            || Interface::types_only("goatherd:extras/types"),
            "goatherd",
        ),
        (
            || {
                Interface::app("wasi:io/streams@0.2.6", &permission(&[]), None, |_, _| {
                    Ok(())
                })
            },
            "wasi",
        ),
        (
            || Interface::ambient("wasi:nn/graph", |_, _| Ok(())),
            "wasi",
        ),
        (
            || Interface::ambient("invoices", |_, _| Ok(())),
            "acme:billing/invoices",
        ),
        (
            || Interface::ambient("acme:billing/invoices@one", |_, _| Ok(())),
            "version",
        ),
        (
            || {
                let permission = permission(&[Access::Read]);
                Interface::app("acme:billing/invoices", &permission, None, |_, _| Ok(()))
            },
            "acme_billing:read",
        ),
        (
            || {
                let (permission, write) = (permission(&[Access::Read]), Some(Access::Write));
                Interface::app("acme:billing/more", &permission, write, |_, _| Ok(()))
            },
            "acme_billing:read",
        ),
    ];
    for (brings, part) in cases {
        let refused = Host::builder().provider(Brings(brings)).build();
        let refused = refused.err().expect(part).to_string();
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn one_permission_is_one_thing_whoever_brings_it() {
    let builder = || host_builder().provider(Billing::new(&[]).unwrap());
    builder()
        .provider(Billing::new(&[]).unwrap())
        .build()
        .unwrap();
    let other = || {
        let permission = permission(&[Access::Read]);
        Interface::app(
            "acme:billing/more",
            &permission,
            Some(Access::Read),
            |_, _| Ok(()),
        )
    };
    let refused = builder().provider(Brings(other)).build();
    let refused = refused.err().expect("they differ").to_string();
    assert!(
        refused.contains("acme_billing") && refused.contains("twice"),
        "{refused}"
    );
    for name in ["secure_config", "db", "billing", "Acme_billing"] {
        assert!(AppPermission::new(name, "something").is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_applications_interface_of_another_version_is_refused_by_name() {
    let host = billing_host();
    for (version, served) in [
        ("1.0.0", true),
        ("1.0.1", false),
        ("1.1.0", false),
        ("2.0.0", false),
        ("0.1.0", false),
        ("1.0.0-rc.1", false),
    ] {
        let name = format!("acme:billing/invoices@{version}");
        let component = host.compile("x.wasm", importing(&[&name])).await.unwrap();
        let verdict = component.imports()[0].verdict.clone();
        match (&verdict, served) {
            (Verdict::Granted { .. }, true) => {}
            (Verdict::Refused { reason }, false) => {
                assert!(reason.contains("acme:billing/invoices@1.0.0"), "{reason}");
            }
            _ => panic!("{version}: {verdict:?}"),
        }
    }
    let unserved = goatherd_tests::host();
    let component = unserved
        .compile("x.wasm", importing(&["acme:billing/invoices@1.0.0"]))
        .await;
    let verdict = component.unwrap().imports()[0].verdict.clone();
    assert!(matches!(verdict, Verdict::Refused { .. }), "{verdict:?}");
}

/// What the application remembers of a plugin's cache: how often it was asked.
struct Asked(Arc<AtomicUsize>);

/// A cache of the application's own that knows the answer to everything.
struct Oracle(Arc<AtomicUsize>);

/// What the functions of the cache's interfaces get to see.
struct Answers<'a>(View<'a, Asked>);

struct AnswersOf;

impl HasData for AnswersOf {
    type Data<'a> = Answers<'a>;
}

impl Provider for Oracle {
    type State = Asked;

    fn interfaces(&self) -> Vec<Interface<Asked>> {
        fn answers(guest: &mut Guest) -> Answers<'_> {
            Answers(guest.view())
        }
        vec![
            Interface::known(CACHE_READ, |linker, _| {
                link::cache_read::<_, AnswersOf>(linker, answers)
            }),
            Interface::known(CACHE_WRITE, |linker, _| {
                link::cache_write::<_, AnswersOf>(linker, answers)
            }),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<Asked, PrepareError> {
        assert!(setup.grants.covers(&Need::CACHE_READ));
        Ok(Asked(Arc::clone(&self.0)))
    }
}

impl CacheRead for Answers<'_> {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.0.state()?.0.fetch_add(1, Ordering::Relaxed);
        Ok(Some(
            format!("{} of {}", key, self.0.caller.plugin()).into_bytes(),
        ))
    }
}

impl CacheWrite for Answers<'_> {
    async fn set(&mut self, _: String, _: Vec<u8>, _: Option<u32>) -> Result<(), Error> {
        Err(Error::Unavailable(
            "the oracle is not told anything".to_owned(),
        ))
    }

    async fn delete(&mut self, _: String) -> Result<(), Error> {
        Ok(())
    }

    async fn increment(&mut self, _: String, by: i64, _: Option<u32>) -> Result<i64, Error> {
        Ok(by)
    }

    async fn compare_and_set(
        &mut self,
        _: String,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
        _: Option<u32>,
    ) -> Result<bool, Error> {
        Ok(false)
    }
}

fn with_probe(builder: HostBuilder) -> Host {
    builder
        .provider(goatherd_tests::NoDatabase)
        .build()
        .unwrap()
}

#[tokio::test]
async fn one_of_ours_can_be_served_by_the_applications_own_provider() {
    let asked = Arc::new(AtomicUsize::new(0));
    let host = with_probe(host_builder().provider(Oracle(Arc::clone(&asked))));
    let probe = goatherd_tests::probe(&host, limits()).await;
    let got = call(&probe, "cache.get", json!({ "key": "meaning" }))
        .await
        .unwrap();
    assert!(got.to_string().contains("meaning of probe"), "{got}");
    let refused = call(&probe, "cache.set", json!({ "key": "a", "value": "b" })).await;
    assert!(refused.unwrap_err().to_string().contains("the oracle"));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // It is opened as ours is.
    let refused = load(
        &host,
        "probe.wasm",
        guest("probe"),
        &["db:readwrite=*", "config"],
        limits(),
    )
    .await;
    assert!(refused.unwrap_err().to_string().contains("cache:"));
}

/// Settings of the application's own.
struct Colours;

impl goatherd::capability::config::Settings for Colours {
    fn application(&self, key: &str) -> Option<serde_json::Value> {
        key.strip_prefix("colour.")
            .map(|of| json!(format!("{of} is red")))
    }

    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<serde_json::Value> {
        Some(json!(format!("{key} of {plugin}")))
    }

    fn application_keys(&self) -> Vec<String> {
        vec!["colour.rose".to_owned()]
    }

    fn plugin_keys(&self, _: &PluginName) -> Vec<String> {
        vec!["size".to_owned()]
    }
}

#[tokio::test]
async fn a_back_end_of_the_applications_own_stands_behind_our_provider_with_its_checks() {
    let config = goatherd::capability::config::Config::new(Colours);
    let host = with_probe(host_builder().provider(config));
    let granted = &["db:readwrite=*", "cache:readwrite", "config=colour.*"];
    let probe = plugin(&host, "probe", granted, limits()).await;
    for (key, value) in [
        ("colour.rose", json!("rose is red")),
        ("plugin.size", json!("size of probe")),
    ] {
        let got = call(&probe, "config.get", json!({ "key": key }))
            .await
            .unwrap();
        assert_eq!(got["value"], value);
    }
    let refused = call(&probe, "config.get", json!({ "key": "smell.rose" })).await;
    assert!(refused.unwrap_err().to_string().contains("smell.rose"));
}

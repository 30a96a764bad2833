//! Rows: adding, switching, configuring, ordering.

use std::collections::{BTreeMap, BTreeSet};

use goatherd::capability::config::{FixedSettings, Settings as _};
use goatherd::registry::RegistrySettings;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_record_is_added_switched_and_removed_in_every_store() {
    for kind in StoreKind::all() {
        let service = kind.service().await;
        let mut newsletter = record("newsletter");
        newsletter.nav = true;
        newsletter.sort = 10;
        newsletter
            .labels
            .insert("ar".parse().unwrap(), "النشرة".to_owned());
        newsletter
            .labels
            .insert("en".parse().unwrap(), "Newsletter".to_owned());
        service.register(newsletter.clone()).await.unwrap();
        let kept = service.get("newsletter").unwrap();
        assert_eq!(
            Record {
                revision: 0,
                ..(*kept).clone()
            },
            newsletter
        );
        assert!(service.is_enabled("newsletter"));
        service.disable("newsletter").await.unwrap();
        assert!(!service.is_enabled("newsletter"));
        assert_eq!(slugs(&service.nav()), [] as [&str; 0]);
        assert_eq!(slugs(&service.list()), ["newsletter"]);
        service.enable("newsletter").await.unwrap();
        assert_eq!(slugs(&service.nav()), ["newsletter"]);
        service.remove("newsletter").await.unwrap();
        assert!(service.get("newsletter").is_none());
    }
}

#[tokio::test]
async fn settings_are_merged_and_null_removes_one() {
    for kind in StoreKind::all() {
        let service = kind.service().await;
        service.register(record("newsletter")).await.unwrap();
        let first = json!({ "from": "news@acme.io", "double_optin": true });
        service
            .configure("newsletter", &object(first))
            .await
            .unwrap();
        let second = json!({ "double_optin": null, "limits": { "day": 3 } });
        service
            .configure("newsletter", &object(second))
            .await
            .unwrap();
        let kept = service.get("newsletter").unwrap();
        let expected = json!({ "from": "news@acme.io", "limits": { "day": 3 } });
        assert_eq!(json!(kept.config), expected);
        assert_eq!(
            service.config_value("newsletter", "from"),
            Some(json!("news@acme.io"))
        );
        assert_eq!(service.config_value("newsletter", "double_optin"), None);
        assert_eq!(service.config_value("other", "from"), None);
    }
}

#[tokio::test]
async fn what_can_be_read_can_be_listed_wherever_it_was_configured() {
    let service = Service::new();
    service.register(record("newsletter")).await.unwrap();
    let configured = object(json!({ "from": "administrator", "limits": { "day": 3 } }));
    service.configure("newsletter", &configured).await.unwrap();
    let file = BTreeMap::from([
        ("from".to_owned(), json!("file")),
        ("reply".to_owned(), json!("file")),
    ]);
    let behind = FixedSettings {
        application: BTreeMap::from([("site.name".to_owned(), json!("Helpdesk"))]),
        plugins: BTreeMap::from([("newsletter".to_owned(), file)]),
    };
    let settings = RegistrySettings::new(service, behind);
    let (newsletter, other) = ("newsletter".parse().unwrap(), "other".parse().unwrap());
    let keys: BTreeSet<String> = settings.plugin_keys(&newsletter).into_iter().collect();
    assert_eq!(keys, ["from", "limits", "reply"].map(str::to_owned).into());
    assert_eq!(
        settings.plugin(&newsletter, "from"),
        Some(json!("administrator"))
    );
    assert!(settings.plugin_keys(&other).is_empty());
    assert_eq!(settings.application_keys(), ["site.name"]);
}

#[tokio::test]
async fn registering_again_keeps_settings_and_ensuring_keeps_the_switch_too() {
    for kind in StoreKind::all() {
        let service = kind.service().await;
        service.register(record("newsletter")).await.unwrap();
        let config = object(json!({ "from": "a" }));
        service.configure("newsletter", &config).await.unwrap();
        service.disable("newsletter").await.unwrap();
        service.ensure(record("newsletter")).await.unwrap();
        assert!(!service.is_enabled("newsletter"));
        service.register(record("newsletter")).await.unwrap();
        assert!(service.is_enabled("newsletter"));
        assert_eq!(service.config_value("newsletter", "from"), Some(json!("a")));
    }
}

#[tokio::test]
async fn records_are_in_their_order_and_equal_ones_by_slug() {
    let service = Service::new();
    for (slug, sort) in [("b", 1), ("a", 1), ("z", -5), ("m", 0)] {
        let mut one = record(slug);
        one.sort = sort;
        one.nav = slug != "m";
        service.register(one).await.unwrap();
    }
    assert_eq!(slugs(&service.list()), ["z", "m", "a", "b"]);
    service.disable("a").await.unwrap();
    assert_eq!(slugs(&service.nav()), ["z", "b"]);
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_does() {
    for kind in StoreKind::all() {
        let service = kind.service().await;
        service.register(record("newsletter")).await.unwrap();
        for slug in ["newsletters", "News", "../newsletter", ""] {
            for error in [
                service.enable(slug).await.unwrap_err(),
                service.configure(slug, &Map::new()).await.unwrap_err(),
                service.remove(slug).await.unwrap_err(),
            ] {
                let text = error.to_string();
                assert!(text.contains("there are: newsletter"), "{text}");
            }
        }
    }
}

#[test]
fn a_record_as_json_is_that_of_the_togo_plugin_host() {
    let written = json!({
        "slug": "newsletter", "kind": "integration", "enabled": true, "config": { "from": "a" }, "nav": true, "sort": 10,
        "label_en": "Newsletter", "label_ar": "النشرة"
    });
    let parsed: Record = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(parsed.kind, Kind::Integration);
    assert_eq!(parsed.label(&"ar-EG".parse().unwrap()), "النشرة");
    assert_eq!(parsed.label(&"de".parse().unwrap()), "Newsletter");
    assert_eq!(serde_json::to_value(&parsed).unwrap(), written);
    let error =
        serde_json::from_value::<Record>(json!({ "slug": "a", "enabld": true })).unwrap_err();
    assert!(error.to_string().contains("enabld"), "{error}");
}

#[tokio::test]
async fn a_bounded_store_takes_no_more_than_it_says() {
    let service = Service::with_store(MemoryStore::new(2)).await.unwrap();
    service.register(record("a")).await.unwrap();
    service.register(record("b")).await.unwrap();
    let error = service.register(record("c")).await.unwrap_err();
    assert!(error.to_string().contains("2 records"), "{error}");
    service.disable("a").await.unwrap();
    assert_eq!(slugs(&service.list()), ["a", "b"]);
}

//! What is set is what is read: sizes, signs, organisations, and what an operator sees.

use goatherd::capability::secure_config::{Hint, Secret, SecretError};
use serde_json::{Value, json};

use crate::kept::{Kept, named, own, put, secret_id, soon};
use crate::{get, on_both, org, said, set, try_get, try_set};

on_both![
    what_was_set_is_read_until_it_is_replaced_or_deleted,
    any_text_of_up_to_4096_bytes_is_kept_as_it_is,
    a_key_has_1_to_128_bytes_without_control_characters,
    an_organisations_own_value_comes_before_the_one_for_all,
    a_value_is_set_for_the_organisation_of_the_call_alone,
    what_an_operator_set_before_the_plugin_ran_is_read_by_it,
    the_host_reads_with_a_plugins_identity,
    a_list_has_names_and_hints_and_no_secrets,
    a_plugin_has_a_thousand_secrets_and_no_more,
    secrets_outlive_the_host,
    a_call_that_has_no_time_left_is_timed_out,
];

async fn what_was_set_is_read_until_it_is_replaced_or_deleted(kept: Kept) {
    let plugin = kept.probe().await;
    assert_eq!(get(&plugin, "token").await, Value::Null);
    set(&plugin, "token", "one").await;
    assert_eq!(get(&plugin, "token").await, "one");
    set(&plugin, "token", "two").await;
    assert_eq!(get(&plugin, "token").await, "two");
    assert_eq!(kept.rows().await.len(), 1);
    let service = kept.service().await;
    assert!(service.delete(&own("token"), soon()).await.unwrap());
    assert!(!service.delete(&own("token"), soon()).await.unwrap());
    assert_eq!(get(&plugin, "token").await, Value::Null);
}

async fn any_text_of_up_to_4096_bytes_is_kept_as_it_is(kept: Kept) {
    let plugin = kept.probe().await;
    for (key, value) in [
        ("empty", String::new()),
        ("nul", "\0before\0after\0".to_owned()),
        ("emoji", "🐐🔑 naïve\u{301}\u{202e}".to_owned()),
        (
            "quotes",
            r#"'; DROP TABLE goatherd_secret; -- "$1" ?"#.to_owned(),
        ),
        ("lines", "-----BEGIN KEY-----\r\n\t=\n".to_owned()),
        ("longest", "x".repeat(4_096)),
        ("longest emoji", "🐐".repeat(1_024)),
    ] {
        set(&plugin, key, &value).await;
        assert_eq!(get(&plugin, key).await, value, "{key}");
    }
    for value in ["x".repeat(4_097), "🐐".repeat(1_024) + "x"] {
        let error = try_set(&plugin, org(None), "longest", &value).await;
        let (code, text) = said(&error.unwrap_err());
        assert_eq!(code, "too-large");
        assert!(
            text.contains("4097 bytes") && text.contains("4096"),
            "{text}"
        );
    }
    assert_eq!(
        get(&plugin, "longest").await,
        "x".repeat(4_096),
        "what was refused changed nothing"
    );
}

async fn a_key_has_1_to_128_bytes_without_control_characters(kept: Kept) {
    let plugin = kept.probe().await;
    let longest = "k".repeat(128);
    for key in [&longest, "a", " ", "Ünïcode 🔑", "a/b:c,d'\"", "%_*?"] {
        set(&plugin, key, key).await;
        assert_eq!(get(&plugin, key).await, key);
    }
    let too_long = "k".repeat(129);
    for key in ["", &too_long, "a\0b", "\0", "a\nb", "\u{85}", "\u{7f}"] {
        for outcome in [
            try_get(&plugin, org(None), key).await,
            try_set(&plugin, org(None), key, "v").await,
        ] {
            let (code, text) = said(&outcome.unwrap_err());
            assert_eq!(code, "invalid-argument", "{key:?}");
            assert!(text.contains("probe-secrets"), "{text}");
        }
    }
    assert_eq!(kept.rows().await.len(), 6);
}

async fn an_organisations_own_value_comes_before_the_one_for_all(kept: Kept) {
    let plugin = kept.probe().await;
    set(&plugin, "token", "everybody's").await;
    let read = |id: Option<i64>| try_get(&plugin, org(id), "token");
    assert_eq!(read(Some(7)).await.unwrap(), "everybody's");
    for id in [7, -1, 0, i64::MIN, i64::MAX] {
        try_set(&plugin, org(id), "token", &format!("of {id}"))
            .await
            .unwrap();
    }
    for id in [7, -1, 0, i64::MIN, i64::MAX] {
        assert_eq!(read(Some(id)).await.unwrap(), format!("of {id}"));
    }
    assert_eq!(read(None).await.unwrap(), "everybody's");
    assert_eq!(read(Some(8)).await.unwrap(), "everybody's");
    let service = kept.service().await;
    service
        .delete(&secret_id("probe-secrets", "token", Some(7)), soon())
        .await
        .unwrap();
    assert_eq!(read(Some(7)).await.unwrap(), "everybody's");
}

async fn a_value_is_set_for_the_organisation_of_the_call_alone(kept: Kept) {
    let plugin = kept.probe().await;
    try_set(&plugin, org(1), "token", "of 1").await.unwrap();
    assert_eq!(
        try_get(&plugin, org(2), "token").await.unwrap(),
        Value::Null
    );
    assert_eq!(
        try_get(&plugin, org(None), "token").await.unwrap(),
        Value::Null
    );
    assert_eq!(try_get(&plugin, org(1), "token").await.unwrap(), "of 1");
}

async fn what_an_operator_set_before_the_plugin_ran_is_read_by_it(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("api key"), "from the operator").await;
    let plugin = kept.probe().await;
    assert_eq!(get(&plugin, "api key").await, "from the operator");
    put(&service, &own("api key"), "another").await;
    assert_eq!(get(&plugin, "api key").await, "another");
}

async fn the_host_reads_with_a_plugins_identity(kept: Kept) {
    let host = kept.host().await;
    let plugin = named("other-secrets", &host, &["secure_config:readwrite"]).await;
    try_set(&plugin, org(3), "webhook", "whsec of 3")
        .await
        .unwrap();
    set(&plugin, "webhook", "whsec").await;
    let service = kept.service().await;
    let read = async |plugin: &str, org| {
        let (plugin, name) = (plugin.parse().unwrap(), "webhook".parse().unwrap());
        let secret = service.get(&plugin, org, &name, soon()).await.unwrap();
        secret.map(|secret| secret.expose().to_owned())
    };
    assert_eq!(read("other-secrets", None).await.unwrap(), "whsec");
    assert_eq!(read("other-secrets", Some(3)).await.unwrap(), "whsec of 3");
    assert_eq!(read("other-secrets", Some(4)).await.unwrap(), "whsec");
    assert_eq!(read("probe-secrets", None).await, None);
}

async fn a_list_has_names_and_hints_and_no_secrets(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("stripe"), "sk_live_4eC39HqLyjWDarjtT1zd").await;
    put(
        &service,
        &secret_id("probe-secrets", "stripe", Some(9)),
        "hunter2",
    )
    .await;
    put(&service, &own("Pin"), "1234").await;
    put(
        &service,
        &secret_id("other-secrets", "stripe", None),
        "another plugin's",
    )
    .await;
    let plugin = "probe-secrets".parse().unwrap();
    let list = service.list(&plugin, soon()).await.unwrap();
    let seen: Vec<_> = list
        .iter()
        .map(|one| (one.name.as_str(), one.org, one.hint.clone().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("Pin", None, Hint::Hidden),
            ("stripe", None, Hint::Ends("T1zd".into())),
            ("stripe", Some(9), Hint::Hidden),
        ]
    );
    let shown = format!("{list:?}");
    for secret in ["sk_live", "hunter2", "1234", "another"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

async fn a_plugin_has_a_thousand_secrets_and_no_more(kept: Kept) {
    let service = kept.service().await;
    for number in 0..1_000 {
        put(&service, &own(&format!("k{number}")), "v").await;
    }
    let secret = Secret::new("one more".into());
    let error = service.set(&own("k1000"), &secret, soon()).await;
    assert!(matches!(error, Err(SecretError::Full { .. })), "{error:?}");
    let plugin = kept.probe().await;
    let error = try_set(&plugin, org(None), "k1000", "v").await.unwrap_err();
    let (code, text) = said(&error);
    assert_eq!(code, "too-large");
    assert!(text.contains("1000 secrets"), "{text}");
    set(&plugin, "k0", "replaced").await;
    assert_eq!(get(&plugin, "k0").await, "replaced");
    put(&service, &secret_id("probe-secrets", "k1000", Some(1)), "v").await;
    put(&service, &secret_id("other-secrets", "k1000", None), "v").await;
    service.delete(&own("k1"), soon()).await.unwrap();
    set(&plugin, "k1000", "v").await;
}

async fn secrets_outlive_the_host(kept: Kept) {
    set(&kept.probe().await, "token", "kept").await;
    assert_eq!(get(&kept.probe().await, "token").await, "kept");
}

async fn a_call_that_has_no_time_left_is_timed_out(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("token"), "before").await;
    let past = std::time::Instant::now() - std::time::Duration::from_millis(1);
    let (plugin, name) = ("probe-secrets".parse().unwrap(), "token".parse().unwrap());
    let read = service.get(&plugin, None, &name, past).await;
    let written = service
        .set(&own("token"), &Secret::new("after".into()), past)
        .await;
    for error in [read.map(|_| ()).unwrap_err(), written.unwrap_err()] {
        let error: goatherd::contract::Error = error.into();
        assert_eq!(error.code(), "timed-out");
    }
    let plugin = kept.probe().await;
    assert_eq!(json!(get(&plugin, "token").await), "before");
}

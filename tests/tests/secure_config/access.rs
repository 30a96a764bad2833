//! Whose secrets a plugin gets at: its own, within its scope, and a refusal touches nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use goatherd::capability::secure_config::{
    KeyId, KeyRing, Put, Replaced, Replacement, Retired, Sealed, SecretId, SecretName,
    SecretService, SecretStore, Stored,
};
use goatherd::contract::PluginName;
use goatherd::runtime::LoadError;
use goatherd::store::StoreError;
use goatherd_tests::{guest, limits, load};
use serde_json::Value;

use crate::kept::{Kept, host, named, probe, put, secret_id};
use crate::{get, on_both, org, said, set, try_get, try_set};

on_both![
    no_key_names_another_plugins_secret,
    a_scope_limits_a_plugin_to_some_of_its_keys,
    the_same_key_of_two_plugins_is_two_secrets,
];

async fn no_key_names_another_plugins_secret(kept: Kept) {
    let service = kept.service().await;
    put(
        &service,
        &secret_id("other-secrets", "token", None),
        "not yours",
    )
    .await;
    put(
        &service,
        &secret_id("other-secrets", "token", Some(5)),
        "nor this",
    )
    .await;
    let plugin = kept.probe().await;
    for key in [
        "other-secrets:token",
        "other-secrets/token",
        "../other-secrets/token",
        "..",
        "other-secrets.token",
        "plugin.other-secrets.token",
        "%",
        "_____",
        "*",
        "' OR plugin = 'other-secrets",
        "token' AND plugin = 'other-secrets' --",
        "TOKEN",
        "token ",
    ] {
        assert_eq!(get(&plugin, key).await, Value::Null, "{key}");
        let read = try_get(&plugin, org(5), key).await.unwrap();
        assert_eq!(read, Value::Null, "{key}");
    }
    for key in ["other-secrets\0token", "\0", "token\0"] {
        let error = try_get(&plugin, org(None), key).await.unwrap_err();
        assert_eq!(error.code(), "invalid-argument");
    }
    set(&plugin, "token", "my own").await;
    let other = "other-secrets".parse().unwrap();
    let name = "token".parse().unwrap();
    let theirs = service.get(&other, None, &name, crate::kept::soon()).await;
    assert_eq!(theirs.unwrap().unwrap().expose(), "not yours");
}

async fn a_scope_limits_a_plugin_to_some_of_its_keys(kept: Kept) {
    let host = kept.host().await;
    let granted = [
        "secure_config:read=stripe.*,pin",
        "secure_config:write=stripe.*",
    ];
    let plugin = probe(&host, &granted).await;
    set(&plugin, "stripe.key", "v").await;
    assert_eq!(get(&plugin, "stripe.key").await, "v");
    assert_eq!(get(&plugin, "pin").await, Value::Null);
    for (outcome, access, key) in [
        (try_get(&plugin, org(None), "pins").await, "read", "pins"),
        (
            try_get(&plugin, org(None), "Stripe.key").await,
            "read",
            "Stripe.key",
        ),
        (
            try_get(&plugin, org(None), "x.stripe.").await,
            "read",
            "x.stripe.",
        ),
        (
            try_set(&plugin, org(None), "pin", "v").await,
            "write",
            "pin",
        ),
    ] {
        let (code, text) = said(&outcome.unwrap_err());
        assert_eq!(code, "permission-denied", "{key}");
        for words in [
            "plugin \"probe-secrets\"",
            &format!("\"{key}\""),
            &format!("grant secure_config:{access}={key}"),
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
    assert_eq!(kept.rows().await.len(), 1);
}

async fn the_same_key_of_two_plugins_is_two_secrets(kept: Kept) {
    let host = kept.host().await;
    let one = probe(&host, &["secure_config:readwrite"]).await;
    let two = named("other-secrets", &host, &["secure_config:readwrite"]).await;
    set(&one, "token", "one").await;
    set(&two, "token", "two").await;
    assert_eq!(get(&one, "token").await, "one");
    assert_eq!(get(&two, "token").await, "two");
}

#[tokio::test]
async fn without_a_grant_it_is_not_loaded_and_told_what_is_missing() {
    let kept = Kept::sqlite();
    let host = kept.host().await;
    for (granted, missing) in [
        (&[][..], &["secure_config:read", "secure_config:write"][..]),
        (&["secure_config:read"], &["secure_config:write"]),
        (&["secure_config:write"], &["secure_config:read"]),
    ] {
        let refused = load(&host, "p", guest("probe-secrets"), granted, limits()).await;
        let Err(LoadError::NotGranted { missing: found, .. }) = refused else {
            panic!("{granted:?}");
        };
        let found: Vec<_> = found.iter().map(|one| one.need.to_string()).collect();
        assert_eq!(found, missing);
    }
}

/// A back-end of an embedder's own, which counts how often it is asked.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Counting {
    fn asked<T>(&self, answer: T) -> Result<T, StoreError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }
}

#[async_trait]
impl SecretStore for Counting {
    async fn find(
        &self,
        _: &PluginName,
        _: &SecretName,
        _: Option<i64>,
        _: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError> {
        self.asked(None)
    }

    async fn put(&self, _: &SecretId, _: Sealed, _: Instant) -> Result<Put, StoreError> {
        self.asked(Put::Done)
    }

    async fn delete(&self, _: &SecretId, _: Instant) -> Result<bool, StoreError> {
        self.asked(false)
    }

    async fn list(&self, _: &PluginName, _: Instant) -> Result<Vec<Stored>, StoreError> {
        self.asked(Vec::new())
    }

    async fn sealed_otherwise(
        &self,
        _: &KeyId,
        _: Option<&SecretId>,
        _: usize,
        _: Instant,
    ) -> Result<Vec<(SecretId, Sealed)>, StoreError> {
        self.asked(Vec::new())
    }

    async fn replace(&self, _: Vec<Replacement>, _: Instant) -> Result<Replaced, StoreError> {
        self.asked(Replaced::Done(0))
    }

    async fn retire(&self, _: &KeyId, _: Instant) -> Result<Retired, StoreError> {
        self.asked(Retired::Done)
    }
}

#[tokio::test]
async fn a_call_that_is_refused_asks_no_back_end_and_one_that_is_not_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = Counting::default();
    let ring = KeyRing::open(folder.path().join("keys")).unwrap();
    let host = host(SecretService::new(store.clone(), ring));
    let granted = ["secure_config:read=a", "secure_config:write=a"];
    let plugin = probe(&host, &granted).await;
    let long = "k".repeat(129);
    for key in ["b", "", &long, "a\0", "*"] {
        try_get(&plugin, org(None), key).await.unwrap_err();
        try_set(&plugin, org(1), key, "v").await.unwrap_err();
    }
    let large = "v".repeat(4_097);
    try_set(&plugin, org(None), "a", &large).await.unwrap_err();
    assert_eq!(store.0.load(Ordering::Relaxed), 0);
    get(&plugin, "a").await;
    set(&plugin, "a", "v").await;
    assert_eq!(store.0.load(Ordering::Relaxed), 2);
}

/// A back-end that answers with what belongs to another organisation.
struct Confused(Sealed);

#[async_trait]
impl SecretStore for Confused {
    async fn find(
        &self,
        _: &PluginName,
        _: &SecretName,
        _: Option<i64>,
        _: Instant,
    ) -> Result<Option<(Option<i64>, Sealed)>, StoreError> {
        Ok(Some((Some(5), self.0.clone())))
    }

    async fn put(&self, _: &SecretId, _: Sealed, _: Instant) -> Result<Put, StoreError> {
        Ok(Put::KeyRetired)
    }

    async fn delete(&self, _: &SecretId, _: Instant) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn list(&self, _: &PluginName, _: Instant) -> Result<Vec<Stored>, StoreError> {
        Ok(Vec::new())
    }

    async fn sealed_otherwise(
        &self,
        _: &KeyId,
        _: Option<&SecretId>,
        _: usize,
        _: Instant,
    ) -> Result<Vec<(SecretId, Sealed)>, StoreError> {
        Ok(Vec::new())
    }

    async fn replace(&self, _: Vec<Replacement>, _: Instant) -> Result<Replaced, StoreError> {
        Ok(Replaced::KeyRetired)
    }

    async fn retire(&self, _: &KeyId, _: Instant) -> Result<Retired, StoreError> {
        Ok(Retired::Done)
    }
}

#[tokio::test]
async fn a_back_end_that_finds_another_organisations_secret_is_not_believed() {
    let kept = Kept::sqlite();
    let service = kept.service().await;
    put(
        &service,
        &secret_id("probe-secrets", "token", Some(5)),
        "of 5",
    )
    .await;
    let row = kept.rows().await.remove(0);
    let sealed = Sealed {
        key_id: row.key_id.parse().unwrap(),
        nonce: row.nonce,
        ciphertext: row.ciphertext,
    };
    let host = host(SecretService::new(Confused(sealed), kept.ring()));
    let plugin = probe(&host, &["secure_config:readwrite"]).await;
    assert_eq!(try_get(&plugin, org(5), "token").await.unwrap(), "of 5");
    for context in [org(6), org(None)] {
        let error = try_get(&plugin, context, "token").await.unwrap_err();
        assert_eq!(error.code(), "unavailable");
        assert!(!error.to_string().contains("of 5"));
    }
    let error = try_set(&plugin, org(None), "token", "v").await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(error.to_string().contains("is retired"), "{error}");
}

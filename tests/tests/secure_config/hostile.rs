//! Somebody who can write the database and cannot read the keys: nothing that they do becomes a text.

use std::collections::HashSet;

use goatherd::capability::secure_config::{Hint, KeyRing, OpenError};
use goatherd::contract::CallContext;

use crate::kept::{Kept, Row, own, probe, put, secret_id, soon};
use crate::{get, on_both, org, said, set, try_get};

on_both![
    a_ciphertext_that_was_cut_short_or_changed_is_an_error,
    a_ciphertext_in_another_place_is_an_error,
    a_ring_without_the_key_is_an_error_that_names_the_key,
    another_key_under_the_same_id_is_an_error,
    a_damaged_organisations_secret_is_not_replaced_by_the_one_for_all,
    a_damaged_secret_can_be_listed_replaced_and_deleted,
    a_thousand_secrets_have_a_thousand_nonces,
];

/// What a plugin gets to hear: `unavailable`, with the secret's place, and nothing of its text.
async fn refused(plugin: &goatherd::Plugin, context: CallContext, key: &str) -> String {
    let error = try_get(plugin, context, key).await.unwrap_err();
    let (code, text) = said(&error);
    assert_eq!(code, "unavailable", "{text}");
    assert!(text.contains(&format!("\"{key}\"")), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    text
}

async fn overwrite(kept: &Kept, column: &str, bytes: &[u8]) {
    let bytes = kept.bytes(bytes);
    kept.sql(&format!("UPDATE goatherd_secret SET {column} = {bytes}"))
        .await;
}

async fn a_ciphertext_that_was_cut_short_or_changed_is_an_error(kept: Kept) {
    let plugin = kept.probe().await;
    set(&plugin, "token", "hunter2").await;
    let row = kept.rows().await.remove(0);
    let whole = &row.ciphertext;
    assert_eq!(whole.len(), 1 + "hunter2".len() + 16);
    for length in [0, 1, 16, 17, whole.len() - 1] {
        overwrite(&kept, "ciphertext", &whole[..length]).await;
        refused(&plugin, org(None), "token").await;
    }
    overwrite(&kept, "ciphertext", &[&whole[..], b"x"].concat()).await;
    refused(&plugin, org(None), "token").await;
    for secret_id in [0, 1, 4, whole.len() - 16, whole.len() - 1] {
        let mut turned = whole.clone();
        turned[secret_id] ^= 1;
        overwrite(&kept, "ciphertext", &turned).await;
        refused(&plugin, org(None), "token").await;
    }
    overwrite(&kept, "ciphertext", whole).await;
    assert_eq!(get(&plugin, "token").await, "hunter2");
    for nonce in [&row.nonce[..23], &[0; 24], &[]] {
        overwrite(&kept, "nonce", nonce).await;
        refused(&plugin, org(None), "token").await;
    }
}

async fn a_ciphertext_in_another_place_is_an_error(kept: Kept) {
    let service = kept.service().await;
    put(
        &service,
        &secret_id("other-secrets", "token", None),
        "hunter2",
    )
    .await;
    let foreign = kept.rows().await.remove(0);
    put(&service, &own("token"), "mine").await;
    put(&service, &own("second"), "mine").await;
    put(
        &service,
        &secret_id("probe-secrets", "token", Some(5)),
        "mine",
    )
    .await;
    put(
        &service,
        &secret_id("probe-secrets", "token", Some(6)),
        "mine",
    )
    .await;
    let rows = kept.rows().await;
    let mine = |name: &str, org: &str| -> Row {
        let found = rows
            .iter()
            .find(|row| (&*row.plugin, &*row.name, &*row.org) == ("probe-secrets", name, org));
        found.unwrap().clone()
    };
    let plugin = kept.probe().await;
    let into =
        |name, org| format!("plugin = 'probe-secrets' AND name = '{name}' AND org = '{org}'");
    for (from, name, to) in [
        (foreign, "token", None),
        (mine("second", ""), "token", None),
        (mine("token", "5"), "token", None),
        (mine("token", ""), "token", Some(5)),
        (mine("token", "6"), "token", Some(5)),
    ] {
        let target = into(name, to.map_or(String::new(), |id: i64| id.to_string()));
        let before = mine(name, &to.map_or(String::new(), |id| id.to_string()));
        kept.transplant(&from, &target).await;
        let text = refused(&plugin, org(to), name).await;
        assert!(text.contains("moved"), "{text}");
        kept.transplant(&before, &target).await;
        assert_eq!(try_get(&plugin, org(to), name).await.unwrap(), "mine");
    }
    // A row that is renamed as a whole.
    kept.sql("UPDATE goatherd_secret SET plugin = 'probe-secrets', name = 'third' WHERE plugin = 'other-secrets'")
        .await;
    refused(&plugin, org(None), "third").await;
    kept.sql("UPDATE goatherd_secret SET org = '7' WHERE name = 'token' AND org = '6'")
        .await;
    refused(&plugin, org(7), "token").await;
    kept.sql(
        "UPDATE goatherd_secret SET org = '' WHERE name = 'third'; \
              DELETE FROM goatherd_secret WHERE name = 'token' AND org = ''; \
              UPDATE goatherd_secret SET org = '' WHERE name = 'token' AND org = '5'",
    )
    .await;
    refused(&plugin, org(None), "token").await;
}

async fn a_ring_without_the_key_is_an_error_that_names_the_key(kept: Kept) {
    set(&kept.probe().await, "token", "hunter2").await;
    let id = kept.rows().await.remove(0).key_id;
    std::fs::remove_file(kept.ring_path()).unwrap();
    let plugin = kept.probe().await;
    let text = refused(&plugin, org(None), "token").await;
    assert!(
        text.contains(&id) && text.contains("does not have"),
        "{text}"
    );
    assert!(!text.contains(kept.ring_path().to_str().unwrap()), "{text}");
}

async fn another_key_under_the_same_id_is_an_error(kept: Kept) {
    let plugin = kept.probe().await;
    set(&plugin, "token", "hunter2").await;
    let id = kept.rows().await.remove(0).key_id;
    let ring = format!("{id}:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let wrong = KeyRing::from_text(ring.into()).unwrap();
    let host = crate::kept::host(kept.service_with(wrong).await);
    let other = probe(&host, &["secure_config:readwrite"]).await;
    let text = refused(&other, org(None), "token").await;
    assert!(
        text.contains(&id) && text.contains("is not the one"),
        "{text}"
    );
    assert_eq!(get(&plugin, "token").await, "hunter2");
}

async fn a_damaged_organisations_secret_is_not_replaced_by_the_one_for_all(kept: Kept) {
    let service = kept.service().await;
    put(&service, &own("token"), "everybody's").await;
    put(
        &service,
        &secret_id("probe-secrets", "token", Some(5)),
        "of 5",
    )
    .await;
    let damaged = kept.bytes(&[1; 21]);
    kept.sql(&format!(
        "UPDATE goatherd_secret SET ciphertext = {damaged} WHERE org = '5'"
    ))
    .await;
    let plugin = kept.probe().await;
    refused(&plugin, org(5), "token").await;
    assert_eq!(
        try_get(&plugin, org(6), "token").await.unwrap(),
        "everybody's"
    );
}

async fn a_damaged_secret_can_be_listed_replaced_and_deleted(kept: Kept) {
    let service = kept.service().await;
    for name in ["a", "b", "c"] {
        put(&service, &own(name), "a secret that is long enough").await;
    }
    let damaged = kept.bytes(&[1; 40]);
    kept.sql(&format!(
        "UPDATE goatherd_secret SET ciphertext = {damaged} WHERE name <> 'c'"
    ))
    .await;
    let plugin = "probe-secrets".parse().unwrap();
    let list = service.list(&plugin, soon()).await.unwrap();
    let hints: Vec<_> = list.iter().map(|one| &one.hint).collect();
    assert!(matches!(hints[0], Err(OpenError::Damaged(_))), "{hints:?}");
    assert_eq!(hints[2], &Ok(Hint::Ends("ough".into())));
    put(&service, &own("a"), "again").await;
    assert_eq!(get(&kept.probe().await, "a").await, "again");
    assert!(service.delete(&own("b"), soon()).await.unwrap());
}

async fn a_thousand_secrets_have_a_thousand_nonces(kept: Kept) {
    let plugin = kept.probe().await;
    for number in 0..500 {
        set(&plugin, &format!("k{number}"), "the same").await;
    }
    let first = kept.rows().await;
    for number in 0..500 {
        set(&plugin, &format!("k{number}"), "the same").await;
    }
    let rows = [first, kept.rows().await].concat();
    let nonces: HashSet<_> = rows.iter().map(|row| row.nonce.clone()).collect();
    let ciphertexts: HashSet<_> = rows.iter().map(|row| row.ciphertext.clone()).collect();
    assert_eq!(
        (rows.len(), nonces.len(), ciphertexts.len()),
        (1_000, 1_000, 1_000)
    );
    assert!(rows.iter().all(|row| row.nonce.len() == 24));
}
